/*
 * cuda/cuda_factor_large.c -- factors of matrices as they stand, that the whole GPU and libraries
 * have (device/factor_grid.h).
 *
 * Sub-batches of a group come one after the other, each with as many matrices as any other, so that
 * no library sees a number of them that could change how it adds: the group has room for that.
 */
#include "cuda/blocked.h"
#include "cuda/cuda_dense.h"
#include "cuda/cuda_factor.h"
#include "cuda/device/factor_layout.h"

#include "base/memory.h"

/* A group, or a sub-batch of it, on its way to the device. */
typedef struct large {
    cuda_queue *queue;
    const cuda_factor_code *code;
    gcr_large_launch launch;
} large;

static uint64_t all_slots(const gcr_grid *grid, uint64_t count)
{
    const uint64_t slots = (uint64_t)grid->slots;

    return (count / slots + (count % slots != 0)) * slots;
}

uint64_t gcr_cuda_factor_large_bytes(const gcr_crossovers *crossovers, int32_t n, uint64_t count)
{
    const gcr_grid grid = gcr_grid_of_factor(crossovers, n);
    uint64_t bytes;

    if (count > UINT64_MAX / 2 ||
        !gcr_multiply(&bytes, all_slots(&grid, count),
                      (uint64_t)grid.stride * gcr_scalar_bytes(crossovers->scalar)))
        return UINT64_MAX;
    return bytes;
}

static gcr_status launch_entry(large *of, int entry, uint64_t blocks, uint64_t shared_bytes)
{
    gcr_variant variant = of->code->variant;

    variant.shared_bytes = shared_bytes;
    return gcr_cuda_lane_launch(
        &of->queue->work, of->code->entries[entry],
        gcr_cuda_blocks(of->queue->base.device, blocks, GCR_CUDA_UNIT_BLOCKS), &variant,
        &of->launch);
}

/* A warp for each column of each slot. */
static gcr_status launch_columns(large *of, int entry)
{
    const uint64_t columns = (uint64_t)of->launch.grid.rows * (uint64_t)of->launch.grid.slots;
    const uint64_t warps = (uint64_t)of->code->variant.threads / 32;

    return launch_entry(of, entry, (columns + warps - 1) / warps, 0);
}

/* ---- one sub-batch --------------------------------------------------------------------------- */

static gcr_status launch_block(void *arg, int64_t first, int64_t count)
{
    large *of = arg;

    of->launch.begin = (int32_t)first;
    of->launch.count = (int32_t)count;
    return launch_entry(of, CUDA_FACTOR_BLOCK, (uint64_t)of->launch.grid.slots,
                        of->code->variant.shared_bytes);
}

static gcr_status multiply(void *arg, const gcr_product *product)
{
    const large *of = arg;

    return gcr_cuda_dense_multiply(of->queue, of->code->scalar, &of->launch.grid, product);
}

static gcr_status factor_slots(large *of)
{
    const gcr_grid *grid = &of->launch.grid;
    const gcr_blocked blocked = { .rows = grid->rows,
                                  .ld = grid->ld,
                                  .diagonal = launch_block,
                                  .multiply = multiply,
                                  .arg = of };

    if (grid->is_lower)
        return gcr_cuda_dense_factor(of->queue, of->code->scalar, grid);
    return gcr_blocked_factor(&blocked);
}

/* ---- a group --------------------------------------------------------------------------------- */

static gcr_status factor_group(large *whole)
{
    gcr_status status = GCR_OK;
    const gcr_factor_group *group = &whole->launch.group;
    const gcr_grid one = gcr_grid_of_factor(
        &cuda_device_of(whole->queue->base.device)->crossovers[whole->code->scalar], group->n);
    const uint64_t slots = (uint64_t)one.slots;
    large part = *whole;

    GCR_TRY(launch_columns(whole, CUDA_FACTOR_LOOK));
    part.launch.grid.slots = one.slots;
    for (uint64_t first = 0; first < group->count; first += slots) {
        part.launch.first = first;
        part.launch.grid.matrices =
            (char *)group->matrices +
            first * (uint64_t)one.stride * gcr_scalar_bytes(whole->code->scalar);
        part.launch.grid.minors = group->minor + first;
        GCR_TRY(factor_slots(&part));
    }
    GCR_TRY(launch_entry(whole, CUDA_FACTOR_END, (uint64_t)whole->launch.grid.slots, 0));
out:
    return status;
}

/* The lock is held. */
static gcr_status enqueue(large *of, gcr_factor_step step)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_enter(of->queue->base.device));
    GCR_TRY(gcr_cuda_queue_turn_work(of->queue));
    GCR_TRY(step == GCR_FACTOR_IN_PLACE ? factor_group(of) : launch_columns(of, (int)step));
out:
    return status;
}

gcr_status gcr_cuda_factor_large(cuda_queue *queue, const cuda_factor_code *code,
                                 gcr_factor_step step, const gcr_factor_group *group)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    large of = { .queue = queue, .code = code, .launch = { .group = *group } };

    of.launch.grid = gcr_grid_of_factor(&device->crossovers[code->scalar], group->n);
    if (step == GCR_FACTOR_IN_PLACE)
        GCR_TRY(gcr_cuda_dense_open(queue, code->scalar, &of.launch.grid));
    of.launch.grid.slots = (int32_t)all_slots(&of.launch.grid, group->count);
    of.launch.grid.matrices = group->matrices;
    pthread_mutex_lock(&device->lock);
    status = enqueue(&of, step);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}
