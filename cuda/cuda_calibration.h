/*
 * cuda/cuda_calibration.h -- what was measured of a model of GPU, in a file that all later runs
 * read.
 *
 * Crossovers decide bits, so they must not change by themselves: they are measured when a user asks
 * for it (`gridcrunch devices --calibrate`) and at no other time, and are kept for the model, which
 * is its name and compute capability with the compiler and the major version of the driver. Without
 * such a file the built-in table holds. The file is text in the folder of the cache, and belongs to
 * the user: whoever removes it goes back to the built-in table.
 */
#ifndef GCR_CUDA_CALIBRATION_H
#define GCR_CUDA_CALIBRATION_H

#include "cuda/cuda_backend.h"

/* The table without a file: that of the build, with what this GPU has. */
gcr_crossovers gcr_cuda_crossovers_built_in(const cuda_device *device, gcr_scalar scalar);

/* Takes the tables of the file, or the built-in ones, and says which in device->base.info.tuning. A
 * file that cannot be used is no failure: its sentence is said there, and nothing of it is
 * taken. */
void gcr_cuda_calibration_read(cuda_device *device);

/* Keeps the tables of the device. GCR_EIO, GCR_EINVAL: the folder cannot be trusted. */
GCR_MUST_CHECK gcr_status gcr_cuda_calibration_write(const cuda_device *device);

/* Measures all that is not fixed, takes it and keeps it. */
gcr_status gcr_cuda_calibrate(gcr_device *device, const gcr_calibration_spec *spec);

#endif /* GCR_CUDA_CALIBRATION_H */
