/*
 * tests/unit/data/test_formats.c -- one table as text, .npy, .npz and HDF5 is one dataset, also
 * when its features are scaled: years, a constant that is no dyadic fraction, squares.
 */
#include "array_test.h"

#include <math.h>

enum { ROWS = 5, FEATURES = 3 };

static const char text[] = "year,share,square,y\n"
                           "2000,0.1,0,3\n2001,0.1,0.25,1.5\n2002,0.1,1,0.25\n"
                           "2003,0.1,2.25,8\n2004,0.1,4,5\n";

static void load_text(gcr_datasets *out, int standardize)
{
    const gcr_data_spec spec = { .y = (char *)"y", .standardize = standardize };

    assert_ok(load_table(out, &spec, text, sizeof text - 1));
}

static void assert_same(const gcr_datasets *a, const gcr_datasets *b)
{
    const gcr_dataset *one = &a->items[0], *other = &b->items[0];

    assert_int_equal(other->rows, ROWS);
    assert_int_equal(other->features, FEATURES);
    assert_column(other->x, one->x, ROWS * FEATURES);
    assert_column(other->y, one->y, ROWS);
    assert_true((one->x_mean != NULL) == (other->x_mean != NULL));
    if (one->x_mean != NULL) {
        assert_column(other->x_mean, one->x_mean, FEATURES);
        assert_column(other->x_scale, one->x_scale, FEATURES);
    }
    assert_true(other->y_mean == one->y_mean && other->y_scale == one->y_scale);
}

static void assert_formats_agree(int standardize)
{
    static const char *const names[] = { "scaled.npy", "scaled.npz", "scaled.h5" };
    const gcr_data_spec spec = { .standardize = standardize };
    gcr_datasets from_text, datasets;

    load_text(&from_text, standardize);
    for (int i = 0; i < 3; i++) {
        assert_ok(load_stored(&datasets, &spec, names[i]));
        assert_same(&from_text, &datasets);
        gcr_datasets_clear(&datasets);
    }
    gcr_datasets_clear(&from_text);
}

static void test_a_table_is_the_same_in_each_format(void **state)
{
    (void)state;
    assert_formats_agree(0);
}

static void test_a_table_is_scaled_the_same_in_each_format(void **state)
{
    (void)state;
    assert_formats_agree(GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y);
}

/* Each feature by its own mean; the constant becomes zero, not its rounding blown up. */
static void test_features_are_scaled_one_by_one(void **state)
{
    const double step = sqrt(2);
    gcr_datasets datasets;

    (void)state;
    load_text(&datasets, GCR_STANDARDIZE_X);
    for (int i = 0; i < ROWS; i++) {
        assert_near(datasets.items[0].x[i], (i - 2) / step, 1e-15);
        assert_near(datasets.items[0].x[ROWS + i], 0, 1e-15);
    }
    assert_column(datasets.items[0].x_mean, (double[]){ 2002, 0.1, 1.5 }, FEATURES);
    assert_near(datasets.items[0].x_scale[0], step, 1e-15);
    assert_true(datasets.items[0].x_scale[1] == 1);
    gcr_datasets_clear(&datasets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_is_the_same_in_each_format),
        cmocka_unit_test(test_a_table_is_scaled_the_same_in_each_format),
        cmocka_unit_test(test_features_are_scaled_one_by_one),
    };

    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
