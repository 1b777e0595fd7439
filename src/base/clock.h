/* base/clock.h -- seconds and ticks. */
#ifndef GCR_BASE_CLOCK_H
#define GCR_BASE_CLOCK_H

/* Seconds since some moment in the past; never goes back. */
double gcr_clock_seconds(void);

/* Nanoseconds per tick of gcr_ticks() (kernel_math.h), measured once per process (about 2 ms). */
double gcr_clock_ns_per_tick(void);

#endif /* GCR_BASE_CLOCK_H */
