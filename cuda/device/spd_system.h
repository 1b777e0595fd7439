/*
 * cuda/device/spd_system.h -- one system of a cell, whoever computes it: its entries as tiles have
 * them, what they say where a pivot is bad, and the places of its answers.
 *
 * Part of device_unit.h, before the engines under SPD kernels.
 */
#ifndef GCR_CUDA_SPD_SYSTEM_H
#define GCR_CUDA_SPD_SYSTEM_H

/* What a system is asked with, and where its answers go, which are those of all systems. */
typedef struct gcr_system {
    const gcr_ctx *ctx;
    gcr_real jitter;
    int number, n, right_sides;
    unsigned wanted; /* GCR_NEED_* */
    gcr_real *log_determinant, *quadratic_form, *solution, *inverse_diagonal;
} gcr_system;

GCR_FN int gcr_is_solved(unsigned wanted)
{
    return (wanted & (GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION)) != 0;
}

/* Right-hand sides that have to be looked at. */
GCR_FN int gcr_system_sides(const gcr_system *system)
{
    return gcr_is_solved(system->wanted) ? system->right_sides : 0;
}

/* Entry (i, j), i >= j, with the identity behind the last row. */
GCR_FN gcr_real gcr_system_entry(const gcr_system *system, int i, int j)
{
    if (i >= system->n)
        return i == j ? 1 : 0;
    if (i == j)
        return element(system->ctx, system->number, i, i) + system->jitter;
    return element(system->ctx, system->number, i, j);
}

/* 0 beyond the last side and the last row. */
GCR_FN gcr_real gcr_system_side(const gcr_system *system, int i, int column)
{
    if (i >= system->n || column >= system->right_sides)
        return 0;
    return rhs(system->ctx, system->number, i, column);
}

/* Whether an entry is NaN or infinite, of rows member, member + members ... A number that is not
 * finite ends up in the pivot of its row, so this is asked only where a pivot is bad. */
GCR_FN int gcr_system_has_bad_entry(const gcr_system *system, int member, int members)
{
    int is_bad = 0;

    for (int i = member; i < system->n; i += members)
        for (int j = 0; j <= i; j++)
            is_bad |= !gcr_is_finite(gcr_system_entry(system, i, j));
    return is_bad;
}

/* By all members: what a bad pivot means. */
GCR_FN gcr_verdict gcr_system_judge(const gcr_system *system, int minor)
{
    if (gcr_members_any(gcr_system_has_bad_entry(system, gcr_member(), GCR_MEMBERS)))
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    return gcr_verdict_of(GCR_CELL_NOT_SPD, minor);
}

/* ---- of all systems of a cell ---------------------------------------------------------------- */

GCR_FN void gcr_cell_derive(gcr_ctx *ctx, gcr_cell *one)
{
    GCR_UNROLL
    for (int k = 0; k < GCR_DERIVED_MAX; k++)
        one->derived[k] = 0;
#if defined(GCR_HAS_DERIVE)
    derive(ctx, one->derived);
#else
    (void)ctx;
#endif
}

/* The answers to all systems are there. By one thread. */
GCR_FN gcr_verdict gcr_cell_finish(const gcr_system *system, const gcr_cell *one)
{
    gcr_answers answers = { 0 };

    answers.n = system->n;
    answers.right_sides = system->right_sides;
    answers.log_determinant = system->log_determinant;
    answers.quadratic_form = system->quadratic_form;
    answers.solution = system->solution;
    answers.inverse_diagonal = system->inverse_diagonal;
    return gcr_verdict_of_fault(finish(system->ctx, &answers, one->outputs));
}

/* Places in the scratch of the team. */
GCR_FN gcr_system gcr_system_open(const gcr_ctx *ctx, const gcr_cell *one, const gcr_spd_layout *at)
{
    gcr_system system = { 0 };

    system.ctx = ctx;
    system.jitter = one->jitter;
    system.n = one->of->n;
    system.right_sides = GCR_TEAM_SINGLE ? (one->of->right_sides > 0) : one->of->right_sides;
    system.log_determinant = one->scratch + at->log_determinant;
    system.quadratic_form = one->scratch + at->quadratic_form;
    system.solution = one->scratch + at->solution;
    system.inverse_diagonal = one->scratch + at->inverse_diagonal;
    return system;
}

GCR_FN gcr_spd_layout gcr_layout_of(const gcr_cell *one)
{
    return gcr_spd_layout_of(GCR_TEAM, GCR_TEAM_THREADS, one->of->n, one->of->systems,
                             one->of->right_sides, gcr_output_width_of(one->of));
}

/* Where the answers of the system in hand begin. */
GCR_FN int64_t gcr_system_side_at(const gcr_system *system, int column)
{
    return (int64_t)system->number * system->right_sides + column;
}

#endif /* GCR_CUDA_SPD_SYSTEM_H */
