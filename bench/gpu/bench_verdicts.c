/*
 * bench/gpu/bench_verdicts.c -- what do the vendor's factorisations say of matrices that have no
 * factor, and is the factor of a matrix the same whatever its batch?
 *
 * Two promises of ours depend on the answers: the same verdict on every device, and bits that do
 * not depend on batch mates. Where the vendor says otherwise, its results need a pass of their own
 * or batches of one shape.
 *
 * Verdicts: potrfBatched (the matrix is the second of four) and Xpotrf (alone), both triangles,
 * with one bad entry. A row has in its last columns: what info says (0: there is a factor), how
 * many entries of the triangle that was asked for are finite, how many of the other triangle have
 * other bits than before.
 *
 * Batches: one matrix in batches of 1 to 4096, first, in the middle and last, among ordinary
 * matrices, such as have no factor, and NaN; potrfBatched, dgemm and dtrsm. A row has how many of
 * the results have other bits than that of a batch of one, of how many.
 */
#include "gpu/gpu.h"
#include "gpu/vendor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MAX = 512,
    MATES = 3,
    BATCH_BYTES_MAX = 1 << 30, /* of the matrices of a batch */
    MATRIX_MAX = ROWS_MAX * ROWS_MAX,
};

typedef struct stage {
    bench *b;
    bench_gpu *gpu;
    const vendor_blas *blas;
    const vendor_solver *solver;
    cublasHandle_t blas_handle;
    cusolverDnHandle_t solver_handle;
    cusolverDnParams_t params;
    void *inputs_dev, *results_dev; /* BATCH_BYTES_MAX */
    void **inputs_at_dev, **results_at_dev;
    int *info_dev;
    int missed, other_triangle, changed; /* of all cases */
} stage;

static int batch_max(int n)
{
    const uint64_t most = BATCH_BYTES_MAX / ((uint64_t)n * (uint64_t)n * sizeof(double));

    return most < 4096 ? (int)most : 4096;
}

/* ---- matrices -------------------------------------------------------------------------------- */

static size_t place_of(int n, int row, int column)
{
    return (size_t)row + (size_t)column * (size_t)n;
}

/* Entries that fall with the square of the distance from the diagonal, all different; definite if
 * `diagonal` is 2 or more. */
static void describe(double *matrix, int n, unsigned seed, double diagonal)
{
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            const int low = i < j ? i : j, distance = i < j ? j - i : i - j;
            const double shade = fmod(
                0.6180339887498949 * (low + 1) + 0.7548776662466927 * distance + 0.3 * seed, 1);

            matrix[place_of(n, i, j)] =
                i == j ? diagonal + shade : (0.5 + 0.5 * shade) / (1 + distance) / (1 + distance);
        }
}

/* A batch whose matrix `slot` is `matrix`, all others `mate`: up once, then copied on the GPU. */
static gcr_status lay_out(const stage *s, int n, int count, int slot, const double *matrix,
                          const double *mate)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = (uint64_t)n * (uint64_t)n * sizeof(double);
    char *const first_dev = s->inputs_dev;

    GCR_TRY(bench_gpu_upload(s->gpu, first_dev, mate, bytes));
    for (uint64_t done = 1; done < (uint64_t)count;) {
        const uint64_t left = (uint64_t)count - done, more = left < done ? left : done;

        GCR_CUDA("copy on the GPU",
                 cudaMemcpyAsync(first_dev + done * bytes, first_dev, more * bytes,
                                 cudaMemcpyDeviceToDevice, s->gpu->stream));
        done += more;
    }
    GCR_TRY(bench_gpu_upload(s->gpu, first_dev + (uint64_t)slot * bytes, matrix, bytes));
    GCR_CUDA("copy on the GPU",
             cudaMemcpyAsync(s->results_dev, s->inputs_dev, (uint64_t)count * bytes,
                             cudaMemcpyDeviceToDevice, s->gpu->stream));
out:
    return status;
}

/* Where the matrices of a batch begin, of so many bytes each. */
static gcr_status point(const stage *s, int count, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    void *inputs[4096], *results[4096];

    for (int i = 0; i < count; i++) {
        inputs[i] = (char *)s->inputs_dev + (uint64_t)i * bytes;
        results[i] = (char *)s->results_dev + (uint64_t)i * bytes;
    }
    GCR_TRY(bench_gpu_upload(s->gpu, s->inputs_at_dev, inputs, (uint64_t)count * sizeof *inputs));
    GCR_TRY(
        bench_gpu_upload(s->gpu, s->results_at_dev, results, (uint64_t)count * sizeof *results));
out:
    return status;
}

/* ---- batches --------------------------------------------------------------------------------- */

typedef gcr_status (*batch_operation)(const stage *s, int n, int count);

static gcr_status factor_batch(const stage *s, int n, int count)
{
    gcr_status status = GCR_OK;

    VENDOR_SOLVER("factor",
                  s->solver->dpotrf_batched(s->solver_handle, CUBLAS_FILL_MODE_LOWER, n,
                                            (double **)s->results_at_dev, n, s->info_dev, count));
out:
    return status;
}

static gcr_status multiply_batch(const stage *s, int n, int count)
{
    gcr_status status = GCR_OK;
    const long long stride = (long long)n * n;
    const double one = 1, zero = 0;

    VENDOR_BLAS("multiply",
                s->blas->dgemm_batched(s->blas_handle, CUBLAS_OP_N, CUBLAS_OP_T, n, n, n, &one,
                                       s->inputs_dev, n, stride, s->inputs_dev, n, stride, &zero,
                                       s->results_dev, n, stride, count));
out:
    return status;
}

static gcr_status solve_batch(const stage *s, int n, int count)
{
    gcr_status status = GCR_OK;
    const double one = 1;

    VENDOR_BLAS("solve",
                s->blas->dtrsm_batched(s->blas_handle, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_LOWER,
                                       CUBLAS_OP_T, CUBLAS_DIAG_NON_UNIT, n, n, &one,
                                       (const double *const *)s->inputs_at_dev, n,
                                       (double *const *)s->results_at_dev, n, count));
out:
    return status;
}

/* The result of matrix `slot`; nothing where it is a NaN mate's batch that fails as a whole. */
static gcr_status run_batch(double *result, const stage *s, batch_operation operation, int n,
                            int count, int slot, const double *matrix, const double *mate)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = (uint64_t)n * (uint64_t)n * sizeof(double);

    GCR_TRY(lay_out(s, n, count, slot, matrix, mate));
    GCR_TRY(point(s, count, bytes));
    GCR_TRY(operation(s, n, count));
    GCR_TRY(
        bench_gpu_download(s->gpu, result, (char *)s->results_dev + (uint64_t)slot * bytes, bytes));
out:
    return status;
}

/* Whether the lower triangles, diagonals included, have the same bits. */
static int is_same(const double *a, const double *b, int n)
{
    for (int j = 0; j < n; j++)
        if (memcmp(a + (size_t)j * (size_t)(n + 1), b + (size_t)j * (size_t)(n + 1),
                   (size_t)(n - j) * sizeof *a) != 0)
            return 0;
    return 1;
}

static gcr_status compare_batches(stage *s, const char *what, batch_operation operation, int n)
{
    static const int counts[] = { 1, 2, 7, 32, 1000, 4096 };
    static double matrix[MATRIX_MAX], mates[MATES][MATRIX_MAX], alone[MATRIX_MAX], got[MATRIX_MAX];
    gcr_status status = GCR_OK;
    int others = 0, cases = 0;
    char where[64];

    describe(matrix, n, 1, 4);
    describe(mates[0], n, 2, 5);
    describe(mates[1], n, 3, 0.75); /* not diagonally dominant: small pivots or none */
    describe(mates[2], n, 4, NAN);
    GCR_TRY(run_batch(alone, s, operation, n, 1, 0, matrix, matrix));
    for (size_t k = 0; k < sizeof counts / sizeof *counts && counts[k] <= batch_max(n); k++)
        for (int slot = 0; slot < 3; slot++)
            for (int mate = 0; mate < MATES; mate++) {
                const int count = counts[k], place = slot * (count - 1) / 2;

                GCR_TRY(run_batch(got, s, operation, n, count, place, matrix, mates[mate]));
                others += !is_same(got, alone, n);
                cases++;
            }
    s->changed += others;
    snprintf(where, sizeof where, "%s n=%d", what, n);
    bench_row(s->b, where, "other bits in batches", "of", (bench_spread){ others, cases, cases });
out:
    return status;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

typedef struct fault {
    const char *kind, *place;
    double value;
    int row, column; /* of a matrix by columns */
} fault;

typedef struct verdict_case {
    int n, is_float, is_upper, is_batched;
} verdict_case;

static double get(const char *matrix, int is_float, size_t at)
{
    float of_float;
    double of_double;

    memcpy(&of_float, matrix + at * sizeof of_float, sizeof of_float);
    if (is_float)
        return (double)of_float;
    memcpy(&of_double, matrix + at * sizeof of_double, sizeof of_double);
    return of_double;
}

static void put(char *matrix, int is_float, size_t at, double value)
{
    const float of_float = (float)value;

    if (is_float)
        memcpy(matrix + at * sizeof of_float, &of_float, sizeof of_float);
    else
        memcpy(matrix + at * sizeof value, &value, sizeof value);
}

static gcr_status factor_one(const stage *s, const verdict_case *v, void *matrix_dev)
{
    gcr_status status = GCR_OK;
    const cudaDataType type = v->is_float ? CUDA_R_32F : CUDA_R_64F;
    const cublasFillMode_t fill = v->is_upper ? CUBLAS_FILL_MODE_UPPER : CUBLAS_FILL_MODE_LOWER;
    size_t device_bytes = 0, host_bytes = 0;
    void *work_dev = NULL, *work = NULL;

    VENDOR_SOLVER("say its workspace",
                  s->solver->potrf_bytes(s->solver_handle, s->params, fill, v->n, type, matrix_dev,
                                         v->n, type, &device_bytes, &host_bytes));
    GCR_TRY(bench_gpu_allocate(&work_dev, device_bytes + 8));
    work = malloc(host_bytes + 8);
    if (work == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a workspace of cuSOLVER");
    VENDOR_SOLVER("factor",
                  s->solver->potrf(s->solver_handle, s->params, fill, v->n, type, matrix_dev, v->n,
                                   type, work_dev, device_bytes, work, host_bytes, s->info_dev));
    GCR_TRY(bench_gpu_sync(s->gpu));
out:
    free(work);
    if (work_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(work_dev));
    return status;
}

static gcr_status factor_four(const stage *s, const verdict_case *v)
{
    gcr_status status = GCR_OK;
    const cublasFillMode_t fill = v->is_upper ? CUBLAS_FILL_MODE_UPPER : CUBLAS_FILL_MODE_LOWER;

    if (v->is_float)
        VENDOR_SOLVER("factor",
                      s->solver->spotrf_batched(s->solver_handle, fill, v->n,
                                                (float **)s->results_at_dev, v->n, s->info_dev, 4));
    else
        VENDOR_SOLVER("factor", s->solver->dpotrf_batched(s->solver_handle, fill, v->n,
                                                          (double **)s->results_at_dev, v->n,
                                                          s->info_dev, 4));
out:
    return status;
}

/* The bad matrix between good ones; `before` is what it is, in the precision of the case. */
static gcr_status put_four(const stage *s, const verdict_case *v, const fault *f, char *before)
{
    static double matrix[MATRIX_MAX];
    gcr_status status = GCR_OK;
    const size_t entries = (size_t)v->n * (size_t)v->n;
    const uint64_t bytes = entries * (v->is_float ? sizeof(float) : sizeof(double));

    describe(matrix, v->n, 1, 4);
    for (int k = 0; k < 5; k++) { /* the bad one last, to the second place */
        const int slot = k < 4 ? k : 1;

        if (k == 4)
            matrix[place_of(v->n, f->row, f->column)] = f->value;
        for (size_t i = 0; i < entries; i++)
            put(before, v->is_float, i, matrix[i]);
        GCR_TRY(bench_gpu_upload(s->gpu, (char *)s->results_dev + (uint64_t)slot * bytes, before,
                                 bytes));
    }
    GCR_TRY(point(s, 4, bytes));
    GCR_TRY(bench_gpu_set(s->gpu, s->info_dev, 0x55, 4 * sizeof(int)));
out:
    return status;
}

static gcr_status ask(stage *s, const verdict_case *v, const fault *f)
{
    static char before[MATRIX_MAX * sizeof(double)], after[MATRIX_MAX * sizeof(double)];
    gcr_status status = GCR_OK;
    const size_t bytes = v->is_float ? sizeof(float) : sizeof(double), n = (size_t)v->n;
    const int is_read = v->is_upper ? f->row <= f->column : f->row >= f->column;
    int info = -1, finite = 0, touched = 0;
    char where[96], what[64];

    GCR_TRY(put_four(s, v, f, before));
    if (v->is_batched)
        GCR_TRY(factor_four(s, v));
    else
        GCR_TRY(factor_one(s, v, (char *)s->results_dev + n * n * bytes));
    GCR_TRY(
        bench_gpu_download(s->gpu, after, (char *)s->results_dev + n * n * bytes, n * n * bytes));
    GCR_TRY(bench_gpu_download(s->gpu, &info, s->info_dev + (v->is_batched ? 1 : 0), sizeof info));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = i + j * n;

            if (v->is_upper ? i <= j : i >= j)
                finite += isfinite(get(after, v->is_float, at)) != 0;
            else
                touched += memcmp(after + at * bytes, before + at * bytes, bytes) != 0;
        }
    s->missed += is_read && info == 0;
    s->other_triangle += touched > 0;
    snprintf(where, sizeof where, "%s %s %s n=%d", v->is_batched ? "potrfBatched" : "Xpotrf",
             v->is_float ? "f32" : "f64", v->is_upper ? "upper" : "lower", v->n);
    snprintf(what, sizeof what, "%s %s", f->kind, is_read ? f->place : "in the other triangle");
    bench_row(s->b, where, what, "info / finite / other triangle",
              (bench_spread){ info, finite, touched });
out:
    return status;
}

static gcr_status ask_all(stage *s, const verdict_case *v)
{
    static const struct {
        const char *name;
        double value;
    } kinds[] = { { "NaN", NAN }, { "+inf", INFINITY }, { "-inf", -INFINITY }, { "-1", -1 } };
    gcr_status status = GCR_OK;
    const int last = v->n - 1, middle = v->n / 2;

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const fault faults[] = {
            { kinds[k].name, "first on the diagonal", kinds[k].value, 0, 0 },
            { kinds[k].name, "middle of the diagonal", kinds[k].value, middle, middle },
            { kinds[k].name, "last on the diagonal", kinds[k].value, last, last },
            { kinds[k].name, "off the diagonal", kinds[k].value, last, 0 },
            { kinds[k].name, "off the diagonal", kinds[k].value, 0, last },
        };

        for (int f = 0; f < (v->n > 1 ? 5 : 1); f++)
            if (f < 3 || strcmp(kinds[k].name, "-1") != 0) /* -1 elsewhere is a matrix as others */
                GCR_TRY(ask(s, v, &faults[f]));
    }
out:
    return status;
}

static gcr_status ask_everything(stage *s)
{
    static const int sizes[] = { 1, 8, 64, 300 };
    gcr_status status = GCR_OK, failed = GCR_OK;

    for (int k = 0; k < 4 * 8; k++) {
        const verdict_case v = {
            .n = sizes[k / 8], .is_float = k & 1, .is_upper = k >> 1 & 1, .is_batched = k >> 2 & 1
        };

        GCR_TRY(bench_gpu_go_on(&failed, ask_all(s, &v)));
    }
    bench_ratio(s->b, "not_finite_or_not_SPD_and_info_0", s->missed);
    bench_ratio(s->b, "other_triangle_changed", s->other_triangle);
    status = failed;
out:
    return status;
}

/* ---- all ------------------------------------------------------------------------------------- */

static gcr_status open_stage(stage *s)
{
    gcr_status status = GCR_OK;

    GCR_TRY(vendor_blas_open(&s->blas));
    GCR_TRY(vendor_solver_open(&s->solver));
    VENDOR_BLAS("begin", s->blas->create(&s->blas_handle));
    VENDOR_BLAS("take a stream", s->blas->set_stream(s->blas_handle, s->gpu->stream));
    VENDOR_SOLVER("begin", s->solver->create(&s->solver_handle));
    VENDOR_SOLVER("take a stream", s->solver->set_stream(s->solver_handle, s->gpu->stream));
    VENDOR_SOLVER("begin", s->solver->create_params(&s->params));
    GCR_TRY(bench_gpu_allocate(&s->inputs_dev, BATCH_BYTES_MAX));
    GCR_TRY(bench_gpu_allocate(&s->results_dev, BATCH_BYTES_MAX));
    GCR_TRY(bench_gpu_allocate((void **)&s->inputs_at_dev, 4096 * sizeof(void *)));
    GCR_TRY(bench_gpu_allocate((void **)&s->results_at_dev, 4096 * sizeof(void *)));
    GCR_TRY(bench_gpu_allocate((void **)&s->info_dev, 4096 * sizeof(int)));
out:
    return status;
}

static void close_stage(stage *s)
{
    void *const blocks[] = { s->info_dev, s->results_at_dev, s->inputs_at_dev, s->results_dev,
                             s->inputs_dev };

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (blocks[i] != NULL)
            GCR_CUDA_CLOSE(cudaFree(blocks[i]));
    if (s->params != NULL)
        (void)s->solver->destroy_params(s->params);
    if (s->solver_handle != NULL)
        (void)s->solver->destroy(s->solver_handle);
    if (s->blas_handle != NULL)
        (void)s->blas->destroy(s->blas_handle);
}

static gcr_status compare_everything(stage *s)
{
    static const int sizes[] = { 8, 32, 64, 100, 256, 512 };
    gcr_status status = GCR_OK, failed = GCR_OK;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        GCR_TRY(bench_gpu_go_on(
            &failed, compare_batches(s, "potrfBatched f64 lower", factor_batch, sizes[i])));
        GCR_TRY(bench_gpu_go_on(
            &failed, compare_batches(s, "dgemmStridedBatched", multiply_batch, sizes[i])));
        GCR_TRY(
            bench_gpu_go_on(&failed, compare_batches(s, "dtrsmBatched", solve_batch, sizes[i])));
    }
    bench_ratio(s->b, "bits_changed_by_the_batch", s->changed);
    status = failed;
out:
    return status;
}

int main(int argc, char **argv)
{
    static stage s;
    gcr_status status = GCR_OK, failed = GCR_OK;
    bench_gpu gpu = { 0 };
    bench b;

    GCR_TRY(bench_begin(&b, "verdicts", argc, argv));
    b.rounds = 1; /* nothing is timed */
    GCR_TRY(bench_gpu_open(&gpu));
    s.b = &b;
    s.gpu = &gpu;
    GCR_TRY(open_stage(&s));
    GCR_TRY(bench_gpu_go_on(&failed, ask_everything(&s)));
    GCR_TRY(bench_gpu_go_on(&failed, compare_everything(&s)));
    status = failed;
out:
    close_stage(&s);
    return bench_gpu_end(&gpu, &b, status);
}
