/*
 * cuda/cuda_constants.h -- text for a device that computes with floats.
 *
 * Where the CPU's compiler takes a constant of a unit in single precision for a float, `0.5 * x` of
 * a float x is one. CUDA's has no such option, and would compute with doubles there: on many GPUs
 * at a sixty-fourth of the speed, and to other results than the CPU. So constants say what they
 * are.
 */
#ifndef GCR_CUDA_CONSTANTS_H
#define GCR_CUDA_CONSTANTS_H

#include "gridcrunch/status.h"

/* Part of the name of what is compiled: another word for another rule. */
#define GCR_CUDA_CONSTANTS_RULE "constants without a suffix are floats"

/* A copy of C text, in which each floating constant without a suffix has an `f` behind it.
 * Comments, strings and lines stay as they are. The caller frees it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cuda_narrow_constants(char **out, const char *text);

#endif /* GCR_CUDA_CONSTANTS_H */
