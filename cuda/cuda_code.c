/*
 * cuda/cuda_code.c -- the code of a program for each variant: compiled, loaded, asked how many
 * blocks fit.
 *
 * What a run will need is known before it begins: it is compiled when the program is opened, side
 * by side (cuda_compilers.h).
 */
#include "cuda/cuda_compilers.h"
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_program.h"

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

    *code = (cuda_code){ .variant = *variant };
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

/* ---- many ------------------------------------------------------------------------------------ */

/* Variants that are to be compiled. */
typedef struct wanted {
    gcr_variant variants[GCR_CUDA_CODES_MAX];
    int count;
} wanted;

static cuda_code *find(cuda_program *program, const gcr_variant *variant)
{
    for (int c = 0; c < program->code_count; c++)
        if (is_same(&program->codes[c].variant, variant))
            return &program->codes[c];
    return NULL;
}

/* Unless it is there, or wanted already. */
static gcr_status add(wanted *to, cuda_program *program, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;

    if (find(program, variant) != NULL)
        goto out;
    for (int k = 0; k < to->count; k++)
        if (is_same(&to->variants[k], variant))
            goto out;
    if (program->code_count + to->count == GCR_CUDA_CODES_MAX)
        GCR_FAIL(GCR_EDEVICE, "kernel '%s' needs more than %d variants",
                 program->base.unit->kernel->name, GCR_CUDA_CODES_MAX);
    to->variants[to->count++] = *variant;
out:
    return status;
}

static gcr_status describe(cuda_source *out, const cuda_program *program,
                           const gcr_variant *variant)
{
    const gcr_kernel *kernel = program->base.unit->kernel;

    *out = (cuda_source){ .name = kernel->name, .path = program->path, .text = program->text };
    return gcr_cuda_define_variant(out, kernel, program->spec.setup->option,
                                   program->base.unit->scalar, variant);
}

static gcr_status make(cuda_program *program, const wanted *all)
{
    gcr_status status = GCR_OK;
    cuda_order orders[GCR_CUDA_CODES_MAX] = { 0 };

    for (int k = 0; k < all->count; k++)
        GCR_TRY(describe(&orders[k].source, program, &all->variants[k]));
    GCR_TRY(gcr_cuda_compile_orders(orders, all->count,
                                    cuda_device_of(program->base.device)->capability));
    for (int k = 0; k < all->count; k++) {
        cuda_code *code = &program->codes[program->code_count];

        status = load(code, &all->variants[k], &orders[k].image);
        if (status != GCR_OK) {
            unload(code);
            goto out;
        }
        program->code_count++;
    }
out:
    gcr_cuda_orders_close(orders, all->count);
    return status;
}

gcr_status gcr_cuda_codes_make(cuda_program *program, const gcr_variant *variants, int count)
{
    gcr_status status = GCR_OK;
    wanted all = { .count = 0 };

    pthread_mutex_lock(&program->lock);
    for (int v = 0; v < count; v++)
        GCR_TRY(add(&all, program, &variants[v]));
    GCR_TRY(make(program, &all));
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}

gcr_status gcr_cuda_codes_make_for(cuda_program *program, const gcr_shape *shapes, uint64_t count)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers *crossovers = gcr_cuda_crossovers_of(program);
    const gcr_kernel *kernel = program->base.unit->kernel;
    wanted all = { .count = 0 };

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
    GCR_TRY(make(program, &all));
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

/* The lock is held: other queues may launch the same code. What they may have is never made
 * less. */
static gcr_status allow_shared(cuda_code *code, const cuda_device *device, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const cudaKernel_t kernels[] = { code->crunch, code->retry, code->prepare };

    if (bytes <= code->shared_allowed)
        goto out;
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        if (kernels[k] != NULL)
            GCR_TRY(gcr_cuda_kernel_allow_shared(kernels[k], device, bytes));
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
    GCR_TRY(gcr_cuda_kernel_blocks(&blocks, kernel, device, code->variant.threads, shared_bytes));
    code->blocks = *out = blocks;
    code->shared_asked = shared_bytes;
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}
