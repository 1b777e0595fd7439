/*
 * bench/rival.h -- another system, in a process of its own, that does the same work when asked.
 *
 * A rival says "ready NAME VERSION" on its standard output, then answers every line "NS COUNT" on
 * its standard input (run COUNT tasks that spin NS nanoseconds each) with the seconds it took. It
 * holds its workers ready in between without using a processor, and ends at the end of its input.
 */
#ifndef GCR_BENCH_RIVAL_H
#define GCR_BENCH_RIVAL_H

#include "gridcrunch/status.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

typedef struct bench_rival {
    pid_t process; /* 0: not there */
    FILE *to, *from;
    char version[64];
} bench_rival;

/* Starts `argv` (NULL-terminated, argv[0] a path). A rival that is not installed, or does not come
 * up, is no failure: out->process is 0. GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status bench_rival_open(bench_rival *out, const char *const *argv);
void bench_rival_close(bench_rival *rival);

/* StarPU with so many workers, which keeps its calibrations in the folder `home`; joblib, whose
 * batches are `batch`: "1" or "auto". */
GCR_MUST_CHECK gcr_status bench_rival_open_starpu(bench_rival *out, const char *home, int workers);
GCR_MUST_CHECK gcr_status bench_rival_open_joblib(bench_rival *out, const char *batch);

/* GCR_EIO: it ended, or answered something that is no number. */
GCR_MUST_CHECK gcr_status bench_rival_time(bench_rival *rival, double ns, uint64_t count,
                                           double *seconds_out);

#endif /* GCR_BENCH_RIVAL_H */
