/*
 * tests/support/factor_groups.h -- groups of matrices on any device, factored through the seam, and
 * what is to be said of them: against LAPACK.
 */
#ifndef GCR_FACTOR_GROUPS_H
#define GCR_FACTOR_GROUPS_H

#include "support/device_in_hand.h"

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

enum { GROUPS_MAX = 64, UNTOUCHED = 0x5a };

/* ---- groups on the device -------------------------------------------------------------------- */

/* What the host has of a group, and where it is on the device. */
typedef struct group {
    int n;
    uint64_t count, square_bytes;
    char *square; /* [count] of n x n */
    int32_t *minor;
    gcr_buf *square_buf, *matrices_buf, *minor_buf;
} group;

static inline double get(const void *values, int64_t at)
{
    return scalar == GCR_F64 ? ((const double *)values)[at] : (double)((const float *)values)[at];
}

static inline void set(void *values, int64_t at, double value)
{
    if (scalar == GCR_F64)
        ((double *)values)[at] = value;
    else
        ((float *)values)[at] = (float)value;
}

static inline char *square_of(const group *g, uint64_t matrix)
{
    return g->square + matrix * g->square_bytes;
}

/* Uniform in [-1, 1). */
static inline double draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*state * 0x1p-63;
}

/* Entry (i, j) of a matrix of its seed: G G' / n + I, G of four columns. */
static inline double entry(double (*g)[4], int n, int i, int j)
{
    double sum = i == j;

    for (int k = 0; k < 4; k++)
        sum += g[i][k] * g[j][k] / n;
    return sum;
}

static inline double (*draw_columns(int n, uint64_t seed))[4]
{
    double(*g)[4] = malloc((size_t)n * sizeof *g);

    assert_non_null(g);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            g[i][k] = draw(&seed);
    return g;
}

static inline void fill_matrix(group *of, uint64_t matrix, uint64_t seed)
{
    double(*g)[4] = draw_columns(of->n, seed);

    for (int j = 0; j < of->n; j++)
        for (int i = 0; i < of->n; i++)
            set(square_of(of, matrix), i + (int64_t)j * of->n, i < j ? NAN : entry(g, of->n, i, j));
    free(g);
}

static inline group open_group(int n, uint64_t count, uint64_t seed)
{
    group g = { .n = n, .count = count };
    uint64_t bytes;

    g.square_bytes = (uint64_t)n * (uint64_t)n * gcr_scalar_bytes(scalar);
    g.square = malloc(count * g.square_bytes);
    g.minor = malloc(count * sizeof *g.minor);
    assert_true(g.square != NULL && g.minor != NULL);
    assert_ok(gcr_factor_bytes(&bytes, device, scalar, n, count));
    g.square_buf = device_buf(count * g.square_bytes);
    g.matrices_buf = device_buf(bytes);
    g.minor_buf = device_buf(count * sizeof *g.minor);
    for (uint64_t k = 0; k < count; k++)
        fill_matrix(&g, k, seed + k);
    return g;
}

static inline void close_group(group *g)
{
    gcr_buf_close(g->square_buf);
    gcr_buf_close(g->matrices_buf);
    gcr_buf_close(g->minor_buf);
    free(g->square);
    free(g->minor);
}

static inline gcr_factor_group on_device(const group *g)
{
    return (gcr_factor_group){ .matrices = g->matrices_buf->base,
                               .square = g->square_buf->base,
                               .minor = g->minor_buf->base,
                               .count = g->count,
                               .n = g->n };
}

static inline void step(const group *groups, int count, gcr_factor_step what)
{
    gcr_factor_group of[GROUPS_MAX];

    for (int g = 0; g < count; g++)
        of[g] = on_device(&groups[g]);
    assert_ok(gcr_factor(
        queue, &(gcr_factor_args){
                   .step = what, .scalar = scalar, .groups = of, .group_count = (uint64_t)count }));
}

/* Squares as they come from the device, where only the lower triangle is written. */
static inline void fetch(group *groups, int count)
{
    assert_ok(gcr_queue_sync(queue)); /* the squares have been read */
    for (int g = 0; g < count; g++) {
        const uint64_t bytes = groups[g].count * groups[g].square_bytes;

        memset(groups[g].square, UNTOUCHED, bytes);
        assert_ok(
            gcr_upload(queue, groups[g].square_buf, 0, groups[g].square, GCR_PLACE_HOST, bytes));
    }
    step(groups, count, GCR_FACTOR_UNPACK);
    for (int g = 0; g < count; g++) {
        const uint64_t bytes = groups[g].count * groups[g].square_bytes;

        assert_ok(
            gcr_download(queue, groups[g].square, GCR_PLACE_HOST, groups[g].square_buf, 0, bytes));
        assert_ok(gcr_download(queue, groups[g].minor, GCR_PLACE_HOST, groups[g].minor_buf, 0,
                               groups[g].count * sizeof *groups[g].minor));
    }
    assert_ok(gcr_queue_sync(queue));
}

static inline void factor(group *groups, int count)
{
    for (int g = 0; g < count; g++)
        assert_ok(gcr_upload(queue, groups[g].square_buf, 0, groups[g].square, GCR_PLACE_HOST,
                             groups[g].count * groups[g].square_bytes));
    step(groups, count, GCR_FACTOR_PACK);
    step(groups, count, GCR_FACTOR_IN_PLACE);
    fetch(groups, count);
}

/* ---- what came out --------------------------------------------------------------------------- */

static inline int is_untouched(const void *values, int64_t at)
{
    const size_t bytes = gcr_scalar_bytes(scalar);
    const unsigned char *first = (const unsigned char *)values + (size_t)at * bytes;

    for (size_t k = 0; k < bytes; k++)
        if (first[k] != UNTOUCHED)
            return 0;
    return 1;
}

static inline double *lapack_factor(int n, uint64_t seed)
{
    double *matrix = malloc((size_t)n * (size_t)n * sizeof *matrix);
    double(*g)[4] = draw_columns(n, seed);
    int info = 7;

    assert_non_null(matrix);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++)
            matrix[i + (int64_t)j * n] = entry(g, n, i, j);
    dpotrf_("L", &n, matrix, &n, &info, 1);
    assert_int_equal(info, 0);
    free(g);
    return matrix;
}

static inline void check_matrix(const group *g, uint64_t matrix, uint64_t seed)
{
    const double tolerance = scalar == GCR_F64 ? 1e-13 : 1e-5;
    double *expected = lapack_factor(g->n, seed);

    if (g->minor[matrix] != 0)
        fail_msg("n = %d, matrix %d: minor %d", g->n, (int)matrix, g->minor[matrix]);
    for (int j = 0; j < g->n; j++)
        for (int i = 0; i < g->n; i++) {
            const int64_t at = i + (int64_t)j * g->n;
            const double got = get(square_of(g, matrix), at);

            if (i < j ? !is_untouched(square_of(g, matrix), at)
                      : !(fabs(got - expected[at]) <= tolerance))
                fail_msg("n = %d, matrix %d, (%d, %d): %.17g, not %.17g", g->n, (int)matrix, i, j,
                         got, expected[at]);
        }
    free(expected);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

enum { MIXED = 10 };

static inline void spoil(group *g)
{
    const int n = g->n;
    const int64_t corner = (int64_t)n * n - 1;

    set(square_of(g, 0), n - 1, NAN);        /* in the last row           */
    set(square_of(g, 2), corner, INFINITY);  /* on the diagonal           */
    set(square_of(g, 3), corner, -INFINITY); /* no pivot, and not finite  */
    set(square_of(g, 4), 0, -1);             /* indefinite from the first */
    set(square_of(g, 6), corner, -1);        /* from the last             */
    for (int j = 0; j < n; j++)              /* semidefinite              */
        set(square_of(g, 7), n - 1 + (int64_t)j * n, 0);
}

static inline void check_verdicts(int n)
{
    const int32_t expected[MIXED] = {
        GCR_FACTOR_NAN, 0, GCR_FACTOR_NAN, GCR_FACTOR_NAN, 1, 0, n, n, 0, 0
    };
    group good = open_group(n, MIXED, 60), mixed = open_group(n, MIXED, 60);

    spoil(&mixed);
    factor(&good, 1);
    factor(&mixed, 1);
    for (uint64_t k = 0; k < MIXED; k++) {
        if (mixed.minor[k] != expected[k])
            fail_msg("n = %d, matrix %d: %d, not %d", n, (int)k, mixed.minor[k], expected[k]);
        if (expected[k] == 0)
            assert_memory_equal(square_of(&mixed, k), square_of(&good, k), good.square_bytes);
    }
    close_group(&good);
    close_group(&mixed);
}

#endif /* GCR_FACTOR_GROUPS_H */
