/* tests/support/slow_save.c, by LD_PRELOAD: FAKE_SAVE_SECONDS=N lets results take so long that
 * nearly have their name. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

typedef int rename_as(const char *from, const char *to);

__attribute__((visibility("default"))) rename_as rename;

int rename(const char *from, const char *to)
{
    const char *seconds = getenv("FAKE_SAVE_SECONDS");
    struct timespec left = { .tv_sec = seconds != NULL ? atol(seconds) : 0 };
    rename_as *next;

    if (strstr(to, "results.h5") != NULL)
        while (thrd_sleep(&left, &left) != 0)
            ;
    *(void **)&next = dlsym(RTLD_NEXT, "rename");
    return next(from, to);
}
