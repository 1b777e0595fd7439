/* cuda/cuda_large.c -- see cuda_large.h. */
#include "cuda/cuda_large.h"

#include "cuda/blocked.h"
#include "cuda/cuda_dense.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    GRAPHS_MAX = 16,
    GRAPHS_STEP = 5, /* no divisor of it */
};

/* The products of a sub-batch. Its kernels have a copy of the grid, with all addresses. */
typedef struct graph {
    const cuda_code *code;
    gcr_grid grid;
    cudaGraphExec_t exec;
} graph;

struct cuda_large {
    void *memory; /* matrices, pivots, answers and marks of a sub-batch */
    uint64_t memory_bytes;
    graph graphs[GRAPHS_MAX];
    int graph_count, graph_to_go; /* the one that goes when there is no room for another */
    uint64_t *list_count;         /* pinned: cells on the list of the next rung */
};

/* ---- what a queue keeps ---------------------------------------------------------------------- */

static gcr_status open_large(cuda_queue *queue)
{
    gcr_status status = GCR_OK;

    if (queue->large == NULL)
        queue->large = calloc(1, sizeof *queue->large);
    if (queue->large == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for large matrices");
    if (queue->large->list_count == NULL)
        GCR_CUDA("allocate pinned memory",
                 cudaHostAlloc((void **)&queue->large->list_count, sizeof *queue->large->list_count,
                               cudaHostAllocDefault));
out:
    if (status != GCR_OK)
        gcr_cuda_large_close(queue);
    return status;
}

static void close_graphs(cuda_large *large)
{
    for (int g = 0; g < large->graph_count; g++)
        GCR_CUDA_CLOSE(cudaGraphExecDestroy(large->graphs[g].exec));
    large->graph_count = 0;
}

void gcr_cuda_large_close(cuda_queue *queue)
{
    cuda_large *large = queue->large;
    cuda_device *device = cuda_device_of(queue->base.device);

    if (large == NULL)
        return;
    close_graphs(large);
    gcr_cuda_free(device, large->memory);
    if (large->list_count != NULL)
        GCR_CUDA_CLOSE(cudaFreeHost(large->list_count));
    free(large);
    queue->large = NULL;
}

/* A graph may be destroyed when it does not run. */
void gcr_cuda_large_forget(const cuda_program *program)
{
    cuda_device *device = cuda_device_of(program->base.device);

    pthread_mutex_lock(&device->lock);
    for (const cuda_queue *q = device->queues; q != NULL; q = q->next) {
        if (q->large == NULL || q->large->graph_count == 0)
            continue;
        GCR_CUDA_CLOSE(cudaStreamSynchronize(q->work.stream));
        close_graphs(q->large);
    }
    pthread_mutex_unlock(&device->lock);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Bytes from the beginning of the memory to each part of a sub-batch, and to the end. */
typedef struct layout {
    uint64_t pivots, bad, minors, answers, end;
} layout;

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* Answers come last: what is before them is at the same place for all shapes that share a graph. n
 * and right_sides have been bounded (launch.c): of 2^20 rows it is 2^43 bytes for each matrix. */
static layout layout_of(const gcr_grid *grid, uint64_t answer_bytes, uint64_t scalar_bytes)
{
    const uint64_t slots = (uint64_t)grid->slots;
    layout at;

    at.pivots = round_up(slots * (uint64_t)grid->stride * scalar_bytes);
    at.bad = at.pivots + round_up(slots * (uint64_t)grid->rows * scalar_bytes);
    at.minors = at.bad + round_up(slots * sizeof(int32_t));
    at.answers = at.minors + round_up(slots * sizeof(int32_t));
    at.end = at.answers + slots * answer_bytes;
    return at;
}

static gcr_grid grid_of(const cuda_large_args *args)
{
    return gcr_grid_of(gcr_cuda_crossovers_of(args->program), args->n, args->right_sides);
}

static layout layout_of_args(const cuda_large_args *args, const gcr_grid *grid)
{
    return layout_of(grid, args->answer_bytes, gcr_scalar_bytes(args->program->base.unit->scalar));
}

static gcr_status check_size(const cuda_device *device, const cuda_large_args *args, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const uint64_t most = device->base.info.total_bytes / GCR_CUDA_LARGE_SHARE;

    if (args->answer_bytes == UINT64_MAX || args->answer_bytes > most || bytes > most)
        GCR_FAIL(GCR_ENOMEM,
                 "cells of %" PRId32 " rows need %" PRIu64 " bytes to be factored, and %s has "
                 "%" PRIu64 " for that",
                 args->n, args->answer_bytes > most ? args->answer_bytes : bytes,
                 device->base.info.name, most);
out:
    return status;
}

/* Graphs have the addresses of what they work on. */
static gcr_status reserve_memory(cuda_queue *queue, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_large *large = queue->large;
    cuda_device *device = cuda_device_of(queue->base.device);

    if (large->memory_bytes >= bytes)
        goto out;
    GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream));
    close_graphs(large);
    gcr_cuda_free(device, large->memory);
    large->memory = NULL;
    large->memory_bytes = 0;
    GCR_TRY(gcr_cuda_allocate(&large->memory, device, bytes,
                              "allocate the matrices of a batch on the GPU"));
    large->memory_bytes = bytes;
out:
    return status;
}

static gcr_scalar scalar_of(const cuda_large_args *args)
{
    return args->program->base.unit->scalar;
}

uint64_t gcr_cuda_large_bytes(const cuda_large_args *args)
{
    const gcr_grid grid = grid_of(args);

    return args->answer_bytes < UINT64_MAX / 4096 ? layout_of_args(args, &grid).end : UINT64_MAX;
}

gcr_status gcr_cuda_large_reserve(cuda_queue *queue, const cuda_large_args *args)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    const gcr_grid grid = grid_of(args);
    const uint64_t bytes = gcr_cuda_large_bytes(args);

    GCR_TRY(check_size(device, args, bytes));
    GCR_TRY(open_large(queue));
    GCR_TRY(gcr_cuda_dense_open(queue, scalar_of(args), &grid));
    GCR_TRY(reserve_memory(queue, bytes));
out:
    return status;
}

/* ---- one sub-batch --------------------------------------------------------------------------- */

/* Where the steps of a factorisation go. */
typedef struct factorisation {
    cuda_queue *queue;
    const cuda_large_args *args;
    const gcr_grid *grid;
} factorisation;

static gcr_status launch_entry(cuda_queue *queue, const cuda_large_args *args,
                               cuda_grid_entry entry, uint64_t blocks, uint64_t shared_bytes,
                               void *argument)
{
    gcr_variant variant = args->code->variant;

    variant.shared_bytes = shared_bytes;
    if (entry != CUDA_GRID_FINISH)
        blocks = gcr_cuda_blocks(queue->base.device, blocks, GCR_CUDA_UNIT_BLOCKS);
    return gcr_cuda_lane_launch(&queue->work, args->code->grid[entry], (unsigned)blocks, &variant,
                                argument);
}

static gcr_status launch_diagonal(void *arg, int64_t first, int64_t count)
{
    const factorisation *of = arg;
    const uint64_t blocks = ((uint64_t)count + GCR_BLOCKED_ROWS - 1) / GCR_BLOCKED_ROWS;
    gcr_diagonal_launch launch = { .grid = *of->grid,
                                   .first = (int32_t)first,
                                   .count = (int32_t)count,
                                   .is_factored = of->grid->is_lower };

    return launch_entry(of->queue, of->args, CUDA_GRID_DIAGONAL, (uint64_t)of->grid->slots * blocks,
                        of->args->code->variant.shared_bytes, &launch);
}

static gcr_status multiply(void *arg, const gcr_product *product)
{
    const factorisation *of = arg;

    return gcr_cuda_dense_multiply(of->queue, scalar_of(of->args), of->grid, product);
}

static gcr_status enqueue_steps(factorisation *of)
{
    const gcr_blocked blocked = { .rows = of->grid->rows,
                                  .sides = of->grid->sides,
                                  .ld = of->grid->ld,
                                  .diagonal = launch_diagonal,
                                  .multiply = multiply,
                                  .arg = of };

    return of->grid->is_lower ? gcr_blocked_solve(&blocked) : gcr_blocked_factor(&blocked);
}

/* The steps once for nothing, so that libraries load their code before a recording begins; then as
 * a graph. A recording is ended in any case. */
static gcr_status record(cudaGraphExec_t *out, factorisation *of)
{
    gcr_status status = GCR_OK;
    const cudaStream_t stream = of->queue->work.stream;
    cudaGraph_t recorded = NULL;
    cudaError_t error;

    GCR_TRY(enqueue_steps(of));
    GCR_CUDA("record the steps of a factorisation",
             cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    status = enqueue_steps(of);
    if (gcr_cuda_is_lost()) { /* by this thread, whose sentence stays, or by another */
        status = status != GCR_OK ? status : gcr_cuda_usable();
        goto out;
    }
    error = cudaStreamEndCapture(stream, &recorded);
    if (status != GCR_OK)
        gcr_cuda_note(error);
    GCR_TRY(status);
    GCR_CUDA("record the steps of a factorisation", error);
    GCR_CUDA("make a graph of the steps of a factorisation",
             cudaGraphInstantiate(out, recorded, 0));
out:
    if (recorded != NULL)
        GCR_CUDA_CLOSE(cudaGraphDestroy(recorded));
    return status;
}

static int is_same(const gcr_grid *a, const gcr_grid *b)
{
    return a->rows == b->rows && a->sides == b->sides && a->slots == b->slots &&
           a->is_lower == b->is_lower && a->ld == b->ld && a->stride == b->stride &&
           a->matrices == b->matrices && a->pivots == b->pivots && a->bad == b->bad &&
           a->minors == b->minors;
}

/* One goes where there is no room. Not the one that was recorded next, as shapes mostly come in
 * turns and it would be the next to be asked for. */
static gcr_status make_room(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_large *large = queue->large;
    graph *const old = &large->graphs[large->graph_to_go];

    if (large->graph_count < GRAPHS_MAX)
        goto out;
    GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream)); /* it may be running */
    GCR_CUDA_CLOSE(cudaGraphExecDestroy(old->exec));
    *old = large->graphs[--large->graph_count];
    large->graph_to_go = (large->graph_to_go + GRAPHS_STEP) % GRAPHS_MAX;
out:
    return status;
}

/* The graph for this shape. */
static gcr_status find_graph(cudaGraphExec_t *out, factorisation *of)
{
    gcr_status status = GCR_OK;
    cuda_large *large = of->queue->large;

    for (int g = 0; g < large->graph_count; g++) {
        *out = large->graphs[g].exec;
        if (large->graphs[g].code == of->args->code && is_same(&large->graphs[g].grid, of->grid))
            goto out;
    }
    GCR_TRY(make_room(of->queue));
    GCR_TRY(record(out, of));
    large->graphs[large->graph_count++] =
        (graph){ .code = of->args->code, .grid = *of->grid, .exec = *out };
out:
    return status;
}

/* The graph is found first: it may be recorded, which writes over the matrices. */
static gcr_status crunch_systems(factorisation *of, gcr_grid_launch *launch)
{
    gcr_status status = GCR_OK;
    const gcr_grid *grid = of->grid;
    const uint64_t slots = (uint64_t)grid->slots, rows = (uint64_t)grid->rows;
    cudaGraphExec_t exec;

    GCR_TRY(find_graph(&exec, of));
    GCR_CUDA("clear the marks of a batch",
             cudaMemsetAsync(grid->bad, 0, slots * sizeof *grid->bad, of->queue->work.stream));
    of->queue->work.issued++;
    GCR_TRY(launch_entry(of->queue, of->args, CUDA_GRID_FILL,
                         slots * ((rows + 31) / 32) * (rows / 256 + 1), 0, launch));
    if (grid->is_lower)
        GCR_TRY(gcr_cuda_dense_factor(of->queue, scalar_of(of->args), grid));
    GCR_CUDA("launch a batch", cudaGraphLaunch(exec, of->queue->work.stream));
    of->queue->work.issued++;
    GCR_TRY(launch_entry(of->queue, of->args, CUDA_GRID_ANSWER, slots * (1 + (uint64_t)grid->sides),
                         0, launch));
    GCR_TRY(launch_entry(of->queue, of->args, CUDA_GRID_INVERT, slots * rows / 64 + 1, 0, launch));
out:
    return status;
}

/* ---- a batch --------------------------------------------------------------------------------- */

/* `count` cells of the list, as many at a time as there are slots; of their systems too. */
static gcr_status crunch_list(factorisation *of, gcr_grid_launch *launch, uint64_t count)
{
    gcr_status status = GCR_OK;
    const int32_t slots = of->grid->slots;

    for (launch->first = 0; launch->first < count; launch->first += (uint64_t)slots) {
        const uint64_t left = count - launch->first;

        launch->cell_count = left < (uint64_t)slots ? (int32_t)left : slots;
        for (launch->system = 0; launch->system < launch->cell_count * launch->systems;
             launch->system += slots)
            GCR_TRY(crunch_systems(of, launch));
        GCR_TRY(launch_entry(of->queue, of->args, CUDA_GRID_FINISH, (uint64_t)launch->cell_count, 0,
                             launch));
    }
out:
    return status;
}

/* How many cells are on the list of the rung that comes next. */
static gcr_status count_list(uint64_t *out, cuda_queue *queue, const gcr_launch *launch)
{
    gcr_status status = GCR_OK;
    uint64_t *count = queue->large->list_count;

    GCR_CUDA("copy from the GPU",
             cudaMemcpyAsync(count, launch->counters + 2 * launch->step + 1, sizeof *count,
                             cudaMemcpyDeviceToHost, queue->work.stream));
    queue->work.issued++;
    GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream));
    *out = *count;
out:
    return status;
}

static gcr_status climb(factorisation *of, gcr_grid_launch *launch)
{
    gcr_status status = GCR_OK;
    uint64_t count = 1;

    for (launch->launch.step = 1; launch->launch.step <= launch->launch.jitter_count && count > 0;
         launch->launch.step++) {
        GCR_TRY(count_list(&count, of->queue, &launch->launch));
        launch->cells = launch->launch.retry[launch->launch.step % 2];
        GCR_TRY(crunch_list(of, launch, count));
    }
out:
    return status;
}

gcr_status gcr_cuda_large_crunch(cuda_queue *queue, const cuda_large_args *args)
{
    gcr_status status = GCR_OK;
    const uint64_t scalar_bytes = gcr_scalar_bytes(args->program->base.unit->scalar);
    gcr_grid_launch launch = { .launch = args->launch, .systems = args->systems };
    factorisation of = { .queue = queue, .args = args, .grid = &launch.grid };
    char *memory = queue->large->memory;
    layout at;

    launch.grid = grid_of(args);
    at = layout_of_args(args, &launch.grid);
    launch.grid.matrices = memory;
    launch.grid.pivots = memory + at.pivots;
    launch.grid.bad = (int32_t *)(memory + at.bad);
    launch.grid.minors = (int32_t *)(memory + at.minors);
    launch.launch.scratch = memory + at.answers;
    launch.launch.scratch_stride = args->answer_bytes / scalar_bytes;
    GCR_TRY(gcr_cuda_kernel_allow_shared(args->code->grid[CUDA_GRID_DIAGONAL],
                                         cuda_device_of(queue->base.device),
                                         args->code->variant.shared_bytes));
    if (args->launch.live != NULL) {
        GCR_TRY(launch_entry(queue, args, CUDA_GRID_LIST, args->launch.cell_count / 256 + 1, 0,
                             &launch.launch));
        launch.cells = launch.launch.retry[0];
    }
    GCR_TRY(crunch_list(&of, &launch, args->live_count));
    GCR_TRY(climb(&of, &launch));
out:
    return status;
}
