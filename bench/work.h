/*
 * bench/work.h -- a job that a bench runs in its own process, again and again.
 *
 * A gcr_run computes once, so every repetition makes a run of its own from the same job and data.
 */
#ifndef GCR_BENCH_WORK_H
#define GCR_BENCH_WORK_H

#include "exec/run_private.h"

typedef struct bench_work {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run; /* of the last repetition; NULL before the first */
} bench_work;

/* From a job file, or, if `text` is not NULL, from text with `path` as its name. */
GCR_MUST_CHECK gcr_status bench_work_open(bench_work *out, const char *path, const char *text);
void bench_work_close(bench_work *work);

/* A fresh run in place of the last one, checked to be complete: every live cell has a result. try()
 * lets cells fail. */
GCR_MUST_CHECK gcr_status bench_work_execute(bench_work *work);
GCR_MUST_CHECK gcr_status bench_work_try(bench_work *work);

/* Writes the results of the last repetition to `folder`, without syncing unless `syncs`. */
GCR_MUST_CHECK gcr_status bench_work_write(bench_work *work, const char *folder, int syncs);

/* That `who` has left the first output of each cell of the last repetition in the file, as f8 in
 * the order of the keys, within 1e-8: the condition numbers of the jobs go up to 1e5. GCR_EDEVICE,
 * GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status bench_work_compare(const bench_work *work, const char *path,
                                             const char *who);

#endif /* GCR_BENCH_WORK_H */
