/*
 * cuda/cuda_unit.h -- a text of the device that no kernel goes into, compiled and loaded.
 */
#ifndef GCR_CUDA_UNIT_H
#define GCR_CUDA_UNIT_H

#include "cuda/cuda_backend.h"

/* Loads the kernel `entry` of cuda/device/NAME_unit.h. GCR_EUNSUPPORTED: there is no compiler. */
GCR_MUST_CHECK gcr_status gcr_cuda_unit_open(cuda_unit *out, const cuda_device *device,
                                             const char *name, const char *entry);
void gcr_cuda_unit_close(cuda_unit *unit); /* zeroed is allowed */

/* Launches it on the stream of `lane`; at least one block. The device's lock is held, but for a
 * lane that no other thread knows of. */
GCR_MUST_CHECK gcr_status gcr_cuda_unit_launch(const cuda_unit *unit, uint64_t blocks, int threads,
                                               void *argument, cuda_lane *lane);

#endif /* GCR_CUDA_UNIT_H */
