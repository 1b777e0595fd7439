/*
 * backend/cpu/cpu_unit.c -- one kernel and one engine, compiled into one unit for the CPU.
 *
 * The build compiles this file once for each kernel and choice of its options, with
 *
 *     GCR_KERNEL_FILE   the kernel, "kernels/gp.c"
 *     GCR_UNIT_NAME     the gcr_unit that comes out, gcr_unit_gp_rbf
 *     GCR_UNIT_CHOICE   the choice of the kernel's first option; GCR_UNIT_ANY if it is an integer
 *     GCR_OPTION_*      the value of each option
 *
 * The kernel comes first of all: the macros it defines decide what gridcrunch/kernel.h declares.
 */
#include GCR_KERNEL_FILE

#if defined(GCR_CELL_KERNEL)
#include "backend/cpu/engine_cell.h"
#else
#include "backend/cpu/engine_spd.h"
#endif
#include "backend/cpu/walk.h"

/* A sanitizer's runtime is not there yet when the loader picks. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GCR_CLONES                                                                                 \
    __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GCR_CLONES
#endif

extern const gcr_unit GCR_UNIT_NAME;

/* What one thread holds while it computes a tile. */
typedef struct gcr_worker {
    const gcr_unit_setup *setup;
    const gcr_unit_tile *tile;
    gcr_ctx ctx;
    gcr_engine engine;
    gcr_walk walk;
    int output_count;
    int64_t width[GCR_OUTPUTS_MAX]; /* values of each output; the tile stores as many or more */
    int64_t total_width;
    gcr_real *outputs; /* [total_width] of the cell in hand                      */
    int is_direct;     /* the cell in hand is written where the tile stores it   */
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
    worker->total_width = 0;
    for (int o = 0; o < GCR_OUTPUTS_MAX && outputs[o].name != NULL; o++) {
        worker->width[o] = gcr_width_for(outputs[o].width, shape);
        worker->total_width += worker->width[o];
        worker->output_count++;
    }
}

static void gcr_worker_carve(gcr_worker *worker, gcr_carver *carver, const gcr_shape *shape)
{
    gcr_worker_measure(worker, shape);
    worker->outputs = gcr_carve(carver, worker->total_width, 1);
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
    worker->is_direct = worker->output_count == 1 && worker->width[0] == tile->width[0];
    gcr_walk_open(&worker->walk, setup, tile->first);
    worker->ctx = (gcr_ctx){
        .data = tile->data,
        .option = setup->option,
        .prepared = tile->prepared,
        .param = worker->walk.param,
        .seed = setup->seed,
        .ns_per_tick = setup->ns_per_tick,
        .parameter_count = gcr_count_parameters(),
    };
    gcr_engine_bind(&worker->engine, &worker->ctx);
}

/* An output that the kernel does not write is NaN, not what the cell before left there. */
static inline gcr_verdict gcr_worker_attempt(gcr_worker *worker, gcr_real jitter)
{
    gcr_verdict verdict;

    for (int64_t k = 0; k < worker->total_width; k++)
        worker->outputs[k] = gcr_cell_nan(0);
    verdict = gcr_engine_compute(&worker->engine, &worker->ctx, jitter, worker->outputs);
    if (verdict.state != GCR_CELL_OK)
        return verdict;
    for (int64_t k = 0; k < worker->total_width; k++)
        if (!gcr_is_finite(worker->outputs[k]))
            return gcr_verdict_of(GCR_CELL_NAN_OUT, 0);
    return verdict;
}

/* Up the ladder while the cell is not SPD. `step_out`: the rung that held, from 1; 0: none. */
static gcr_verdict gcr_worker_retry(gcr_worker *worker, gcr_verdict verdict, int *step_out)
{
    int step = 0;

    while (verdict.state == GCR_CELL_NOT_SPD && step < worker->setup->jitter_count)
        verdict = gcr_worker_attempt(worker, worker->setup->jitter[step++]);
    if (step > 0 && verdict.state == GCR_CELL_OK) {
        verdict.state = GCR_CELL_OK_JITTER;
        *step_out = step;
    }
    return verdict;
}

/* Writes what the tile stores of the outputs of cell `i`. */
static inline void gcr_worker_store(const gcr_worker *worker, uint64_t i, gcr_verdict verdict)
{
    const gcr_unit_tile *tile = worker->tile;
    const int has_result = gcr_cell_has_result((uint8_t)verdict.state);
    const gcr_real *from = worker->outputs;

    for (int o = 0; o < worker->output_count; from += worker->width[o], o++) {
        const int64_t stored = tile->width[o], width = has_result ? worker->width[o] : 0;
        gcr_real *to = tile->outputs[o] + i * (uint64_t)stored;

        for (int64_t k = 0; k < width; k++)
            to[k] = from[k];
        for (int64_t k = width; k < stored; k++)
            to[k] = gcr_cell_nan(verdict.detail);
    }
}

/* Writes everything that the tile stores of cell `i`. */
static inline void gcr_worker_record(const gcr_worker *worker, uint64_t i, gcr_verdict verdict,
                                     int step)
{
    const gcr_unit_tile *tile = worker->tile;

    if (!worker->is_direct || verdict.state != GCR_CELL_OK)
        gcr_worker_store(worker, i, verdict);
    tile->state[i] = (uint8_t)verdict.state;
    if (tile->jitter_step != NULL)
        tile->jitter_step[i] = (uint8_t)step;
}

/* Everything that runs per cell is inlined into this one function, which exists for each width of
 * vectors; the loader picks one. Contraction is off, so all give the same bits. */
GCR_CLONES static void gcr_unit_crunch(const gcr_unit_setup *setup, const gcr_unit_tile *tile,
                                       void *scratch)
{
    const int fault = tile->fault == NULL ? 0 : *tile->fault;
    gcr_worker worker;

    gcr_worker_open(&worker, setup, tile, scratch);
    for (uint64_t i = 0; i < tile->count; i++, gcr_walk_step(&worker.walk)) {
        gcr_verdict verdict = gcr_verdict_of_fault(fault);
        int step = 0;

        if (!gcr_point_is_live(setup->points, tile->first + i))
            continue;
        if (worker.is_direct)
            worker.outputs = tile->outputs[0] + i * (uint64_t)tile->width[0];
        if (fault == 0)
            verdict = gcr_worker_attempt(&worker, 0);
        if (verdict.state == GCR_CELL_NOT_SPD)
            verdict = gcr_worker_retry(&worker, verdict, &step);
        gcr_worker_record(&worker, i, verdict, step);
    }
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

const gcr_unit GCR_UNIT_NAME = {
    .kernel = &gcr_description,
    .choice = { GCR_UNIT_CHOICE, GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY,
                GCR_UNIT_ANY, GCR_UNIT_ANY, GCR_UNIT_ANY },
    .scratch_bytes = gcr_unit_scratch_bytes,
    .prepare = gcr_unit_prepare,
    .crunch = gcr_unit_crunch,
};
