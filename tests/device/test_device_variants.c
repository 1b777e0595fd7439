/*
 * Which variant computes a cell: the order of the algorithms, the edge of shared memory, sizes that
 * nobody can count.
 */
#include "support/device_run.h"

static gcr_scalar scalar;

static gcr_variant variant_of(int64_t n, int64_t systems, int64_t right_sides)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(90, scalar);
    const gcr_cell_shape shape = { .form = GCR_FORM_SPD,
                                   .n = n,
                                   .systems = systems,
                                   .right_sides = right_sides,
                                   .output_width = 1 };

    return gcr_variant_of(&crossovers, &shape);
}

/* The twin's threads have nothing that they could write to. */
static void test_a_thread_that_keeps_all_in_registers_has_no_scratch(void **state)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(90, GCR_F64);
    gcr_cell_shape shape = {
        .form = GCR_FORM_SPD, .n = 6, .systems = 1, .right_sides = 1, .output_width = 2
    };

    (void)state;
    assert_int_equal(gcr_variant_of(&crossovers, &shape).scratch_bytes, 0);
    shape.has_wide_outputs = 1;
    assert_true(gcr_variant_of(&crossovers, &shape).scratch_bytes > 0);
    shape = (gcr_cell_shape){ .form = GCR_FORM_SPD, .n = 6, .systems = 2, .output_width = 2 };
    assert_true(gcr_variant_of(&crossovers, &shape).scratch_bytes > 0);
    shape = (gcr_cell_shape){ .form = GCR_FORM_CELL, .output_width = 3, .flops = 10 };
    assert_int_equal(gcr_variant_of(&crossovers, &shape).scratch_bytes, 0);
    shape.scratch_count = 1;
    assert_true(gcr_variant_of(&crossovers, &shape).scratch_bytes > 0);
    shape = (gcr_cell_shape){ .form = GCR_FORM_CELL, .output_width = 3, .flops = 1e9 };
    assert_true(gcr_variant_of(&crossovers, &shape).scratch_bytes > 0); /* a block's */
}

static void test_larger_matrices_have_larger_teams(void **state)
{
    (void)state;
    for (scalar = GCR_F64; scalar < GCR_SCALAR_COUNT; scalar++) {
        int32_t team = GCR_TEAM_THREAD;

        for (int64_t n = 1; n <= 400; n++) {
            const gcr_variant variant = variant_of(n, 1, 1);

            assert_true(variant.team == team || variant.team == team + 1);
            assert_true(variant.bound == 0 || (variant.bound >= n && variant.bound < n + 8));
            assert_true(variant.threads % 32 == 0 && variant.threads <= 1024);
            assert_true(variant.threads * variant.min_blocks <= 2048);
            team = variant.team;
        }
        assert_int_equal(team, GCR_TEAM_GRID);
    }
    scalar = GCR_F64;
}

static void check_last_on_the_chip(int64_t n)
{
    assert_int_equal(variant_of(n, 1, 1).team, GCR_TEAM_BLOCK);
    assert_int_equal(variant_of(n + 1, 1, 1).team, GCR_TEAM_MEMORY);
    assert_true(variant_of(n, 1, 1).shared_bytes <= 227 << 10);
    assert_int_equal(variant_of(n + 1, 1, 1).shared_bytes, 0);
}

static void test_matrices_of_up_to_232_rows_are_on_the_chip_and_328_of_floats(void **state)
{
    (void)state;
    check_last_on_the_chip(232);
    scalar = GCR_F32;
    check_last_on_the_chip(328);
    scalar = GCR_F64;
}

static void test_each_algorithm_has_the_rows_that_its_table_gives_it(void **state)
{
    (void)state;
    for (scalar = GCR_F64; scalar < GCR_SCALAR_COUNT; scalar++) {
        const gcr_crossovers table = gcr_crossovers_default(90, scalar);

        assert_int_equal(variant_of(table.thread_rows, 1, 1).team, GCR_TEAM_THREAD);
        assert_int_equal(variant_of(table.thread_rows + 1, 1, 1).team, GCR_TEAM_WARP);
        assert_int_equal(variant_of(table.warp_rows, 1, 1).team, GCR_TEAM_WARP);
        assert_int_equal(variant_of(table.warp_rows + 1, 1, 1).team, GCR_TEAM_BLOCK);
        for (int k = 0; table.block[k].rows > 0; k++) {
            const int64_t rows = table.block[k].rows > 64 ? table.block[k].rows : 64;

            assert_int_equal(variant_of(rows, 1, 1).threads, table.block[k].threads);
        }
    }
    scalar = GCR_F64;
}

static void test_larger_matrices_are_fewer_at_a_time(void **state)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(90, GCR_F64);
    gcr_grid before = gcr_grid_of(&crossovers, crossovers.blocked_rows, 1);

    (void)state;
    assert_int_equal(variant_of(crossovers.blocked_rows - 1, 1, 1).team, GCR_TEAM_MEMORY);
    assert_int_equal(variant_of(crossovers.blocked_rows, 1, 1).team, GCR_TEAM_GRID);
    for (int64_t n = crossovers.blocked_rows; n <= 4096; n++) {
        const gcr_grid grid = gcr_grid_of(&crossovers, n, 1);

        assert_true(grid.rows % 8 == 0 && grid.rows >= n && grid.rows < n + 8);
        assert_true(grid.ld % 8 == 0 && grid.ld > grid.rows);
        assert_int_equal(grid.stride, grid.ld * (grid.rows + 1));
        assert_true(grid.slots >= 1 && grid.slots <= before.slots);
        assert_true(grid.slots * grid.stride * (int64_t)sizeof(double) < (int64_t)3 << 29);
        assert_int_equal(grid.is_lower, n >= crossovers.solver_rows);
        before = grid;
    }
    assert_int_equal(before.slots, 1);
}

static void test_right_hand_sides_take_room_too(void **state)
{
    (void)state;
    assert_int_equal(variant_of(200, 1, 1).team, GCR_TEAM_BLOCK);
    assert_int_equal(variant_of(200, 1, 100).team, GCR_TEAM_MEMORY);
    assert_true(variant_of(20, 1, 1).is_single);
    assert_false(variant_of(20, 2, 1).is_single);
    assert_false(variant_of(20, 1, 2).is_single);
}

static void test_what_nobody_can_count_needs_more_than_there_is(void **state)
{
    (void)state;
    assert_true(variant_of(INT64_MAX, 1, 1).scratch_bytes == UINT64_MAX);
    assert_true(variant_of(100, INT64_MAX, 1).scratch_bytes == UINT64_MAX);
    assert_true(variant_of(100, 1, INT64_MAX).scratch_bytes == UINT64_MAX);
    assert_true(variant_of(100, INT64_MAX, INT64_MAX).scratch_bytes == UINT64_MAX);
    assert_true(variant_of(1 << 20, 1, 1).scratch_bytes < UINT64_MAX);
    assert_true(variant_of(-1, 1, 1).scratch_bytes == UINT64_MAX);
}

static void test_cheap_cells_have_a_thread_and_others_a_block(void **state)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(90, GCR_F64);
    gcr_cell_shape shape = {
        .form = GCR_FORM_CELL, .scratch_count = 5, .output_width = 3, .flops = 10
    };

    (void)state;
    assert_int_equal(gcr_variant_of(&crossovers, &shape).team, GCR_TEAM_THREAD);
    assert_int_equal(gcr_variant_of(&crossovers, &shape).scratch_bytes, 512);
    shape.flops = 1e9;
    assert_int_equal(gcr_variant_of(&crossovers, &shape).team, GCR_TEAM_BLOCK);
    assert_int_equal(gcr_variant_of(&crossovers, &shape).teams_of_block, 1);
    shape.scratch_count = INT64_MAX;
    assert_true(gcr_variant_of(&crossovers, &shape).scratch_bytes == UINT64_MAX);
}

static void test_an_older_gpu_has_less_shared_memory(void **state)
{
    (void)state;
    assert_true(gcr_crossovers_default(90, GCR_F64).shared_bytes == 227 << 10);
    assert_true(gcr_crossovers_default(80, GCR_F64).shared_bytes == 163 << 10);
    assert_true(gcr_crossovers_default(86, GCR_F32).shared_bytes == 99 << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_that_keeps_all_in_registers_has_no_scratch),
        cmocka_unit_test(test_larger_matrices_have_larger_teams),
        cmocka_unit_test(test_matrices_of_up_to_232_rows_are_on_the_chip_and_328_of_floats),
        cmocka_unit_test(test_each_algorithm_has_the_rows_that_its_table_gives_it),
        cmocka_unit_test(test_larger_matrices_are_fewer_at_a_time),
        cmocka_unit_test(test_right_hand_sides_take_room_too),
        cmocka_unit_test(test_what_nobody_can_count_needs_more_than_there_is),
        cmocka_unit_test(test_cheap_cells_have_a_thread_and_others_a_block),
        cmocka_unit_test(test_an_older_gpu_has_less_shared_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
