/*
 * cuda/device/device_cells.h -- from the number of a cell to what its kernel sees, and from what
 * became of it to what its tile stores.
 *
 * Part of device_unit.h, after the kernel. Cells of a launch are numbered through all its tiles.
 * A team is a thread, a warp, a block or all blocks; its member 0 is the one that a single thread's
 * work is left to. All members call every function here, and with the same arguments, unless it
 * says else.
 */
#ifndef GCR_CUDA_DEVICE_CELLS_H
#define GCR_CUDA_DEVICE_CELLS_H

#if GCR_TEAM == GCR_TEAM_THREAD
#define GCR_MEMBERS 1
#elif GCR_TEAM == GCR_TEAM_WARP
#define GCR_MEMBERS 32
#elif GCR_TEAM == GCR_TEAM_WHOLE
#define GCR_MEMBERS ((int)gcr_block_count() * GCR_TEAM_THREADS)
#else
#define GCR_MEMBERS GCR_TEAM_THREADS
#endif

/* Where all members write outputs, or there are as many as rows, outputs stand in the team's
 * scratch; elsewhere in registers of member 0. */
#if GCR_OUTPUTS_FIXED == 0 || (GCR_IS_CELL_KERNEL && GCR_TEAM == GCR_TEAM_BLOCK) ||                \
    GCR_TEAM == GCR_TEAM_WHOLE
#define GCR_OUTPUTS_IN_SCRATCH 1
#else
#define GCR_OUTPUTS_IN_SCRATCH 0
#endif

typedef struct gcr_verdict {
    int state, detail; /* gcr_cell_state; the minor or fault that explains it */
} gcr_verdict;

/* A cell in hand. */
typedef struct gcr_cell {
    uint64_t number; /* in the launch */
    uint64_t index;  /* in its tile   */
    const gcr_launch_tile *of;
    gcr_real *scratch; /* the team's own */
    gcr_real *outputs;
    gcr_real jitter;
    gcr_real param[GCR_PARAMETER_COUNT > 0 ? GCR_PARAMETER_COUNT : 1];
    gcr_real derived[GCR_DERIVED_MAX];
} gcr_cell;

GCR_FN gcr_verdict gcr_verdict_of(int state, int detail)
{
    gcr_verdict verdict;

    verdict.state = state;
    verdict.detail = detail;
    return verdict;
}

GCR_FN gcr_verdict gcr_verdict_of_fault(int fault)
{
    return gcr_verdict_of(fault == 0 ? GCR_CELL_OK : GCR_CELL_KERNEL_ERROR, fault);
}

/* ---- the team -------------------------------------------------------------------------------- */

#if GCR_TEAM == GCR_TEAM_WHOLE
GCR_FN int gcr_member(void)
{
    return gcr_whole_rank();
}

GCR_FN uint64_t gcr_team_index(void)
{
    return 0;
}

GCR_FN uint64_t gcr_team_count(void)
{
    return 1;
}
#else
GCR_FN int gcr_member(void)
{
    return gcr_thread_index() % GCR_MEMBERS;
}

GCR_FN uint64_t gcr_team_index(void)
{
    return gcr_block_index() * (GCR_TEAM_THREADS / GCR_MEMBERS) +
           (uint64_t)(gcr_thread_index() / GCR_MEMBERS);
}

GCR_FN uint64_t gcr_team_count(void)
{
    return gcr_block_count() * (GCR_TEAM_THREADS / GCR_MEMBERS);
}
#endif

GCR_FN void gcr_members_barrier(void)
{
#if GCR_TEAM == GCR_TEAM_WHOLE
    gcr_whole_barrier();
#elif GCR_TEAM == GCR_TEAM_WARP
    gcr_warp_barrier();
#elif GCR_MEMBERS > 1
    gcr_block_barrier();
#endif
}

/* Whether `condition` holds for any member; a barrier. */
GCR_FN int gcr_members_any(int condition)
{
#if GCR_TEAM == GCR_TEAM_WHOLE
    return gcr_whole_sum(condition ? 1 : 0) > 0;
#elif GCR_TEAM == GCR_TEAM_WARP
    return gcr_warp_any(condition);
#elif GCR_MEMBERS > 1
    return gcr_block_any(condition);
#else
    return condition;
#endif
}

/* ---- which cell ------------------------------------------------------------------------------ */

/* Divides in 32 bits where that is enough, which takes a quarter of the time. */
GCR_FN uint64_t gcr_divide(uint64_t value, uint64_t by, uint64_t *rest_out)
{
    if ((value | by) >> 32 == 0) {
        *rest_out = (uint32_t)value % (uint32_t)by;
        return (uint32_t)value / (uint32_t)by;
    }
    *rest_out = value % by;
    return value / by;
}

/* The tile that a cell of the launch is in: the last that begins at it or before. Teams go upwards,
 * mostly within a tile. Empty tiles begin where the next does, so they are never found. */
GCR_FN const gcr_launch_tile *gcr_find_tile(const gcr_launch *launch, uint64_t number)
{
    uint64_t low = 0, high = launch->tile_count;

    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        if (launch->tiles[middle].before <= number)
            low = middle;
        else
            high = middle;
    }
    return launch->tiles + low;
}

GCR_FN void gcr_find_parameters(const gcr_launch *launch, uint64_t point, gcr_real *param)
{
    for (int a = launch->axis_count - 1; a >= 0; a--) {
        const int p = launch->parameter_of_axis[a];
        const double *values = launch->axes[a].values;
        uint64_t at;

        point = gcr_divide(point, launch->axes[a].count, &at);
        GCR_UNROLL
        for (int k = 0; k < GCR_PARAMETER_COUNT; k++) /* so that they can stay in registers */
            if (k == p)
                param[k] = (gcr_real)values[at];
    }
}

/* Returns 0 where the point is not live. */
GCR_FN int gcr_find_cell(const gcr_launch *launch, uint64_t number, gcr_cell *cell)
{
    uint64_t point;

    cell->number = number;
    cell->of = gcr_find_tile(launch, number);
    cell->index = number - cell->of->before;
    point = cell->of->tile.first + cell->index;
    if (launch->live != 0 && (launch->live[point / 64] >> (point % 64) & 1) == 0)
        return 0;
    cell->jitter = launch->step == 0 ? 0 : (gcr_real)launch->jitter[launch->step - 1];
    GCR_UNROLL
    for (int k = 0; k < GCR_PARAMETER_COUNT; k++)
        cell->param[k] = 0;
    gcr_find_parameters(launch, point, cell->param);
    return 1;
}

GCR_FN gcr_ctx gcr_ctx_of_cell(const gcr_launch *launch, const gcr_cell *cell)
{
    gcr_ctx ctx = { 0 };

    ctx.data = cell->of->tile.data;
    ctx.option = launch->option;
    ctx.prepared = (const gcr_real *)cell->of->tile.prepared;
    ctx.param = cell->param;
    ctx.derived = cell->derived;
    ctx.seed = launch->seed;
    ctx.ns_per_tick = launch->ns_per_tick;
    ctx.parameter_count = GCR_PARAMETER_COUNT;
    return ctx;
}

/* ---- what is stored of it -------------------------------------------------------------------- */

GCR_FN double gcr_nan_of(int detail)
{
    return gcr_from_bits(0x7ff8000000000000 | (uint64_t)detail);
}

GCR_FN int64_t gcr_width_of(const gcr_launch_tile *of, int32_t width)
{
    if (width == GCR_WIDTH_ROWS)
        return of->tile.data.rows;
    return width == GCR_WIDTH_FEATURES ? of->tile.data.features : width;
}

/* Of all outputs together. */
GCR_FN int64_t gcr_output_width_of(const gcr_launch_tile *of)
{
    const int32_t widths[] = { GCR_OUTPUT_WIDTHS };
    int64_t sum = 0;

    GCR_UNROLL
    for (int o = 0; o < (int)(sizeof widths / sizeof *widths); o++)
        sum += gcr_width_of(of, widths[o]);
    return sum;
}

/* Everything that the tile stores of a cell, by `members` threads of which this is `member`. */
GCR_FN void gcr_record(const gcr_launch *launch, const gcr_cell *cell, gcr_verdict verdict,
                       int member, int members)
{
    const int32_t widths[] = { GCR_OUTPUT_WIDTHS };
    const gcr_unit_tile *const tile = &cell->of->tile;
    const int has_result = verdict.state == GCR_CELL_OK || verdict.state == GCR_CELL_OK_JITTER;
    const gcr_real *from = cell->outputs;

    GCR_UNROLL
    for (int o = 0; o < (int)(sizeof widths / sizeof *widths); o++) {
        const int64_t stored = tile->width[o];
        const int64_t width = gcr_width_of(cell->of, widths[o]);
        double *to = tile->outputs[o] + cell->index * (uint64_t)stored;

        for (int64_t k = member; k < stored; k += members)
            to[k] = has_result && k < width ? (double)from[k] : gcr_nan_of(verdict.detail);
        from += width;
    }
    if (member == 0) {
        tile->state[cell->index] = (uint8_t)verdict.state;
        if (tile->jitter_step != 0)
            tile->jitter_step[cell->index] =
                (uint8_t)(verdict.state == GCR_CELL_OK_JITTER ? launch->step : 0);
    }
}

/* Up the ladder while it is not SPD. Returns 0 where there is no rung. By one thread. */
GCR_FN int gcr_put_off(const gcr_launch *launch, const gcr_cell *cell, gcr_verdict verdict)
{
    const int next = launch->step + 1;

    if (verdict.state != GCR_CELL_NOT_SPD || next > launch->jitter_count)
        return 0;
    launch->retry[next % 2][gcr_count_up(launch->counters + 2 * next + 1)] = cell->number;
    return 1;
}

GCR_FN int gcr_has_bad_output(const gcr_cell *cell, int member, int members)
{
    const int64_t width = GCR_OUTPUTS_FIXED > 0 ? GCR_OUTPUTS_FIXED : gcr_output_width_of(cell->of);
    int is_bad = 0;

    for (int64_t k = member; k < width; k += members)
        is_bad |= !gcr_is_finite(cell->outputs[k]);
    return is_bad;
}

/* What was computed, once the outputs have been looked at. */
GCR_FN gcr_verdict gcr_verdict_with_outputs(const gcr_launch *launch, gcr_verdict verdict,
                                            int has_bad_output)
{
    if (verdict.state != GCR_CELL_OK)
        return verdict;
    if (has_bad_output)
        return gcr_verdict_of(GCR_CELL_NAN_OUT, 0);
    return gcr_verdict_of(launch->step > 0 ? GCR_CELL_OK_JITTER : GCR_CELL_OK, 0);
}

/* The verdict is that of member 0. */
GCR_FN void gcr_settle(const gcr_launch *launch, const gcr_cell *cell, gcr_verdict verdict)
{
#if GCR_OUTPUTS_IN_SCRATCH
    const int member = gcr_member();
    const int is_ok = gcr_members_any(member == 0 && verdict.state == GCR_CELL_OK);
    const int is_bad = is_ok && gcr_has_bad_output(cell, member, GCR_MEMBERS);
    const int has_bad = gcr_members_any(is_bad);

    if (is_ok)
        gcr_record(launch, cell,
                   gcr_verdict_with_outputs(launch, gcr_verdict_of(GCR_CELL_OK, 0), has_bad),
                   member, GCR_MEMBERS);
    else if (member == 0 && !gcr_put_off(launch, cell, verdict))
        gcr_record(launch, cell, verdict, 0, 1);
    gcr_members_barrier(); /* the outputs have been read */
#else
    if (gcr_member() != 0 || gcr_put_off(launch, cell, verdict))
        return;
    verdict = gcr_verdict_with_outputs(
        launch, verdict, verdict.state == GCR_CELL_OK && gcr_has_bad_output(cell, 0, 1));
    gcr_record(launch, cell, verdict, 0, 1);
#endif
}

#endif /* GCR_CUDA_DEVICE_CELLS_H */
