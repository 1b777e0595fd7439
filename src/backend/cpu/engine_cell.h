/*
 * backend/cpu/engine_cell.h -- the engine under cell kernels: it calls them, one after the other.
 */
#ifndef GCR_CPU_ENGINE_CELL_H
#define GCR_CPU_ENGINE_CELL_H

#include "backend/cpu/engine.h"

enum { GCR_GROUP_MAX = 1 };

typedef struct gcr_engine {
    gcr_real *scratch;
} gcr_engine;

/* A group is a cell. */
static int gcr_engine_serves_both(const gcr_shape *a, const gcr_shape *b)
{
    (void)a;
    (void)b;
    return 0;
}

static void gcr_engine_open(gcr_engine *engine, gcr_carver *carver, const gcr_shape *shape)
{
    engine->scratch = gcr_carve(carver, gcr_count_or(gcr_description.scratch_count, shape, 0), 1);
}

static void gcr_engine_bind(gcr_engine *engine, const gcr_unit_setup *setup, gcr_ctx *ctx)
{
    (void)setup;
    ctx->scratch = engine->scratch;
}

/* A cell kernel has no matrix that jitter could be added to. */
static inline void gcr_engine_compute(gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    (void)engine;
    group->verdict[0] = gcr_verdict_of_fault(cell(ctx, group->outputs));
}

#endif /* GCR_CPU_ENGINE_CELL_H */
