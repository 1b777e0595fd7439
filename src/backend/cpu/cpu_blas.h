/*
 * backend/cpu/cpu_blas.h -- one thread in OpenBLAS while cells are computed.
 *
 * How many threads OpenBLAS uses is a setting of the whole process, and the bits of a factor depend
 * on it. The first program that is open sets it to one, the last that is closed gives back what it
 * was: a program of others that calls BLAS itself has its threads again after a run.
 */
#ifndef GCR_BACKEND_CPU_BLAS_H
#define GCR_BACKEND_CPU_BLAS_H

/* Any thread; as many ends as begins. */
void gcr_cpu_blas_begin(void);
void gcr_cpu_blas_end(void);

/* Looks up a function of OpenBLAS; NULL where another BLAS is loaded. */
void gcr_cpu_blas_find(void *function_out, const char *name);

#endif /* GCR_BACKEND_CPU_BLAS_H */
