/*
 * cli/version.c -- what --version says.
 *
 * The libraries are asked by symbol: this room links none of them but jansson, and what counts is
 * what was loaded and not which headers lay around. One that is not there is not named.
 */
#include "cli/version.h"

#include <dlfcn.h>

static void print_hdf5(FILE *stream)
{
    int (*get)(unsigned *, unsigned *, unsigned *) =
        __extension__(int (*)(unsigned *, unsigned *, unsigned *)) dlsym(NULL, "H5get_libversion");
    unsigned major, minor, release;

    if (get != NULL && get(&major, &minor, &release) >= 0)
        fprintf(stream, "HDF5 %u.%u.%u\n", major, minor, release);
}

static void print_text(FILE *stream, const char *label, const char *symbol)
{
    const char *(*get)(void) = __extension__(const char *(*)(void)) dlsym(NULL, symbol);

    if (get != NULL)
        fprintf(stream, "%s%s\n", label, get());
}

void gcr_version_print(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "gridcrunch %s\n", GCR_VERSION);
    print_hdf5(stream);
    print_text(stream, "libyaml ", "yaml_get_version_string");
    print_text(stream, "jansson ", "jansson_version_str");
    print_text(stream, "", "openblas_get_config");
    print_text(stream, "glibc ", "gnu_get_libc_version");
}
