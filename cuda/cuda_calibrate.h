/*
 * cuda/cuda_calibrate.h -- the searches of a calibration: which algorithm is the fastest for which
 * size.
 *
 * Each reads the table of the bench, which has what those before it have found, and writes the
 * numbers that it is for. They are called in this order.
 */
#ifndef GCR_CUDA_CALIBRATE_H
#define GCR_CUDA_CALIBRATE_H

#include "cuda/cuda_timing.h"

/* Matrices of a thread, a warp or a block, where they are on the chip. */
GCR_MUST_CHECK gcr_status gcr_cuda_find_small(const cuda_bench *b);

/* Matrices that are not: of a block, or of all blocks and libraries. */
GCR_MUST_CHECK gcr_status gcr_cuda_find_large(const cuda_bench *b);

/* Cells of kernels that have no such matrix. */
GCR_MUST_CHECK gcr_status gcr_cuda_find_cells(const cuda_bench *b);

/* Which GCR_TEAM_* has a matrix of so many rows by this table. */
int gcr_cuda_team_by(const cuda_bench *b, const gcr_crossovers *table, int64_t rows);

#endif /* GCR_CUDA_CALIBRATE_H */
