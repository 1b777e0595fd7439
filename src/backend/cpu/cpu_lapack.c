/* backend/cpu/cpu_lapack.c -- the routines of the LAPACK and BLAS that the program is linked
 * with. */
#include "backend/cpu/cpu.h"

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length, size_t diag_length);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n, const double *a,
            const int *lda, double *x, const int *incx, size_t uplo_length, size_t trans_length,
            size_t diag_length);
void dsytrd_(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e,
             double *tau, double *work, const int *lwork, int *info, size_t uplo_length);
void dormtr_(const char *side, const char *uplo, const char *trans, const int *m, const int *n,
             const double *a, const int *lda, const double *tau, double *c, const int *ldc,
             double *work, const int *lwork, int *info, size_t side_length, size_t uplo_length,
             size_t trans_length);
void dorgtr_(const char *uplo, const int *n, double *a, const int *lda, const double *tau,
             double *work, const int *lwork, int *info, size_t uplo_length);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info,
             size_t uplo_length);
void strtri_(const char *uplo, const char *diag, const int *n, float *a, const int *lda, int *info,
             size_t uplo_length, size_t diag_length);
void strsv_(const char *uplo, const char *trans, const char *diag, const int *n, const float *a,
            const int *lda, float *x, const int *incx, size_t uplo_length, size_t trans_length,
            size_t diag_length);

const gcr_lapack gcr_cpu_lapack = {
    .dpotrf = dpotrf_,
    .dtrtri = dtrtri_,
    .dtrsv = dtrsv_,
    .dsytrd = dsytrd_,
    .dormtr = dormtr_,
    .dorgtr = dorgtr_,
    .spotrf = spotrf_,
    .strtri = strtri_,
    .strsv = strsv_,
};
