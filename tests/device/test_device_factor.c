/*
 * Factors in place by the text for devices, against LAPACK: every size where something changes, in
 * both precisions, matrices that have no factor among those that have, groups of several sizes.
 */
#include "cuda/device/factor_layout.h"

#include "support/device_twin.h"
#include "support/factor_variant.h"
#include "support/gcr_test.h"

#include <stdio.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

#define GCR_VARIANT(name) extern const factor_variant name;
#include "support/gcr_factor_variants.def"
#undef GCR_VARIANT

#define GCR_VARIANT(name) &name,
static const factor_variant *const variants[] = {
#include "support/gcr_factor_variants.def"
};
#undef GCR_VARIANT

enum { GROUPS_MAX = 4, UNTOUCHED = 0x5a };

/* What stands above the diagonal, where nobody may look. */
static const double above = NAN;

/* Groups of one variant, as they stand on the device. */
typedef struct batch {
    int scalar_bytes, blocks;
    twin_order order;
    gcr_variant variant;
    gcr_factor_group groups[GROUPS_MAX];
    int group_count;
} batch;

/* ---- memory ---------------------------------------------------------------------------------- */

static void *memory(uint64_t bytes, int byte)
{
    void *const block = malloc(bytes); /* exactly, for the address sanitizer */

    assert_non_null(block);
    memset(block, byte, bytes);
    return block;
}

static double get(const batch *b, const void *values, int64_t at)
{
    return b->scalar_bytes == 8 ? ((const double *)values)[at]
                                : (double)((const float *)values)[at];
}

static void set(const batch *b, void *values, int64_t at, double value)
{
    if (b->scalar_bytes == 8)
        ((double *)values)[at] = value;
    else
        ((float *)values)[at] = (float)value;
}

static void *square_of(const batch *b, int group, uint64_t matrix)
{
    const gcr_factor_group *g = &b->groups[group];

    return (char *)g->square + matrix * (uint64_t)(g->n * g->n * b->scalar_bytes);
}

static gcr_variant variant_of(int n, int scalar_bytes)
{
    const gcr_crossovers crossovers =
        gcr_crossovers_default(90, scalar_bytes == sizeof(float) ? GCR_F32 : GCR_F64);

    return gcr_variant_of_factor(&crossovers, n);
}

/* G G' / n + I, another of each seed. */
static void fill_matrix(const batch *b, void *square, int n, unsigned seed)
{
    double *g = memory((uint64_t)(n * n) * sizeof *g, 0);

    srand(seed);
    for (int k = 0; k < n * n; k++)
        g[k] = 2.0 * rand() / RAND_MAX - 1;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = i == j;

            for (int k = 0; k < n; k++)
                sum += g[i + k * n] * g[j + k * n] / n;
            set(b, square, i + (int64_t)j * n, j <= i ? sum : above);
        }
    free(g);
}

/* Of all matrices of a group, as they are kept. */
static uint64_t count_values(int is_thread, int64_t n, uint64_t count)
{
    return gcr_factor_items(is_thread, count) * (is_thread ? 32 : 1) *
           (uint64_t)gcr_factor_stride(is_thread, n);
}

static void add_group(batch *b, int n, uint64_t count, unsigned seed)
{
    gcr_factor_group *g = &b->groups[b->group_count++];
    const int is_thread = variant_of(n, b->scalar_bytes).team == GCR_TEAM_THREAD;

    b->variant = variant_of(n, b->scalar_bytes);
    *g = (gcr_factor_group){ .n = n, .count = count };
    g->square = memory(count * (uint64_t)(n * n * b->scalar_bytes), UNTOUCHED);
    g->matrices = memory(count_values(is_thread, n, count) * (uint64_t)b->scalar_bytes, 0xff);
    g->minor = memory(count * sizeof *g->minor, UNTOUCHED);
    for (uint64_t k = 0; k < count; k++)
        fill_matrix(b, square_of(b, b->group_count - 1, k), n, seed + (unsigned)k);
}

static batch batch_of(int scalar_bytes)
{
    return (batch){ .scalar_bytes = scalar_bytes, .blocks = 2 };
}

static void close_batch(batch *b)
{
    for (int g = 0; g < b->group_count; g++) {
        free(b->groups[g].square);
        free(b->groups[g].matrices);
        free(b->groups[g].minor);
    }
}

/* ---- launches -------------------------------------------------------------------------------- */

static const factor_variant *find_variant(const batch *b)
{
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        if (variants[v]->team == b->variant.team && variants[v]->bound == b->variant.bound &&
            variants[v]->scalar_bytes == b->scalar_bytes)
            return variants[v];
    fail_msg("the build has no variant for team %d, bound %d", b->variant.team, b->variant.bound);
    return NULL;
}

static void (*entry_of(const batch *b, const char *name))(const void *)
{
    const factor_entry *entry = find_variant(b)->entries;

    while (strcmp(entry->name, name) != 0)
        entry++;
    return entry->run;
}

static void run_launch(const batch *b, const char *name)
{
    gcr_factor_launch launch = { .group_count = b->group_count };
    const int is_thread = b->variant.team == GCR_TEAM_THREAD;
    uint64_t shared_bytes = 0;
    const char *wrong;

    for (int g = 0; g < b->group_count; g++) {
        const uint64_t bytes = variant_of(b->groups[g].n, b->scalar_bytes).shared_bytes;

        launch.groups[g] = (gcr_launch_group){ .of = b->groups[g], .before = launch.item_count };
        launch.item_count += gcr_factor_items(is_thread, b->groups[g].count);
        shared_bytes = bytes > shared_bytes ? bytes : shared_bytes;
    }
    wrong = twin_run(&(twin_grid){ .entry = entry_of(b, name),
                                   .argument = &launch,
                                   .blocks = b->blocks,
                                   .threads = 128,
                                   .shared_bytes = shared_bytes,
                                   .order = b->order });
    if (wrong != NULL)
        fail_msg("%d rows: %s", b->groups[0].n, wrong);
}

/* Into the layout, factored, and back to columns, where nothing but the factor is written. */
static void run_batch(batch *b)
{
    run_launch(b, "gcr_pack");
    run_launch(b, "gcr_factor");
    for (int g = 0; g < b->group_count; g++)
        memset(b->groups[g].square, UNTOUCHED,
               b->groups[g].count * (uint64_t)(b->groups[g].n * b->groups[g].n * b->scalar_bytes));
    run_launch(b, "gcr_unpack");
}

/* ---- what came out --------------------------------------------------------------------------- */

static int is_untouched(const batch *b, const void *square, int64_t at)
{
    const unsigned char *bytes = (const unsigned char *)square + at * b->scalar_bytes;

    for (int k = 0; k < b->scalar_bytes; k++)
        if (bytes[k] != UNTOUCHED)
            return 0;
    return 1;
}

/* The factor by LAPACK of the matrix of `seed`, as it was before it was rounded. */
static double *reference(int n, unsigned seed)
{
    const batch of_double = batch_of(8);
    double *matrix = memory((uint64_t)(n * n) * sizeof *matrix, 0);
    int info = 7;

    fill_matrix(&of_double, matrix, n, seed);
    dpotrf_("L", &n, matrix, &n, &info, 1);
    assert_int_equal(info, 0);
    return matrix;
}

static void check_matrix(const batch *b, int group, uint64_t k, unsigned seed)
{
    const int n = b->groups[group].n;
    const double tolerance = b->scalar_bytes == 8 ? 1e-13 : 1e-5;
    const void *got = square_of(b, group, k);
    double *expected = reference(n, seed);

    if (b->groups[group].minor[k] != 0)
        fail_msg("n = %d, matrix %d: minor %d", n, (int)k, b->groups[group].minor[k]);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            const int64_t at = i + (int64_t)j * n;

            if (i < j ? !is_untouched(b, got, at)
                      : !(fabs(get(b, got, at) - expected[at]) <= tolerance))
                fail_msg("n = %d, matrix %d, (%d, %d): %.17g, not %.17g", n, (int)k, i, j,
                         get(b, got, at), expected[at]);
        }
    free(expected);
}

/* So many that a chunk of 32 is full and the next is not; so few that it does not take long. */
static uint64_t count_for(int n)
{
    return n <= 16 ? 37 : n <= 65 ? 9 : n <= 160 ? 3 : 1;
}

static void check_size(int scalar_bytes, int n)
{
    batch b = batch_of(scalar_bytes);

    b.order = n % 2 == 0 ? TWIN_UPWARDS : TWIN_DOWNWARDS;
    add_group(&b, n, count_for(n), (unsigned)n);
    run_batch(&b);
    for (uint64_t k = 0; k < b.groups[0].count; k++)
        check_matrix(&b, 0, k, (unsigned)n + (unsigned)k);
    close_batch(&b);
}

static const int sizes[] = { 1,  2,  3,  4,   5,   7,   8,   9,   11,  12,  13,
                             15, 16, 17, 23,  24,  25,  31,  32,  33,  63,  64,
                             65, 96, 97, 127, 128, 129, 160, 161, 231, 232, 233 };

static void test_factors_agree_with_lapack_at_every_size_where_something_changes(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check_size(8, sizes[k]);
}

static void test_factors_of_floats_agree_with_lapack(void **state)
{
    static const int edges[] = { 336, 337 }; /* of shared memory */

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check_size(4, sizes[k]);
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++)
        check_size(4, edges[k]);
}

static void test_shared_memory_ends_where_the_layout_says(void **state)
{
    (void)state;
    assert_int_equal(variant_of(12, 8).team, GCR_TEAM_THREAD);
    assert_int_equal(variant_of(13, 8).team, GCR_TEAM_WARP);
    assert_int_equal(variant_of(32, 8).team, GCR_TEAM_WARP);
    assert_int_equal(variant_of(33, 8).team, GCR_TEAM_BLOCK);
    assert_int_equal(variant_of(232, 8).team, GCR_TEAM_BLOCK);
    assert_int_equal(variant_of(233, 8).team, GCR_TEAM_MEMORY);
    assert_int_equal(variant_of(16, 4).team, GCR_TEAM_THREAD);
    assert_int_equal(variant_of(17, 4).team, GCR_TEAM_WARP);
    assert_int_equal(variant_of(336, 4).team, GCR_TEAM_BLOCK);
    assert_int_equal(variant_of(337, 4).team, GCR_TEAM_MEMORY);
    assert_int_equal(variant_of(1024, 4).team, GCR_TEAM_GRID);
    assert_int_equal(variant_of(255, 8).team, GCR_TEAM_MEMORY);
    assert_int_equal(variant_of(256, 8).team, GCR_TEAM_GRID);
    assert_int_equal(variant_of(131072, 8).team, GCR_TEAM_GRID);
}

/* Threads have no value too many; tiles stand whole. */
static void test_the_layout_takes_the_bytes_that_it_says(void **state)
{
    (void)state;
    assert_int_equal(count_values(1, 8, 32), 32 * 36);
    assert_int_equal(count_values(1, 8, 33), 64 * 36);
    assert_int_equal(count_values(1, 1, 1), 32);
    assert_int_equal(count_values(0, 32, 5), 5 * 10 * 64);
    assert_int_equal(count_values(0, 33, 1), 15 * 64);
    assert_int_equal(count_values(0, 8, 0), 0);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* One of each kind in a batch of good ones: which entry of it becomes what, and what is said. */
typedef struct bad_entry {
    int matrix, i, j; /* negative: from the last row */
    double value;
    int says_nan; /* or the minor is that of row i */
} bad_entry;

static const bad_entry bad_entries[] = {
    { 0, -1, 0, NAN, 1 }, /* in the last row  */
    { 2, -1, -1, INFINITY, 1 } /* on the diagonal  */,
    { 3, -1, 0, -INFINITY, 1 },
    { 4, 0, 0, -1, 0 }, /* indefinite from the first row on */
    { 5, -1, -1, -1, 0 } /* from the last    */,
    { 7, -1, -1, 0, 0 }, /* semidefinite: its row becomes 0  */
};

enum { BAD = sizeof bad_entries / sizeof *bad_entries, MIXED = 9 };

static void spoil(const batch *b, const bad_entry *e)
{
    const int n = b->groups[0].n, i = e->i < 0 ? n + e->i : e->i, j = e->j < 0 ? n + e->j : e->j;
    void *square = square_of(b, 0, (uint64_t)e->matrix);

    if (e->value == 0)
        for (int k = 0; k < i; k++)
            set(b, square, i + (int64_t)k * n, 0);
    set(b, square, i + (int64_t)j * n, e->value);
}

static const bad_entry *bad_entry_of(uint64_t matrix)
{
    for (int e = 0; e < BAD; e++)
        if ((uint64_t)bad_entries[e].matrix == matrix)
            return &bad_entries[e];
    return NULL;
}

static void check_verdicts(int scalar_bytes, int n)
{
    batch b = batch_of(scalar_bytes), good = batch_of(scalar_bytes);

    add_group(&b, n, MIXED, 100);
    add_group(&good, n, MIXED, 100);
    for (int e = 0; e < BAD; e++)
        spoil(&b, &bad_entries[e]);
    run_batch(&b);
    run_batch(&good);
    for (uint64_t k = 0; k < MIXED; k++) {
        const bad_entry *e = bad_entry_of(k);
        const int row = e == NULL ? -1 : e->i < 0 ? n + e->i : e->i;
        const int expected = e == NULL ? 0 : e->says_nan ? GCR_FACTOR_NAN : row + 1;

        if (b.groups[0].minor[k] != expected)
            fail_msg("n = %d, matrix %d: %d, not %d", n, (int)k, b.groups[0].minor[k], expected);
        if (e == NULL)
            assert_memory_equal(square_of(&b, 0, k), square_of(&good, 0, k),
                                (size_t)(n * n * scalar_bytes));
    }
    close_batch(&b);
    close_batch(&good);
}

static void test_what_has_no_factor_is_said_and_leaves_the_others_alone(void **state)
{
    static const int some[] = { 1, 4, 8, 12, 13, 16, 24, 32, 33, 65, 100 };

    (void)state;
    for (size_t k = 0; k < sizeof some / sizeof *some; k++) {
        check_verdicts(8, some[k]);
        check_verdicts(4, some[k]);
    }
    check_verdicts(8, 233);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

/* The last matrix of the last group, whoever is computed before it and by whom. */
static void check_neighbours(int n, int other)
{
    batch alone = batch_of(8), among = batch_of(8);
    const uint64_t count = n <= 16 ? 33 : 5;

    add_group(&alone, n, 1, 77);
    among.blocks = 3;
    among.order = TWIN_DOWNWARDS;
    add_group(&among, other, count, 5);
    add_group(&among, n, count, 77 - (unsigned)count + 1);
    run_batch(&alone);
    run_batch(&among);
    assert_int_equal(among.groups[1].minor[count - 1], 0);
    assert_memory_equal(square_of(&among, 1, count - 1), alone.groups[0].square,
                        (size_t)(n * n) * sizeof(double));
    close_batch(&alone);
    close_batch(&among);
}

static void test_bits_depend_on_nothing_but_the_matrix(void **state)
{
    (void)state;
    check_neighbours(3, 4);
    check_neighbours(7, 8);
    check_neighbours(9, 11);
    check_neighbours(20, 24);
    check_neighbours(29, 32);
    check_neighbours(40, 64);
    check_neighbours(90, 120);
    check_neighbours(233, 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors_agree_with_lapack_at_every_size_where_something_changes),
        cmocka_unit_test(test_factors_of_floats_agree_with_lapack),
        cmocka_unit_test(test_shared_memory_ends_where_the_layout_says),
        cmocka_unit_test(test_the_layout_takes_the_bytes_that_it_says),
        cmocka_unit_test(test_what_has_no_factor_is_said_and_leaves_the_others_alone),
        cmocka_unit_test(test_bits_depend_on_nothing_but_the_matrix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
