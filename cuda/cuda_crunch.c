/*
 * cuda/cuda_crunch.c -- batches, from the host to launches.
 *
 * The descriptors of a batch go up through a slot of pinned memory while the batch before it is
 * computed; the slot is used again when its batch is over. Tiles of one variant become one launch,
 * whatever dataset they are of. Cells that are not SPD are tried again by launches that follow at
 * once and find on the device which those are: the host does not look in between.
 */
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_large.h"
#include "cuda/cuda_program.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>

enum { RETRY_SHARE = 8 }; /* an eighth of the cells of a batch is tried again at once, at most */

/* The descriptors of a batch on both sides, and the end of the batch. */
typedef struct slot {
    gcr_launch_tile *tiles, *tiles_dev; /* [GCR_CUDA_LAUNCH_TILES] */
    cudaEvent_t done;
    int is_used;
} slot;

/* What the launches of a queue share: they run one after the other. */
typedef struct cuda_launcher {
    slot slots[GCR_CUDA_LAUNCH_SLOTS];
    int slot; /* whose turn is next */
    void *scratch, *lists, *counters;
    uint64_t scratch_bytes, lists_bytes, counters_bytes;
} cuda_launcher;

/* Tiles of one variant; where matrices are factored together, of one shape of cells. */
typedef struct group {
    cuda_code *code;
    int32_t n, systems, right_sides;
    gcr_variant variant;             /* the largest shared_bytes and scratch_bytes */
    uint64_t first, count;           /* tiles of the slot */
    uint64_t cell_count, live_count; /* points; live_count: where it matters */
} group;

/* All blocks are one team. */
static int is_whole(const group *g)
{
    return g->code->variant.team == GCR_TEAM_WHOLE;
}

static int is_large(const group *g)
{
    return g->code->variant.team == GCR_TEAM_GRID;
}

/* ---- what a queue keeps ---------------------------------------------------------------------- */

static gcr_status open_slot(slot *s, cuda_device *device)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = GCR_CUDA_LAUNCH_TILES * sizeof *s->tiles;

    GCR_CUDA("allocate pinned memory",
             cudaHostAlloc((void **)&s->tiles, bytes, cudaHostAllocDefault));
    GCR_TRY(gcr_cuda_host_event_open(&s->done));
    GCR_TRY(gcr_cuda_allocate((void **)&s->tiles_dev, device, bytes,
                              "allocate the descriptors of a batch on the GPU"));
out:
    return status;
}

static void close_slot(slot *s, cuda_device *device)
{
    gcr_cuda_free(device, s->tiles_dev);
    if (s->done != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(s->done));
    if (s->tiles != NULL)
        GCR_CUDA_CLOSE(cudaFreeHost(s->tiles));
}

gcr_status gcr_cuda_launcher_open(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);

    queue->launcher = calloc(1, sizeof *queue->launcher);
    if (queue->launcher == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a queue");
    for (int s = 0; s < GCR_CUDA_LAUNCH_SLOTS; s++)
        GCR_TRY(open_slot(&queue->launcher->slots[s], device));
out:
    return status;
}

void gcr_cuda_launcher_close(cuda_queue *queue)
{
    cuda_launcher *launcher = queue->launcher;
    cuda_device *device = cuda_device_of(queue->base.device);

    if (launcher == NULL)
        return;
    gcr_cuda_free(device, launcher->scratch);
    gcr_cuda_free(device, launcher->lists);
    gcr_cuda_free(device, launcher->counters);
    for (int s = 0; s < GCR_CUDA_LAUNCH_SLOTS; s++)
        close_slot(&launcher->slots[s], device);
    free(launcher);
    queue->launcher = NULL;
}

/* ---- one launch ------------------------------------------------------------------------------ */

/* How many blocks: those that run at once, if there is work and scratch for them. */
static gcr_status count_blocks(unsigned *out, const group *g, cuda_program *program)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = cuda_device_of(program->base.device);
    const uint64_t teams = (uint64_t)g->variant.teams_of_block;
    const uint64_t most = device->base.info.total_bytes / GCR_CUDA_SCRATCH_SHARE;
    uint64_t block_bytes, blocks;
    int resident;

    if (!gcr_multiply(&block_bytes, g->variant.scratch_bytes, teams) || block_bytes > most)
        GCR_FAIL(GCR_ENOMEM,
                 "a cell needs %" PRIu64 " bytes of scratch, and %s has %" PRIu64
                 " for all that it computes at once",
                 g->variant.scratch_bytes, device->base.info.name, most);
    GCR_TRY(gcr_cuda_code_blocks(&resident, program, g->code, g->variant.shared_bytes));
    if (is_whole(g)) {
        *out = (unsigned)gcr_cuda_crossovers_of(program)->whole_blocks;
        goto out;
    }
    blocks = (uint64_t)resident * (uint64_t)device->base.info.units;
    if (blocks > (g->cell_count + teams - 1) / teams)
        blocks = (g->cell_count + teams - 1) / teams;
    if (block_bytes > 0 && blocks > most / block_bytes)
        blocks = most / block_bytes;
    *out = (unsigned)blocks;
out:
    return status;
}

/* Few cells are tried again, mostly none: an eighth of them side by side is enough, and an empty
 * grid of all that a GPU holds would cost a small batch more than its cells. */
static unsigned count_retry_blocks(const group *g, unsigned blocks)
{
    const uint64_t teams = (uint64_t)g->variant.teams_of_block;
    const uint64_t few = (g->cell_count / RETRY_SHARE + teams) / teams;

    return few < blocks ? (unsigned)few : blocks;
}

/* The retries of all steps follow; each finds its cells on the list of the step before. */
static gcr_status launch_cells(cuda_queue *queue, const cuda_program *program, const group *g,
                               gcr_launch launch, unsigned blocks)
{
    gcr_status status = GCR_OK;
    const int is_spd = program->base.unit->kernel->form == GCR_FORM_SPD;

    launch.scratch = queue->launcher->scratch;
    launch.scratch_stride = g->variant.scratch_bytes / gcr_scalar_bytes(program->base.unit->scalar);
    if (is_whole(g))
        GCR_TRY(gcr_cuda_lane_clear_meeting(&queue->work, launch.scratch));
    GCR_TRY(gcr_cuda_lane_launch(&queue->work, g->code->crunch, blocks, &g->variant, &launch));
    for (launch.step = 1; is_spd && launch.step <= launch.jitter_count; launch.step++)
        GCR_TRY(gcr_cuda_lane_launch(&queue->work, g->code->retry, count_retry_blocks(g, blocks),
                                     &g->variant, &launch));
out:
    return status;
}

static cuda_large_args large_args(const cuda_program *program, const group *g,
                                  const gcr_launch *launch)
{
    return (cuda_large_args){ .program = program,
                              .code = g->code,
                              .launch = *launch,
                              .live_count = g->live_count,
                              .n = g->n,
                              .systems = g->systems,
                              .right_sides = g->right_sides,
                              .answer_bytes = g->variant.scratch_bytes };
}

static gcr_status launch_group(cuda_queue *queue, const cuda_program *program, const group *g,
                               const slot *s, unsigned blocks)
{
    gcr_status status = GCR_OK;
    const cuda_launcher *launcher = queue->launcher;
    gcr_launch launch = program->common;
    cuda_large_args large;

    launch.tiles = s->tiles_dev + g->first;
    launch.tile_count = g->count;
    launch.cell_count = g->cell_count;
    launch.counters = launcher->counters;
    if (launcher->lists != NULL) {
        launch.retry[0] = launcher->lists;
        launch.retry[1] = launch.retry[0] + g->cell_count;
    }
    GCR_CUDA("clear the counters of a batch",
             cudaMemsetAsync(launcher->counters, 0, launcher->counters_bytes, queue->work.stream));
    large = large_args(program, g, &launch);
    GCR_TRY(is_large(g) ? gcr_cuda_large_crunch(queue, &large)
                        : launch_cells(queue, program, g, launch, blocks));
out:
    return status;
}

/* ---- a batch --------------------------------------------------------------------------------- */

static int takes(const group *g, const cuda_code *code, const gcr_launch_tile *tile)
{
    return g->code == code && (!is_large(g) || (g->n == tile->n && g->systems == tile->systems &&
                                                g->right_sides == tile->right_sides));
}

/* The group that takes tiles like this one, or a new one behind the others. */
static group *find_group(group *groups, int *count, cuda_code *code, const gcr_launch_tile *tile)
{
    int g = 0;

    while (g < *count && !takes(&groups[g], code, tile))
        g++;
    if (g == *count)
        groups[(*count)++] = (group){
            .code = code, .n = tile->n, .systems = tile->systems, .right_sides = tile->right_sides
        };
    return &groups[g];
}

static uint64_t count_live(const cuda_program *program, const gcr_unit_tile *tile)
{
    uint64_t count = 0;

    for (uint64_t point = tile->first; point < tile->first + tile->count; point++)
        count += gcr_point_is_live(program->spec.setup->points, point) != 0;
    return count;
}

static void widen(group *g, const gcr_variant *variant)
{
    const gcr_variant before = g->variant;

    g->variant = *variant;
    if (before.shared_bytes > variant->shared_bytes)
        g->variant.shared_bytes = before.shared_bytes;
    if (before.scratch_bytes > variant->scratch_bytes)
        g->variant.scratch_bytes = before.scratch_bytes;
}

/* Says which group each tile belongs to, and what each group has. */
static gcr_status sort_tiles(group *groups, int *group_count, int *group_of, cuda_program *program,
                             const gcr_unit_tile *tiles, uint64_t count)
{
    gcr_status status = GCR_OK;
    uint64_t first = 0;

    *group_count = 0;
    for (uint64_t t = 0; t < count; t++) {
        const gcr_shape shape = gcr_cuda_shape_of(program, &tiles[t].data);
        const gcr_variant variant = gcr_cuda_variant_of(gcr_cuda_crossovers_of(program),
                                                        program->base.unit->kernel, &shape);
        const gcr_launch_tile tile =
            gcr_cuda_describe_tile(program->base.unit->kernel, &shape, &tiles[t]);
        cuda_code *code;
        group *g;

        GCR_TRY(gcr_cuda_code_find(&code, program, &variant));
        g = find_group(groups, group_count, code, &tile);
        widen(g, &variant);
        g->count++;
        g->cell_count += tiles[t].count;
        if (is_large(g))
            g->live_count += count_live(program, &tiles[t]);
        group_of[t] = (int)(g - groups);
    }
    for (int g = 0; g < *group_count; g++) {
        groups[g].first = first;
        first += groups[g].count;
    }
out:
    return status;
}

/* Those of a group stand together, in the order in which they came. */
static void write_tiles(gcr_launch_tile *out, const group *groups, int group_count,
                        const int *group_of, const cuda_program *program,
                        const gcr_unit_tile *tiles, uint64_t count)
{
    for (int g = 0; g < group_count; g++) {
        gcr_launch_tile *to = out + groups[g].first;
        uint64_t before = 0;

        for (uint64_t t = 0; t < count; t++) {
            const gcr_shape shape = gcr_cuda_shape_of(program, &tiles[t].data);

            if (group_of[t] != g)
                continue;
            *to = gcr_cuda_describe_tile(program->base.unit->kernel, &shape, &tiles[t]);
            to->before = before;
            before += tiles[t].count;
            to++;
        }
    }
}

/* How many blocks a group has, or all that it needs where matrices are factored together. */
static gcr_status reserve_group(unsigned *blocks, cuda_queue *queue, cuda_program *program,
                                const group *g)
{
    gcr_status status = GCR_OK;
    const cuda_large_args large = large_args(program, g, &program->common);

    *blocks = 0;
    if (is_large(g))
        GCR_TRY(gcr_cuda_large_reserve(queue, &large));
    else
        GCR_TRY(count_blocks(blocks, g, program));
out:
    return status;
}

/* Of all groups, those that have scratch get half the blocks. Returns 0 where none can. */
static int halve_blocks(unsigned *blocks, const group *groups, int group_count)
{
    int can = 0;

    for (int g = 0; g < group_count; g++) {
        const int has_some =
            blocks[g] > 1 && groups[g].variant.scratch_bytes > 0 && !is_whole(&groups[g]);

        blocks[g] = has_some ? (blocks[g] + 1) / 2 : blocks[g];
        can |= has_some;
    }
    return can;
}

/* What a GPU has is not what it has left, as others may use it: with less scratch fewer blocks go
 * further. */
static gcr_status reserve_scratch(unsigned *blocks, cuda_queue *queue, const group *groups,
                                  int group_count)
{
    gcr_status status = GCR_OK;
    cuda_launcher *launcher = queue->launcher;

    do {
        uint64_t most = 0;

        for (int g = 0; g < group_count; g++) {
            const uint64_t teams =
                is_whole(&groups[g]) ? 1 : blocks[g] * (uint64_t)groups[g].variant.teams_of_block;
            const uint64_t bytes = teams * groups[g].variant.scratch_bytes;

            most = bytes > most ? bytes : most;
        }
        status = gcr_cuda_reserve(&launcher->scratch, &launcher->scratch_bytes,
                                  cuda_device_of(queue->base.device), most,
                                  "allocate the scratch of a batch on the GPU");
    } while (status == GCR_ENOMEM && halve_blocks(blocks, groups, group_count));
    return status;
}

/* Memory that the launches of these groups need, before anything of them is enqueued. */
static gcr_status reserve_all(unsigned *blocks, cuda_queue *queue, cuda_program *program,
                              const group *groups, int group_count)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    cuda_launcher *launcher = queue->launcher;
    const uint64_t jitter = (uint64_t)program->common.jitter_count;
    uint64_t cells = 0;
    int has_lists = jitter > 0;

    for (int g = 0; g < group_count; g++) {
        GCR_TRY(reserve_group(&blocks[g], queue, program, &groups[g]));
        cells = groups[g].cell_count > cells ? groups[g].cell_count : cells;
        has_lists |= is_large(&groups[g]) && program->common.live != NULL;
    }
    GCR_TRY(reserve_scratch(blocks, queue, groups, group_count));
    GCR_TRY(gcr_cuda_reserve(&launcher->counters, &launcher->counters_bytes, device,
                             2 * (jitter + 1) * sizeof(uint64_t),
                             "allocate the counters of a batch on the GPU"));
    if (has_lists)
        GCR_TRY(gcr_cuda_reserve(&launcher->lists, &launcher->lists_bytes, device,
                                 2 * cells * sizeof(uint64_t),
                                 "allocate lists of cells on the GPU"));
out:
    return status;
}

static gcr_status enqueue(cuda_queue *queue, const cuda_program *program, slot *s,
                          const group *groups, const unsigned *blocks, int group_count,
                          uint64_t tile_count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_enter(queue->base.device));
    GCR_TRY(gcr_cuda_queue_turn_up(queue));
    GCR_CUDA("copy to the GPU",
             cudaMemcpyAsync(s->tiles_dev, s->tiles, tile_count * sizeof *s->tiles,
                             cudaMemcpyHostToDevice, queue->up.stream));
    queue->up.issued++;
    GCR_TRY(gcr_cuda_queue_turn_work(queue));
    for (int g = 0; g < group_count; g++)
        if (groups[g].cell_count > 0) /* an empty grid is no valid launch */
            GCR_TRY(launch_group(queue, program, &groups[g], s, blocks[g]));
    GCR_CUDA("record an event", cudaEventRecord(s->done, queue->work.stream));
    s->is_used = 1;
out:
    return status;
}

/* At most GCR_CUDA_LAUNCH_TILES tiles. */
static gcr_status crunch_part(cuda_queue *queue, cuda_program *program, const gcr_unit_tile *tiles,
                              uint64_t count)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    cuda_launcher *launcher = queue->launcher;
    slot *s = &launcher->slots[launcher->slot];
    group groups[GCR_CUDA_LAUNCH_TILES];
    unsigned blocks[GCR_CUDA_LAUNCH_TILES];
    int group_of[GCR_CUDA_LAUNCH_TILES], group_count;

    GCR_TRY(sort_tiles(groups, &group_count, group_of, program, tiles, count));
    GCR_TRY(reserve_all(blocks, queue, program, groups, group_count));
    if (s->is_used)
        GCR_CUDA("compute a batch", cudaEventSynchronize(s->done));
    write_tiles(s->tiles, groups, group_count, group_of, program, tiles, count);
    pthread_mutex_lock(&device->lock);
    status = enqueue(queue, program, s, groups, blocks, group_count, count);
    pthread_mutex_unlock(&device->lock);
    launcher->slot = (launcher->slot + 1) % GCR_CUDA_LAUNCH_SLOTS;
out:
    return status;
}

gcr_status gcr_cuda_crunch(gcr_queue *base, gcr_program *base_program, const gcr_crunch_args *args)
{
    gcr_status status = GCR_OK;
    uint64_t count;

    GCR_TRY(gcr_cuda_turn(base->device));
    for (uint64_t t = 0; t < args->tile_count; t += count) {
        const uint64_t left = args->tile_count - t;

        count = left < GCR_CUDA_LAUNCH_TILES ? left : GCR_CUDA_LAUNCH_TILES;
        GCR_TRY(
            crunch_part((cuda_queue *)base, (cuda_program *)base_program, args->tiles + t, count));
    }
out:
    return status;
}
