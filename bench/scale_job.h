/*
 * bench/scale_job.h -- cells of the kernel `scale` by the operations of the seam, one by one.
 *
 * A run decides by itself what is copied when. Benchmarks of copies decide that themselves, so they
 * ask the device for what a run would: a dataset is y alone, a cell is its mean times a factor and
 * reads all of it. The same on every device.
 */
#ifndef GCR_BENCH_SCALE_JOB_H
#define GCR_BENCH_SCALE_JOB_H

#include "device.h"

typedef struct bench_scale {
    uint64_t rows, points; /* of each dataset; point p has the factor p + 1 */
    double *factors;
    gcr_point_table table;
    gcr_unit_setup setup;
    gcr_program_spec spec;
    gcr_program *program;
} bench_scale;

/* Datasets of `rows` rows and `points` points each. Borrows `on`; does not move until it is
 * closed. */
GCR_MUST_CHECK gcr_status bench_scale_open(bench_scale *out, const bench_device *on, uint64_t rows,
                                           uint64_t points);
void bench_scale_close(bench_scale *job);

/* Writes the rows of dataset `number`. */
void bench_scale_fill(double *y, uint64_t rows, uint64_t number);

/* The results of `cells` cells on either side: so many values, then so many states. */
uint64_t bench_scale_record_bytes(uint64_t cells);

/* Points first .. first + count - 1 of the dataset whose rows are at y_dev. Their records are
 * number `at` and following of `records`, which has room for `cells`. */
gcr_unit_tile bench_scale_tile(const bench_scale *job, const void *y_dev, uint64_t first,
                               uint64_t count, const gcr_buf *records, uint64_t at, uint64_t cells);

/* Such records, come down, of the dataset whose rows are `y` are right. GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status bench_scale_check(const bench_scale *job, const double *y, uint64_t first,
                                            uint64_t count, const void *records, uint64_t at,
                                            uint64_t cells);

#endif /* GCR_BENCH_SCALE_JOB_H */
