/*
 * bench/fit.h -- what a copy costs whatever its size, and what each byte adds: t = a + s / b.
 *
 * Sizes go over nine powers of ten, so errors are relative. Some of the times may be anything
 * (another program, a clock that changes): an error of more than 30 % counts as one of 30 %, and
 * only what lies near the best line decides where exactly it is.
 */
#ifndef GCR_BENCH_FIT_H
#define GCR_BENCH_FIT_H

enum { BENCH_FIT_MAX = 64 };

typedef struct bench_line {
    double latency; /* a, seconds >= 0 */
    double rate;    /* b, bytes per second; NaN where bytes make no hundredth of the longest time */
    double half;    /* a b: with so many bytes half the time is latency; or NaN                   */
    double residual; /* the median of what the times are off, as a part of 1 */
} bench_line;

/* The line through `count` sizes, 1 to BENCH_FIT_MAX, all > 0 as the times are. */
bench_line bench_fit(const double *bytes, const double *seconds, int count);

#endif /* GCR_BENCH_FIT_H */
