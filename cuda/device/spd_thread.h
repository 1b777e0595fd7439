/*
 * cuda/device/spd_thread.h -- SPD kernels of few rows: each thread has a cell of its own, and its
 * matrix in registers.
 *
 * Part of device_unit.h, over cholesky_thread.h. Threads never meet, so that cells of a warp may be
 * of any datasets.
 *
 * Predicted for sm_90 (derived; f64, 64 operations of the vector pipe in a clock): a cell of gp at
 * n = 8 is 36 entries of 30 operations and 200 for the factor and the solve, 1300 / 64 = 20 clocks
 * of a multiprocessor, 0.08 ns with 132 of them, and 0.18 ns at n = 12. Registers: 2 for each of
 * n (n + 1) / 2 entries and 60 more. What the compiler made of it: resources.txt.
 */
#ifndef GCR_CUDA_SPD_THREAD_H
#define GCR_CUDA_SPD_THREAD_H

#include "cuda/device/cholesky_thread.h"
#include "cuda/device/spd_system.h"

GCR_FN void gcr_small_fill(gcr_small_factor *factor, const gcr_system *system)
{
    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        GCR_UNROLL
        for (int j = 0; j <= i; j++)
            factor->entry[GCR_AT(i, j)] = gcr_system_entry(system, i, j);
    }
}

GCR_FN gcr_real gcr_small_log_determinant(const gcr_small_factor *factor)
{
    return -2 * (gcr_log(factor->product) + (gcr_real)factor->exponent * (gcr_real)GCR_LN2);
}

/* z becomes inv(L) z, of which the entries before `first` are 0. */
GCR_FN void gcr_small_forward(const gcr_small_factor *factor, gcr_real *z, int first)
{
    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        if (i < first)
            continue;
        GCR_UNROLL
        for (int k = 0; k < i; k++)
            if (k >= first)
                z[i] = gcr_fma(-factor->entry[GCR_AT(i, k)], z[k], z[i]);
        z[i] *= factor->entry[GCR_AT(i, i)];
    }
}

/* z becomes inv(L') z. */
GCR_FN void gcr_small_backward(const gcr_small_factor *factor, gcr_real *z)
{
    GCR_UNROLL
    for (int i = GCR_ROWS - 1; i >= 0; i--) {
        GCR_UNROLL
        for (int k = i + 1; k < GCR_ROWS; k++)
            z[i] = gcr_fma(-factor->entry[GCR_AT(k, i)], z[k], z[i]);
        z[i] *= factor->entry[GCR_AT(i, i)];
    }
}

GCR_FN gcr_real gcr_small_square(const gcr_real *z)
{
    gcr_real sum = 0;

    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++)
        sum = gcr_fma(z[i], z[i], sum);
    return sum;
}

/* Returns 0 where the side is not finite. */
GCR_FN int gcr_small_fill_side(gcr_real *z, const gcr_system *system, int column)
{
    int is_finite = 1;

    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        z[i] = gcr_system_side(system, i, column);
        is_finite &= gcr_is_finite(z[i]);
    }
    return is_finite;
}

/* Returns 0 where one of the sides is not finite. */
GCR_FN int gcr_small_solve(const gcr_small_factor *factor, const gcr_system *system)
{
    int is_finite = 1;

    for (int column = 0; column < gcr_system_sides(system); column++) {
        const int64_t at = gcr_system_side_at(system, column);
        gcr_real z[GCR_ROWS];

        is_finite &= gcr_small_fill_side(z, system, column);
        gcr_small_forward(factor, z, 0);
        system->quadratic_form[at] = gcr_small_square(z);
        if ((system->wanted & GCR_NEED_SOLUTION) == 0)
            continue;
        gcr_small_backward(factor, z);
        GCR_UNROLL
        for (int i = 0; i < GCR_ROWS; i++)
            if (i < system->n)
                system->solution[at * system->n + i] = z[i];
    }
    return is_finite;
}

/* Column i of inv(L) is what it makes of column i of the identity. */
GCR_FN void gcr_small_invert(const gcr_small_factor *factor, const gcr_system *system)
{
    gcr_real *out = system->inverse_diagonal + (int64_t)system->number * system->n;

    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        gcr_real z[GCR_ROWS];

        GCR_UNROLL
        for (int k = 0; k < GCR_ROWS; k++)
            z[k] = k == i ? 1 : 0;
        gcr_small_forward(factor, z, i);
        if (i < system->n)
            out[i] = gcr_small_square(z);
    }
}

GCR_FN gcr_verdict gcr_system_answer(const gcr_system *system)
{
    gcr_small_factor factor;
    int is_finite = 1;

    gcr_small_fill(&factor, system);
    gcr_small_eliminate(&factor, 0);
    if (gcr_is_solved(system->wanted))
        is_finite = gcr_small_solve(&factor, system);
    if (!is_finite)
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    if (factor.minor != 0)
        return gcr_system_judge(system, factor.minor);
    if (system->wanted & GCR_NEED_LOG_DETERMINANT)
        system->log_determinant[system->number] = gcr_small_log_determinant(&factor);
    if (system->wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_small_invert(&factor, system);
    return gcr_verdict_of(GCR_CELL_OK, 0);
}

/* The first system that has no answer decides what is said of a cell. */
GCR_FN gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)
{
    const gcr_spd_layout at = gcr_layout_of(one);
    const int systems = GCR_TEAM_SINGLE ? 1 : one->of->systems;
    gcr_system system = gcr_system_open(ctx, one, &at);
#if GCR_TEAM_SINGLE
    gcr_real log_determinant = (gcr_real)gcr_nan_of(0), quadratic_form = log_determinant;
    gcr_real solution[GCR_ROWS], inverse_diagonal[GCR_ROWS];

    system.log_determinant = &log_determinant;
    system.quadratic_form = &quadratic_form;
    system.solution = solution;
    system.inverse_diagonal = inverse_diagonal;
#endif
    gcr_cell_derive(ctx, one);
    for (system.number = 0; system.number < systems; system.number++) {
        gcr_verdict verdict;

        system.wanted = needs(ctx, system.number);
        verdict = gcr_system_answer(&system);
        if (verdict.state != GCR_CELL_OK)
            return verdict;
    }
    return gcr_cell_finish(&system, one);
}

#endif /* GCR_CUDA_SPD_THREAD_H */
