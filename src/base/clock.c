/* base/clock.c -- the monotonic clock, and how long a tick of the processor is. */
#include "base/clock.h"

#include "gridcrunch/kernel.h" /* gcr_ticks(): what is a tick is decided there */

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

double gcr_clock_seconds(void)
{
    return (double)clock_ns() * 1e-9;
}

static double ns_per_tick;

/* One moment on both clocks. */
typedef struct moment {
    uint64_t ns, ticks;
} moment;

/* The best of a few tries: if the kernel takes the processor between the two readings, the ticks
 * around the clock's reading are far apart. */
static moment read_both(void)
{
    moment best = { 0, 0 };
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < 5; i++) {
        const uint64_t before = gcr_ticks();
        const uint64_t ns = clock_ns();
        const uint64_t gap = gcr_ticks() - before;

        if (gap < least) {
            least = gap;
            best = (moment){ ns, before + gap / 2 };
        }
    }
    return best;
}

static void calibrate(void)
{
    const uint64_t enough_ns = 2000000;
    const moment first = read_both();
    moment last;

    do
        last = read_both();
    while (last.ns - first.ns < enough_ns);
    ns_per_tick = (double)(last.ns - first.ns) / (double)(last.ticks - first.ticks);
}

double gcr_clock_ns_per_tick(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, calibrate);
    return ns_per_tick;
}
