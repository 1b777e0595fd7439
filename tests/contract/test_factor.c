/*
 * tests/contract/test_factor.c -- factors of matrices without a kernel, as every backend promises
 * them: `test_factor cpu`, `test_factor cpu f32`, `test_factor cuda`. See test_crunch.c for what
 * happens where there is no such device.
 */
#include "backend/backend.h"

#include "support/gcr_test.h"

#include <stdio.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

enum { GROUPS_MAX = 64, UNTOUCHED = 0x5a };

static gcr_device *device;
static gcr_queue *queue;
static gcr_scalar scalar = GCR_F64;

/* ---- groups on the device -------------------------------------------------------------------- */

/* What the host has of a group, and where it is on the device. */
typedef struct group {
    int n;
    uint64_t count, square_bytes;
    char *square; /* [count] of n x n */
    int32_t *minor;
    gcr_buf *square_buf, *matrices_buf, *minor_buf;
} group;

static double get(const void *values, int64_t at)
{
    return scalar == GCR_F64 ? ((const double *)values)[at] : (double)((const float *)values)[at];
}

static void set(void *values, int64_t at, double value)
{
    if (scalar == GCR_F64)
        ((double *)values)[at] = value;
    else
        ((float *)values)[at] = (float)value;
}

static char *square_of(const group *g, uint64_t matrix)
{
    return g->square + matrix * g->square_bytes;
}

/* Uniform in [-1, 1). */
static double draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*state * 0x1p-63;
}

/* Entry (i, j) of a matrix of its seed: G G' / n + I, G of four columns. */
static double entry(double (*g)[4], int n, int i, int j)
{
    double sum = i == j;

    for (int k = 0; k < 4; k++)
        sum += g[i][k] * g[j][k] / n;
    return sum;
}

static double (*draw_columns(int n, uint64_t seed))[4]
{
    double(*g)[4] = malloc((size_t)n * sizeof *g);

    assert_non_null(g);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            g[i][k] = draw(&seed);
    return g;
}

static void fill_matrix(group *of, uint64_t matrix, uint64_t seed)
{
    double(*g)[4] = draw_columns(of->n, seed);

    for (int j = 0; j < of->n; j++)
        for (int i = 0; i < of->n; i++)
            set(square_of(of, matrix), i + (int64_t)j * of->n, i < j ? NAN : entry(g, of->n, i, j));
    free(g);
}

static gcr_buf *device_buf(uint64_t bytes)
{
    gcr_buf *buf = NULL;

    assert_ok(gcr_buf_open(&buf, device, GCR_PLACE_DEVICE, bytes));
    return buf;
}

static group open_group(int n, uint64_t count, uint64_t seed)
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

static void close_group(group *g)
{
    gcr_buf_close(g->square_buf);
    gcr_buf_close(g->matrices_buf);
    gcr_buf_close(g->minor_buf);
    free(g->square);
    free(g->minor);
}

static gcr_factor_group on_device(const group *g)
{
    return (gcr_factor_group){ .matrices = g->matrices_buf->base,
                               .square = g->square_buf->base,
                               .minor = g->minor_buf->base,
                               .count = g->count,
                               .n = g->n };
}

static void step(const group *groups, int count, gcr_factor_step what)
{
    gcr_factor_group of[GROUPS_MAX];

    for (int g = 0; g < count; g++)
        of[g] = on_device(&groups[g]);
    assert_ok(gcr_factor(
        queue, &(gcr_factor_args){
                   .step = what, .scalar = scalar, .groups = of, .group_count = (uint64_t)count }));
}

/* Squares as they come from the device, where only the lower triangle is written. */
static void fetch(group *groups, int count)
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

static void factor(group *groups, int count)
{
    for (int g = 0; g < count; g++)
        assert_ok(gcr_upload(queue, groups[g].square_buf, 0, groups[g].square, GCR_PLACE_HOST,
                             groups[g].count * groups[g].square_bytes));
    step(groups, count, GCR_FACTOR_PACK);
    step(groups, count, GCR_FACTOR_IN_PLACE);
    fetch(groups, count);
}

/* ---- what came out --------------------------------------------------------------------------- */

static int is_untouched(const void *values, int64_t at)
{
    const size_t bytes = gcr_scalar_bytes(scalar);
    const unsigned char *first = (const unsigned char *)values + (size_t)at * bytes;

    for (size_t k = 0; k < bytes; k++)
        if (first[k] != UNTOUCHED)
            return 0;
    return 1;
}

static double *lapack_factor(int n, uint64_t seed)
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

static void check_matrix(const group *g, uint64_t matrix, uint64_t seed)
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

/* ---- the promises ---------------------------------------------------------------------------- */

static void test_factors_agree_with_lapack(void **state)
{
    static const int sizes[] = { 1,  2,  7,  8,  9,   12,  13,  15,  16,  17,  31,  32,  33, 63,
                                 64, 65, 95, 97, 127, 128, 129, 160, 231, 232, 233, 512, 513 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        group g = open_group(sizes[k], sizes[k] <= 65 ? 41 : 3, 1);

        factor(&g, 1);
        check_matrix(&g, 0, 1);
        check_matrix(&g, g.count / 2, 1 + g.count / 2);
        check_matrix(&g, g.count - 1, g.count);
        close_group(&g);
    }
}

/* In no order, and two of the same size. */
static void test_one_submission_has_matrices_of_any_sizes(void **state)
{
    group groups[GROUPS_MAX];
    int count = 0;

    (void)state;
    for (int n = 1; n <= 40; n++)
        groups[count++] = open_group(1 + 17 * n % 41, 1 + (uint64_t)n % 7, (uint64_t)n);
    groups[count++] = open_group(65, 2, 100);
    groups[count++] = open_group(250, 1, 200);
    groups[count++] = open_group(130, 1, 300);
    groups[count++] = open_group(65, 3, 400);
    factor(groups, count);
    for (int g = 0; g < count; g++) {
        const uint64_t seed = g < 40 ? (uint64_t)g + 1 : 100 * (uint64_t)(g - 39);

        for (uint64_t k = 0; k < groups[g].count; k++)
            check_matrix(&groups[g], k, seed + k);
        close_group(&groups[g]);
    }
}

static void test_a_factor_may_be_unpacked_more_than_once(void **state)
{
    group g = open_group(21, 18, 3);

    (void)state;
    factor(&g, 1);
    fetch(&g, 1);
    for (uint64_t k = 0; k < g.count; k++)
        check_matrix(&g, k, 3 + k);
    close_group(&g);
}

static void test_bits_depend_on_nothing_but_the_matrix(void **state)
{
    static const int sizes[] = { 5, 11, 16, 30, 33, 70, 130, 240 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        group alone = open_group(sizes[k], 1, 50);
        group among[] = { open_group(sizes[k] + 1, 2, 9), open_group(sizes[k], 37, 50 - 20) };

        factor(&alone, 1);
        factor(among, 2);
        assert_memory_equal(square_of(&among[1], 20), alone.square, alone.square_bytes);
        close_group(&alone);
        close_group(&among[0]);
        close_group(&among[1]);
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

enum { MIXED = 10 };

static void spoil(group *g)
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

static void check_verdicts(int n)
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

static void test_what_has_no_factor_is_said_and_leaves_the_others_alone(void **state)
{
    static const int sizes[] = { 1, 2, 8, 12, 13, 32, 33, 100, 240, 520 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check_verdicts(sizes[k]);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static gcr_status try_group(const gcr_factor_group *one, gcr_factor_step what)
{
    return gcr_factor(queue, &(gcr_factor_args){
                                 .step = what, .scalar = scalar, .groups = one, .group_count = 1 });
}

static void test_what_cannot_be_factored_is_refused(void **state)
{
    group g = open_group(4, 2, 1);
    gcr_factor_group of = on_device(&g);
    uint64_t bytes;

    (void)state;
    of.n = 0;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    assert_error_mentions("1 to 131072 rows, not 0");
    of = on_device(&g);
    of.minor = NULL;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    of = on_device(&g);
    of.square = NULL;
    assert_status(try_group(&of, GCR_FACTOR_PACK), GCR_EINVAL);
    assert_error_mentions("has a count and its addresses");
    of = on_device(&g);
    of.matrices = (char *)of.matrices + 8;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    assert_error_mentions("begin on a multiple of");
    assert_status(gcr_factor_bytes(&bytes, device, scalar, 1 << 18, 1), GCR_EINVAL);
    assert_status(gcr_factor_bytes(&bytes, device, scalar, 600, UINT64_MAX / 4), GCR_ENOMEM);
    assert_error_mentions("more bytes than can be counted");
    close_group(&g);
}

static void test_no_groups_are_a_valid_amount_of_work(void **state)
{
    (void)state;
    assert_ok(gcr_factor(queue, &(gcr_factor_args){ .scalar = scalar }));
}

static void test_what_was_factored_is_counted(void **state)
{
    const gcr_ledger before = queue->ledger;
    group groups[] = { open_group(3, 5, 1), open_group(40, 2, 1) };

    (void)state;
    factor(groups, 2);
    assert_int_equal(queue->ledger.factor_calls - before.factor_calls, 1);
    assert_int_equal(queue->ledger.matrices - before.matrices, 7);
    close_group(&groups[0]);
    close_group(&groups[1]);
}

/* ---- once per backend ------------------------------------------------------------------------ */

static int open_queue(void **state)
{
    (void)state;
    return gcr_queue_open(&queue, device) == GCR_OK ? 0 : -1;
}

static int close_queue(void **state)
{
    (void)state;
    gcr_queue_close(queue);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors_agree_with_lapack),
        cmocka_unit_test(test_one_submission_has_matrices_of_any_sizes),
        cmocka_unit_test(test_a_factor_may_be_unpacked_more_than_once),
        cmocka_unit_test(test_bits_depend_on_nothing_but_the_matrix),
        cmocka_unit_test(test_what_has_no_factor_is_said_and_leaves_the_others_alone),
        cmocka_unit_test(test_what_cannot_be_factored_is_refused),
        cmocka_unit_test(test_no_groups_are_a_valid_amount_of_work),
        cmocka_unit_test(test_what_was_factored_is_counted),
    };
    const char *name = argc > 1 ? argv[1] : "cpu";
    const gcr_backend *backend = gcr_backend_find(name);
    gcr_status status;
    int failed;

    if (backend == NULL) {
        fprintf(stderr, "this build has no backend %s\n", name);
        return gcr_test_no_device(name);
    }
    status = gcr_device_open(&device, backend, 0);
    if (status != GCR_OK) {
        fprintf(stderr, "%s\n", gcr_last_error());
        return status == GCR_EUNSUPPORTED ? gcr_test_no_device(name) : 1;
    }
    if (argc > 2 && strcmp(argv[2], gcr_scalar_name(GCR_F32)) == 0)
        scalar = GCR_F32;
    failed = cmocka_run_group_tests_name(name, tests, open_queue, close_queue);
    gcr_device_close(device);
    return failed;
}
