/* Synthetic datasets that a device makes have the bits of those that the host makes. */
#include "support/gcr_test.h"

#include "gridcrunch/dataset.h"

#include <stdlib.h>

#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/generate_unit.h"

static void run_generate(const void *argument)
{
    gcr_generate(*(const gcr_generate_launch *)argument);
}

static gcr_standard standard_of(const gcr_dataset *dataset)
{
    gcr_standard standard = { .y_mean = dataset->y_mean, .y_scale = dataset->y_scale };

    for (int64_t f = 0; f < dataset->features && dataset->x_scale != NULL; f++) {
        standard.x_mean[f] = dataset->x_mean[f];
        standard.x_scale[f] = dataset->x_scale[f];
    }
    return standard;
}

/* `blocks` blocks of threads make `dataset` again, and nothing beside it. */
static void check(const gcr_dataset *dataset, int blocks, int is_single, twin_order order)
{
    const size_t x_count = (size_t)(dataset->rows * dataset->features);
    const size_t count = x_count + (size_t)dataset->rows;
    const size_t bytes = is_single ? sizeof(float) : sizeof(double);
    char *made = malloc((count + 1) * bytes);
    const gcr_generate_launch launch = { .recipe = *dataset->recipe,
                                         .standard = standard_of(dataset),
                                         .x = made,
                                         .y = made + x_count * bytes,
                                         .is_single = is_single };
    const char *wrong;

    assert_non_null(made);
    memset(made, 0xaa, (count + 1) * bytes);
    wrong = twin_run(&(twin_grid){ .entry = run_generate,
                                   .argument = &launch,
                                   .blocks = blocks,
                                   .threads = GCR_GENERATE_THREADS,
                                   .order = order });
    if (wrong != NULL)
        fail_msg("%s", wrong);
    for (size_t i = 0; i < count; i++) {
        const double want = i < x_count ? dataset->x[i] : dataset->y[i - x_count];
        const float narrow = (float)want;

        assert_memory_equal(made + i * bytes, is_single ? (const void *)&narrow : &want, bytes);
    }
    assert_int_equal((unsigned char)made[count * bytes], 0xaa);
    free(made);
}

static void check_standardized(gcr_synthetic spec, uint64_t seed, int standardize)
{
    const gcr_job job = { .seed = seed, .data = { .synthetic = spec, .standardize = standardize } };
    gcr_datasets datasets;

    assert_ok(gcr_datasets_load(&datasets, &job));
    for (uint64_t d = 0; d < datasets.count; d++) {
        assert_non_null(datasets.items[d].recipe);
        check(&datasets.items[d], 1 + (int)d, d % 2 == 1, d % TWIN_ORDER_COUNT);
    }
    gcr_datasets_clear(&datasets);
}

static void check_all(gcr_synthetic spec, uint64_t seed)
{
    check_standardized(spec, seed, 0);
}

static void test_one_feature_counts_rows(void **state)
{
    (void)state;
    check_all((gcr_synthetic){ 4, 1, 300, 1, 0.1 }, 1);
    check_all((gcr_synthetic){ 2, 128, 129, 1, 0 }, UINT64_C(1) << 60);
}

static void test_several_features_are_drawn(void **state)
{
    (void)state;
    check_all((gcr_synthetic){ 4, 3, 270, 5, 0.2 }, (UINT64_C(7) << 32) + 5);
    check_all((gcr_synthetic){ 2, 33, 33, 2, 1e300 }, 3);
}

/* One row, whose scale is 1; noise that is too large for a mean, so that nothing is standardised;
 * as many features as go with a launch. */
static void test_a_dataset_is_standardised_where_it_is_made(void **state)
{
    (void)state;
    for (int which = GCR_STANDARDIZE_X; which <= (GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y); which++) {
        check_standardized((gcr_synthetic){ 4, 1, 300, 1, 0.1 }, 5, which);
        check_standardized((gcr_synthetic){ 3, 30, 130, 7, 0.2 }, 6, which);
        check_standardized((gcr_synthetic){ 1, 20, 0, 3, 1e308 }, 7, which);
        check_standardized((gcr_synthetic){ 1, 40, 0, GCR_STANDARD_FEATURES_MAX, 0.1 }, 8, which);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_feature_counts_rows),
        cmocka_unit_test(test_several_features_are_drawn),
        cmocka_unit_test(test_a_dataset_is_standardised_where_it_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
