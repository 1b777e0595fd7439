/*
 * tests/support/held_rank.c -- to be preloaded: rank HELD_RANK of srun is slow to start its MPI.
 *
 * There Open MPI looks for messages and sleeps 100 us in turn. Here that sleep is longer and ends
 * with looks of its own, so that what others send too early is there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int is_held(void)
{
    const char *rank = getenv("PMIX_RANK"), *held = getenv("HELD_RANK");

    return rank != NULL && held != NULL && strcmp(rank, held) == 0;
}

static int pause_for(long nanoseconds)
{
    return nanosleep(&(struct timespec){ .tv_nsec = nanoseconds }, NULL);
}

__attribute__((visibility("default"))) int usleep(useconds_t microseconds)
{
    void (*look)(void) = NULL;

    if (microseconds != 100 || !is_held())
        return pause_for(microseconds * 1000L);
    *(void **)&look = dlsym(RTLD_DEFAULT, "opal_progress");
    pause_for(200000000);
    for (int i = 0; look != NULL && i < 25; i++) {
        look();
        pause_for(4000000);
    }
    return 0;
}
