/*
 * backend/cpu/tridiagonal_group.h -- one system of all cells of a group, which share C = Q T Q':
 * A = Q (scale T + shift I) Q' is answered from the tridiagonal L D L' in between.
 *
 * Part of engine_tridiagonal.h. What is read of T is the same number in each lane; the cells differ
 * by scale and shift. A group is up to GCR_VECS vectors of cells, because each pivot waits for the
 * division by the one before: several such chains keep the divider busy. A lane that failed, or
 * that repeats another, is computed like the others and not read.
 *
 * A cell's matrix is brought to about 1 by a power of two, so that no pivot is denormal unless the
 * matrix is singular to 1e-300; the answers are brought back.
 */
#ifndef GCR_CPU_TRIDIAGONAL_GROUP_H
#define GCR_CPU_TRIDIAGONAL_GROUP_H

/* C of one base and system. Each number stands `stride` after the one before. */
typedef struct gcr_reduced {
    int stride;
    const gcr_real *diagonal, *below; /* [n] of T * power                 */
    const gcr_real *sides;            /* [right_sides][n] Q'b             */
    const gcr_real *turn;             /* [n][n] Q                         */
    gcr_real power;                   /* of two                           */
    gcr_real most;                    /* the largest |C_ij|; NaN: C is not finite */
    gcr_real of_sides;                /* 0; NaN: b is not finite          */
} gcr_reduced;

/* A = (scale T + shift I) / power, in each lane, and what its pivots say. */
typedef struct gcr_shifted {
    gcr_vec scale[GCR_VECS], shift[GCR_VECS], power[GCR_VECS];
    gcr_vec product[GCR_VECS];   /* of the pivots: product 2^exponent, product in [1, 2)       */
    gcr_mask exponent[GCR_VECS]; /* biased: 1023 too much for each pivot                       */
    gcr_mask minor[GCR_VECS];    /* of T: the first that is not positive, from 1; 0: none      */
    gcr_mask is_finite[GCR_VECS];
} gcr_shifted;

GCR_LANES_FN gcr_vec *gcr_vecs(gcr_real *values, int64_t i)
{
    return (gcr_vec *)values + i * GCR_VECS;
}

/* scale() and shift() of the cells, jitter added, brought to about 1. */
static gcr_shifted gcr_shifted_of(const gcr_ctx *ctx, const gcr_group *group, int system,
                                  const gcr_reduced *reduced)
{
    gcr_real scales[GCR_LANES] __attribute__((aligned(sizeof(gcr_vec))));
    gcr_real shifts[GCR_LANES] __attribute__((aligned(sizeof(gcr_vec))));
    gcr_shifted of;

#pragma GCC unroll 1
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, lane);

        scales[lane] = scale(&one, system);
        shifts[lane] = shift(&one, system) + group->jitter[lane];
    }
    for (int v = 0; v < GCR_VECS; v++) {
        const gcr_vec by = gcr_vecs(scales, 0)[v], plus = gcr_vecs(shifts, 0)[v];
        const gcr_vec most = gcr_vec_abs(by) * reduced->most + gcr_vec_abs(plus);

        of.is_finite[v] = gcr_vec_is_finite(most);
        of.power[v] = gcr_vec_power_against(most);
        of.scale[v] = by / reduced->power * of.power[v];
        of.shift[v] = plus * of.power[v];
        of.product[v] = gcr_vec_of(1);
        of.exponent[v] = (gcr_mask){ 0 };
        of.minor[v] = (gcr_mask){ 0 };
    }
    return of;
}

/* L (its entries below the diagonal) to `ratio` and 1 / D to `inverse`. A pivot that is not a
 * positive number is noted and replaced by 1. */
GCR_LANES_FN void gcr_shifted_factor(gcr_shifted *of, const gcr_engine *engine,
                                     const gcr_reduced *reduced, int vecs)
{
    const gcr_vec one = gcr_vec_of(1);
    gcr_vec inverse[GCR_VECS];

#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++)
        inverse[v] = one;
    for (int i = 0; i < engine->n; i++) {
        const gcr_vec diagonal = gcr_vec_of(reduced->diagonal[i * reduced->stride]);
        const gcr_vec below = gcr_vec_of(i == 0 ? 0 : reduced->below[(i - 1) * reduced->stride]);

#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            const gcr_vec entry = of->scale[v] * below, ratio = entry * inverse[v];
            const gcr_vec pivot = gcr_vec_subtract_product(
                gcr_vec_add_product(of->shift[v], of->scale[v], diagonal), ratio, entry);
            const gcr_mask good = (pivot >= 0x1p-1022) & gcr_vec_is_finite(pivot);
            const gcr_mask product = (gcr_mask)(of->product[v] * gcr_vec_choose(good, pivot, one));

            inverse[v] = gcr_vec_choose(good, 1 / pivot, one);
            of->minor[v] |= ~good & (of->minor[v] == 0) & (i + 1);
            of->exponent[v] += product >> 52;
            of->product[v] = (gcr_vec)((product & 0x000fffffffffffff) | 0x3ff0000000000000);
            gcr_vecs(engine->ratio, i)[v] = ratio;
            gcr_vecs(engine->inverse, i)[v] = inverse[v];
        }
    }
}

/* Says of each cell why it has no answer. */
static void gcr_shifted_judge(const gcr_shifted *of, gcr_group *group)
{
    for (int lane = 0; lane < group->count; lane++) {
        const int v = lane / GCR_VEC_LANES, in = lane % GCR_VEC_LANES;

        if (!of->is_finite[v][in])
            gcr_group_fail(group, lane, GCR_CELL_NAN_IN, 0);
        else if (of->minor[v][in] != 0)
            gcr_group_fail(group, lane, GCR_CELL_NOT_SPD, (uint32_t)of->minor[v][in]);
    }
}

static void gcr_shifted_log(const gcr_shifted *of, int n, gcr_real *out)
{
    for (int v = 0; v < GCR_VECS; v++)
        for (int lane = 0; lane < GCR_VEC_LANES; lane++) {
            const int64_t power = (int64_t)(gcr_bits(of->power[v][lane]) >> 52) - 1023;
            const int64_t exponent = of->exponent[v][lane] - (INT64_C(1023) + power) * n;

            out[v * GCR_VEC_LANES + lane] =
                gcr_log(of->product[v][lane]) + (gcr_real)exponent * M_LN2;
        }
}

/* L w = Q'b; the quadratic form is w' inv(D) w. Leaves inv(D) w in `solved`. */
GCR_LANES_FN void gcr_shifted_forward(const gcr_shifted *of, const gcr_engine *engine,
                                      const gcr_reduced *reduced, int column, gcr_vec *quadratic,
                                      int vecs)
{
    const gcr_real *const side = reduced->sides + (int64_t)column * engine->n * reduced->stride;
    gcr_vec w[GCR_VECS], sum[GCR_VECS];

#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++)
        w[v] = sum[v] = gcr_vec_of(0);
    for (int i = 0; i < engine->n; i++) {
        const gcr_vec entry = gcr_vec_of(side[i * reduced->stride]);

#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            gcr_vec divided;

            w[v] = gcr_vec_subtract_product(entry, gcr_vecs(engine->ratio, i)[v], w[v]);
            divided = w[v] * gcr_vecs(engine->inverse, i)[v];
            sum[v] = gcr_vec_add_product(sum[v], w[v], divided);
            gcr_vecs(engine->solved, i)[v] = divided;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++)
        quadratic[v] = sum[v] * of->power[v];
}

/* L'y = inv(D) w, in place; x = Q y. */
GCR_LANES_FN void gcr_shifted_backward(const gcr_shifted *of, const gcr_engine *engine,
                                       const gcr_reduced *reduced, gcr_real *solution, int vecs)
{
    const int n = engine->n;

    for (int i = n - 2; i >= 0; i--)
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            gcr_vecs(engine->solved, i)[v] = gcr_vec_subtract_product(
                gcr_vecs(engine->solved, i)[v], gcr_vecs(engine->ratio, i + 1)[v],
                gcr_vecs(engine->solved, i + 1)[v]);
    for (int i = 0; i < n; i++) {
        const gcr_real *const row = reduced->turn + (int64_t)i * n * reduced->stride;
        gcr_vec sum[GCR_VECS];

#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            sum[v] = gcr_vec_of(0);
        for (int j = 0; j < n; j++)
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                sum[v] = gcr_vec_add_product(sum[v], gcr_vec_of(row[j * reduced->stride]),
                                             gcr_vecs(engine->solved, j)[v]);
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            gcr_vecs(solution, i)[v] = sum[v] * of->power[v];
    }
}

/* Entry i of the diagonal is |inv(D)^1/2 inv(L) q|^2 with q row i of Q. */
GCR_LANES_FN void gcr_shifted_invert(const gcr_shifted *of, const gcr_engine *engine,
                                     const gcr_reduced *reduced, gcr_real *diagonal, int vecs)
{
    const int n = engine->n;

    for (int i = 0; i < n; i++) {
        const gcr_real *const row = reduced->turn + (int64_t)i * n * reduced->stride;
        gcr_vec w[GCR_VECS], sum[GCR_VECS];

#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            w[v] = sum[v] = gcr_vec_of(0);
        for (int j = 0; j < n; j++)
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) {
                w[v] = gcr_vec_subtract_product(gcr_vec_of(row[j * reduced->stride]),
                                                gcr_vecs(engine->ratio, j)[v], w[v]);
                sum[v] = gcr_vec_add_product(sum[v], w[v] * w[v], gcr_vecs(engine->inverse, j)[v]);
            }
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            gcr_vecs(diagonal, i)[v] = sum[v] * of->power[v];
    }
}

GCR_LANES_FN void gcr_shifted_answer(gcr_shifted *of, const gcr_engine *engine,
                                     const gcr_reduced *reduced, int system, unsigned wanted,
                                     int vecs)
{
    gcr_shifted_factor(of, engine, reduced, vecs);
    for (int column = 0; gcr_is_solved(wanted) && column < engine->right_sides; column++) {
        const int64_t index = (int64_t)system * engine->right_sides + column;

        gcr_shifted_forward(of, engine, reduced, column, gcr_vecs(engine->quadratic_form, index),
                            vecs);
        if (wanted & GCR_NEED_SOLUTION)
            gcr_shifted_backward(of, engine, reduced,
                                 engine->solution + index * engine->n * GCR_LANES, vecs);
    }
    if (wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_shifted_invert(of, engine, reduced,
                           engine->inverse_diagonal + (int64_t)system * engine->n * GCR_LANES,
                           vecs);
}

/* As many vectors as the cells fill; the compiler sees each number as a constant. */
static void gcr_group_answer(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group,
                             int system, const gcr_reduced *reduced, unsigned wanted)
{
    gcr_shifted of;

    if (!gcr_is_finite(reduced->most) || (gcr_is_solved(wanted) && reduced->of_sides != 0)) {
        for (int lane = 0; lane < group->count; lane++)
            gcr_group_fail(group, lane, GCR_CELL_NAN_IN, 0);
        return;
    }
    of = gcr_shifted_of(ctx, group, system, reduced);
    if (group->count <= GCR_VEC_LANES)
        gcr_shifted_answer(&of, engine, reduced, system, wanted, 1);
    else if (group->count <= 2 * GCR_VEC_LANES)
        gcr_shifted_answer(&of, engine, reduced, system, wanted, 2);
    else
        gcr_shifted_answer(&of, engine, reduced, system, wanted, GCR_VECS);
    gcr_shifted_judge(&of, group);
    if (wanted & GCR_NEED_LOG_DETERMINANT)
        gcr_shifted_log(&of, engine->n, engine->log_determinant + (int64_t)system * GCR_LANES);
}

#endif /* GCR_CPU_TRIDIAGONAL_GROUP_H */
