/* backend/cpu/cpu.h -- what the files of the cpu backend share. */
#ifndef GCR_CPU_H
#define GCR_CPU_H

#include "backend/backend.h"

extern const gcr_backend gcr_cpu_backend;
extern const gcr_measure_ops gcr_cpu_measure; /* cpu_measure.c */

/* cpu_lapack.c: the LAPACK that the program is linked with. */
extern const gcr_lapack gcr_cpu_lapack;

/* cpu_info.c: who this processor is, and which BLAS will run on it. */
GCR_MUST_CHECK gcr_status gcr_cpu_identify(gcr_device_identity *out, int index);
void gcr_cpu_describe(gcr_device_info *info);
void gcr_cpu_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                  gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows);

#endif /* GCR_CPU_H */
