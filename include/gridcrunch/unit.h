/*
 * gridcrunch/unit.h -- a kernel, compiled together with an engine, as seen from outside.
 *
 * A kernel file and the text of an engine make one translation unit (that is what lets the
 * compiler inline the one into the other) which exports one gcr_unit: the kernel's description and
 * the functions a backend calls for it. There is one unit for each kernel, choice of its options,
 * code path, scalar and algorithm. Units know no threads, queues or files, and never allocate.
 */
#ifndef GCR_UNIT_H
#define GCR_UNIT_H

#include "gridcrunch/grid.h"
#include "gridcrunch/kernel.h"
#include "gridcrunch/kind.h"
#include "gridcrunch/unit_tile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The routines of BLAS and LAPACK that units call, as Fortran has them: each character argument has
 * its length, 1, at the end. They come with the setup and not from the linker, so that a unit that
 * was loaded while the program runs needs no symbol of the program. */
typedef struct gcr_lapack {
    void (*dpotrf)(const char *uplo, const int *n, double *a, const int *lda, int *info,
                   size_t uplo_length);
    void (*dtrtri)(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
                   int *info, size_t uplo_length, size_t diag_length);
    void (*dtrsv)(const char *uplo, const char *trans, const char *diag, const int *n,
                  const double *a, const int *lda, double *x, const int *incx, size_t uplo_length,
                  size_t trans_length, size_t diag_length);
    void (*dsytrd)(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e,
                   double *tau, double *work, const int *lwork, int *info, size_t uplo_length);
    void (*dormtr)(const char *side, const char *uplo, const char *trans, const int *m,
                   const int *n, const double *a, const int *lda, const double *tau, double *c,
                   const int *ldc, double *work, const int *lwork, int *info, size_t side_length,
                   size_t uplo_length, size_t trans_length);
    void (*dorgtr)(const char *uplo, const int *n, double *a, const int *lda, const double *tau,
                   double *work, const int *lwork, int *info, size_t uplo_length);
    void (*spotrf)(const char *uplo, const int *n, float *a, const int *lda, int *info,
                   size_t uplo_length);
    void (*strtri)(const char *uplo, const char *diag, const int *n, float *a, const int *lda,
                   int *info, size_t uplo_length, size_t diag_length);
    void (*strsv)(const char *uplo, const char *trans, const char *diag, const int *n,
                  const float *a, const int *lda, float *x, const int *incx, size_t uplo_length,
                  size_t trans_length, size_t diag_length);
} gcr_lapack;

/* What holds for a whole run. Borrowed by every call. */
typedef struct gcr_unit_setup {
    const gcr_point_table *points;
    int parameter_of_axis[GCR_AXES_MAX]; /* axis a gives the values of this parameter        */
    int64_t option[GCR_OPTIONS_MAX];     /* in the order of the description                  */
    uint64_t seed;
    const double *jitter; /* [jitter_count] added to the diagonal of a cell that is not SPD, in */
    int jitter_count;     /* turn, until it is; 0: never. Absolute, not relative to the matrix. */
    double ns_per_tick;   /* of gcr_ticks(); filled in by the backend                           */
    const gcr_lapack *lapack; /* for SPD kernels; filled in by the backend                      */
} gcr_unit_setup;

typedef struct gcr_unit {
    const gcr_kernel *kernel;
    int64_t choice[GCR_OPTIONS_MAX]; /* the choice compiled in; GCR_UNIT_ANY for an integer */
    gcr_code_path path;              /* never GCR_PATH_BEST */
    gcr_scalar scalar;               /* what gcr_real is in it  */
    gcr_algorithm algorithm;
    int cells_together; /* cells that are computed in the time of one */

    /* How many bases, each for all cells that share its parameters, are reduced in the time of one,
     * for datasets of this shape. NULL: the algorithm has none. */
    int (*bases_together)(const gcr_shape *shape);

    /* Bytes of the scratch that crunch() and prepare() need, for datasets of this shape. */
    uint64_t (*scratch_bytes)(const gcr_shape *shape);

    /* Writes the prepared block of a dataset. Returns 0, or the kernel's fault. NULL: none. */
    int (*prepare)(const gcr_unit_setup *setup, const gcr_view *data, void *prepared,
                   void *scratch);

    /* Computes the live points of tiles, each completely: state and all outputs, padded with NaN
     * to the width. Points that are not live are left as they are. Cells of neighbouring tiles are
     * computed together where that is faster, and have the bits that each has alone. */
    void (*crunch)(const gcr_unit_setup *setup, const gcr_unit_tile *tiles, uint64_t tile_count,
                   void *scratch);
} gcr_unit;

enum { GCR_UNIT_ANY = -1 };

#ifdef __cplusplus
}
#endif

#endif /* GCR_UNIT_H */
