/*
 * cuda/cuda_factor.c -- factors of matrices as they stand on the GPU.
 *
 * Groups of one variant become one launch, the largest matrices first. What a launch must know of
 * its groups is its argument, so that nothing goes up, nothing is allocated and nobody waits. The
 * code of the variants that a call needs is compiled, side by side, or read from the cache, when
 * the first of their groups come; a queue, which belongs to one thread, keeps it for itself.
 */
#include "cuda/cuda_factor.h"
#include "cuda/cuda_compilers.h"
#include "cuda/cuda_kernel.h"
#include "cuda/device/factor_layout.h"

#include "base/memory.h"

#include <stdlib.h>

enum { CODES_MAX = 32 };

struct cuda_factors {
    cuda_factor_code codes[CODES_MAX];
    int code_count;
    gcr_factor_group *order; /* the groups of a call, by size */
    uint64_t order_room;
};

static int is_thread(const gcr_variant *variant)
{
    return variant->team == GCR_TEAM_THREAD;
}

uint64_t gcr_cuda_factor_bytes(const gcr_device *base, gcr_scalar scalar, int32_t n, uint64_t count)
{
    const cuda_device *device = (const cuda_device *)base;
    const uint64_t scalar_bytes = gcr_scalar_bytes(scalar);
    const gcr_variant variant = gcr_variant_of_factor(&device->crossovers[scalar], n);
    const uint64_t stride = (uint64_t)gcr_factor_stride(is_thread(&variant), n);
    uint64_t bytes;

    if (variant.team == GCR_TEAM_GRID)
        return gcr_cuda_factor_large_bytes(&device->crossovers[scalar], n, count);
    if (!gcr_multiply(&bytes, gcr_factor_items(is_thread(&variant), count),
                      stride * scalar_bytes * (is_thread(&variant) ? 32 : 1)))
        return UINT64_MAX;
    return bytes;
}

/* ---- code ------------------------------------------------------------------------------------ */

/* NULL: the variant has none. */
static const char *entry_name(const gcr_variant *variant, int entry)
{
    static const char *const names[CUDA_FACTOR_ENTRIES] = { [GCR_FACTOR_PACK] = "gcr_pack",
                                                            [GCR_FACTOR_IN_PLACE] = "gcr_factor",
                                                            [GCR_FACTOR_UNPACK] = "gcr_unpack" };
    static const char *const large[CUDA_FACTOR_ENTRIES] = {
        [GCR_FACTOR_PACK] = "gcr_large_pack",  [GCR_FACTOR_UNPACK] = "gcr_large_take",
        [CUDA_FACTOR_LOOK] = "gcr_large_look", [CUDA_FACTOR_BLOCK] = "gcr_large_diag",
        [CUDA_FACTOR_END] = "gcr_large_end",
    };

    return variant->team == GCR_TEAM_GRID ? large[entry] : names[entry];
}

static gcr_status load(cuda_factor_code *c, const cuda_image *image)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("load the code of a kernel",
             cudaLibraryLoadData(&c->library, image->bytes, NULL, NULL, 0, NULL, NULL, 0));
    for (int e = 0; e < CUDA_FACTOR_ENTRIES; e++)
        if (entry_name(&c->variant, e) != NULL)
            GCR_CUDA("find the code of a kernel",
                     cudaLibraryGetKernel(&c->entries[e], c->library, entry_name(&c->variant, e)));
out:
    return status;
}

/* Groups of both are launched together. */
static int is_same(const gcr_variant *a, const gcr_variant *b)
{
    return a->team == b->team && a->bound == b->bound && a->threads == b->threads &&
           a->min_blocks == b->min_blocks;
}

/* Among the first `count`. */
static cuda_factor_code *find_code(struct cuda_factors *factors, int count,
                                   const gcr_variant *variant, gcr_scalar scalar)
{
    for (int c = 0; c < count; c++)
        if (factors->codes[c].scalar == scalar && is_same(&factors->codes[c].variant, variant))
            return &factors->codes[c];
    return NULL;
}

/* Puts those behind the codes that the groups of a call need and that are not there. */
static gcr_status list_lacking(int *count_out, struct cuda_factors *factors,
                               const gcr_crossovers *crossovers, uint64_t group_count)
{
    gcr_status status = GCR_OK;
    int count = factors->code_count;

    for (uint64_t g = 0; g < group_count; g++) {
        const gcr_variant variant = gcr_variant_of_factor(crossovers, factors->order[g].n);
        cuda_factor_code *const next = &factors->codes[count];

        if (find_code(factors, count, &variant, crossovers->scalar) != NULL)
            continue;
        if (count == CODES_MAX)
            GCR_FAIL(GCR_EDEVICE, "factors need more than %d variants", CODES_MAX);
        *next = (cuda_factor_code){ .variant = variant, .scalar = crossovers->scalar };
        next->variant.shared_bytes = 0;
        count++;
    }
out:
    *count_out = count - factors->code_count;
    return status;
}

static gcr_status load_all(struct cuda_factors *factors, const cuda_order *orders, int count)
{
    gcr_status status = GCR_OK;

    for (int k = 0; k < count; k++) {
        cuda_factor_code *const c = &factors->codes[factors->code_count];

        status = load(c, &orders[k].image);
        if (status != GCR_OK && c->library != NULL)
            GCR_CUDA_CLOSE(cudaLibraryUnload(c->library));
        GCR_TRY(status);
        factors->code_count++;
    }
out:
    return status;
}

static gcr_status make_codes(struct cuda_factors *factors, const cuda_device *device,
                             const gcr_factor_args *args)
{
    gcr_status status = GCR_OK;
    cuda_order orders[CODES_MAX] = { 0 };
    const cuda_factor_code *const lacking = factors->codes + factors->code_count;
    int count = 0;

    GCR_TRY(list_lacking(&count, factors, &device->crossovers[args->scalar], args->group_count));
    for (int k = 0; k < count; k++)
        GCR_TRY(gcr_cuda_define_factor(&orders[k].source, &lacking[k].variant, args->scalar));
    GCR_TRY(gcr_cuda_compile_orders(orders, count, device->capability));
    GCR_TRY(load_all(factors, orders, count));
out:
    gcr_cuda_orders_close(orders, count);
    return status;
}

/* Lets blocks have so much shared memory, and asks how many of them run side by side. */
static gcr_status widen(cuda_factor_code *c, const cuda_device *device, uint64_t shared_bytes)
{
    gcr_status status = GCR_OK;
    const int entry =
        c->variant.team == GCR_TEAM_GRID ? CUDA_FACTOR_BLOCK : (int)GCR_FACTOR_IN_PLACE;
    const cudaKernel_t kernel = c->entries[entry];

    if (c->blocks > 0 && c->variant.shared_bytes == shared_bytes)
        goto out;
    c->blocks = 0;
    GCR_TRY(gcr_cuda_kernel_allow_shared(kernel, device, shared_bytes));
    GCR_TRY(gcr_cuda_kernel_blocks(&c->blocks, kernel, device, c->variant.threads, shared_bytes));
    c->variant.shared_bytes = shared_bytes;
out:
    return status;
}

/* ---- launches -------------------------------------------------------------------------------- */

static gcr_status enqueue(cuda_queue *queue, const cuda_factor_code *c, gcr_factor_step step,
                          gcr_factor_launch *launch)
{
    gcr_status status = GCR_OK;
    const int is_move = step != GCR_FACTOR_IN_PLACE;
    const uint64_t teams = (uint64_t)c->variant.teams_of_block;
    const uint64_t needed = (launch->item_count + teams - 1) / teams;
    gcr_variant variant = c->variant;

    variant.shared_bytes = is_move ? 0 : variant.shared_bytes;
    GCR_TRY(gcr_cuda_enter(queue->base.device));
    GCR_TRY(gcr_cuda_queue_turn_work(queue));
    GCR_TRY(gcr_cuda_lane_launch(
        &queue->work, c->entries[step],
        gcr_cuda_blocks(queue->base.device, needed, is_move ? GCR_CUDA_UNIT_BLOCKS : c->blocks),
        &variant, launch));
out:
    return status;
}

/* Groups from `first` on that one launch can have; the first has the largest matrices. */
static uint64_t collect(gcr_factor_launch *out, const gcr_factor_group *first, uint64_t left,
                        const gcr_crossovers *crossovers)
{
    const gcr_variant variant = gcr_variant_of_factor(crossovers, first->n);
    uint64_t count = 0;

    *out = (gcr_factor_launch){ 0 };
    while (count < left && count < GCR_LAUNCH_GROUPS) {
        const gcr_variant next = gcr_variant_of_factor(crossovers, first[count].n);

        if (!is_same(&variant, &next))
            break;
        out->groups[count] = (gcr_launch_group){ .of = first[count], .before = out->item_count };
        out->item_count += gcr_factor_items(is_thread(&variant), first[count].count);
        count++;
    }
    out->group_count = (int32_t)count;
    return count;
}

static gcr_status launch_many(cuda_queue *queue, const cuda_factor_code *c, gcr_factor_step step,
                              gcr_factor_launch *launch)
{
    gcr_status status;
    cuda_device *device = cuda_device_of(queue->base.device);

    pthread_mutex_lock(&device->lock);
    status = enqueue(queue, c, step, launch);
    pthread_mutex_unlock(&device->lock);
    return status;
}

static gcr_status launch_all(cuda_queue *queue, const gcr_factor_args *args)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = cuda_device_of(queue->base.device);
    const gcr_crossovers *crossovers = &device->crossovers[args->scalar];
    const gcr_factor_group *order = queue->factors->order;

    for (uint64_t g = 0; g < args->group_count;) {
        const gcr_variant variant = gcr_variant_of_factor(crossovers, order[g].n);
        gcr_factor_launch launch;
        cuda_factor_code *const c =
            find_code(queue->factors, queue->factors->code_count, &variant, args->scalar);

        GCR_TRY(widen(c, device, variant.shared_bytes));
        if (variant.team == GCR_TEAM_GRID)
            GCR_TRY(gcr_cuda_factor_large(queue, c, args->step, &order[g++]));
        else {
            g += collect(&launch, order + g, args->group_count - g, crossovers);
            GCR_TRY(launch_many(queue, c, args->step, &launch));
        }
    }
out:
    return status;
}

/* ---- the operation --------------------------------------------------------------------------- */

static int larger_first(const void *a, const void *b)
{
    const gcr_factor_group *one = a, *other = b;

    return (one->n < other->n) - (one->n > other->n);
}

static gcr_status sort_groups(struct cuda_factors *factors, const gcr_factor_args *args)
{
    gcr_status status = GCR_OK;

    if (factors->order_room < args->group_count) {
        gcr_factor_group *order = realloc(factors->order, args->group_count * sizeof *order);

        if (order == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for the groups of matrices that are to be factored");
        factors->order = order;
        factors->order_room = args->group_count;
    }
    for (uint64_t g = 0; g < args->group_count; g++)
        factors->order[g] = args->groups[g];
    qsort(factors->order, args->group_count, sizeof *factors->order, larger_first);
out:
    return status;
}

gcr_status gcr_cuda_factor(gcr_queue *base, const gcr_factor_args *args)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;

    GCR_TRY(gcr_cuda_turn(base->device));
    if (queue->factors == NULL)
        queue->factors = calloc(1, sizeof *queue->factors);
    if (queue->factors == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to factor matrices");
    GCR_TRY(sort_groups(queue->factors, args));
    GCR_TRY(make_codes(queue->factors, cuda_device_of(base->device), args));
    GCR_TRY(launch_all(queue, args));
out:
    return status;
}

void gcr_cuda_factors_close(cuda_queue *queue)
{
    struct cuda_factors *factors = queue->factors;

    if (factors == NULL)
        return;
    for (int c = 0; c < factors->code_count; c++)
        GCR_CUDA_CLOSE(cudaLibraryUnload(factors->codes[c].library));
    free(factors->order);
    free(factors);
    queue->factors = NULL;
}
