/*
 * backend/cpu/spd_spread.h -- the systems of a few cells side by side, where there are not enough
 * cells to fill the lanes: five folds of one cell take one round in place of five.
 *
 * Part of engine_spd.h. A lane of the spread group is a system of a cell of the group in hand: it
 * sees the dataset and the parameters of that cell. Its answers go where those of the cell are
 * looked for.
 */
#ifndef GCR_CPU_SPD_SPREAD_H
#define GCR_CPU_SPD_SPREAD_H

/* Whether mixed rounds, of all systems of all cells, are less than half of the others: one takes up
 * to twice as long, since each lane loads from an address of its own and all lanes do what any of
 * them needs (measured with ridge: 6 systems of 4 cells in 3 rounds gain nothing, of 2 cells in 2
 * a fifth to a half, of 1 cell in 1 more than half of the time). */
static int gcr_spread_is_shorter(const gcr_engine *engine, const gcr_group *group)
{
    const int rounds = (group->count * engine->systems + GCR_LANES - 1) / GCR_LANES;

    /* the first is known to the compiler: kernels of one system have no code for it */
    return gcr_description.systems != NULL && 2 * rounds < engine->systems;
}

/* Numbers the systems of all cells: system by system, so that of those that fail the first comes
 * first. Beyond the last it comes again. */
static int gcr_spread_job(const gcr_engine *engine, const gcr_group *group, int first, int lane)
{
    return gcr_int_min(first + lane, group->count * engine->systems - 1);
}

static void gcr_spread_put(gcr_engine *engine, const gcr_ctx *ctx, const gcr_group *group, int lane,
                           int job)
{
    const gcr_lane_data *const data = &group->data;
    gcr_group *const spread = &engine->spread;
    const int cell = job % group->count;

    spread->data.rows[lane] = data->rows[cell];
    spread->data.features[lane] = data->features[cell];
    spread->data.x[lane] = data->x[cell];
    spread->data.y[lane] = data->y[cell];
    spread->data.prepared[lane] = data->prepared[cell];
    for (int i = 0; i < 4; i++)
        spread->data.identity[i][lane] = data->identity[i][cell];
    spread->data.system[lane] = job / group->count;
    spread->jitter[lane] = group->jitter[cell];
    spread->verdict[lane] = gcr_verdict_of(GCR_CELL_OK, 0);
    for (int p = 0; p < ctx->parameter_count; p++)
        engine->spread_param[p * GCR_LANES + lane] = ctx->param[p * GCR_LANES + cell];
    for (int k = 0; k < GCR_DERIVED_MAX; k++)
        engine->spread_derived[k * GCR_LANES + lane] = ctx->derived[k * GCR_LANES + cell];
}

/* Moves what lane `lane` of row `from` holds to lane `cell` of row `to`, `count` values each. */
static void gcr_spread_move(gcr_real *answers, int64_t count, int from, int lane, int to, int cell)
{
    const gcr_real *source = answers + from * count * GCR_LANES + lane;
    gcr_real *target = answers + to * count * GCR_LANES + cell;

    for (int64_t k = 0; k < count; k++)
        target[k * GCR_LANES] = source[k * GCR_LANES];
}

/* What has not been asked for is moved too: it is not read there either. */
static void gcr_spread_take(const gcr_engine *engine, gcr_group *group, int lane, int job)
{
    const int64_t n = engine->n, sides = engine->right_sides;
    const int spare = engine->systems, cell = job % group->count, system = job / group->count;
    const gcr_verdict verdict = engine->spread.verdict[lane];

    gcr_group_fail(group, cell, verdict.state, verdict.detail);
    gcr_spread_move(engine->log_determinant, 1, spare, lane, system, cell);
    gcr_spread_move(engine->quadratic_form, sides, spare, lane, system, cell);
    gcr_spread_move(engine->solution, sides * n, spare, lane, system, cell);
    gcr_spread_move(engine->inverse_diagonal, n, spare, lane, system, cell);
}

/* Answers all systems of all cells. */
static void gcr_spread_answer(gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    const int jobs = group->count * engine->systems;
    gcr_ctx spread_ctx = *ctx;

    spread_ctx.param = engine->spread_param;
    spread_ctx.derived = engine->spread_derived;
    engine->spread.is_mixed = 1;
    for (int first = 0; first < jobs; first += GCR_LANES) {
        engine->spread.count = gcr_int_min(GCR_LANES, jobs - first);
        for (int lane = 0; lane < GCR_LANES; lane++)
            gcr_spread_put(engine, ctx, group, lane, gcr_spread_job(engine, group, first, lane));
        gcr_squares_answer(engine, &spread_ctx, &engine->spread, engine->systems);
        for (int lane = 0; lane < engine->spread.count; lane++)
            gcr_spread_take(engine, group, lane, first + lane);
    }
}

#endif /* GCR_CPU_SPD_SPREAD_H */
