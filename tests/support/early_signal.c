/* tests/support/early_signal.c, by LD_PRELOAD: a warning that comes while the program looks for its
 * locale, which is among the first things that any does. */
#include <dlfcn.h>
#include <locale.h>
#include <signal.h>

__attribute__((visibility("default"))) char *setlocale(int category, const char *name)
{
    char *(*next)(int, const char *);

    *(void **)&next = dlsym(RTLD_NEXT, "setlocale");
    raise(SIGUSR1);
    return next(category, name);
}
