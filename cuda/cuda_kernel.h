/*
 * cuda/cuda_kernel.h -- what a kernel's description says of a shape, for a GPU, and what a variant
 * is compiled with.
 */
#ifndef GCR_CUDA_KERNEL_H
#define GCR_CUDA_KERNEL_H

#include "cuda/cuda_compile.h"
#include "cuda/launch.h"

#include "gridcrunch/kind.h"

/* What a cell costs, as far as the description says. */
double gcr_cuda_flops_of(const gcr_kernel *kernel, const gcr_shape *shape);

/* Which variant computes the cells of a dataset of this shape, and which prepares it. */
gcr_variant gcr_cuda_variant_of(const gcr_crossovers *crossovers, const gcr_kernel *kernel,
                                const gcr_shape *shape);
gcr_variant gcr_cuda_variant_of_prepare(const gcr_crossovers *crossovers, const gcr_kernel *kernel,
                                        const gcr_shape *shape);

/* The descriptor of a tile of such a dataset, but for `before`. */
gcr_launch_tile gcr_cuda_describe_tile(const gcr_kernel *kernel, const gcr_shape *shape,
                                       const gcr_unit_tile *tile);

/* Adds what launch.h asks for. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cuda_define_variant(cuda_source *source, const gcr_kernel *kernel,
                                                  const int64_t option[GCR_OPTIONS_MAX],
                                                  gcr_scalar scalar, const gcr_variant *variant);

/* The source of a variant of the factors in place; gcr_cuda_undefine() in any case. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cuda_define_factor(cuda_source *source, const gcr_variant *variant,
                                                 gcr_scalar scalar);

#endif /* GCR_CUDA_KERNEL_H */
