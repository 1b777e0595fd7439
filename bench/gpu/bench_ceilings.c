/*
 * bench/gpu/bench_ceilings.c -- what can this GPU do at most?
 *
 * Every floor that is printed beside a time of ours is made of these: the rates of its arithmetic, of its
 * memory and of products of matrices by cuBLAS, what a launch costs, and how long a load is under
 * way. Three answers decide how our kernels are written: which shape of the tensor cores' products of
 * doubles has the full rate (ours use m8n8k4), whether kernels of 90 to 290 KB of code, as ours
 * have, wait for their instructions, and how far an inverse root by rsqrt.approx and one step of
 * Newton's method is off.
 *
 * Results are looked at: multiply-adds go to 1, products of matrices of ones count, exponentials agree
 * with CUDA's, copies are compared, entries of a product are computed again on the host.
 *
 *     gridcrunch bench ceilings             rows; 77 where there is no GPU
 *     gridcrunch bench ceilings --compile   the kernels for sm_80 and sm_90, without a GPU
 */
#include "gpu/ceilings.h"
#include "gpu/vendor.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES_MAX = 40, OUT_VALUES = 1024, NODES = 100, LAUNCHES = 1000, PRODUCT_ROWS = 8192 };

typedef struct side_arg {
    const ceilings *c;
    ceilings_launch launch;
    double operations; /* of `unit_operations` per second is a `unit` */
    const char *unit;
    double unit_operations;
} side_arg;

static side_arg args[SIDES_MAX];
static bench_side sides[SIDES_MAX];

/* ---- arithmetic ------------------------------------------------------------------------------- */

static gcr_status run_launch(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const side_arg *const a = arg;

    GCR_TRY(bench_gpu_start(a->c->gpu));
    GCR_TRY(ceilings_launch_on(a->c, &a->launch, a->c->gpu->stream));
    GCR_TRY(bench_gpu_stop(seconds_out, a->c->gpu));
out:
    return status;
}

/* The row of what a side did per second. */
static void say_rate(const bench *b, const char *where, const bench_side *side)
{
    const side_arg *const a = side->arg;
    double rates[BENCH_ROUNDS_MAX];

    for (int i = 0; i < b->rounds; i++)
        rates[i] = a->operations / side->seconds[i] / a->unit_operations;
    bench_row(b, where, side->what, a->unit, bench_spread_of(rates, b->rounds));
}

static double median_of(const bench *b, const bench_side *side)
{
    return bench_spread_of(side->seconds, b->rounds).median;
}

/* The first values that a launch leaves. */
static gcr_status take(double values[OUT_VALUES], const ceilings *c, const ceilings_launch *launch)
{
    gcr_status status = GCR_OK;
    const int is_float = launch->text == CEILINGS_SINGLE;
    float floats[OUT_VALUES];

    GCR_TRY(bench_gpu_set(c->gpu, c->out_dev, 0xff, CEILINGS_OUT_BYTES));
    GCR_TRY(ceilings_launch_on(c, launch, c->gpu->stream));
    GCR_TRY(bench_gpu_sync(c->gpu));
    GCR_TRY(bench_gpu_download(c->gpu, is_float ? (void *)floats : (void *)values, c->out_dev,
                               is_float ? sizeof floats : OUT_VALUES * sizeof *values));
    for (int i = 0; is_float && i < OUT_VALUES; i++)
        values[i] = (double)floats[i];
out:
    return status;
}

static gcr_status expect(const double got[OUT_VALUES], const double *wanted, double value,
                         double tolerance, const char *what)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < OUT_VALUES; i++) {
        const double want = wanted != NULL ? wanted[i] : value;

        if (!(fabs(got[i] - want) <= tolerance * fabs(want)))
            GCR_FAIL(GCR_EDEVICE, "%s: thread %d has %.17g, not %.17g", what, i, got[i], want);
    }
out:
    return status;
}

/* Words of shared memory, summed 16 times a round. */
static gcr_status check_shared(const ceilings *c, const ceilings_case *which)
{
    gcr_status status = GCR_OK;
    const ceilings_launch launch = ceilings_launch_of(c, which);
    static double left[OUT_VALUES];
    uint32_t in[CEILINGS_INPUTS * 2], got[OUT_VALUES];

    GCR_TRY(take(left, c, &launch));
    GCR_TRY(bench_gpu_download(c->gpu, in, c->in_dev, sizeof in));
    memcpy(got, left, sizeof got);
    for (uint32_t i = 0; i < OUT_VALUES; i++)
        if (got[i] != in[i % (CEILINGS_INPUTS * 2)] * 16 * (uint32_t)which->rounds)
            GCR_FAIL(GCR_EDEVICE, "shared memory: word %u of the sums is wrong", i);
out:
    return status;
}

static gcr_status check_case(const ceilings *c, const ceilings_case *which)
{
    gcr_status status = GCR_OK;
    static double got[OUT_VALUES], wanted[OUT_VALUES];
    ceilings_launch launch = ceilings_launch_of(c, which);
    const double tolerance = which->text == CEILINGS_SINGLE ? 1e-4 : 1e-12;

    if (strcmp(which->entry, "read_shared") == 0) {
        GCR_TRY(check_shared(c, which));
    } else if (strstr(which->entry, "_rate") != NULL) {
        int inner = 0;

        (void)sscanf(strrchr(which->what, 'k'), "k%d", &inner);
        launch.in_dev = c->ones_dev;
        GCR_TRY(take(got, c, &launch));
        GCR_TRY(expect(got, NULL, (double)inner * which->rounds, 0, which->what));
    } else if (strncmp(which->entry, "exp_", 4) == 0 && strcmp(which->entry, "exp_none") != 0) {
        GCR_TRY(take(got, c, &launch));
        launch.entry = "exp_cuda";
        GCR_TRY(take(wanted, c, &launch));
        GCR_TRY(expect(got, wanted, 0, tolerance, which->what));
    } else if (strcmp(which->entry, "exp_none") != 0) {
        GCR_TRY(take(got, c, &launch));
        GCR_TRY(expect(got, NULL, 1, tolerance, which->what));
    }
out:
    return status;
}

static gcr_status measure_arithmetic(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK, wrong = GCR_OK;
    const bench_side *slow = NULL, *fast = NULL, *small = NULL, *large = NULL;
    const bench_side *ours = NULL, *theirs = NULL;
    int count = 0;

    for (const ceilings_case *which = ceilings_cases; which->entry != NULL; which++) {
        if (c->gpu->capability < which->capability)
            continue;
        GCR_TRY(bench_gpu_go_on(&wrong, check_case(c, which)));
        args[count] = (side_arg){ .c = c,
                                  .launch = ceilings_launch_of(c, which),
                                  .operations = ceilings_operations(c, which),
                                  .unit = which->unit,
                                  .unit_operations = which->unit_operations };
        sides[count] = (bench_side){ .what = which->what, .run = run_launch, .arg = &args[count] };
        slow = strcmp(which->what, "m8n8k4") == 0 ? &sides[count] : slow;
        fast = strcmp(which->what, "m16n8k16") == 0 ? &sides[count] : fast;
        small = strcmp(which->what, "8 KB of code") == 0 ? &sides[count] : small;
        large = strcmp(which->what, "288 KB of code") == 0 ? &sides[count] : large;
        ours = strcmp(which->what, "gcr_exp_minus f64") == 0 ? &sides[count] : ours;
        theirs = strcmp(which->what, "exp f64") == 0 ? &sides[count] : theirs;
        count++;
    }
    GCR_TRY(bench_alternate(b, "arithmetic", sides, count));
    for (int i = 0; i < count; i++)
        say_rate(b, "arithmetic", &sides[i]);
    if (fast != NULL) /* both do the same operations in a launch */
        bench_ratio_sides(b, "m16n8k16_over_m8n8k4", slow, fast);
    bench_ratio_sides(b, "code_288K_over_8K_time", large, small);
    bench_ratio_sides(b, "exp_cuda_over_ours_time", theirs, ours);
out:
    return status == GCR_OK ? wrong : status;
}

/* ---- latencies -------------------------------------------------------------------------------- */

/* One thread, one chain: clocks of a step. Says the median of all rounds after the first. */
static gcr_status measure_latency(const bench *b, const ceilings *c, const char *what,
                                  const ceilings_launch *launch, double steps)
{
    gcr_status status = GCR_OK;
    double clocks[BENCH_ROUNDS_MAX];
    uint64_t ticks;

    for (int round = -b->warmup; round < b->rounds; round++) {
        GCR_TRY(ceilings_launch_on(c, launch, c->gpu->stream));
        GCR_TRY(bench_gpu_sync(c->gpu));
        GCR_TRY(bench_gpu_download(c->gpu, &ticks, c->ticks_dev, sizeof ticks));
        if (round >= 0)
            clocks[round] = (double)ticks / steps;
    }
    bench_row(b, "latency", what, "clocks", bench_spread_of(clocks, b->rounds));
out:
    return status;
}

static gcr_status measure_chain(const bench *b, const ceilings *c, const char *what, uint64_t lines,
                                int steps)
{
    gcr_status status = GCR_OK;
    ceilings_launch lay = { .entry = "lay_chain", .blocks = 1024, .threads = 256, .count = lines };
    ceilings_launch follow = {
        .entry = "follow_chain", .blocks = 1, .threads = 1, .rounds = steps
    };
    void *lines_dev = NULL;

    GCR_TRY(bench_gpu_allocate(&lines_dev, lines * 128));
    lay.out_dev = lines_dev;
    follow.in_dev = lines_dev;
    GCR_TRY(bench_gpu_set(c->gpu, c->ticks_dev, 0, 2 * sizeof *c->ticks_dev));
    GCR_TRY(ceilings_launch_on(c, &lay, c->gpu->stream));
    GCR_TRY(measure_latency(b, c, what, &follow, steps));
out:
    if (lines_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(lines_dev));
    return status;
}

static gcr_status measure_latencies(const bench *b, const ceilings *c)
{
    static const char *const chains[] = { "m8n8k4_chain", "m16n8k4_chain", "m16n8k8_chain",
                                          "m16n8k16_chain" };
    gcr_status status = GCR_OK;
    ceilings_launch launch = {
        .entry = "follow_shared", .blocks = 1, .threads = 32, .rounds = 4096
    };

    GCR_TRY(measure_latency(b, c, "shared memory", &launch, launch.rounds));
    for (int i = 0; i < (c->gpu->capability >= 90 ? 4 : 1); i++) {
        launch.entry = chains[i];
        GCR_TRY(measure_latency(b, c, chains[i], &launch, launch.rounds));
    }
    GCR_TRY(measure_chain(b, c, "L2 (4 MB)", 1 << 15, 1 << 15));
    GCR_TRY(measure_chain(b, c, "memory (1 GB)", 1 << 23, 1 << 12));
out:
    return status;
}

/* ---- launches --------------------------------------------------------------------------------- */

typedef struct launch_arg {
    const bench_gpu *gpu;
    cudaKernel_t kernel;   /* that does nothing */
    cudaGraphExec_t graph; /* of NODES launches */
} launch_arg;

static gcr_status launch_nothing(const launch_arg *a)
{
    gcr_status status = GCR_OK;
    void *no_dev = NULL;
    uint64_t count = 0;
    int rounds = 0;
    void *arguments[] = { &no_dev, &no_dev, &no_dev, &count, &rounds };
    const cudaLaunchConfig_t config = { .gridDim = { 1, 1, 1 },
                                        .blockDim = { 32, 1, 1 },
                                        .stream = a->gpu->stream };

    GCR_CUDA("launch a kernel", cudaLaunchKernelExC(&config, (const void *)a->kernel, arguments));
out:
    return status;
}

/* Seconds of the host for each of many launches that nobody waits for. */
static gcr_status run_enqueue(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const launch_arg *const a = arg;
    const double begin = gcr_clock_seconds();

    for (int i = 0; i < LAUNCHES; i++)
        GCR_TRY(launch_nothing(a));
    *seconds_out = (gcr_clock_seconds() - begin) / LAUNCHES;
    GCR_TRY(bench_gpu_sync(a->gpu));
out:
    return status;
}

/* From the launch until the host knows that it has ended. */
static gcr_status run_blocking(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const launch_arg *const a = arg;
    const double begin = gcr_clock_seconds();

    for (int i = 0; i < NODES; i++) {
        GCR_TRY(launch_nothing(a));
        GCR_TRY(bench_gpu_sync(a->gpu));
    }
    *seconds_out = (gcr_clock_seconds() - begin) / NODES;
out:
    return status;
}

/* Seconds of the GPU from launch to launch. */
static gcr_status run_stream(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const launch_arg *const a = arg;

    GCR_TRY(bench_gpu_start(a->gpu));
    for (int i = 0; i < NODES; i++)
        GCR_TRY(launch_nothing(a));
    GCR_TRY(bench_gpu_stop(seconds_out, a->gpu));
    *seconds_out /= NODES;
out:
    return status;
}

static gcr_status run_graph(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const launch_arg *const a = arg;

    GCR_TRY(bench_gpu_start(a->gpu));
    GCR_CUDA("launch a graph", cudaGraphLaunch(a->graph, a->gpu->stream));
    GCR_TRY(bench_gpu_stop(seconds_out, a->gpu));
    *seconds_out /= NODES;
out:
    return status;
}

/* NODES launches, one after the other. */
static gcr_status capture(launch_arg *a)
{
    gcr_status status = GCR_OK;
    cudaGraph_t graph = NULL;

    GCR_CUDA("begin a graph",
             cudaStreamBeginCapture(a->gpu->stream, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < NODES; i++)
        GCR_TRY(launch_nothing(a));
    GCR_CUDA("end a graph", cudaStreamEndCapture(a->gpu->stream, &graph));
    GCR_CUDA("make a graph ready", cudaGraphInstantiate(&a->graph, graph, 0));
out:
    if (graph != NULL)
        GCR_CUDA_CLOSE(cudaGraphDestroy(graph));
    return status;
}

static gcr_status measure_launches(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    launch_arg a = { .gpu = c->gpu };

    GCR_CUDA("find a kernel of the ceilings",
             cudaLibraryGetKernel(&a.kernel, c->library[CEILINGS_DOUBLE], "nothing"));
    GCR_TRY(capture(&a));
    sides[0] = (bench_side){ .what = "enqueue", .run = run_enqueue, .arg = &a };
    sides[1] = (bench_side){ .what = "blocking", .run = run_blocking, .arg = &a };
    sides[2] = (bench_side){ .what = "in a stream", .run = run_stream, .arg = &a };
    sides[3] = (bench_side){ .what = "node of a graph", .run = run_graph, .arg = &a };
    GCR_TRY(bench_alternate(b, "launch", sides, 4));
out:
    if (a.graph != NULL)
        GCR_CUDA_CLOSE(cudaGraphExecDestroy(a.graph));
    return status;
}

/* ---- memory ----------------------------------------------------------------------------------- */

typedef struct copy_arg {
    side_arg common; /* first: say_rate() reads it */
    void *to_dev;
    const void *from_dev;
    uint64_t bytes;
} copy_arg;

static gcr_status run_copy(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const copy_arg *const a = arg;
    const bench_gpu *gpu = a->common.c->gpu;

    GCR_TRY(bench_gpu_start(gpu));
    if (a->common.launch.entry != NULL)
        GCR_TRY(ceilings_launch_on(a->common.c, &a->common.launch, gpu->stream));
    else
        GCR_CUDA("copy on the GPU", cudaMemcpyAsync(a->to_dev, a->from_dev, a->bytes,
                                                    cudaMemcpyDeviceToDevice, gpu->stream));
    GCR_TRY(bench_gpu_stop(seconds_out, gpu));
out:
    return status;
}

/* A megabyte at both ends and in the middle. */
static gcr_status compare(const copy_arg *a)
{
    enum { WINDOW = 1 << 20 };
    gcr_status status = GCR_OK;
    const uint64_t places[] = { 0, (a->bytes - WINDOW) / 2, a->bytes - WINDOW };
    char *windows = malloc(2 * WINDOW);

    if (windows == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to compare copies");
    for (int i = 0; i < 3; i++) {
        GCR_TRY(bench_gpu_download(a->common.c->gpu, windows, (const char *)a->from_dev + places[i],
                                   WINDOW));
        GCR_TRY(bench_gpu_download(a->common.c->gpu, windows + WINDOW,
                                   (char *)a->to_dev + places[i], WINDOW));
        if (memcmp(windows, windows + WINDOW, WINDOW) != 0)
            GCR_FAIL(GCR_EDEVICE, "a copy on the GPU is not what was copied");
    }
out:
    free(windows);
    return status;
}

static gcr_status measure_copies(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    static copy_arg copies[2];
    const uint64_t wanted = UINT64_C(4) << 30, least = c->gpu->free_bytes / 8;
    const uint64_t bytes = (wanted < least ? wanted : least) >> 20 << 20;
    const ceilings_launch fill = { .entry = "fill", .blocks = 4096, .threads = 256 };
    void *to_dev = NULL, *from_dev = NULL;
    ceilings_launch fill_from = fill;

    GCR_TRY(bench_gpu_allocate(&from_dev, bytes));
    GCR_TRY(bench_gpu_allocate(&to_dev, bytes));
    fill_from.out_dev = from_dev;
    fill_from.count = bytes / sizeof(double);
    GCR_TRY(ceilings_launch_on(c, &fill_from, c->gpu->stream));
    for (int i = 0; i < 2; i++) {
        copies[i] = (copy_arg){ .common = { .c = c,
                                            .operations = 2 * (double)bytes,
                                            .unit = "TB/s",
                                            .unit_operations = 1e12 },
                                .to_dev = to_dev,
                                .from_dev = from_dev,
                                .bytes = bytes };
        sides[i] = (bench_side){ .what = i == 0 ? "cudaMemcpyAsync" : "a kernel",
                                 .run = run_copy,
                                 .arg = &copies[i] };
    }
    copies[1].common.launch = (ceilings_launch){ .entry = "copy",
                                                 .blocks = (unsigned)(16 * c->gpu->units),
                                                 .threads = 256,
                                                 .out_dev = to_dev,
                                                 .in_dev = from_dev,
                                                 .count = bytes / 16 };
    GCR_TRY(bench_alternate(b, "copy", sides, 2));
    for (int i = 0; i < 2; i++) {
        double seconds;

        GCR_TRY(bench_gpu_set(c->gpu, to_dev, 0xff, bytes));
        GCR_TRY(run_copy(&copies[i], &seconds));
        GCR_TRY(compare(&copies[i]));
        say_rate(b, "copy", &sides[i]);
    }
    bench_ratio(b, "copy_TBps",
                2e-12 * (double)bytes / fmin(median_of(b, &sides[0]), median_of(b, &sides[1])));
out:
    if (to_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(to_dev));
    if (from_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(from_dev));
    return status;
}

/* ---- products by cuBLAS ----------------------------------------------------------------------- */

typedef struct product_arg {
    side_arg common;
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

    GCR_TRY(bench_gpu_start(p->common.c->gpu));
    if (p->common.launch.text == CEILINGS_DOUBLE)
        VENDOR_BLAS("multiply", p->blas->dgemm(p->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one,
                                               p->a_dev, n, p->b_dev, n, &zero, p->c_dev, n));
    else
        VENDOR_BLAS("multiply",
                    p->blas->sgemm(p->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &float_one,
                                   p->a_dev, n, p->b_dev, n, &float_zero, p->c_dev, n));
    GCR_TRY(bench_gpu_stop(seconds_out, p->common.c->gpu));
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
    const int is_float = p->common.launch.text == CEILINGS_SINGLE;
    const size_t bytes = is_float ? sizeof(float) : sizeof(double);
    double want = 0;

    GCR_CUDA("copy from the GPU",
             cudaMemcpy2DAsync(&row, bytes, (const char *)p->a_dev + i * bytes, N * bytes, bytes, N,
                               cudaMemcpyDeviceToHost, p->common.c->gpu->stream));
    GCR_TRY(bench_gpu_download(p->common.c->gpu, &column, (const char *)p->b_dev + j * N * bytes,
                               N * bytes));
    GCR_TRY(bench_gpu_download(p->common.c->gpu, &entry, (char *)p->c_dev + (i + j * N) * bytes,
                               bytes));
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

static gcr_status measure_products(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    static product_arg products[2];
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

        products[i] = (product_arg){ .common = { .c = c,
                                                 .launch = fill,
                                                 .operations = 2 * pow(PRODUCT_ROWS, 3),
                                                 .unit = "TF/s",
                                                 .unit_operations = 1e12 },
                                     .blas = blas,
                                     .handle = handle,
                                     .a_dev = block_dev,
                                     .b_dev = (char *)block_dev + entries * bytes,
                                     .c_dev = (char *)block_dev + 2 * entries * bytes };
        sides[0] = (bench_side){ .what = i == 0 ? "dgemm 8192" : "sgemm 8192",
                                 .run = run_product,
                                 .arg = &products[i] };
        GCR_TRY(ceilings_launch_on(c, &fill, c->gpu->stream));
        GCR_TRY(bench_alternate(b, "cuBLAS", sides, 1));
        GCR_TRY(check_product(&products[i]));
        say_rate(b, "cuBLAS", &sides[0]);
        bench_ratio(b, i == 0 ? "dgemm_TFps" : "sgemm_TFps",
                    2e-12 * pow(PRODUCT_ROWS, 3) / median_of(b, &sides[0]));
    }
out:
    if (handle != NULL)
        (void)blas->destroy(handle);
    if (block_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(block_dev));
    return status;
}

/* ---- inverse roots ---------------------------------------------------------------------------- */

enum { ROOTS = 1 << 20 };

/* In units in the last place of the root that is exact, as far as a long double tells. */
static double ulps_off(double got, double x)
{
    const long double exact = 1 / sqrtl((long double)x);
    const double step = nextafter((double)exact, INFINITY) - (double)exact;

    return (double)(fabsl((long double)got - exact) / (long double)step);
}

static gcr_status measure_roots(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    const ceilings_launch launch = { .entry = "inverse_roots",
                                     .blocks = 1024,
                                     .threads = 256,
                                     .in_dev = c->out_dev,
                                     .count = ROOTS };
    ceilings_launch of_roots = launch;
    double *x = malloc(3 * ROOTS * sizeof *x), worst = 0, bits = 53;
    uint64_t random = 1;

    if (x == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for numbers to take roots of");
    for (int i = 0; i < ROOTS; i++) { /* half of them as pivots are, half of any size */
        random = random * 6364136223846793005 + 1442695040888963407;
        x[i] = ldexp(1 + (double)(random >> 12) * 0x1p-52,
                     i % 2 == 0 ? (int)(random >> 3 & 1) : (int)(random >> 2 & 1023) - 511);
    }
    GCR_TRY(bench_gpu_upload(c->gpu, c->out_dev, x, ROOTS * sizeof *x));
    of_roots.out_dev = (double *)c->out_dev + ROOTS;
    GCR_TRY(ceilings_launch_on(c, &of_roots, c->gpu->stream));
    GCR_TRY(bench_gpu_sync(c->gpu));
    GCR_TRY(bench_gpu_download(c->gpu, x + ROOTS, of_roots.out_dev, 2 * ROOTS * sizeof *x));
    for (int i = 0; i < ROOTS; i++) {
        worst = fmax(worst, ulps_off(x[ROOTS + i], x[i]));
        bits = fmin(bits, -log2(fabs(x[2 * ROOTS + i] * sqrt(x[i]) - 1)));
    }
    bench_row(b, "inverse root", "at most off", "ulp", (bench_spread){ worst, worst, worst });
    bench_row(b, "inverse root", "guess", "bits", (bench_spread){ bits, bits, bits });
    if (!(worst <= 2))
        GCR_FAIL(GCR_EDEVICE, "an inverse root is off by %.3g units in the last place", worst);
out:
    free(x);
    return status;
}

/* ---- all -------------------------------------------------------------------------------------- */

static int compile_only(void)
{
    for (int capability = 80; capability <= 90; capability += 10)
        if (ceilings_compile(capability) != GCR_OK) {
            fprintf(stderr, "%s\n%s\n", gcr_last_error(), gcr_last_error_details());
            return 1;
        }
    puts("the ceilings compile for sm_80 and sm_90");
    return 0;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK, failed = GCR_OK;
    bench_gpu gpu = { 0 };
    ceilings c = { 0 };
    bench b;

    if (argc == 2 && strcmp(argv[1], "--compile") == 0)
        return compile_only();
    GCR_TRY(bench_begin(&b, "ceilings", argc, argv));
    GCR_TRY(bench_gpu_open(&gpu));
    GCR_TRY(ceilings_open(&c, &gpu, 1));
    GCR_TRY(bench_gpu_go_on(&failed, measure_copies(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_arithmetic(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_latencies(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_launches(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_roots(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_products(&b, &c)));
    status = failed;
out:
    ceilings_close(&c);
    return bench_gpu_end(&gpu, &b, status);
}
