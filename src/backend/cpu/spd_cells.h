/*
 * backend/cpu/spd_cells.h -- what the engines under SPD kernels do with cells before and after the
 * matrices: a context for each lane, the kernel's derive() and finish(), room for the answers.
 *
 * Part of each such engine, after its struct gcr_engine, of which it knows n, systems, right_sides
 * and the answers.
 */
#ifndef GCR_CPU_SPD_CELLS_H
#define GCR_CPU_SPD_CELLS_H

/* The kernel's functions see one cell: a context that says which lane. */
static inline gcr_ctx gcr_ctx_of_lane(const gcr_ctx *ctx, int lane)
{
    gcr_ctx one = *ctx;

    one.lane = lane;
    return one;
}

/* The same where lanes are of several datasets. With NULL for `data` they are of that of `ctx`, and
 * what is loaded of it is the same for all. */
static inline gcr_ctx gcr_ctx_of_cell(const gcr_ctx *ctx, const gcr_lane_data *data, int lane)
{
    gcr_ctx one = gcr_ctx_of_lane(ctx, lane);

    if (data == NULL)
        return one;
    one.data = (gcr_view){ .rows = data->rows[lane],
                           .features = data->features[lane],
                           .x = data->x[lane],
                           .y = data->y[lane] };
    for (int i = 0; i < 4; i++)
        one.data.identity[i] = data->identity[i][lane];
    one.prepared = data->prepared[lane];
    return one;
}

/* Says why the cells in `lanes` have no answer, unless an earlier system already has. */
static inline void gcr_group_fail(gcr_group *group, int lane, gcr_cell_state state, uint32_t detail)
{
    if (group->verdict[lane].state == GCR_CELL_OK)
        group->verdict[lane] = gcr_verdict_of(state, detail);
}

static inline int gcr_is_solved(unsigned wanted)
{
    return (wanted & (GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION)) != 0;
}

/* Rows of answers, one for each system or more. */
static void gcr_engine_carve_answers(gcr_engine *engine, gcr_carver *carver, int64_t rows)
{
    const int64_t sides = rows * engine->right_sides, n = engine->n;

    engine->log_determinant = gcr_carve(carver, rows, GCR_LANES);
    engine->quadratic_form = gcr_carve(carver, sides, GCR_LANES);
    engine->solution = gcr_carve(carver, sides, n * GCR_LANES);
    engine->inverse_diagonal = gcr_carve(carver, rows, n * GCR_LANES);
}

/* Writes what derive() says in the lane that `one` is of. */
static void gcr_lane_derive(const gcr_ctx *one, gcr_real *out)
{
#if defined(GCR_HAS_DERIVE)
    gcr_real derived[GCR_DERIVED_MAX] = { 0 };

    derive(one, derived);
    for (int k = 0; k < GCR_DERIVED_MAX; k++)
        out[k * GCR_LANES + one->lane] = derived[k];
#else
    (void)one;
    (void)out;
#endif
}

/* In each lane of `ctx`. */
static void gcr_cells_derive(const gcr_ctx *ctx, const gcr_lane_data *data, gcr_real *out)
{
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, data, lane);

        gcr_lane_derive(&one, out);
    }
}

static void gcr_engine_finish(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    gcr_answers answers = {
        .n = engine->n,
        .right_sides = engine->right_sides,
        .log_determinant = engine->log_determinant,
        .quadratic_form = engine->quadratic_form,
        .solution = engine->solution,
        .inverse_diagonal = engine->inverse_diagonal,
    };

    for (int lane = 0; lane < group->count; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, &group->data, lane);

        answers.lane = lane;
        if (group->verdict[lane].state == GCR_CELL_OK)
            group->verdict[lane] =
                gcr_verdict_of_fault(finish(&one, &answers, group->outputs + lane * group->width));
    }
}

#endif /* GCR_CPU_SPD_CELLS_H */
