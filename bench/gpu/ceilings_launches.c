/* bench/gpu/ceilings_launches.c -- what a launch costs, the host and the GPU. See ceilings.h. */
#include "gpu/ceilings.h"

#include "base/clock.h"

enum { NODES = 100, LAUNCHES = 1000 };

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

/* NODES launches, one after the other. A recording is ended in any case: nothing else could be done
 * on the stream. */
static gcr_status capture(launch_arg *a)
{
    gcr_status status = GCR_OK;
    cudaGraph_t graph = NULL;

    GCR_CUDA("begin a graph",
             cudaStreamBeginCapture(a->gpu->stream, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < NODES && status == GCR_OK; i++)
        status = launch_nothing(a);
    if (status != GCR_OK) {
        GCR_CUDA_CLOSE(cudaStreamEndCapture(a->gpu->stream, &graph));
        goto out;
    }
    GCR_CUDA("end a graph", cudaStreamEndCapture(a->gpu->stream, &graph));
    GCR_CUDA("make a graph ready", cudaGraphInstantiate(&a->graph, graph, 0));
out:
    if (graph != NULL)
        GCR_CUDA_CLOSE(cudaGraphDestroy(graph));
    return status;
}

gcr_status ceilings_measure_launches(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    bench_side sides[4];
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
