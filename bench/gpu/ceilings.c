/* bench/gpu/ceilings.c -- see ceilings.h. */
#include "gpu/ceilings.h"

#include "base/text_file.h"
#include "cuda/cuda_compile.h"

#include <stdlib.h>
#include <string.h>

/* Written by the build: ceilings.cu and what it includes. */
extern const gcr_text_file gcr_ceilings_text[];

enum { THREADS = 256, RATE_ROUNDS = 5 };

const ceilings_case ceilings_cases[] = {
    { "f64 multiply-adds", CEILINGS_DOUBLE, "multiply_adds", 80, 8, 1024, 128, "TF/s", 0.5e12 },
    { "f32 multiply-adds", CEILINGS_SINGLE, "multiply_adds", 80, 8, 2048, 128, "TF/s", 0.5e12 },
    /* A thread's share of the 2 m n k operations of 8 products of a warp. */
    { "m8n8k4", CEILINGS_DOUBLE, "m8n8k4_rate", 80, 4, 4096, 8 * 512 / 32.0, "TF/s", 1e12 },
    { "m16n8k4", CEILINGS_DOUBLE, "m16n8k4_rate", 90, 4, 2048, 8 * 1024 / 32.0, "TF/s", 1e12 },
    { "m16n8k8", CEILINGS_DOUBLE, "m16n8k8_rate", 90, 4, 1024, 8 * 2048 / 32.0, "TF/s", 1e12 },
    { "m16n8k16", CEILINGS_DOUBLE, "m16n8k16_rate", 90, 4, 512, 8 * 4096 / 32.0, "TF/s", 1e12 },
    { "shared memory", CEILINGS_DOUBLE, "read_shared", 80, 4, 2048, 256, "TB/s", 1e12 },
    { "gcr_exp_minus f64", CEILINGS_DOUBLE, "exp_minus", 80, 8, 1024, 4, "G/s", 1e9 },
    { "gcr_exp f64", CEILINGS_DOUBLE, "exp_any", 80, 8, 1024, 4, "G/s", 1e9 },
    { "exp f64", CEILINGS_DOUBLE, "exp_cuda", 80, 8, 1024, 4, "G/s", 1e9 },
    { "empty loop f64", CEILINGS_DOUBLE, "exp_none", 80, 8, 1024, 4, "G/s", 1e9 },
    { "gcr_exp_minus f32", CEILINGS_SINGLE, "exp_minus", 80, 8, 2048, 4, "G/s", 1e9 },
    { "gcr_exp f32", CEILINGS_SINGLE, "exp_any", 80, 8, 2048, 4, "G/s", 1e9 },
    { "expf", CEILINGS_SINGLE, "exp_cuda", 80, 8, 2048, 4, "G/s", 1e9 },
    { "__expf", CEILINGS_SINGLE, "exp_fast", 80, 8, 2048, 4, "G/s", 1e9 },
    { "empty loop f32", CEILINGS_SINGLE, "exp_none", 80, 8, 2048, 4, "G/s", 1e9 },
    /* 147456 multiply-adds of a thread in all; of kilobytes of code 64 in a round. */
    { "8 KB of code", CEILINGS_CODE, "code_8", 80, 1, 288, 8 * 64, "TF/s", 0.5e12 },
    { "32 KB of code", CEILINGS_CODE, "code_32", 80, 1, 72, 32 * 64, "TF/s", 0.5e12 },
    { "64 KB of code", CEILINGS_CODE, "code_64", 80, 1, 36, 64 * 64, "TF/s", 0.5e12 },
    { "128 KB of code", CEILINGS_CODE, "code_128", 80, 1, 18, 128 * 64, "TF/s", 0.5e12 },
    { "288 KB of code", CEILINGS_CODE, "code_288", 80, 1, 8, 288 * 64, "TF/s", 0.5e12 },
    { 0 },
};

/* ---- code ------------------------------------------------------------------------------------ */

static gcr_status compile(cuda_image *out, ceilings_text which, int capability)
{
    static const char *const definition[] = { NULL, "GCR_SINGLE 1", "CODE 1" };
    gcr_status status = GCR_OK;
    cuda_source source = { .name = "ceilings",
                           .path = gcr_ceilings_text[0].path,
                           .text = gcr_ceilings_text[0].text,
                           .unit = "kernel.c" }; /* nothing but this text */

    if (definition[which] != NULL)
        GCR_TRY(gcr_cuda_define(&source, "%s", definition[which]));
    GCR_TRY(gcr_cuda_compile(out, &source, capability, 0));
out:
    gcr_cuda_undefine(&source);
    return status;
}

static void drop(cuda_image *image)
{
    free(image->log);
    free(image->bytes);
    *image = (cuda_image){ 0 };
}

gcr_status ceilings_compile(int capability)
{
    gcr_status status = GCR_OK;
    cuda_image image = { 0 };

    for (int which = 0; which < CEILINGS_TEXTS; which++) {
        GCR_TRY(compile(&image, (ceilings_text)which, capability));
        drop(&image);
    }
out:
    return status;
}

static gcr_status load(ceilings *c, ceilings_text which)
{
    gcr_status status = GCR_OK;
    cuda_image image = { 0 };

    GCR_TRY(compile(&image, which, c->gpu->capability));
    GCR_CUDA("load the code of the ceilings",
             cudaLibraryLoadData(&c->library[which], image.bytes, NULL, NULL, 0, NULL, NULL, 0));
out:
    drop(&image);
    return status;
}

/* ---- numbers to compute with ----------------------------------------------------------------- */

static gcr_status open_inputs(ceilings *c)
{
    gcr_status status = GCR_OK;
    double values[CEILINGS_INPUTS], ones[CEILINGS_INPUTS];
    float floats[CEILINGS_INPUTS];

    for (int i = 0; i < CEILINGS_INPUTS; i++) {
        const uint32_t random = (uint32_t)(i + 1) * 2654435769u;

        values[i] = 0.25 + (random >> 8) * 0x1p-25;
        floats[i] = (float)values[i];
        ones[i] = 1;
    }
    GCR_TRY(bench_gpu_allocate(&c->in_dev, sizeof values));
    GCR_TRY(bench_gpu_allocate(&c->in_float_dev, sizeof floats));
    GCR_TRY(bench_gpu_allocate(&c->ones_dev, sizeof ones));
    GCR_TRY(bench_gpu_upload(c->gpu, c->in_dev, values, sizeof values));
    GCR_TRY(bench_gpu_upload(c->gpu, c->in_float_dev, floats, sizeof floats));
    GCR_TRY(bench_gpu_upload(c->gpu, c->ones_dev, ones, sizeof ones));
    GCR_TRY(bench_gpu_allocate(&c->out_dev, CEILINGS_OUT_BYTES));
    GCR_TRY(bench_gpu_allocate((void **)&c->ticks_dev, 2 * sizeof *c->ticks_dev));
    GCR_TRY(bench_gpu_set(c->gpu, c->ticks_dev, 0, 2 * sizeof *c->ticks_dev));
out:
    return status;
}

gcr_status ceilings_open(ceilings *out, const bench_gpu *gpu, int has_code)
{
    gcr_status status = GCR_OK;

    *out = (ceilings){ .gpu = gpu };
    GCR_TRY(open_inputs(out));
    GCR_TRY(load(out, CEILINGS_DOUBLE));
    GCR_TRY(load(out, CEILINGS_SINGLE));
    if (has_code)
        GCR_TRY(load(out, CEILINGS_CODE));
out:
    return status;
}

void ceilings_close(ceilings *c)
{
    void *const blocks[] = { c->ticks_dev, c->out_dev, c->ones_dev, c->in_float_dev, c->in_dev };

    for (int which = 0; which < CEILINGS_TEXTS; which++)
        if (c->library[which] != NULL)
            GCR_CUDA_CLOSE(cudaLibraryUnload(c->library[which]));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (blocks[i] != NULL)
            GCR_CUDA_CLOSE(cudaFree(blocks[i]));
    *c = (ceilings){ 0 };
}

/* ---- launches -------------------------------------------------------------------------------- */

gcr_status ceilings_launch_on(const ceilings *c, const ceilings_launch *launch, cudaStream_t stream)
{
    gcr_status status = GCR_OK;
    void *out_dev = launch->out_dev != NULL ? launch->out_dev : c->out_dev;
    const void *in_dev = launch->in_dev;
    uint64_t *ticks_dev = c->ticks_dev;
    uint64_t count = launch->count;
    int rounds = launch->rounds;
    void *arguments[] = { &out_dev, &in_dev, &ticks_dev, &count, &rounds };
    const cudaLaunchConfig_t config = { .gridDim = { launch->blocks, 1, 1 },
                                        .blockDim = { launch->threads, 1, 1 },
                                        .stream = stream };
    cudaKernel_t kernel;

    if (in_dev == NULL)
        in_dev = launch->text == CEILINGS_SINGLE ? c->in_float_dev : c->in_dev;
    GCR_CUDA("find a kernel of the ceilings",
             cudaLibraryGetKernel(&kernel, c->library[launch->text], launch->entry));
    GCR_CUDA("launch a kernel of the ceilings",
             cudaLaunchKernelExC(&config, (const void *)kernel, arguments));
out:
    return status;
}

ceilings_launch ceilings_launch_of(const ceilings *c, const ceilings_case *which)
{
    return (ceilings_launch){ .text = which->text,
                              .entry = which->entry,
                              .blocks = (unsigned)(which->blocks * c->gpu->units),
                              .threads = THREADS,
                              .rounds = which->rounds };
}

double ceilings_operations(const ceilings *c, const ceilings_case *which)
{
    return which->operations * which->rounds * THREADS * which->blocks * c->gpu->units;
}

static const ceilings_case *find(ceilings_text text, const char *entry)
{
    const ceilings_case *which = ceilings_cases;

    while (which->entry != NULL && (which->text != text || strcmp(which->entry, entry) != 0))
        which++;
    return which;
}

gcr_status ceilings_rate(double *out, const ceilings *c, ceilings_text text, const char *entry)
{
    gcr_status status = GCR_OK;
    const ceilings_case *which = find(text, entry);
    const ceilings_launch launch = ceilings_launch_of(c, which);
    double rates[RATE_ROUNDS], seconds;

    if (which->entry == NULL || c->gpu->capability < which->capability)
        GCR_FAIL(GCR_EINVAL, "there is no ceiling '%s' on %s", entry, c->gpu->name);
    for (int round = -1; round < RATE_ROUNDS; round++) {
        GCR_TRY(bench_gpu_start(c->gpu));
        GCR_TRY(ceilings_launch_on(c, &launch, c->gpu->stream));
        GCR_TRY(bench_gpu_stop(&seconds, c->gpu));
        if (round >= 0)
            rates[round] = ceilings_operations(c, which) / seconds;
    }
    *out = bench_spread_of(rates, RATE_ROUNDS).median;
out:
    return status;
}

void ceilings_say_rate(const bench *b, const char *where, const bench_side *side, double units,
                       const char *unit)
{
    double rates[BENCH_ROUNDS_MAX];

    for (int i = 0; i < b->rounds; i++)
        rates[i] = units / side->seconds[i];
    bench_row(b, where, side->what, unit, bench_spread_of(rates, b->rounds));
}
