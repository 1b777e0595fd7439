/*
 * cuda/cuda_timing.h -- what cells take on this GPU when an algorithm of one's choice computes them.
 *
 * Everything is measured on the road that batches take: a table of crossovers in which the algorithm
 * comes first stands in the place of the device's for so long. Datasets are made, of one feature.
 */
#ifndef GCR_CUDA_TIMING_H
#define GCR_CUDA_TIMING_H

#include "cuda/cuda_program.h"

/* One precision, under measurement. */
typedef struct cuda_bench {
    cuda_device *device;
    const gcr_calibration_spec *spec;
    gcr_scalar scalar;
    gcr_queue *queue;
    gcr_program *matrix, *cell;
    cudaEvent_t begin, end;
} cuda_bench;

/* Close it in any case. */
GCR_MUST_CHECK gcr_status gcr_cuda_bench_open(cuda_bench *out, cuda_device *device,
                                              const gcr_calibration_spec *spec, gcr_scalar scalar);
void gcr_cuda_bench_close(cuda_bench *b);

/* The table of the device for this precision, which holds what has been found so far. */
gcr_crossovers *gcr_cuda_bench_table(const cuda_bench *b);

/* Says a line to whoever asked for the calibration. */
void gcr_cuda_bench_tell(const cuda_bench *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Nanoseconds for a cell of a dataset of so many rows. GCR_ENOMEM: the GPU has no room for it. */
GCR_MUST_CHECK gcr_status gcr_cuda_time_cells(double *out, const cuda_bench *b,
                                              gcr_program *program, int64_t rows,
                                              const gcr_crossovers *table);

/* ---- tables in which one comes first --------------------------------------------------------- */

gcr_crossovers gcr_cuda_prefer_thread(const cuda_bench *b);
gcr_crossovers gcr_cuda_prefer_warp(const cuda_bench *b);

/* Of this shape; NULL: of those that the table has. */
gcr_crossovers gcr_cuda_prefer_block(const cuda_bench *b, const gcr_block_class *shape);

/* A block whose matrix is not on the chip; all blocks together, with a library. */
gcr_crossovers gcr_cuda_prefer_memory(const cuda_bench *b, int threads);
gcr_crossovers gcr_cuda_prefer_grid(const cuda_bench *b);

#endif /* GCR_CUDA_TIMING_H */
