/* base/clock.c -- the monotonic clock, and how long a tick of the processor is. */
#include "base/clock.h"

#include "gridcrunch/kernel.h" /* gcr_ticks(): what is a tick is decided there */

#include <math.h>
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

struct timespec gcr_clock_in(double seconds)
{
    const double most = 1e9; /* thirty years: the sum stays far inside time_t */
    const double bounded = fmin(fmax(seconds, 0), most);
    struct timespec when;

    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += (time_t)bounded;
    when.tv_nsec += (long)((bounded - floor(bounded)) * 1e9);
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

void gcr_clock_cond(pthread_cond_t *out)
{
    pthread_condattr_t attributes;

    /* Linux: none of these can fail. */
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(out, &attributes);
    pthread_condattr_destroy(&attributes);
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
