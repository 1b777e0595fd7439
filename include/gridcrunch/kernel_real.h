/*
 * gridcrunch/kernel_real.h -- what kernels compute with.
 *
 * Part of kernel.h; a kernel file does not include it. A unit is compiled for one precision: where
 * GCR_SINGLE is defined, gcr_real is a float. The host has doubles in any case: datasets, axes and
 * results are converted where they enter and leave a unit.
 */
#ifndef GCR_KERNEL_REAL_H
#define GCR_KERNEL_REAL_H

#if defined(GCR_SINGLE)
typedef float gcr_real;
#define GCR_DIGITS 24        /* binary, of a gcr_real */
#define GCR_EPSILON 0x1p-23f /* from 1 to the next */
#else
typedef double gcr_real;
#define GCR_DIGITS 53
#define GCR_EPSILON 0x1p-52
#endif

#endif /* GCR_KERNEL_REAL_H */
