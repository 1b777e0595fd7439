/*
 * backend/cpu/cpu_unit.c -- one kernel and one engine, compiled into one unit for the CPU.
 *
 * The build compiles this file once for each kernel, choice of its options and code path, with
 *
 *     GCR_KERNEL_FILE   the kernel, "kernels/gp.c"
 *     GCR_UNIT_NAME     the gcr_unit that comes out, gcr_unit_gp_rbf_v3_f64
 *     GCR_UNIT_CHOICE   the choice of the kernel's first option; GCR_UNIT_ANY if it is an integer
 *     GCR_UNIT_PATH     its code path, for which the compiler has been given -march
 *     GCR_UNIT_TRIDIAGONAL  defined: its algorithm is that one and not the direct one
 *     GCR_SINGLE        defined: it computes with floats, in direct units only
 *     GCR_OPTION_*      the value of each option
 *
 * The lanes come before the kernel, which is told how many there are, and the kernel before the
 * engine: the macros it defines decide what gridcrunch/kernel.h declares.
 */
#if defined(GCR_UNIT_TRIDIAGONAL) && defined(GCR_SINGLE)
#error "the tridiagonal algorithm is written for doubles"
#endif
#if defined(GCR_UNIT_TRIDIAGONAL)
#define GCR_UNIT_ALGORITHM GCR_TRIDIAGONAL
#define GCR_VECS 4 /* chains of divisions, see tridiagonal_group.h */
#else
#define GCR_UNIT_ALGORITHM GCR_DIRECT
#endif
#include "backend/cpu/lanes.h"

#include GCR_KERNEL_FILE

#if defined(GCR_UNIT_TRIDIAGONAL)
#include "backend/cpu/engine_tridiagonal.h"
#include "backend/cpu/order_bases.h"
#elif defined(GCR_CELL_KERNEL)
#include "backend/cpu/engine_cell.h"
#include "backend/cpu/order_points.h"
#else
#include "backend/cpu/engine_spd.h"
#include "backend/cpu/order_points.h"
#endif
#include "backend/cpu/record.h"

_Static_assert(GCR_UNIT_PATH == GCR_LANES_PATH,
               "what the compiler may use is not the code path of this unit: leave options such as "
               "-mavx2 out of CFLAGS");

extern const gcr_unit GCR_UNIT_NAME;

/* A cell, counted within its tile, and an attempt at it: 0 is the first, each of the others takes a
 * rung of the ladder. */
typedef struct gcr_attempt {
    const gcr_unit_tile *tile;
    uint64_t cell;
    int step;
} gcr_attempt;

/* What one thread holds while it computes tiles whose cells may share groups. */
typedef struct gcr_worker {
    const gcr_unit_setup *setup;
    const gcr_unit_tile *tile, *next, *end; /* the one in hand; the next; behind the last */
    gcr_order order;                        /* of its cells that are still to come        */
    gcr_ctx ctx;                            /* of lane 0                                  */
    gcr_engine engine;
    gcr_group group;
    gcr_attempt of_lane[GCR_LANES]; /* tile: NULL where a lane never held one */
    gcr_attempt retries[2 * GCR_GROUP_MAX];
    int retry_count;
    gcr_real param[GCR_PARAMETERS_MAX * GCR_LANES];
} gcr_worker;

static void gcr_worker_carve(gcr_worker *worker, gcr_carver *carver, const gcr_shape *shape,
                             int64_t width)
{
    worker->group.width = width;
    worker->group.outputs = gcr_carve(carver, width, GCR_GROUP_MAX);
    gcr_engine_open(&worker->engine, carver, shape);
}

static uint64_t gcr_unit_scratch_bytes(const gcr_shape *shape)
{
    gcr_carver counter = { 0 };
    gcr_worker worker;
    uint64_t bytes;

    gcr_worker_carve(&worker, &counter, shape, gcr_outputs_width(shape->rows, shape->features));
    return gcr_multiply(&bytes, counter.used, sizeof(gcr_real)) ? bytes : UINT64_MAX;
}

static int gcr_count_parameters(void)
{
    int count = 0;

    while (count < GCR_PARAMETERS_MAX && gcr_description.parameters[count].name != NULL)
        count++;
    return count;
}

/* ---- tiles: which are computed together ------------------------------------------------------ */

static gcr_shape gcr_shape_of(const gcr_unit_setup *setup, const gcr_unit_tile *tile)
{
    return (gcr_shape){ tile->data.rows, tile->data.features, setup->option };
}

/* Behind the tiles, from the first on, whose cells may share groups with those of the first. */
static const gcr_unit_tile *gcr_tiles_find_end(const gcr_unit_setup *setup,
                                               const gcr_unit_tile *tiles, uint64_t tile_count)
{
    const gcr_shape first = gcr_shape_of(setup, tiles);
    uint64_t t = 1;

    for (; t < tile_count; t++) {
        const gcr_shape shape = gcr_shape_of(setup, tiles + t);

        if (!gcr_engine_serves_both(&first, &shape))
            break;
    }
    return tiles + t;
}

/* Of the outputs of any of their cells. */
static int64_t gcr_tiles_find_width(const gcr_unit_tile *tiles, const gcr_unit_tile *end)
{
    int64_t most = 0;

    for (const gcr_unit_tile *tile = tiles; tile < end; tile++) {
        const int64_t width = gcr_outputs_width(tile->data.rows, tile->data.features);

        most = width > most ? width : most;
    }
    return most;
}

/* What prepare() could not do is the fault of every cell. */
static void gcr_worker_refuse(const gcr_worker *worker, const gcr_unit_tile *tile)
{
    for (uint64_t i = 0; i < tile->count; i++)
        if (gcr_point_is_live(worker->setup->points, tile->first + i))
            gcr_record(tile, i, NULL, gcr_verdict_of_fault(*tile->fault), 0);
}

/* Takes the next tile in hand whose cells can be computed. Returns 0 if there is none. */
static int gcr_worker_turn(gcr_worker *worker)
{
    while (worker->next < worker->end) {
        const gcr_unit_tile *tile = worker->next++;

        if (tile->fault == NULL || *tile->fault == 0) {
            worker->tile = tile;
            gcr_order_open(&worker->order, worker->setup, tile);
            return 1;
        }
        gcr_worker_refuse(worker, tile);
    }
    return 0;
}

static void gcr_worker_open(gcr_worker *worker, const gcr_unit_setup *setup,
                            const gcr_unit_tile *tiles, const gcr_unit_tile *end, void *scratch)
{
    const gcr_shape shape = gcr_shape_of(setup, tiles);
    gcr_carver carver = { .base = scratch };

    worker->setup = setup;
    worker->next = tiles;
    worker->end = end;
    worker->retry_count = 0;
    for (int lane = 0; lane < GCR_LANES; lane++)
        worker->of_lane[lane].tile = NULL;
    gcr_worker_carve(worker, &carver, &shape, gcr_tiles_find_width(tiles, end));
    worker->ctx = (gcr_ctx){
        .data = tiles->data,
        .option = setup->option,
        .prepared = tiles->prepared,
        .param = worker->param,
        .seed = setup->seed,
        .ns_per_tick = setup->ns_per_tick,
        .parameter_count = gcr_count_parameters(),
    };
    gcr_engine_bind(&worker->engine, setup, &worker->ctx);
}

/* ---- groups: which cells are computed together ----------------------------------------------- */

/* Puts a cell into a lane, where its parameters are. */
static inline void gcr_worker_put(gcr_worker *worker, int lane, gcr_attempt attempt)
{
    gcr_group *const group = &worker->group;

    if (worker->of_lane[lane].tile != attempt.tile)
        gcr_group_see(group, lane, attempt.tile);
    worker->of_lane[lane] = attempt;
    group->jitter[lane] = attempt.step == 0 ? 0 : (gcr_real)worker->setup->jitter[attempt.step - 1];
    group->is_mixed = lane > 0 && (group->is_mixed || attempt.tile != worker->of_lane[0].tile);
}

static inline void gcr_worker_gather_next(gcr_worker *worker)
{
    gcr_group *const group = &worker->group;
    uint64_t cell;

    while (group->count < GCR_GROUP_MAX)
        if (gcr_order_take(&worker->order, worker->param, group->count, &cell))
            gcr_worker_put(worker, group->count++, (gcr_attempt){ worker->tile, cell, 0 });
        else if (!gcr_worker_turn(worker))
            break;
}

static void gcr_worker_gather_retries(gcr_worker *worker)
{
    gcr_group *const group = &worker->group;
    gcr_walk walk = worker->order.walk;

    while (worker->retry_count > 0 && group->count < GCR_GROUP_MAX) {
        const gcr_attempt retry = worker->retries[--worker->retry_count];

        gcr_walk_seek(&walk, retry.tile->first + retry.cell);
        gcr_walk_bind(&walk, worker->param, group->count);
        gcr_worker_put(worker, group->count++, retry);
    }
}

/* Lanes beyond the last cell repeat the first: they are computed too, and not read. */
static inline void gcr_worker_pad(gcr_worker *worker)
{
    for (int lane = worker->group.count; lane < GCR_GROUP_MAX; lane++) {
        gcr_worker_put(worker, lane, worker->of_lane[0]);
        for (int p = 0; p < worker->ctx.parameter_count; p++)
            worker->param[p * GCR_LANES + lane] = worker->param[p * GCR_LANES];
    }
}

/* Fills the group: with cells to be tried again once they fill it or nothing else is left, so that
 * at most two groups of them ever wait. Returns 0 when all is done. */
static inline int gcr_worker_gather(gcr_worker *worker)
{
    worker->group.count = 0;
    if (worker->retry_count < GCR_GROUP_MAX)
        gcr_worker_gather_next(worker);
    if (worker->group.count == 0)
        gcr_worker_gather_retries(worker);
    if (worker->group.count < GCR_GROUP_MAX && worker->group.count > 0)
        gcr_worker_pad(worker);
    return worker->group.count;
}

/* ---- what becomes of a cell ------------------------------------------------------------------ */

/* A cell is recorded, or up the ladder while it is not SPD. */
static inline void gcr_worker_settle(gcr_worker *worker, int lane)
{
    const gcr_real *outputs = worker->group.outputs + lane * worker->group.width;
    const gcr_attempt of = worker->of_lane[lane];
    gcr_verdict verdict = worker->group.verdict[lane];
    int step = 0;

    if (verdict.state == GCR_CELL_NOT_SPD && of.step < worker->setup->jitter_count) {
        worker->retries[worker->retry_count++] = (gcr_attempt){ of.tile, of.cell, of.step + 1 };
        return;
    }
    if (verdict.state == GCR_CELL_OK)
        verdict = gcr_verdict_of_outputs(of.tile, outputs);
    if (verdict.state == GCR_CELL_OK && of.step > 0) {
        verdict.state = GCR_CELL_OK_JITTER;
        step = of.step;
    }
    gcr_record(of.tile, of.cell, outputs, verdict, step);
}

/* An output that the kernel does not write is NaN, not what the cell before left there. */
static inline void gcr_worker_compute(gcr_worker *worker)
{
    worker->ctx.data = worker->of_lane[0].tile->data;
    worker->ctx.prepared = worker->of_lane[0].tile->prepared;
    for (int64_t k = 0; k < worker->group.count * worker->group.width; k++)
        worker->group.outputs[k] = (gcr_real)gcr_cell_nan(0);
    gcr_engine_compute(&worker->engine, &worker->ctx, &worker->group);
    for (int lane = 0; lane < worker->group.count; lane++)
        gcr_worker_settle(worker, lane);
}

static void gcr_worker_run_groups(gcr_worker *worker)
{
    while (gcr_order_turn(&worker->order, &worker->engine))
        while (gcr_worker_gather(worker))
            gcr_worker_compute(worker);
}

/* An engine that computes one cell at a time has no groups to fill, nothing to try again, and a
 * worker for each tile. */
static void gcr_worker_run_cells(gcr_worker *worker)
{
    const gcr_unit_tile *tile = worker->tile;

    worker->group.count = 1;
    worker->of_lane[0] = (gcr_attempt){ .tile = tile };
    for (uint64_t i = 0; i < tile->count; i++, gcr_walk_step(&worker->order.walk)) {
        if (!gcr_point_is_live(worker->setup->points, tile->first + i))
            continue;
        gcr_walk_bind(&worker->order.walk, worker->param, 0);
        worker->of_lane[0].cell = i;
        gcr_worker_compute(worker);
    }
}

/* Everything that runs per cell is inlined into this one function. */
GCR_FLATTEN static void gcr_unit_crunch(const gcr_unit_setup *setup, const gcr_unit_tile *tiles,
                                        uint64_t tile_count, void *scratch)
{
    const gcr_unit_tile *const last = tiles + tile_count;
    gcr_worker worker;

    for (const gcr_unit_tile *tile = tiles; tile < last; tile = worker.end) {
        gcr_worker_open(&worker, setup, tile,
                        gcr_tiles_find_end(setup, tile, (uint64_t)(last - tile)), scratch);
        if (!gcr_worker_turn(&worker))
            continue;
        if (GCR_GROUP_MAX > 1)
            gcr_worker_run_groups(&worker);
        else
            gcr_worker_run_cells(&worker);
    }
}

#if defined(GCR_HAS_PREPARE)
static int gcr_unit_prepare(const gcr_unit_setup *setup, const gcr_view *data, void *prepared,
                            void *scratch)
{
    const gcr_ctx ctx = {
        .data = *data,
        .option = setup->option,
        .scratch = scratch,
        .seed = setup->seed,
        .ns_per_tick = setup->ns_per_tick,
    };

    return prepare(&ctx, prepared);
}
#else
#define gcr_unit_prepare NULL
#endif

#if defined(GCR_UNIT_TRIDIAGONAL)
static int gcr_unit_bases_together(const gcr_shape *shape)
{
    gcr_carver counter = { 0 };
    gcr_engine engine;

    gcr_engine_open(&engine, &counter, shape);
    return gcr_engine_bases(&engine);
}
#else
#define gcr_unit_bases_together NULL
#endif

/* ---- the unit -------------------------------------------------------------------------------- */

#define GCR_UNIT_CHOICES                                                                           \
    {                                                                                              \
        GCR_UNIT_CHOICE, GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY,     \
            GCR_UNIT_ANY, GCR_UNIT_ANY                                                             \
    }

const gcr_unit GCR_UNIT_NAME = {
    .kernel = &gcr_description,
    .choice = GCR_UNIT_CHOICES,
    .path = GCR_UNIT_PATH,
    .scalar = GCR_UNIT_SCALAR,
    .algorithm = GCR_UNIT_ALGORITHM,
    .cells_together = GCR_GROUP_MAX,
    .bases_together = gcr_unit_bases_together,
    .scratch_bytes = gcr_unit_scratch_bytes,
    .prepare = gcr_unit_prepare,
    .crunch = gcr_unit_crunch,
};
