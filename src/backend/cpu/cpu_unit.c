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
 *     GCR_OPTION_*      the value of each option
 *
 * The lanes come before the kernel, which is told how many there are, and the kernel before the
 * engine: the macros it defines decide what gridcrunch/kernel.h declares.
 */
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

_Static_assert(GCR_UNIT_PATH == GCR_LANES_PATH,
               "what the compiler may use is not the code path of this unit: leave options such as "
               "-mavx2 out of CFLAGS");

extern const gcr_unit GCR_UNIT_NAME;

/* A cell that was not SPD and is to be tried again with rung `step` of the ladder, from 1. */
typedef struct gcr_retry {
    uint64_t cell;
    int step;
} gcr_retry;

/* What one thread holds while it computes a tile. Cells are counted within the tile. */
typedef struct gcr_worker {
    const gcr_unit_setup *setup;
    const gcr_unit_tile *tile;
    gcr_ctx ctx;
    gcr_engine engine;
    gcr_group group;
    gcr_retry of_lane[GCR_GROUP_MAX]; /* the cells of the group; step 0: the first attempt */
    gcr_order order;                  /* of the cells that are still to come               */
    gcr_retry retries[2 * GCR_GROUP_MAX];
    int retry_count;
    int output_count;
    int64_t width[GCR_OUTPUTS_MAX]; /* values of each output; the tile stores as many or more */
    gcr_real param[GCR_PARAMETERS_MAX * GCR_LANES];
} gcr_worker;

static int64_t gcr_width_for(int32_t width, const gcr_shape *shape)
{
    switch (width) {
    case GCR_WIDTH_ROWS: return shape->rows;
    case GCR_WIDTH_FEATURES: return shape->features;
    default: return width;
    }
}

static void gcr_worker_measure(gcr_worker *worker, const gcr_shape *shape)
{
    const gcr_kernel_output *outputs = gcr_description.outputs;

    worker->output_count = 0;
    worker->group.width = 0;
    for (int o = 0; o < GCR_OUTPUTS_MAX && outputs[o].name != NULL; o++) {
        worker->width[o] = gcr_width_for(outputs[o].width, shape);
        worker->group.width += worker->width[o];
        worker->output_count++;
    }
}

static void gcr_worker_carve(gcr_worker *worker, gcr_carver *carver, const gcr_shape *shape)
{
    gcr_worker_measure(worker, shape);
    worker->group.outputs = gcr_carve(carver, worker->group.width, GCR_GROUP_MAX);
    gcr_engine_open(&worker->engine, carver, shape);
}

static uint64_t gcr_unit_scratch_bytes(const gcr_shape *shape)
{
    gcr_carver counter = { 0 };
    gcr_worker worker;
    uint64_t bytes;

    gcr_worker_carve(&worker, &counter, shape);
    return gcr_multiply(&bytes, counter.used, sizeof(gcr_real)) ? bytes : UINT64_MAX;
}

static int gcr_count_parameters(void)
{
    int count = 0;

    while (count < GCR_PARAMETERS_MAX && gcr_description.parameters[count].name != NULL)
        count++;
    return count;
}

static void gcr_worker_open(gcr_worker *worker, const gcr_unit_setup *setup,
                            const gcr_unit_tile *tile, void *scratch)
{
    const gcr_shape shape = { tile->data.rows, tile->data.features, setup->option };
    gcr_carver carver = { .base = scratch };

    worker->setup = setup;
    worker->tile = tile;
    gcr_worker_carve(worker, &carver, &shape);
    gcr_order_open(&worker->order, setup, tile);
    worker->retry_count = 0;
    worker->ctx = (gcr_ctx){
        .data = tile->data,
        .option = setup->option,
        .prepared = tile->prepared,
        .param = worker->param,
        .seed = setup->seed,
        .ns_per_tick = setup->ns_per_tick,
        .parameter_count = gcr_count_parameters(),
    };
    gcr_engine_bind(&worker->engine, setup, &worker->ctx);
}

/* ---- groups: which cells are computed together ----------------------------------------------- */

/* Puts a cell into the next lane, where its parameters are. */
static inline void gcr_worker_add(gcr_worker *worker, gcr_retry cell)
{
    const int lane = worker->group.count++;

    worker->of_lane[lane] = cell;
    worker->group.jitter[lane] = cell.step == 0 ? 0 : worker->setup->jitter[cell.step - 1];
}

static inline void gcr_worker_gather_next(gcr_worker *worker)
{
    uint64_t cell;

    while (worker->group.count < GCR_GROUP_MAX &&
           gcr_order_take(&worker->order, worker->param, worker->group.count, &cell))
        gcr_worker_add(worker, (gcr_retry){ cell, 0 });
}

static void gcr_worker_gather_retries(gcr_worker *worker)
{
    gcr_walk walk = worker->order.walk;

    while (worker->retry_count > 0 && worker->group.count < GCR_GROUP_MAX) {
        const gcr_retry retry = worker->retries[--worker->retry_count];

        gcr_walk_seek(&walk, worker->tile->first + retry.cell);
        gcr_walk_bind(&walk, worker->param, worker->group.count);
        gcr_worker_add(worker, retry);
    }
}

/* Lanes beyond the last cell repeat the first: they are computed too, and not read. */
static inline void gcr_worker_pad(gcr_worker *worker)
{
    for (int lane = worker->group.count; lane < GCR_GROUP_MAX; lane++) {
        worker->group.jitter[lane] = worker->group.jitter[0];
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

/* Writes everything that the tile stores of a cell. */
static inline void gcr_worker_record(const gcr_worker *worker, uint64_t cell, const gcr_real *from,
                                     gcr_verdict verdict, int step)
{
    const gcr_unit_tile *tile = worker->tile;
    const int has_result = gcr_cell_has_result((uint8_t)verdict.state);

    for (int o = 0; o < worker->output_count; from += worker->width[o], o++) {
        const int64_t stored = tile->width[o], width = has_result ? worker->width[o] : 0;
        gcr_real *to = tile->outputs[o] + cell * (uint64_t)stored;

        for (int64_t k = 0; k < width; k++)
            to[k] = from[k];
        for (int64_t k = width; k < stored; k++)
            to[k] = gcr_cell_nan(verdict.detail);
    }
    tile->state[cell] = (uint8_t)verdict.state;
    if (tile->jitter_step != NULL)
        tile->jitter_step[cell] = (uint8_t)step;
}

static inline gcr_verdict gcr_verdict_of_outputs(const gcr_real *outputs, int64_t width)
{
    for (int64_t k = 0; k < width; k++)
        if (!gcr_is_finite(outputs[k]))
            return gcr_verdict_of(GCR_CELL_NAN_OUT, 0);
    return gcr_verdict_of(GCR_CELL_OK, 0);
}

/* A cell is recorded, or up the ladder while it is not SPD. */
static inline void gcr_worker_settle(gcr_worker *worker, int lane)
{
    const gcr_real *outputs = worker->group.outputs + lane * worker->group.width;
    const gcr_retry of = worker->of_lane[lane];
    gcr_verdict verdict = worker->group.verdict[lane];
    int step = 0;

    if (verdict.state == GCR_CELL_NOT_SPD && of.step < worker->setup->jitter_count) {
        worker->retries[worker->retry_count++] = (gcr_retry){ of.cell, of.step + 1 };
        return;
    }
    if (verdict.state == GCR_CELL_OK)
        verdict = gcr_verdict_of_outputs(outputs, worker->group.width);
    if (verdict.state == GCR_CELL_OK && of.step > 0) {
        verdict.state = GCR_CELL_OK_JITTER;
        step = of.step;
    }
    gcr_worker_record(worker, of.cell, outputs, verdict, step);
}

/* An output that the kernel does not write is NaN, not what the cell before left there. */
static inline void gcr_worker_compute(gcr_worker *worker)
{
    for (int64_t k = 0; k < worker->group.count * worker->group.width; k++)
        worker->group.outputs[k] = gcr_cell_nan(0);
    gcr_engine_compute(&worker->engine, &worker->ctx, &worker->group);
    for (int lane = 0; lane < worker->group.count; lane++)
        gcr_worker_settle(worker, lane);
}

/* What prepare() could not do is the fault of every cell. */
static void gcr_worker_refuse(gcr_worker *worker, int fault)
{
    const gcr_unit_tile *tile = worker->tile;

    for (uint64_t i = 0; i < tile->count; i++)
        if (gcr_point_is_live(worker->setup->points, tile->first + i))
            gcr_worker_record(worker, i, NULL, gcr_verdict_of_fault(fault), 0);
}

static void gcr_worker_run_groups(gcr_worker *worker)
{
    while (gcr_order_turn(&worker->order, &worker->engine))
        while (gcr_worker_gather(worker))
            gcr_worker_compute(worker);
}

/* An engine that computes one cell at a time has no groups to fill and nothing to try again. */
static void gcr_worker_run_cells(gcr_worker *worker)
{
    const gcr_unit_tile *tile = worker->tile;

    worker->group.count = 1;
    worker->of_lane[0].step = 0;
    for (uint64_t i = 0; i < tile->count; i++, gcr_walk_step(&worker->order.walk)) {
        if (!gcr_point_is_live(worker->setup->points, tile->first + i))
            continue;
        gcr_walk_bind(&worker->order.walk, worker->param, 0);
        worker->of_lane[0].cell = i;
        gcr_worker_compute(worker);
    }
}

/* Everything that runs per cell is inlined into this one function. */
__attribute__((flatten)) static void gcr_unit_crunch(const gcr_unit_setup *setup,
                                                     const gcr_unit_tile *tile, void *scratch)
{
    gcr_worker worker;

    gcr_worker_open(&worker, setup, tile, scratch);
    if (tile->fault != NULL && *tile->fault != 0)
        gcr_worker_refuse(&worker, *tile->fault);
    else if (GCR_GROUP_MAX > 1)
        gcr_worker_run_groups(&worker);
    else
        gcr_worker_run_cells(&worker);
}

#if defined(GCR_HAS_PREPARE)
static int gcr_unit_prepare(const gcr_unit_setup *setup, const gcr_view *data, gcr_real *prepared,
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
    .scalar = GCR_F64,
    .algorithm = GCR_UNIT_ALGORITHM,
    .cells_together = GCR_GROUP_MAX,
    .bases_together = gcr_unit_bases_together,
    .scratch_bytes = gcr_unit_scratch_bytes,
    .prepare = gcr_unit_prepare,
    .crunch = gcr_unit_crunch,
};
