/*
 * cuda/cuda_timing.h -- what cells take on this GPU when an algorithm of one's choice computes
 * them.
 *
 * Everything is measured on the road that batches take: a table of crossovers in which the
 * algorithm comes first stands in the place of the device's for so long. Datasets are made, of one
 * feature.
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
    gcr_program *matrix, *cell, *whole[GCR_CALIBRATION_WHOLE];
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

/* Of a dataset of so many rows, with the options of the program. */
gcr_shape gcr_cuda_bench_shape(const gcr_program *program, int64_t rows);

/* Nanoseconds, by such a table, for a cell of a dataset of so many rows, and for such a dataset to
 * be prepared, one of many. GCR_ENOMEM: the GPU has no room for it. */
typedef gcr_status cuda_clocked(double *out, const cuda_bench *b, gcr_program *program,
                                int64_t rows, const gcr_crossovers *table);
GCR_MUST_CHECK cuda_clocked gcr_cuda_time_cells;
GCR_MUST_CHECK cuda_clocked gcr_cuda_time_prepare;

/* The same; INFINITY where there is no room. */
GCR_MUST_CHECK gcr_status gcr_cuda_time_if_room(cuda_clocked *time, double *out,
                                                const cuda_bench *b, gcr_program *program,
                                                int64_t rows, const gcr_crossovers *table);

/* What is about to be measured of a program, so that it is compiled side by side. */
typedef struct cuda_expected {
    gcr_variant variants[GCR_CUDA_CODES_MAX];
    int count;
} cuda_expected;

/* Cells of a dataset of so many rows, by such a table. */
void gcr_cuda_expect(cuda_expected *to, const gcr_program *program, int64_t rows,
                     const gcr_crossovers *table);
GCR_MUST_CHECK gcr_status gcr_cuda_expect_end(const cuda_expected *of, gcr_program *program);

/* A number of the table that has a few values to choose from. */
enum { GCR_CUDA_CHOICES_MAX = 4 };
typedef struct cuda_choice {
    const char *what;     /* "threads of a block"                                        */
    size_t offset;        /* of the int32_t in gcr_crossovers                            */
    gcr_crossovers table; /* all but this number                                         */
    cuda_clocked *time;   /* what is measured: of ... */
    gcr_program *program; /* ... this, and ... */
    int64_t rows[GCR_CUDA_CHOICES_MAX];   /* ... datasets of these; 0 ends them */
    int32_t values[GCR_CUDA_CHOICES_MAX]; /* to choose from; 0 ends them */
} cuda_choice;

/* Writes to the table of the bench what is the fastest, each size counting as much as any other.
 * Where there was room for none, the table is as it was. */
GCR_MUST_CHECK gcr_status gcr_cuda_choose(const cuda_bench *b, const cuda_choice *choice);

/* ---- tables in which one comes first --------------------------------------------------------- */

gcr_crossovers gcr_cuda_prefer_thread(const cuda_bench *b);
gcr_crossovers gcr_cuda_prefer_warp(const cuda_bench *b);

/* Of this shape; NULL: of those that the table has. */
gcr_crossovers gcr_cuda_prefer_block(const cuda_bench *b, const gcr_block_class *shape);

/* A block whose matrix is not on the chip; all blocks together, with a library. */
gcr_crossovers gcr_cuda_prefer_memory(const cuda_bench *b, int threads);
gcr_crossovers gcr_cuda_prefer_grid(const cuda_bench *b);

/* All blocks for a cell of a kernel that has no SPD matrix. */
gcr_crossovers gcr_cuda_prefer_whole(const cuda_bench *b);

/* A block for each dataset that is prepared, or all blocks for one after the other. */
gcr_crossovers gcr_cuda_prefer_prepare(const cuda_bench *b, int by_all_blocks);

#endif /* GCR_CUDA_TIMING_H */
