/*
 * tests/unit/data/test_synthetic.c -- datasets from a seed, against tests/reference/synthetic.py.
 */
#include "support/gcr_test.h"

#include "data/dataset_create.h"
#include "gridcrunch/dataset.h"

static gcr_datasets make(uint64_t seed, gcr_synthetic spec)
{
    const gcr_job job = { .seed = seed, .data = { .synthetic = spec } };
    gcr_datasets datasets;

    assert_ok(gcr_datasets_load(&datasets, &job));
    return datasets;
}

static void assert_refused(gcr_synthetic spec, const char *sentence)
{
    const gcr_job job = { .data = { .synthetic = spec,
                                    .mark = { .source = "job.yaml", .line = 2, .column = 1 } } };
    gcr_datasets datasets;

    assert_status(gcr_datasets_load(&datasets, &job), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), sentence);
    assert_null(datasets.items);
}

static void test_the_identity_of_a_key_is_its_xxh3(void **state)
{
    static const struct {
        const char *key;
        uint32_t identity[4];
    } want[] = {
        { "", { 0x468d497f, 0x6001c324, 0x014798d8, 0x99aa06d3 } },
        { "s0001", { 0xd82ca470, 0xf40d4c08, 0x2c54dd62, 0x66acf297 } },
        { "Aruba", { 0xe7e48b27, 0x4ba39cce, 0x64014fa8, 0x74e10afb } },
    };
    uint32_t got[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        gcr_identity_of(got, want[i].key, strlen(want[i].key));
        assert_memory_equal(got, want[i].identity, sizeof got);
    }
}

static void test_one_feature_counts_rows_and_y_is_the_references(void **state)
{
    static const double want[] = { -0.3756259576595561, -0.6849140668324614, -0.7881652789298916 };
    gcr_datasets datasets = make(1, (gcr_synthetic){ 2, 3, 0, 1, 0.1 });

    (void)state;
    assert_string_equal(datasets.items[1].key, "s0002");
    assert_string_equal(datasets.features[0], "x");
    for (int i = 0; i < 3; i++) {
        assert_true(datasets.items[1].x[i] == i);
        assert_near(datasets.items[1].y[i], want[i], 1e-14);
    }
    gcr_datasets_clear(&datasets);
}

static void test_more_features_are_the_references_uniform_draws(void **state)
{
    static const double x[] = { 0.6517378878261667, 0.5986407822426919, 0.9663591435892931,
                                0.6974796135515972, 0.2597090963476787, 0.019304493586698834 };
    static const double y[] = { 0.7664052556579657, -0.4408396115302702, -0.11239911154306072 };
    gcr_datasets datasets = make((UINT64_C(7) << 32) + 5, (gcr_synthetic){ 1, 3, 0, 2, 0.1 });

    (void)state;
    assert_int_equal(datasets.feature_count, 2);
    assert_string_equal(datasets.features[1], "x2");
    for (int i = 0; i < 6; i++)
        assert_true(datasets.items[0].x[i] == x[i]);
    for (int i = 0; i < 3; i++)
        assert_near(datasets.items[0].y[i], y[i], 1e-14);
    gcr_datasets_clear(&datasets);
}

static void test_more_datasets_change_none(void **state)
{
    gcr_datasets few = make(3, (gcr_synthetic){ 2, 20, 0, 1, 0.5 });
    gcr_datasets many = make(3, (gcr_synthetic){ 200, 20, 0, 1, 0.5 });

    (void)state;
    assert_string_equal(few.items[1].key, many.items[1].key);
    assert_memory_equal(few.items[1].y, many.items[1].y, 20 * sizeof(double));
    gcr_datasets_clear(&few);
    gcr_datasets_clear(&many);
}

static void test_another_seed_gives_other_values(void **state)
{
    gcr_datasets one = make(1, (gcr_synthetic){ 1, 5, 0, 1, 0 });
    gcr_datasets other = make(2, (gcr_synthetic){ 1, 5, 0, 1, 0 });

    (void)state;
    assert_memory_not_equal(one.items[0].y, other.items[0].y, 5 * sizeof(double));
    gcr_datasets_clear(&one);
    gcr_datasets_clear(&other);
}

static void test_sizes_run_evenly_from_first_to_last(void **state)
{
    static const int64_t up[] = { 10, 13, 15, 18, 20 };
    gcr_datasets rising = make(1, (gcr_synthetic){ 5, 10, 20, 1, 0 });
    gcr_datasets falling = make(1, (gcr_synthetic){ 2, 9, 1, 1, 0 });

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(rising.items[i].rows, up[i]);
    assert_int_equal(falling.items[0].rows, 9);
    assert_int_equal(falling.items[1].rows, 1);
    gcr_datasets_clear(&rising);
    gcr_datasets_clear(&falling);
}

/* 20000 draws: the mean's error is about 0.007 of the deviation, the deviation's 0.005. */
static void test_the_noise_is_normal(void **state)
{
    enum { ROWS = 20000 };
    gcr_datasets clean = make(5, (gcr_synthetic){ 1, ROWS, 0, 1, 0 });
    gcr_datasets noisy = make(5, (gcr_synthetic){ 1, ROWS, 0, 1, 2 });
    double sum = 0, squares = 0;
    int beyond = 0;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const double noise = (noisy.items[0].y[i] - clean.items[0].y[i]) / 2;

        sum += noise;
        squares += noise * noise;
        beyond += fabs(noise) > 1.959964;
    }
    assert_true(fabs(sum / ROWS) < 0.03);
    assert_true(fabs(squares / ROWS - 1) < 0.04);
    assert_in_range(beyond, ROWS / 25, ROWS / 16); /* five in a hundred */
    gcr_datasets_clear(&clean);
    gcr_datasets_clear(&noisy);
}

static void test_synthetic_datasets_can_be_standardised(void **state)
{
    const gcr_job job = { .data = { .synthetic = { 1, 50, 0, 1, 0.1 },
                                    .standardize = GCR_STANDARDIZE_Y } };
    gcr_datasets datasets;
    double sum = 0;

    (void)state;
    assert_ok(gcr_datasets_load(&datasets, &job));
    for (int i = 0; i < 50; i++)
        sum += datasets.items[0].y[i];
    assert_near(sum, 0, 1e-13);
    assert_true(datasets.items[0].y_scale != 1);
    gcr_datasets_clear(&datasets);
}

static void test_impossible_shapes_are_refused(void **state)
{
    (void)state;
    assert_refused((gcr_synthetic){ 1, 0, 0, 1, 0 },
                   "job.yaml:2:1: synthetic datasets have from 1 to 2147483647 rows");
    assert_refused((gcr_synthetic){ 1, 5, -1, 1, 0 },
                   "job.yaml:2:1: synthetic datasets have from 1 to 2147483647 rows");
    assert_refused((gcr_synthetic){ 1, 5, 0, 0, 0 },
                   "job.yaml:2:1: synthetic datasets have from 1 to 1000000 features");
}

static void test_impossible_noise_is_refused(void **state)
{
    (void)state;
    assert_refused((gcr_synthetic){ 1, 5, 0, 1, -1 },
                   "job.yaml:2:1: the noise of synthetic datasets is a finite number >= 0");
    assert_refused((gcr_synthetic){ 1, 5, 0, 1, (double)NAN },
                   "job.yaml:2:1: the noise of synthetic datasets is a finite number >= 0");
}

static void test_no_memory_is_said_and_nothing_is_left(void **state)
{
    const gcr_job job = { .data = { .synthetic = { 1, INT32_MAX, 0, 1000000, 0 } } };
    gcr_datasets datasets;

    (void)state;
    assert_status(gcr_datasets_load(&datasets, &job), GCR_ENOMEM);
    assert_error_mentions("no memory for");
    assert_null(datasets.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_identity_of_a_key_is_its_xxh3),
        cmocka_unit_test(test_one_feature_counts_rows_and_y_is_the_references),
        cmocka_unit_test(test_more_features_are_the_references_uniform_draws),
        cmocka_unit_test(test_more_datasets_change_none),
        cmocka_unit_test(test_another_seed_gives_other_values),
        cmocka_unit_test(test_sizes_run_evenly_from_first_to_last),
        cmocka_unit_test(test_the_noise_is_normal),
        cmocka_unit_test(test_synthetic_datasets_can_be_standardised),
        cmocka_unit_test(test_impossible_shapes_are_refused),
        cmocka_unit_test(test_impossible_noise_is_refused),
        cmocka_unit_test(test_no_memory_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
