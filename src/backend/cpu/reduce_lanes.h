/*
 * backend/cpu/reduce_lanes.h -- C = Q T Q' with T tridiagonal, for GCR_VEC_LANES matrices side by
 * side: Householder's reflections, one column after the other.
 *
 * Part of engine_tridiagonal.h. Entry (i, j) of all lanes is one vector, the lower triangles are
 * packed by rows, and a lane never hears of another. Column k is replaced by the vector v of the
 * reflection I - tau v v' that turns it into (below[k], 0, 0, ...), as LAPACK's dsytd2 does; those
 * vectors are all that is kept of Q, until somebody asks for it.
 *
 * Entries are first brought to about 1 by a power of two, which changes no bit of a number: their
 * squares then neither overflow nor vanish, unless they are so small beside the largest entry that
 * leaving them out is no error.
 *
 * Rejected: one matrix at a time with vectors along its rows (a triangle of 50 rows leaves half of
 * the lanes empty, and reads its matrix-vector product from shuffles).
 */
#ifndef GCR_CPU_REDUCE_LANES_H
#define GCR_CPU_REDUCE_LANES_H

/* Entries of squared length below this are left out of a reflection: 2^-450 each, beside 1. */
#define GCR_REDUCE_LEAST 0x1p-900

/* The power of two that brings |x| to [1, 2); the largest there is where |x| is denormal. */
GCR_LANES_FN gcr_vec gcr_vec_power_against(gcr_vec x)
{
    const gcr_mask exponent = 2046 - (((gcr_mask)x >> 52) & 0x7ff);
    const gcr_mask is_normal = exponent > 0;

    return (gcr_vec)(((exponent & is_normal) | (1 & ~is_normal)) << 52);
}

GCR_LANES_FN gcr_vec gcr_vec_abs(gcr_vec x)
{
    return (gcr_vec)((gcr_mask)x & INT64_MAX);
}

/* Four sums side by side: one alone would wait for each addition. */
GCR_LANES_FN gcr_vec gcr_vec_dot(int count, const gcr_vec *a, const gcr_vec *b)
{
    gcr_vec sum[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
    int k = 0;

    for (; k + 4 <= count; k += 4)
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++)
            sum[t] = gcr_vec_add_product(sum[t], a[k + t], b[k + t]);
    for (; k < count; k++)
        sum[0] = gcr_vec_add_product(sum[0], a[k], b[k]);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* The lanes of one reduction. Rows of n vectors each. */
typedef struct gcr_reducing {
    int n, right_sides;
    gcr_vec *a;     /* [n (n + 1) / 2] the matrix, then the reflections */
    gcr_vec *v, *w; /* [n] of the reflection in hand                    */
    gcr_vec *diagonal, *below, *tau;
    gcr_vec *sides; /* [right_sides][n] */
} gcr_reducing;

GCR_LANES_FN gcr_vec *gcr_reducing_row(const gcr_reducing *of, int i)
{
    return of->a + (int64_t)i * (i + 1) / 2;
}

/* ---- filling --------------------------------------------------------------------------------- */

/* Lanes are bases of one system, where a cell has one system ... */
GCR_LANES_FN gcr_vec gcr_base_of_bases(const gcr_ctx *ctx, int i, int j)
{
    gcr_real value[GCR_VEC_LANES] __attribute__((aligned(sizeof(gcr_vec))));

#pragma GCC unroll 1 /* unrolled, it would not be seen as a vector */
    for (int lane = 0; lane < GCR_VEC_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, lane);

        value[lane] = base(&one, 0, i, j);
    }
    return *(const gcr_vec *)value;
}

/* ... else systems of one base; those beyond the last repeat it. */
GCR_LANES_FN gcr_vec gcr_base_of_systems(const gcr_ctx *ctx, int first, int systems, int i, int j)
{
    gcr_vec value = { 0 };

    for (int lane = 0; lane < GCR_VEC_LANES; lane++)
        value[lane] = base(ctx, first + lane < systems ? first + lane : systems - 1, i, j);
    return value;
}

/* What a kernel does on the diagonal only costs nothing beside it, if the compiler knows. */
GCR_LANES_FN gcr_vec gcr_base_of_lanes(const gcr_ctx *ctx, int first, int systems, int i, int j)
{
    return systems == 1 ? gcr_base_of_bases(ctx, i, j)
                        : gcr_base_of_systems(ctx, first, systems, i, j);
}

GCR_LANES_FN gcr_vec gcr_base_below(const gcr_ctx *ctx, int first, int systems, int i, int j)
{
    if (i == j)
        __builtin_unreachable();
    return gcr_base_of_lanes(ctx, first, systems, i, j);
}

/* rhs() is not asked in lanes that do not need it. */
GCR_LANES_FN gcr_vec gcr_reduced_rhs(const gcr_ctx *ctx, int first, int systems, int i, int column)
{
    gcr_vec value = { 0 };

    for (int lane = 0; lane < GCR_VEC_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, systems == 1 ? lane : 0);
        const int system = systems == 1 ? 0 : first + lane < systems ? first + lane : systems - 1;

        if (gcr_is_solved(needs(&one, system)))
            value[lane] = rhs(&one, system, i, column);
    }
    return value;
}

/* Returns the largest |entry|, NaN where one is not finite. */
GCR_LANES_FN gcr_vec gcr_reducing_fill(const gcr_reducing *of, const gcr_ctx *ctx, int first,
                                       int systems)
{
    gcr_vec most = { 0 }, sum = { 0 };

    for (int i = 0; i < of->n; i++) {
        gcr_vec *const row = gcr_reducing_row(of, i);

        for (int j = 0; j < i; j++)
            row[j] = gcr_base_below(ctx, first, systems, i, j);
        row[i] = gcr_base_of_lanes(ctx, first, systems, i, i);
        for (int j = 0; j <= i; j++) {
            const gcr_vec size = gcr_vec_abs(row[j]);

            most = gcr_vec_choose(size > most, size, most);
            sum += row[j] * 0;
        }
    }
    return most + sum;
}

/* Returns 0, NaN where a value is not finite. */
GCR_LANES_FN gcr_vec gcr_reducing_fill_sides(const gcr_reducing *of, const gcr_ctx *ctx, int first,
                                             int systems)
{
    gcr_vec sum = { 0 };

    for (int column = 0; column < of->right_sides; column++)
        for (int i = 0; i < of->n; i++) {
            of->sides[column * of->n + i] = gcr_reduced_rhs(ctx, first, systems, i, column);
            sum += of->sides[column * of->n + i] * 0;
        }
    return sum;
}

GCR_LANES_FN void gcr_reducing_multiply(const gcr_reducing *of, gcr_vec factor)
{
    int differs = 0;

    for (int lane = 0; lane < GCR_VEC_LANES; lane++)
        differs |= factor[lane] != 1;
    for (int64_t k = 0; differs && k < (int64_t)of->n * (of->n + 1) / 2; k++)
        of->a[k] *= factor;
}

/* ---- one reflection -------------------------------------------------------------------------- */

/* v from column k, rows k + 1 on. A column that is 0 below its first entry has tau = 0. */
GCR_LANES_FN void gcr_reducing_reflect(const gcr_reducing *of, int k)
{
    const int count = of->n - 1 - k;
    const gcr_vec one = gcr_vec_of(1);
    gcr_vec square, norm, first;
    gcr_mask is_active;

    for (int i = 0; i < count; i++)
        of->v[i] = gcr_reducing_row(of, k + 1 + i)[k];
    first = of->v[0];
    square = gcr_vec_dot(count - 1, of->v + 1, of->v + 1);
    is_active = square > GCR_REDUCE_LEAST;
    square = gcr_vec_choose(is_active, gcr_vec_add_product(square, first, first), one);
    norm = gcr_vec_sqrt(square);
    of->tau[k] = gcr_vec_choose(is_active, 1 / (square + norm * gcr_vec_abs(first)), one - one);
    norm = gcr_vec_choose(first > 0, -norm, norm); /* so that the difference cancels nothing */
    of->below[k] = gcr_vec_choose(is_active, norm, first);
    of->v[0] = gcr_vec_choose(is_active, first - norm, first);
    gcr_reducing_row(of, k + 1)[k] = of->v[0];
}

/* w = A v over rows and columns k + 1 on, `count` rows from `i` on at a time: each entry of v and
 * w is then read once for all of them. */
GCR_LANES_FN void gcr_reducing_multiply_rows(const gcr_reducing *of, int k, int i, int count)
{
    gcr_vec *const v = of->v - (k + 1), *const w = of->w - (k + 1), *row[4];
    gcr_vec sum[4];

#pragma GCC unroll 4
    for (int r = 0; r < count; r++) {
        row[r] = gcr_reducing_row(of, i + r);
        sum[r] = gcr_vec_of(0);
    }
    for (int j = k + 1; j < i; j++) {
        gcr_vec other = w[j];

#pragma GCC unroll 4
        for (int r = 0; r < count; r++) {
            sum[r] = gcr_vec_add_product(sum[r], row[r][j], v[j]);
            other = gcr_vec_add_product(other, row[r][j], v[i + r]);
        }
        w[j] = other;
    }
#pragma GCC unroll 4
    for (int r = 0; r < count; r++) {
#pragma GCC unroll 4
        for (int c = 0; c < r; c++) {
            sum[r] = gcr_vec_add_product(sum[r], row[r][i + c], v[i + c]);
            w[i + c] = gcr_vec_add_product(w[i + c], row[r][i + c], v[i + r]);
        }
        w[i + r] = gcr_vec_add_product(sum[r], row[r][i + r], v[i + r]);
    }
}

/* Rows `i` on less v w' + w v'. */
GCR_LANES_FN void gcr_reducing_update_rows(const gcr_reducing *of, int k, int i, int count)
{
    const gcr_vec *const v = of->v - (k + 1), *const w = of->w - (k + 1);

    for (int j = k + 1; j < i; j++)
#pragma GCC unroll 4
        for (int r = 0; r < count; r++) {
            gcr_vec *const entry = gcr_reducing_row(of, i + r) + j;

            *entry = gcr_vec_subtract_product(gcr_vec_subtract_product(*entry, v[i + r], w[j]),
                                              w[i + r], v[j]);
        }
#pragma GCC unroll 4
    for (int r = 0; r < count; r++)
#pragma GCC unroll 4
        for (int c = 0; c <= r; c++) {
            gcr_vec *const entry = gcr_reducing_row(of, i + r) + i + c;

            *entry = gcr_vec_subtract_product(gcr_vec_subtract_product(*entry, v[i + r], w[i + c]),
                                              w[i + r], v[i + c]);
        }
}

/* A := H A H = A - v w' - w v' with w = tau (A v - tau / 2 (v'A v) v). */
GCR_LANES_FN void gcr_reducing_apply(const gcr_reducing *of, int k)
{
    const int count = of->n - 1 - k, rest = count % 4;
    const gcr_vec tau = of->tau[k];
    gcr_vec half;

    for (int i = k + 1; i < k + 1 + rest; i++)
        gcr_reducing_multiply_rows(of, k, i, 1);
    for (int i = k + 1 + rest; i < of->n; i += 4)
        gcr_reducing_multiply_rows(of, k, i, 4);
    half = tau * gcr_vec_dot(count, of->v, of->w) * (0.5 * tau); /* tau^2 might overflow */
    for (int i = 0; i < count; i++)
        of->w[i] = gcr_vec_subtract_product(tau * of->w[i], half, of->v[i]);
    for (int i = k + 1; i < k + 1 + rest; i++)
        gcr_reducing_update_rows(of, k, i, 1);
    for (int i = k + 1 + rest; i < of->n; i += 4)
        gcr_reducing_update_rows(of, k, i, 4);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Fills diagonal, below and tau. */
GCR_LANES_FN void gcr_reducing_run(const gcr_reducing *of)
{
    const int n = of->n;

    for (int k = 0; k < n - 2; k++) {
        gcr_reducing_reflect(of, k);
        gcr_reducing_apply(of, k);
    }
    for (int k = 0; k < n; k++)
        of->diagonal[k] = gcr_reducing_row(of, k)[k];
    if (n > 1)
        of->below[n - 2] = gcr_reducing_row(of, n - 1)[n - 2];
}

/* b := Q'b. */
GCR_LANES_FN void gcr_reducing_apply_to_sides(const gcr_reducing *of)
{
    for (int k = 0; k < of->n - 2; k++) {
        const int count = of->n - 1 - k;

        for (int i = 0; i < count; i++)
            of->v[i] = gcr_reducing_row(of, k + 1 + i)[k];
        for (int column = 0; column < of->right_sides; column++) {
            gcr_vec *const b = of->sides + (int64_t)column * of->n + k + 1;
            const gcr_vec factor = of->tau[k] * gcr_vec_dot(count, of->v, b);

            for (int i = 0; i < count; i++)
                b[i] = gcr_vec_subtract_product(b[i], factor, of->v[i]);
        }
    }
}

/* Q by rows, from the reflections that the triangle holds: the last one first, so that the part of
 * Q that is not yet the identity grows. */
GCR_LANES_FN void gcr_reducing_form_turn(const gcr_reducing *of, gcr_vec *turn)
{
    const int n = of->n;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            turn[(int64_t)i * n + j] = gcr_vec_of(i == j);
    for (int k = n - 3; k >= 0; k--) {
        for (int j = k + 1; j < n; j++)
            of->w[j] = gcr_vec_of(0);
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++)
                of->w[j] = gcr_vec_add_product(of->w[j], gcr_reducing_row(of, i)[k],
                                               turn[(int64_t)i * n + j]);
        for (int i = k + 1; i < n; i++) {
            const gcr_vec factor = of->tau[k] * gcr_reducing_row(of, i)[k];

            for (int j = k + 1; j < n; j++)
                turn[(int64_t)i * n + j] =
                    gcr_vec_subtract_product(turn[(int64_t)i * n + j], factor, of->w[j]);
        }
    }
}

#endif /* GCR_CPU_REDUCE_LANES_H */
