/*
 * Random numbers of kernels: the generator against its published answers and against Random123,
 * the streams against the promise that only seed, dataset and parameter values decide.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include "gridcrunch/kernel.h"

#include <Random123/philox.h>

enum output { UNIFORM, NORMAL, OTHER_STREAM, PER_FEATURE };

static void assert_block(gcr_block got, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t want[4] = { a, b, c, d };

    assert_memory_equal(got.word, want, sizeof want);
}

static void test_philox_gives_the_known_answers(void **state)
{
    const gcr_block zeros = { { 0 } }, ones = { { ~0u, ~0u, ~0u, ~0u } };
    const gcr_block pi = { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 } };

    (void)state;
    assert_block(gcr_philox(zeros, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assert_block(gcr_philox(ones, ~(uint64_t)0), 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assert_block(gcr_philox(pi, 0x299f31d0a4093822), 0xd16cfe09, 0x94fdcceb, 0x5001e420,
                 0x24126ea1);
}

static void test_philox_is_that_of_random123(void **state)
{
    gcr_block block = { { 1, 2, 3, 4 } };

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        const uint64_t key = (uint64_t)block.word[3] << 32 | block.word[1];
        const philox4x32_key_t their_key = { { block.word[1], block.word[3] } };
        philox4x32_ctr_t theirs;

        memcpy(theirs.v, block.word, sizeof theirs.v);
        theirs = philox4x32(theirs, their_key);
        block = gcr_philox(block, key);
        assert_memory_equal(block.word, theirs.v, sizeof block.word);
    }
}

/* ---- streams -------------------------------------------------------------------------------- */

static gcr_ctx context(const double *param, int count)
{
    return (gcr_ctx){ .data = { .identity = { 11, 22, 33, 44 } },
                      .param = param,
                      .parameter_count = count,
                      .seed = 7 };
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void test_first_draws_of_a_million_cells_are_distinct(void **state)
{
    enum { SIDE = 1000, COUNT = SIDE * SIDE };
    uint64_t *draws = tile_memory(COUNT, sizeof *draws);

    (void)state;
    for (int k = 0; k < COUNT; k++) {
        const double param[2] = { k / SIDE, k % SIDE };
        const gcr_ctx ctx = context(param, 2);
        gcr_random random = gcr_random_open(&ctx, 0);

        draws[k] = gcr_random_u64(&random);
    }
    qsort(draws, COUNT, sizeof *draws, compare_u64);
    for (int k = 1; k < COUNT; k++)
        assert_true(draws[k] != draws[k - 1]);
    free(draws);
}

static uint64_t first_draw(gcr_ctx ctx, uint32_t stream)
{
    gcr_random random = gcr_random_open(&ctx, stream);

    return gcr_random_u64(&random);
}

static void test_seed_dataset_values_and_stream_all_decide(void **state)
{
    const double param[2] = { 1, 2 }, swapped[2] = { 2, 1 };
    const gcr_ctx ctx = context(param, 2);
    gcr_ctx other_seed = ctx, other_dataset = ctx;
    const uint64_t draw = first_draw(ctx, 0);

    (void)state;
    other_seed.seed ^= (uint64_t)1 << 63;
    other_dataset.data.identity[3]++;
    assert_true(draw == first_draw(ctx, 0));
    assert_true(draw != first_draw(ctx, 1));
    assert_true(draw != first_draw(other_seed, 0));
    assert_true(draw != first_draw(other_dataset, 0));
    assert_true(draw != first_draw(context(swapped, 2), 0));
}

static void test_numbers_that_are_skipped_are_those_that_would_be_drawn(void **state)
{
    const gcr_ctx ctx = context(NULL, 0);

    (void)state;
    for (uint64_t before = 0; before < 5; before++)
        for (uint64_t skipped = 0; skipped < 6; skipped++) {
            gcr_random drawn = gcr_random_open(&ctx, 3), at = drawn;

            for (uint64_t k = 0; k < before; k++)
                assert_true(gcr_random_u64(&drawn) == gcr_random_u64(&at));
            for (uint64_t k = 0; k < skipped; k++)
                (void)gcr_random_u64(&drawn);
            gcr_random_skip(&at, skipped);
            for (int k = 0; k < 3; k++)
                assert_true(gcr_random_u64(&at) == gcr_random_u64(&drawn));
        }
}

static void test_minus_zero_is_zero(void **state)
{
    const double plus = 0.0, minus = -0.0;

    (void)state;
    assert_true(first_draw(context(&plus, 1), 0) == first_draw(context(&minus, 1), 0));
}

static void test_uniforms_fill_the_unit_interval(void **state)
{
    enum { COUNT = 100000 };
    const gcr_ctx ctx = context(NULL, 0);
    gcr_random random = gcr_random_open(&ctx, 0);
    double sum = 0, least = 1, most = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        const double u = gcr_random_uniform(&random);

        assert_true(u >= 0 && u < 1);
        sum += u;
        least = fmin(least, u);
        most = fmax(most, u);
    }
    assert_near(sum / COUNT, 0.5, 5e-3);
    assert_true(least < 1e-3 && most > 1 - 1e-3);
}

static void test_normals_have_mean_0_and_variance_1(void **state)
{
    enum { COUNT = 100000 };
    const gcr_ctx ctx = context(NULL, 0);
    gcr_random random = gcr_random_open(&ctx, 0);
    double sum = 0, squares = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        const double z = gcr_random_normal(&random);

        sum += z;
        squares += z * z;
    }
    assert_near(sum / COUNT, 0, 0.02);
    assert_near(squares / COUNT, 1, 0.02);
}

/* ---- in a grid ------------------------------------------------------------------------------ */

static const double few_a[] = { 1, 2 }, few_b[] = { 10, 20, 30 };

/* Crunches the grid a x b, or b x a. */
static void crunch(tile *out, int b_first, const double *a, uint64_t a_count, const double *b,
                   uint64_t b_count)
{
    *out = (tile){ .unit = unit_named("draw"),
                   .data = { .rows = 1, .features = 1, .identity = { 1, 2, 3, 4 } },
                   .setup = { .seed = 42 } };
    if (b_first)
        tile_axis(out, "b", b, b_count);
    tile_axis(out, "a", a, a_count);
    if (!b_first)
        tile_axis(out, "b", b, b_count);
    tile_open(out);
    tile_crunch(out);
}

static void assert_same_draws(const tile *s, uint64_t p, const tile *t, uint64_t q)
{
    for (int o = UNIFORM; o <= OTHER_STREAM; o++)
        assert_true(tile_value(s, p, o, 0) == tile_value(t, q, o, 0));
}

static void test_reordering_the_axes_changes_no_draw(void **state)
{
    tile plain, reordered;

    (void)state;
    crunch(&plain, 0, few_a, 2, few_b, 3);
    crunch(&reordered, 1, few_a, 2, few_b, 3);
    for (uint64_t a = 0; a < 2; a++)
        for (uint64_t b = 0; b < 3; b++)
            assert_same_draws(&plain, 3 * a + b, &reordered, 2 * b + a);
    tile_close(&plain);
    tile_close(&reordered);
}

static void test_growing_the_grid_changes_no_draw(void **state)
{
    const double more_a[] = { 0, 1, 1.5, 2 };
    tile few, more;

    (void)state;
    crunch(&few, 0, few_a, 2, few_b, 3);
    crunch(&more, 0, more_a, 4, few_b, 3);
    for (uint64_t b = 0; b < 3; b++) {
        assert_same_draws(&few, b, &more, 3 + b);
        assert_same_draws(&few, 3 + b, &more, 9 + b);
    }
    tile_close(&few);
    tile_close(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_gives_the_known_answers),
        cmocka_unit_test(test_philox_is_that_of_random123),
        cmocka_unit_test(test_first_draws_of_a_million_cells_are_distinct),
        cmocka_unit_test(test_seed_dataset_values_and_stream_all_decide),
        cmocka_unit_test(test_numbers_that_are_skipped_are_those_that_would_be_drawn),
        cmocka_unit_test(test_minus_zero_is_zero),
        cmocka_unit_test(test_uniforms_fill_the_unit_interval),
        cmocka_unit_test(test_normals_have_mean_0_and_variance_1),
        cmocka_unit_test(test_reordering_the_axes_changes_no_draw),
        cmocka_unit_test(test_growing_the_grid_changes_no_draw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
