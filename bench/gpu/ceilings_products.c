/* bench/gpu/ceilings_products.c -- products of matrices by cuBLAS. See ceilings.h. */
#include "gpu/ceilings.h"
#include "gpu/vendor.h"

#include <math.h>

enum { PRODUCT_ROWS = 8192 };

typedef struct product_arg {
    const ceilings *c;
    int is_float;
    const vendor_blas *blas;
    cublasHandle_t handle;
    const void *a_dev, *b_dev;
    void *c_dev;
} product_arg;

static gcr_status run_product(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const product_arg *const p = arg;
    const double one = 1, zero = 0;
    const float float_one = 1, float_zero = 0;
    const int n = PRODUCT_ROWS;

    GCR_TRY(bench_gpu_start(p->c->gpu));
    if (!p->is_float)
        VENDOR_BLAS("multiply", p->blas->dgemm(p->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one,
                                               p->a_dev, n, p->b_dev, n, &zero, p->c_dev, n));
    else
        VENDOR_BLAS("multiply",
                    p->blas->sgemm(p->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &float_one,
                                   p->a_dev, n, p->b_dev, n, &float_zero, p->c_dev, n));
    GCR_TRY(bench_gpu_stop(seconds_out, p->c->gpu));
out:
    return status;
}

/* One entry of the product: in `values` there is room for a row or a column. */
typedef union numbers {
    double of_double[PRODUCT_ROWS];
    float of_float[PRODUCT_ROWS];
} numbers;

static double number_of(const numbers *values, size_t i, int is_float)
{
    return is_float ? (double)values->of_float[i] : values->of_double[i];
}

static gcr_status check_entry(const product_arg *p, size_t i, size_t j)
{
    enum { N = PRODUCT_ROWS };
    gcr_status status = GCR_OK;
    static numbers row, column, entry;
    const int is_float = p->is_float;
    const size_t bytes = is_float ? sizeof(float) : sizeof(double);
    double want = 0;

    GCR_CUDA("copy from the GPU",
             cudaMemcpy2DAsync(&row, bytes, (const char *)p->a_dev + i * bytes, N * bytes, bytes, N,
                               cudaMemcpyDeviceToHost, p->c->gpu->stream));
    GCR_TRY(
        bench_gpu_download(p->c->gpu, &column, (const char *)p->b_dev + j * N * bytes, N * bytes));
    GCR_TRY(bench_gpu_download(p->c->gpu, &entry, (char *)p->c_dev + (i + j * N) * bytes, bytes));
    for (size_t k = 0; k < N; k++)
        want += number_of(&row, k, is_float) * number_of(&column, k, is_float);
    if (!(fabs(number_of(&entry, 0, is_float) - want) <= (is_float ? 1e-4 : 1e-12) * want))
        GCR_FAIL(GCR_EDEVICE, "entry (%zu, %zu) of a product is %.17g, not %.17g", i, j,
                 number_of(&entry, 0, is_float), want);
out:
    return status;
}

static gcr_status check_product(const product_arg *p)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_entry(p, 0, 0));
    GCR_TRY(check_entry(p, PRODUCT_ROWS / 3, PRODUCT_ROWS / 5));
    GCR_TRY(check_entry(p, PRODUCT_ROWS - 1, PRODUCT_ROWS - 1));
out:
    return status;
}

gcr_status ceilings_measure_products(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    static bench_side side;
    product_arg products[2];
    const vendor_blas *blas;
    cublasHandle_t handle = NULL;
    void *block_dev = NULL;
    const size_t entries = (size_t)PRODUCT_ROWS * PRODUCT_ROWS;

    if (vendor_blas_open(&blas) != GCR_OK) {
        bench_absent(b, "cuBLAS", gcr_last_error());
        return GCR_OK;
    }
    GCR_TRY(bench_gpu_allocate(&block_dev, 3 * entries * sizeof(double)));
    VENDOR_BLAS("begin", blas->create(&handle));
    VENDOR_BLAS("take a stream", blas->set_stream(handle, c->gpu->stream));
    for (int i = 0; i < 2; i++) {
        const ceilings_launch fill = { .text = i == 0 ? CEILINGS_DOUBLE : CEILINGS_SINGLE,
                                       .entry = "fill",
                                       .blocks = 4096,
                                       .threads = 256,
                                       .out_dev = block_dev,
                                       .count = 2 * entries };
        const size_t bytes = i == 0 ? sizeof(double) : sizeof(float);

        products[i] = (product_arg){ .c = c,
                                     .is_float = i,
                                     .blas = blas,
                                     .handle = handle,
                                     .a_dev = block_dev,
                                     .b_dev = (char *)block_dev + entries * bytes,
                                     .c_dev = (char *)block_dev + 2 * entries * bytes };
        side = (bench_side){ .what = i == 0 ? "dgemm 8192" : "sgemm 8192",
                             .run = run_product,
                             .arg = &products[i] };
        GCR_TRY(ceilings_launch_on(c, &fill, c->gpu->stream));
        GCR_TRY(bench_alternate(b, "cuBLAS", &side, 1));
        GCR_TRY(check_product(&products[i]));
        ceilings_say_rate(b, "cuBLAS", &side, 2e-12 * pow(PRODUCT_ROWS, 3), "TF/s");
        bench_ratio(b, i == 0 ? "dgemm_TFps" : "sgemm_TFps",
                    2e-12 * pow(PRODUCT_ROWS, 3) / bench_spread_of(side.seconds, b->rounds).median);
    }
out:
    if (handle != NULL)
        (void)blas->destroy(handle);
    if (block_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(block_dev));
    return status;
}
