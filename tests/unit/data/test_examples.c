/*
 * tests/unit/data/test_examples.c -- the tables in examples/, against tests/reference/datasets.py.
 */
#include "support/gcr_test.h"

#include "gridcrunch/dataset.h"

static void load_example(gcr_datasets *out, const gcr_data_spec *spec, const char *name)
{
    char *names[] = { (char *)name };
    gcr_job job = { .folder = (char *)GCR_EXAMPLES, .data = *spec };

    job.data.sources = (gcr_name_list){ .names = names, .count = 1 };
    assert_ok(gcr_datasets_load(out, &job));
}

static double sum_of(const double *values, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

static void load_fertility(gcr_datasets *out, gcr_layout layout)
{
    char *skip[] = { (char *)"Country Code", (char *)"Indicator Name", (char *)"Indicator Code" };
    const gcr_data_spec spec = { .layout = layout,
                                 .key = (char *)"Country Name",
                                 .skip = { .names = skip, .count = 3 },
                                 .standardize = GCR_STANDARDIZE_Y };

    load_example(out, &spec, "fertility.csv");
}

static void test_fertility_has_210_datasets_and_9_skipped(void **state)
{
    static const char *const skipped[] = {
        "American Samoa", "Sub-Saharan Africa (IFC classification)",
        "Cayman Islands", "Faeroe Islands",
        "Monaco",         "Northern Mariana Islands",
        "San Marino",     "Turks and Caicos Islands",
        "Tuvalu",
    };
    gcr_datasets datasets;

    (void)state;
    load_fertility(&datasets, GCR_LAYOUT_WIDE);
    assert_int_equal(datasets.count, 210);
    assert_int_equal(datasets.skipped_count, 9);
    for (int i = 0; i < 9; i++) {
        assert_string_equal(datasets.skipped[i].key, skipped[i]);
        assert_string_equal(datasets.skipped[i].reason, "no value in any of 54 columns");
    }
    gcr_datasets_clear(&datasets);
}

static void test_fertility_has_the_references_sizes(void **state)
{
    gcr_datasets datasets;
    int64_t least = INT64_MAX, most = 0, sum = 0;

    (void)state;
    load_fertility(&datasets, GCR_LAYOUT_AUTO);
    for (uint64_t i = 0; i < datasets.count; i++) {
        const int64_t rows = datasets.items[i].rows;

        assert_int_equal(rows + (int64_t)datasets.items[i].dropped, 54);
        least = rows < least ? rows : least;
        most = rows > most ? rows : most;
        sum += rows;
    }
    assert_int_equal(least, 3);
    assert_int_equal(most, 52);
    assert_int_equal(sum, 10284);
    gcr_datasets_clear(&datasets);
}

static void test_fertility_has_the_references_moments(void **state)
{
    static const struct {
        const char *key;
        uint64_t place; /* among the datasets with values */
        double first, last, mean, deviation;
    } want[] = {
        { "Aruba", 0, 4.82, 1.69, 2.5125384615384614, 0.7983001041043511 },
        { "Congo, Dem. Rep.", 207, 6.001, 6.146, 6.629307692307692, 0.41553776735054365 },
        { "Zimbabwe", 209, 7.158, 3.643, 5.8135, 1.4761618696418817 },
    };
    gcr_datasets datasets;

    (void)state;
    load_fertility(&datasets, GCR_LAYOUT_WIDE);
    for (int i = 0; i < 3; i++) {
        const gcr_dataset *got = &datasets.items[want[i].place];

        assert_string_equal(got->key, want[i].key);
        assert_int_equal(got->rows, 52);
        assert_true(got->x[0] == 1960 && got->x[51] == 2011);
        assert_near(got->y_mean, want[i].mean, 1e-14);
        assert_near(got->y_scale, want[i].deviation, 1e-14);
        assert_near(got->y[0] * got->y_scale + got->y_mean, want[i].first, 1e-14);
        assert_near(got->y[51] * got->y_scale + got->y_mean, want[i].last, 1e-14);
    }
    gcr_datasets_clear(&datasets);
}

static void test_co2_has_days_and_gaps(void **state)
{
    char *x[] = { (char *)"date" };
    const gcr_data_spec spec = { .y = (char *)"co2",
                                 .x = { .names = x, .count = 1 },
                                 .x_format = (char *)"%Y%m%d" };
    gcr_datasets datasets;
    const gcr_dataset *co2;

    (void)state;
    load_example(&datasets, &spec, "co2.csv");
    co2 = &datasets.items[0];
    assert_string_equal(co2->key, "co2");
    assert_int_equal(co2->rows, 2225);
    assert_int_equal(co2->dropped, 2284 - 2225);
    assert_true(co2->x[0] == -4296 && co2->x[6] == -4247 && co2->x[2224] == 11685);
    assert_true(co2->y[0] == 316.1 && co2->y[6] == 317.5 && co2->y[2224] == 371.5);
    assert_near(sum_of(co2->y, co2->rows), 756816.4999999992, 1e-12);
    gcr_datasets_clear(&datasets);
}

static void test_elnino_counts_months(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_WIDE,
                                 .key = (char *)"YEAR",
                                 .x_by_position = 1 };
    gcr_datasets datasets;

    (void)state;
    load_example(&datasets, &spec, "elnino.csv");
    assert_int_equal(datasets.count, 61);
    assert_string_equal(datasets.items[0].key, "1950");
    assert_string_equal(datasets.items[60].key, "2010");
    assert_int_equal(datasets.items[60].rows, 12);
    assert_true(datasets.items[60].x[0] == 0 && datasets.items[60].x[11] == 11);
    assert_true(datasets.items[60].y[0] == 24.700 && datasets.items[60].y[11] == 22.070);
    gcr_datasets_clear(&datasets);
}

static void test_nile_and_sunspots_are_one_dataset_each(void **state)
{
    const gcr_data_spec nile = { .y = (char *)"volume" };
    const gcr_data_spec sunspots = { .y = (char *)"SUNACTIVITY" };
    gcr_datasets datasets;

    (void)state;
    load_example(&datasets, &nile, "nile.csv");
    assert_int_equal(datasets.items[0].rows, 100);
    assert_true(sum_of(datasets.items[0].x, 100) == 192050);
    assert_true(sum_of(datasets.items[0].y, 100) == 91935);
    gcr_datasets_clear(&datasets);
    load_example(&datasets, &sunspots, "sunspots.csv");
    assert_int_equal(datasets.items[0].rows, 309);
    assert_true(sum_of(datasets.items[0].x, 309) == 572886);
    assert_near(sum_of(datasets.items[0].y, 309), 15373.4, 1e-12);
    gcr_datasets_clear(&datasets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fertility_has_210_datasets_and_9_skipped),
        cmocka_unit_test(test_fertility_has_the_references_sizes),
        cmocka_unit_test(test_fertility_has_the_references_moments),
        cmocka_unit_test(test_co2_has_days_and_gaps),
        cmocka_unit_test(test_elnino_counts_months),
        cmocka_unit_test(test_nile_and_sunspots_are_one_dataset_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
