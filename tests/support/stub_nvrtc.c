/*
 * tests/support/stub_nvrtc.c -- a library that opens a part of itself by name, as NVRTC does: with
 * GCR_STUB_PART this is the part.
 */
#include <dlfcn.h>
#include <stddef.h>

#ifdef GCR_STUB_PART
__attribute__((visibility("default"))) int gcr_stub_part(void);

int gcr_stub_part(void)
{
    return 1;
}
#else
__attribute__((visibility("default"))) int gcr_stub_compile(void);
__attribute__((visibility("default"))) int gcr_stub_version(void);

/* False: the part is not found. */
int gcr_stub_compile(void)
{
    return dlopen("libgcr_stub_builtins.so.13.0", RTLD_NOW | RTLD_LOCAL) != NULL;
}

int gcr_stub_version(void)
{
    return 13;
}
#endif
