/*
 * cuda/cuda_measure.h -- the code that is launched to measure (measure_launch.h), once for a
 * device.
 */
#ifndef GCR_CUDA_MEASURE_H
#define GCR_CUDA_MEASURE_H

#include "cuda/cuda_backend.h"
#include "cuda/measure_launch.h"

typedef enum cuda_measure_entry {
    CUDA_MEASURE_GATE,
    CUDA_MEASURE_COPY,
    CUDA_MEASURE_MULTIPLY,
    CUDA_MEASURE_TANGENT,
    CUDA_MEASURE_TANGENT_F32,
    CUDA_MEASURE_SUM_PARTS,
    CUDA_MEASURE_SUM,
    CUDA_MEASURE_NEIGHBOURS,
    CUDA_MEASURE_APART,
    CUDA_MEASURE_ENTRIES
} cuda_measure_entry;

/* Compiles and loads all of them where that has not been done. The device's lock is not held. */
GCR_MUST_CHECK gcr_status gcr_cuda_measure_load(cuda_device *device);
void gcr_cuda_measure_unload(cuda_device *device);

/* After gcr_cuda_measure_load(). `argument` is what the entry takes. As gcr_cuda_unit_launch():
 * lanes of a copy that is measured are its own, and need no lock. */
GCR_MUST_CHECK gcr_status gcr_cuda_measure_launch(cuda_device *device, cuda_measure_entry entry,
                                                  uint64_t blocks, int threads, void *argument,
                                                  cuda_lane *lane);

/* As gcr_measure_ops has it. */
gcr_status gcr_cuda_work(gcr_queue *queue, const gcr_work_args *args);

#endif /* GCR_CUDA_MEASURE_H */
