/*
 * cuda/cuda_code.c -- the code of a program for each variant: compiled, loaded, asked how many blocks fit.
 *
 * What a run will need is known before it begins, and a batch that waits for a compiler leaves the whole
 * GPU idle: so everything is compiled when the program is opened, side by side on threads of the host
 * (NVRTC lets its later phases run at once since CUDA 12.3). They touch no GPU and keep the sentence of
 * what does not compile; the thread that opens the program loads what came out.
 */
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_program.h"

#include "base/cpus.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMPILERS = 8, /* threads at most: each takes some hundred MB */
    /* Dynamic shared memory that every kernel may have: what it declares beside it counts, too. */
    SHARED_UNASKED = (48 << 10) - GCR_STATIC_SHARED_BYTES,
};

/* ---- one variant ----------------------------------------------------------------------------- */

/* Whether both are compiled from the same definitions. */
static int is_same(const gcr_variant *a, const gcr_variant *b)
{
    return a->team == b->team && a->bound == b->bound && a->is_single == b->is_single &&
           a->threads == b->threads && a->min_blocks == b->min_blocks;
}

static gcr_status find_grid_entries(cuda_code *code)
{
    static const char *const names[] = {
        [CUDA_GRID_LIST] = "gcr_list",         [CUDA_GRID_FILL] = "gcr_fill",
        [CUDA_GRID_DIAGONAL] = "gcr_diagonal", [CUDA_GRID_ANSWER] = "gcr_answer",
        [CUDA_GRID_INVERT] = "gcr_invert",     [CUDA_GRID_FINISH] = "gcr_finish",
    };
    gcr_status status = GCR_OK;

    for (int e = 0; e < CUDA_GRID_ENTRY_COUNT; e++)
        GCR_CUDA("find the code of a kernel",
                 cudaLibraryGetKernel(&code->grid[e], code->library, names[e]));
out:
    return status;
}

static gcr_status load(cuda_code *code, const gcr_variant *variant, const cuda_image *image)
{
    gcr_status status = GCR_OK;

    *code = (cuda_code){ .variant = *variant, .shared_allowed = SHARED_UNASKED };
    GCR_CUDA("load the code of a kernel",
             cudaLibraryLoadData(&code->library, image->bytes, NULL, NULL, 0, NULL, NULL, 0));
    if (code->variant.team == GCR_TEAM_PREPARE || code->variant.team == GCR_TEAM_PREPARE_WHOLE) {
        GCR_CUDA("find the code of a kernel",
                 cudaLibraryGetKernel(&code->prepare, code->library, "gcr_prepare"));
        goto out;
    }
    if (code->variant.team == GCR_TEAM_GRID) {
        GCR_TRY(find_grid_entries(code));
        goto out;
    }
    GCR_CUDA("find the code of a kernel",
             cudaLibraryGetKernel(&code->crunch, code->library, "gcr_crunch"));
    GCR_CUDA("find the code of a kernel",
             cudaLibraryGetKernel(&code->retry, code->library, "gcr_retry"));
out:
    return status;
}

static void unload(cuda_code *code)
{
    if (code->library != NULL)
        GCR_CUDA_CLOSE(cudaLibraryUnload(code->library));
    *code = (cuda_code){ 0 };
}

void gcr_cuda_codes_close(cuda_program *program)
{
    for (int c = 0; c < program->code_count; c++)
        unload(&program->codes[c]);
    program->code_count = 0;
}

static gcr_status compile(cuda_image *out, const cuda_program *program, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;
    cuda_source source = { .name = kernel->name, .path = program->path, .text = program->text };

    GCR_TRY(gcr_cuda_define_variant(&source, kernel, program->spec.setup->option,
                                    program->base.unit->scalar, variant));
    GCR_TRY(
        gcr_cuda_compile_cached(out, &source, cuda_device_of(program->base.device)->capability));
out:
    gcr_cuda_undefine(&source);
    return status;
}

/* ---- many ------------------------------------------------------------------------------------ */

/* A variant that is to be compiled, and what came of it. */
typedef struct order {
    gcr_variant variant;
    cuda_image image;
    gcr_status status;
    char *sentence, *details; /* of a failure; NULL where there was no memory for them */
} order;

typedef struct orders {
    const cuda_program *program;
    order items[GCR_CUDA_CODES_MAX];
    int count;
    _Atomic int taken;
} orders;

static cuda_code *find(cuda_program *program, const gcr_variant *variant)
{
    for (int c = 0; c < program->code_count; c++)
        if (is_same(&program->codes[c].variant, variant))
            return &program->codes[c];
    return NULL;
}

/* Unless it is there, or on order. */
static gcr_status add(orders *to, cuda_program *program, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;

    if (find(program, variant) != NULL)
        goto out;
    for (int k = 0; k < to->count; k++)
        if (is_same(&to->items[k].variant, variant))
            goto out;
    if (program->code_count + to->count == GCR_CUDA_CODES_MAX)
        GCR_FAIL(GCR_EDEVICE, "kernel '%s' needs more than %d variants",
                 program->base.unit->kernel->name, GCR_CUDA_CODES_MAX);
    to->items[to->count++].variant = *variant;
out:
    return status;
}

/* Runs on each thread of the pool: a sentence belongs to the thread that has failed. */
static void compile_some(void *arg, int worker)
{
    orders *of = arg;
    int k;

    (void)worker;
    while ((k = atomic_fetch_add(&of->taken, 1)) < of->count) {
        order *o = &of->items[k];

        o->status = compile(&o->image, of->program, &o->variant);
        if (o->status != GCR_OK) {
            o->sentence = strdup(gcr_last_error());
            o->details = strdup(gcr_last_error_details());
        }
    }
}

/* Of as many as there is something to do for. */
static gcr_status compile_all(orders *of)
{
    gcr_status status = GCR_OK;
    const int cpus = gcr_cpu_count(), most = cpus < COMPILERS ? cpus : COMPILERS;
    gcr_pool *pool = NULL;

    if (of->count == 1) {
        compile_some(of, 0);
        goto out;
    }
    GCR_TRY(gcr_pool_create(&pool, of->count < most ? of->count : most));
    gcr_pool_start(pool, compile_some, of);
    gcr_pool_wait(pool, -1);
out:
    gcr_pool_destroy(pool);
    return status;
}

/* What is not there is named by the first that does not compile: the same in each run. */
static gcr_status load_all(cuda_program *program, const orders *of)
{
    gcr_status status = GCR_OK;

    for (int k = 0; k < of->count; k++) {
        const order *o = &of->items[k];
        cuda_code *code = &program->codes[program->code_count];

        if (o->status != GCR_OK) {
            status = gcr_fail_at(__FILE__, __LINE__, o->status, "%s",
                                 o->sentence != NULL ? o->sentence : "no memory to compile");
            gcr_fail_details(o->details != NULL ? o->details : "");
            goto out;
        }
        status = load(code, &o->variant, &o->image);
        if (status != GCR_OK) {
            unload(code);
            goto out;
        }
        program->code_count++;
    }
out:
    return status;
}

static gcr_status carry_out(cuda_program *program, orders *of)
{
    gcr_status status = GCR_OK;

    of->program = program;
    if (of->count == 0)
        goto out;
    GCR_TRY(compile_all(of));
    GCR_TRY(load_all(program, of));
out:
    for (int k = 0; k < of->count; k++) {
        free(of->items[k].image.log);
        free(of->items[k].image.bytes);
        free(of->items[k].sentence);
        free(of->items[k].details);
    }
    return status;
}

gcr_status gcr_cuda_codes_make(cuda_program *program, const gcr_variant *variants, int count)
{
    gcr_status status = GCR_OK;
    orders all = { .count = 0 };

    pthread_mutex_lock(&program->lock);
    for (int v = 0; v < count; v++)
        GCR_TRY(add(&all, program, &variants[v]));
    GCR_TRY(carry_out(program, &all));
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}

gcr_status gcr_cuda_codes_make_for(cuda_program *program, const gcr_shape *shapes, uint64_t count)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers *crossovers = gcr_cuda_crossovers_of(program);
    const gcr_kernel *kernel = program->base.unit->kernel;
    orders all = { .count = 0 };

    pthread_mutex_lock(&program->lock);
    for (uint64_t s = 0; s < count; s++) {
        const gcr_shape shape = { .rows = shapes[s].rows,
                                  .features = shapes[s].features,
                                  .option = program->spec.setup->option };
        const gcr_variant cells = gcr_cuda_variant_of(crossovers, kernel, &shape);
        const gcr_variant prepare = gcr_cuda_variant_of_prepare(crossovers, kernel, &shape);

        if (program->base.unit->prepare != NULL)
            GCR_TRY(add(&all, program, &prepare));
        GCR_TRY(add(&all, program, &cells));
    }
    GCR_TRY(carry_out(program, &all));
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}

static cuda_code *find_locked(cuda_program *program, const gcr_variant *variant)
{
    cuda_code *code;

    pthread_mutex_lock(&program->lock);
    code = find(program, variant);
    pthread_mutex_unlock(&program->lock);
    return code;
}

gcr_status gcr_cuda_code_find(cuda_code **out, cuda_program *program, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;

    *out = find_locked(program, variant);
    if (*out == NULL) {
        GCR_TRY(gcr_cuda_codes_make(program, variant, 1));
        *out = find_locked(program, variant);
    }
out:
    return status;
}

/* ---- how many blocks fit --------------------------------------------------------------------- */

/* The lock is held: other queues may launch the same code. */
static gcr_status allow_shared(cuda_code *code, const cuda_device *device, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const cudaKernel_t kernels[] = { code->crunch, code->retry, code->prepare };

    if (bytes <= code->shared_allowed)
        goto out;
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        if (kernels[k] != NULL)
            GCR_CUDA("give a block its shared memory",
                     cudaKernelSetAttributeForDevice(kernels[k],
                                                     cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                     (int)bytes, device->index));
    code->shared_allowed = bytes;
out:
    return status;
}

gcr_status gcr_cuda_code_blocks(int *out, cuda_program *program, cuda_code *code,
                                uint64_t shared_bytes)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = cuda_device_of(program->base.device);
    const cudaKernel_t kernel = code->crunch != NULL ? code->crunch : code->prepare;
    int blocks = 0;

    pthread_mutex_lock(&program->lock);
    if (code->blocks > 0 && code->shared_asked == shared_bytes) {
        *out = code->blocks;
        goto out;
    }
    GCR_TRY(allow_shared(code, device, shared_bytes));
    GCR_CUDA("ask how many blocks fit",
             cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, (const void *)kernel,
                                                           code->variant.threads, shared_bytes));
    if (blocks < 1)
        GCR_FAIL(
            GCR_EDEVICE,
            "a block of %d threads needs more registers or shared memory than a multiprocessor "
            "of %s has",
            (int)code->variant.threads, device->base.info.name);
    code->blocks = *out = blocks;
    code->shared_asked = shared_bytes;
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}
