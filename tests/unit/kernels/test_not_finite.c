/*
 * NaN and infinity at each place of a dataset: no fitting kernel makes a result of them, and each
 * says what it has met. On each code path, in each precision.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum { ROWS = 11, FEATURES = 3, X_COUNT = ROWS * FEATURES };
enum logistic_fault { NOT_BINARY = 1, NOT_FINITE = 5 };

/* What is said of a bad x and of a bad y, and which fault it is. */
static const struct subject {
    const char *unit;
    int64_t option;
    double point[3];
    gcr_cell_state state;
    uint32_t fault_of_x, fault_of_y;
} subjects[] = {
    { "gp_rbf", 0, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_matern12", 1, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_matern32", 2, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_matern52", 3, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_lapack", 0, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_rbf_tridiagonal", 0, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_matern52_tridiagonal", 3, { 1, 0.1, 1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "gp_profile_rbf", 0, { 1, 0.1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "kernel_ridge_tridiagonal", 0, { 1, 0.1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "ridge_tridiagonal", 5, { 0.1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "kernel_ridge", 0, { 1, 0.1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "ridge", 5, { 0.1 }, GCR_CELL_NAN_IN, 0, 0 },
    { "logistic", 50, { 0.1 }, GCR_CELL_KERNEL_ERROR, NOT_FINITE, NOT_BINARY },
};

/* x and y one after the other. */
struct numbers {
    double values[X_COUNT + ROWS];
};

static void make_numbers(struct numbers *out)
{
    for (int k = 0; k < X_COUNT; k++)
        out->values[k] = fmod(0.6180339887498949 * (k + 1), 1);
    for (int i = 0; i < ROWS; i++)
        out->values[X_COUNT + i] = i * 7 % 3 == 0;
}

/* Computes one cell; the caller closes the tile. */
static void crunch(tile *out, const struct subject *subject, const struct numbers *numbers)
{
    *out = (tile){ .unit = unit_named(subject->unit),
                   .data = { .rows = ROWS,
                             .features = FEATURES,
                             .x = numbers->values,
                             .y = numbers->values + X_COUNT },
                   .setup = { .option = { subject->option, 10 } } };
    for (int p = 0; out->unit->kernel->parameters[p].name != NULL; p++)
        tile_axis(out, out->unit->kernel->parameters[p].name, &subject->point[p], 1);
    tile_open(out);
    tile_crunch(out);
}

static void check_place(const struct subject *subject, int place, double bad)
{
    const uint32_t fault = place < X_COUNT ? subject->fault_of_x : subject->fault_of_y;
    struct numbers numbers;
    tile t;

    make_numbers(&numbers);
    numbers.values[place] = bad;
    crunch(&t, subject, &numbers);
    if (t.args.state[0] != subject->state || gcr_cell_detail(tile_value(&t, 0, 0, 0)) != fault)
        fail_msg("%s, place %d, %g: %s, detail %u", subject->unit, place, bad,
                 gcr_cell_state_name(t.args.state[0]), gcr_cell_detail(tile_value(&t, 0, 0, 0)));
    tile_close(&t);
}

static void test_good_numbers_give_a_result(void **state)
{
    struct numbers numbers;
    tile t;

    (void)state;
    make_numbers(&numbers);
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++) {
        if (unit_is_not_built(subjects[s].unit))
            continue;
        crunch(&t, &subjects[s], &numbers);
        assert_int_equal(t.args.state[0], GCR_CELL_OK);
        tile_close(&t);
    }
}

static void test_nan_and_infinity_anywhere_in_the_data_are_named(void **state)
{
    static const double bad[] = { NAN, INFINITY, -INFINITY };

    (void)state;
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++)
        for (int place = 0; place < X_COUNT + ROWS && !unit_is_not_built(subjects[s].unit); place++)
            for (int b = 0; b < 3; b++)
                check_place(&subjects[s], place, bad[b]);
}

/* Numbers that are finite, though not all squares of what is made of them are. The cell must be
 * that of `usual`, where all covariances of what differs are 0, too. */
static void check_extreme(const struct subject *subject, const struct numbers *usual,
                          const struct numbers *numbers, const struct subject *extreme)
{
    tile expected, got;

    crunch(&expected, subject, usual);
    crunch(&got, extreme, numbers);
    assert_int_equal(expected.args.state[0], GCR_CELL_OK);
    if (got.args.state[0] != GCR_CELL_OK ||
        tile_value(&got, 0, 0, 0) != tile_value(&expected, 0, 0, 0))
        fail_msg("%s: %s, %.17g is not %.17g", subject->unit,
                 gcr_cell_state_name(got.args.state[0]), tile_value(&got, 0, 0, 0),
                 tile_value(&expected, 0, 0, 0));
    tile_close(&expected);
    tile_close(&got);
}

static int has_lengthscale(const struct subject *subject)
{
    return !unit_is_not_built(subject->unit) &&
           strcmp(unit_named(subject->unit)->kernel->parameters[0].name, "lengthscale") == 0;
}

static void test_a_row_that_is_very_far_away_is_no_nan(void **state)
{
    struct numbers usual, numbers;

    (void)state;
    make_numbers(&usual);
    make_numbers(&numbers);
    usual.values[2] = 1e10;
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++) {
        if (!has_lengthscale(&subjects[s]))
            continue;
        numbers.values[2] = unit_named(subjects[s].unit)->scalar == GCR_F64 ? 1e200 : 1e30;
        check_extreme(&subjects[s], &usual, &numbers, &subjects[s]);
    }
}

static void test_a_lengthscale_whose_square_is_0_or_infinite_is_no_nan(void **state)
{
    struct numbers numbers;

    (void)state;
    make_numbers(&numbers);
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++) {
        struct subject usual = subjects[s], extreme = subjects[s];

        if (!has_lengthscale(&subjects[s]))
            continue;
        usual.point[0] = 1e-8;
        extreme.point[0] = unit_named(usual.unit)->scalar == GCR_F64 ? 1e-200 : 1e-30;
        check_extreme(&usual, &numbers, &numbers, &extreme);
        usual.point[0] = 1e18;
        extreme.point[0] = unit_named(usual.unit)->scalar == GCR_F64 ? 1e200 : 1e30;
        check_extreme(&usual, &numbers, &numbers, &extreme);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_numbers_give_a_result),
        cmocka_unit_test(test_nan_and_infinity_anywhere_in_the_data_are_named),
        cmocka_unit_test(test_a_row_that_is_very_far_away_is_no_nan),
        cmocka_unit_test(test_a_lengthscale_whose_square_is_0_or_infinite_is_no_nan),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, NULL, NULL);
}
