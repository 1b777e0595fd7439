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

/* Rows that are passed over together: as many as the registers of the code path hold, 32 or 16. */
#if GCR_VEC_LANES == 8
#define GCR_REDUCE_ROWS 4
#else
#define GCR_REDUCE_ROWS 2
#endif

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
    gcr_vec *next_v, *next_w;
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

/* Column k less v w' + w v', from its diagonal on: the rest of the last reflection comes later. */
GCR_LANES_FN void gcr_reducing_update_column(const gcr_reducing *of, int k)
{
    for (int i = k; i < of->n; i++) {
        gcr_vec *const entry = gcr_reducing_row(of, i) + k;

        *entry = gcr_vec_subtract_product(gcr_vec_subtract_product(*entry, of->v[i], of->w[k]),
                                          of->w[i], of->v[k]);
    }
}

/* The next v from column k, rows k + 1 on. A column that is 0 below its first entry has tau = 0. */
GCR_LANES_FN void gcr_reducing_reflect(const gcr_reducing *of, int k)
{
    const int count = of->n - 1 - k;
    const gcr_vec one = gcr_vec_of(1);
    gcr_vec *const v = of->next_v + k + 1;
    gcr_vec square, norm, first;
    gcr_mask is_active;

    for (int i = 0; i < count; i++)
        v[i] = gcr_reducing_row(of, k + 1 + i)[k];
    first = v[0];
    square = gcr_vec_dot(count - 1, v + 1, v + 1);
    is_active = square > GCR_REDUCE_LEAST;
    square = gcr_vec_choose(is_active, gcr_vec_add_product(square, first, first), one);
    norm = gcr_vec_sqrt(square);
    of->tau[k] = gcr_vec_choose(is_active, 1 / (square + norm * gcr_vec_abs(first)), one - one);
    norm = gcr_vec_choose(first > 0, -norm, norm); /* so that the difference cancels nothing */
    of->below[k] = gcr_vec_choose(is_active, norm, first);
    v[0] = gcr_vec_choose(is_active, first - norm, first);
    gcr_reducing_row(of, k + 1)[k] = v[0];
}

/* Entry (i, j) less what the last reflection takes from it. */
GCR_LANES_FN gcr_vec gcr_reducing_update(const gcr_reducing *of, gcr_vec *entry, int i, int j)
{
    *entry = gcr_vec_subtract_product(gcr_vec_subtract_product(*entry, of->v[i], of->w[j]),
                                      of->w[i], of->v[j]);
    return *entry;
}

/* `count` rows from `i` on, columns `begin` on: less v w' + w v', and times the next v. All while
 * an entry is in a register, and each entry of the four vectors is read once for all rows. */
GCR_LANES_FN void gcr_reducing_pass_rows(const gcr_reducing *of, int begin, int i, int count)
{
    const gcr_vec *const v = of->v, *const w = of->w, *const next = of->next_v;
    gcr_vec *const product = of->next_w, *row[GCR_REDUCE_ROWS];
    gcr_vec sum[GCR_REDUCE_ROWS], of_v[GCR_REDUCE_ROWS], of_w[GCR_REDUCE_ROWS],
        of_next[GCR_REDUCE_ROWS];

#pragma GCC unroll 4
    for (int r = 0; r < count; r++) {
        row[r] = gcr_reducing_row(of, i + r);
        sum[r] = gcr_vec_of(0);
        of_v[r] = v[i + r];
        of_w[r] = w[i + r];
        of_next[r] = next[i + r];
    }
    for (int j = begin; j < i; j++) {
        const gcr_vec v_j = v[j], w_j = w[j], next_j = next[j];
        gcr_vec other = product[j];

#pragma GCC unroll 4
        for (int r = 0; r < count; r++) {
            const gcr_vec entry = gcr_vec_subtract_product(
                gcr_vec_subtract_product(row[r][j], of_v[r], w_j), of_w[r], v_j);

            row[r][j] = entry;
            sum[r] = gcr_vec_add_product(sum[r], entry, next_j);
            other = gcr_vec_add_product(other, entry, of_next[r]);
        }
        product[j] = other;
    }
#pragma GCC unroll 4
    for (int r = 0; r < count; r++) {
#pragma GCC unroll 4
        for (int c = 0; c < r; c++) {
            const gcr_vec entry = gcr_reducing_update(of, row[r] + i + c, i + r, i + c);

            sum[r] = gcr_vec_add_product(sum[r], entry, of_next[c]);
            product[i + c] = gcr_vec_add_product(product[i + c], entry, of_next[r]);
        }
        product[i + r] = gcr_vec_add_product(
            sum[r], gcr_reducing_update(of, row[r] + i + r, i + r, i + r), of_next[r]);
    }
}

/* H A H = A - v w' - w v' with w = tau (A v - tau / 2 (v'A v) v): the next v and w become those of
 * reflection k, and the last ones are taken out of A on the way. */
GCR_LANES_FN void gcr_reducing_pass(const gcr_reducing *of, int k)
{
    const int begin = k + 1, count = of->n - begin, rest = count % GCR_REDUCE_ROWS;
    const gcr_vec tau = of->tau[k];
    gcr_vec half;

    for (int i = begin; i < begin + rest; i++)
        gcr_reducing_pass_rows(of, begin, i, 1);
    for (int i = begin + rest; i < of->n; i += GCR_REDUCE_ROWS)
        gcr_reducing_pass_rows(of, begin, i, GCR_REDUCE_ROWS);
    half = tau * gcr_vec_dot(count, of->next_v + begin, of->next_w + begin) *
           (0.5 * tau); /* tau^2 might overflow */
    for (int i = begin; i < of->n; i++)
        of->next_w[i] = gcr_vec_subtract_product(tau * of->next_w[i], half, of->next_v[i]);
}

static void gcr_reducing_turn_over(gcr_reducing *of)
{
    gcr_vec *const v = of->v, *const w = of->w;

    of->v = of->next_v;
    of->w = of->next_w;
    of->next_v = v;
    of->next_w = w;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Fills diagonal, below and tau. A reflection is taken out of the matrix when the next one goes
 * over it: one pass in place of two, and it is passes that take the time. */
GCR_LANES_FN void gcr_reducing_run(gcr_reducing *of)
{
    const int n = of->n;

    for (int i = 0; i < n; i++)
        of->v[i] = of->w[i] = gcr_vec_of(0);
    for (int k = 0; k < n - 1; k++) {
        gcr_reducing_update_column(of, k);
        gcr_reducing_reflect(of, k);
        gcr_reducing_pass(of, k);
        gcr_reducing_turn_over(of);
    }
    for (int k = 0; k < n; k++)
        of->diagonal[k] = gcr_reducing_row(of, k)[k];
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
