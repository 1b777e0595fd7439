/* base/clock.h -- seconds and ticks. */
#ifndef GCR_BASE_CLOCK_H
#define GCR_BASE_CLOCK_H

#include <pthread.h>
#include <time.h>

/* Seconds since some moment in the past; never goes back. */
double gcr_clock_seconds(void);

/* When so many seconds from now have passed, on the clock that gcr_clock_cond() waits by. Negative
 * is 0; thirty years are the most. */
struct timespec gcr_clock_in(double seconds);

/* A condition whose timed waits use the clock that never goes back: a wall clock that is set must
 * not change a time limit. */
void gcr_clock_cond(pthread_cond_t *out);

/* Nanoseconds per tick of gcr_ticks() (kernel_math.h), measured once per process (about 2 ms). */
double gcr_clock_ns_per_tick(void);

#endif /* GCR_BASE_CLOCK_H */
