/*
 * tests/unit/exec/test_simulate.c -- makespans of the real schedules against what can be said
 * without them: bounds of list scheduling, and shapes that can be counted on fingers.
 */
#include "exec/simulate.h"

#include "grid/plan_create.h"

#include "support/gcr_test.h"

#include <stdio.h>

enum { SEEDS = 15, CELLS = 10000 };

/* A plan's costs, and a workload of the same order. */
typedef struct stage {
    gcr_costs *costs;
    gcr_workload *workload;
} stage;

/* So many datasets of `positions` cells, each of seconds[dataset], or of 1. */
static stage raise(const double *seconds, uint64_t datasets, uint64_t positions, const char *form)
{
    gcr_plan_dataset *sizes = calloc(datasets, sizeof *sizes);
    double *sorted = calloc(datasets, sizeof *sorted);
    const gcr_plan_spec spec = { .datasets = sizes,
                                 .dataset_count = datasets,
                                 .point_count = positions,
                                 .live_count = positions,
                                 .prepared_at_once = 1 };
    gcr_plan *plan = NULL;
    stage s = { 0 };

    for (uint64_t d = 0; d < datasets; d++)
        sizes[d].cell_cost = seconds == NULL ? 1.0 : seconds[d];
    assert_ok(gcr_plan_create(&plan, &spec));
    for (uint64_t place = 0; place < datasets; place++)
        sorted[place] = sizes[gcr_plan_dataset_at(plan, place)].cell_cost;
    assert_ok(gcr_costs_create(&s.costs, plan, datasets, positions));
    assert_ok(gcr_workload_create(&s.workload, form, sorted, datasets, positions));
    gcr_plan_destroy(plan);
    free(sizes);
    free(sorted);
    return s;
}

static void lower(stage *s)
{
    gcr_costs_destroy(s->costs);
    gcr_workload_destroy(s->workload);
}

static gcr_simulation_spec describe(const stage *s, int nodes, int ranks, int workers)
{
    return (gcr_simulation_spec){ .form = GCR_SCHEDULE_DYNAMIC,
                                  .workload = s->workload,
                                  .costs = s->costs,
                                  .nodes = nodes,
                                  .ranks = ranks,
                                  .workers = workers,
                                  .batch = { 1, 1, GCR_BATCH_SECONDS },
                                  .take_seconds = 1e-7,
                                  .message_seconds = 50e-6,
                                  .answer_seconds = 5e-6 };
}

static gcr_simulation simulate(const gcr_simulation_spec *spec)
{
    gcr_simulation out;

    assert_ok(gcr_simulate(&out, spec));
    return out;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* ---- skewed costs ---------------------------------------------------------------------------- */

/* 10^4 datasets of one cell, whose costs the schedule knows. */
static gcr_simulation run_declared(int nodes, int ranks, double alpha, int seed)
{
    static double seconds[CELLS];
    unsigned short state[3] = { 0x330e, (unsigned short)seed, 0 };
    gcr_simulation_spec spec;
    gcr_simulation out;
    stage s;

    for (int d = 0; d < CELLS; d++)
        seconds[d] = pow(1.0 - erand48(state), -1.0 / alpha);
    s = raise(seconds, CELLS, 1, "declared");
    spec = describe(&s, nodes, ranks, 1);
    out = simulate(&spec);
    lower(&s);
    return out;
}

/* 100 datasets of 100 cells that it takes for equal. */
static gcr_simulation run_unknown(int nodes, int ranks, double alpha, int seed)
{
    char form[32];
    gcr_simulation_spec spec;
    gcr_simulation out;
    stage s;

    snprintf(form, sizeof form, "pareto:%g:%d", alpha, seed);
    s = raise(NULL, 100, CELLS / 100, form);
    spec = describe(&s, nodes, ranks, 1);
    out = simulate(&spec);
    lower(&s);
    return out;
}

static const int shapes[][2] = { { 8, 8 }, { 64, 1 }, { 128, 8 } };
static const double alphas[] = { 1.5, 2.5 };

static void test_declared_costs_end_within_three_percent_of_the_ideal(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t a = 0; a < 2; a++) {
            double ratio[SEEDS];

            for (int seed = 0; seed < SEEDS; seed++) {
                const gcr_simulation out =
                    run_declared(shapes[i][0], shapes[i][1], alphas[a], seed);

                ratio[seed] = out.makespan / out.ideal;
            }
            qsort(ratio, SEEDS, sizeof *ratio, by_value);
            if (ratio[SEEDS / 2] > 1.03)
                fail_msg("%d nodes x %d ranks, alpha %g: %g", shapes[i][0], shapes[i][1], alphas[a],
                         ratio[SEEDS / 2]);
        }
}

static void test_unknown_costs_end_within_the_mean_and_the_longest(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t a = 0; a < 2; a++) {
            const int ranks = shapes[i][0] * shapes[i][1];
            double ratio[SEEDS];

            for (int seed = 0; seed < SEEDS; seed++) {
                const gcr_simulation out = run_unknown(shapes[i][0], shapes[i][1], alphas[a], seed);

                ratio[seed] = out.makespan / (out.total / ranks + out.longest);
            }
            qsort(ratio, SEEDS, sizeof *ratio, by_value);
            if (ratio[SEEDS / 2] > 1.0)
                fail_msg("%d nodes x %d ranks, alpha %g: %g", shapes[i][0], shapes[i][1], alphas[a],
                         ratio[SEEDS / 2]);
        }
}

static void test_messages_grow_with_nodes_and_not_with_ranks(void **state)
{
    const gcr_simulation few = run_unknown(8, 1, 2.5, 1), many = run_unknown(8, 16, 2.5, 1);

    (void)state;
    assert_true(many.messages <= 2 * few.messages);
    assert_true(few.messages < 400);
    assert_int_equal(run_unknown(1, 64, 2.5, 1).messages, 0);
}

static void test_a_simulation_is_the_same_twice(void **state)
{
    const gcr_simulation first = run_unknown(8, 8, 1.5, 3), second = run_unknown(8, 8, 1.5, 3);

    (void)state;
    assert_memory_equal(&first, &second, sizeof first);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void test_one_worker_takes_as_long_as_all_cells_together(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC,
                                               GCR_SCHEDULE_DYNAMIC, GCR_SCHEDULE_GUIDED };
    stage s = raise((double[]){ 5, 1, 2 }, 3, 7, "1,1,1,10");

    (void)state;
    assert_near(gcr_workload_total(s.workload), 8 * (1 + 1 + 1 + 10 + 1 + 1 + 1), 1e-9);
    assert_near(gcr_workload_longest(s.workload), 50, 1e-9);
    for (int f = 0; f < 4; f++) {
        gcr_simulation_spec spec = describe(&s, 1, 1, 1);

        spec.form = forms[f];
        assert_near(simulate(&spec).makespan, gcr_workload_total(s.workload), 1e-3);
    }
    lower(&s);
}

/* Units until `datasets` x `points` cells of one unit are over on so many ranks of so many
 * nodes. */
static double flat(uint64_t datasets, uint64_t points, int nodes, int ranks)
{
    stage s = raise(NULL, datasets, points, "declared");
    const gcr_simulation_spec spec = describe(&s, nodes, ranks, 1);
    const double makespan = simulate(&spec).makespan;

    lower(&s);
    return makespan;
}

static double nested(uint64_t datasets, uint64_t points, const char *form, int groups, int inner)
{
    stage s = raise(NULL, datasets, points, form);
    double makespan = -1.0;

    assert_ok(gcr_simulate_nested(&makespan, s.workload, groups, inner));
    lower(&s);
    return makespan;
}

static void test_loops_inside_loops_lose_what_one_queue_does_not(void **state)
{
    (void)state;
    assert_near(nested(2, 4, "declared", 4, 1), 4, 1e-9); /* over datasets */
    assert_near(nested(2, 4, "declared", 1, 4), 2, 1e-9); /* over points   */
    assert_true(flat(2, 4, 1, 4) <= 2 * 1.01);
    assert_near(nested(10, 3, "declared", 8, 1), 6, 1e-9);
    assert_near(nested(10, 3, "declared", 1, 8), 10, 1e-9);
    assert_near(nested(10, 3, "declared", 2, 3), 5, 1e-9);
    assert_true(flat(10, 3, 1, 8) <= 4 * 1.05);
    assert_true(flat(10, 3, 2, 4) <= 4 * 1.05);
    assert_true(flat(10, 3, 4, 2) <= 4 * 1.05);
}

static void test_a_long_point_in_each_dataset_is_no_barrier(void **state)
{
    stage s = raise(NULL, 20, 4, "1,1,1,10");
    const gcr_simulation_spec spec = describe(&s, 2, 2, 1);
    const gcr_simulation out = simulate(&spec);

    (void)state;
    assert_near(nested(20, 4, "1,1,1,10", 1, 4), 20 * 10, 1e-9);
    assert_true(out.makespan <= out.total / 4 + 10);
    lower(&s);
}

static void test_blocks_of_rising_costs_end_late_and_stealing_does_not(void **state)
{
    char form[4096];
    size_t used = 0;
    gcr_simulation_spec spec;
    stage s;

    (void)state;
    for (int p = 1; p <= 400; p++)
        used += (size_t)snprintf(form + used, sizeof form - used, p > 1 ? ",%d" : "%d", p);
    s = raise(NULL, 1, 400, form);
    spec = describe(&s, 1, 4, 1);
    assert_true(simulate(&spec).makespan <= 1.15 * simulate(&spec).ideal);
    spec.form = GCR_SCHEDULE_STATIC;
    assert_true(simulate(&spec).makespan >= 1.4 * simulate(&spec).ideal);
    spec.nodes = 4;
    spec.ranks = 1;
    assert_true(simulate(&spec).makespan >= 1.4 * simulate(&spec).ideal);
    assert_int_equal(simulate(&spec).messages, 0);
    lower(&s);
}

static void test_a_slow_node_that_nobody_knew_of_is_given_less(void **state)
{
    static const double speed[] = { 1, 1, 1, 0.6 };
    stage s = raise(NULL, 1000, 100, "declared");
    gcr_simulation_spec spec = describe(&s, 4, 4, 1);

    (void)state;
    spec.speed = speed;
    assert_true(simulate(&spec).makespan <= 1.01 * gcr_workload_total(s.workload) / (3.6 * 4));
    lower(&s);
}

static void test_more_workers_than_cells_leave_some_idle(void **state)
{
    stage s = raise(NULL, 1, 3, "declared");
    const gcr_simulation_spec spec = describe(&s, 4, 2, 1);
    const gcr_simulation out = simulate(&spec);

    (void)state;
    assert_true(out.makespan < 1.01);
    assert_int_equal(out.busy.idle_ranks, 5);
    lower(&s);
}

static void test_a_cell_for_each_worker_is_not_made_two_by_the_edge_of_a_dataset(void **state)
{
    stage s = raise(NULL, 10, 86, "declared");
    const gcr_simulation_spec spec = describe(&s, 10, 100, 1);

    (void)state;
    assert_true(simulate(&spec).makespan < 1.01);
    lower(&s);
}

static void test_a_grid_without_cells_takes_no_time(void **state)
{
    stage s = raise(NULL, 0, 5, "declared");
    const gcr_simulation_spec spec = describe(&s, 4, 2, 1);

    (void)state;
    assert_true(simulate(&spec).makespan == 0.0);
    lower(&s);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_more_cells_than_32_bits_can_count(void **state)
{
    static const double seconds = 1e-6;
    stage s = raise(&seconds, 1, 3ull << 32, "declared");
    gcr_simulation_spec spec = describe(&s, 16, 8, 1);
    gcr_simulation out;

    (void)state;
    spec.batch = (gcr_batch_limits){ 1 << 18, 1 << 18, GCR_BATCH_SECONDS };
    out = simulate(&spec);
    assert_true(out.makespan >= out.ideal && out.makespan <= 1.01 * out.ideal);
    assert_near(out.total, 3 * 4294.967296, 1e-3);
    spec.batch.most = 64;
    assert_status(gcr_simulate(&out, &spec), GCR_EINVAL);
    assert_error_mentions("--batch");
    lower(&s);
}

static void test_costs_that_are_no_costs_are_refused(void **state)
{
    static const char *const forms[] = { "pareto",       "pareto:",   "pareto:0", "pareto:1:x",
                                         "pareto:1:1.5", "",          "1,,2",     "1,-1",
                                         "1,nan",        "declared2", "inf" };
    static const double one = 1.0;
    gcr_workload *workload = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_status(gcr_workload_create(&workload, forms[i], &one, 1, 4), GCR_EINVAL);
        assert_error_mentions("costs '");
        assert_null(workload);
    }
    assert_status(gcr_workload_create(&workload, "pareto:2", &one, 1, 1ull << 33), GCR_EINVAL);
    assert_error_mentions("8589934592 cells");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declared_costs_end_within_three_percent_of_the_ideal),
        cmocka_unit_test(test_unknown_costs_end_within_the_mean_and_the_longest),
        cmocka_unit_test(test_messages_grow_with_nodes_and_not_with_ranks),
        cmocka_unit_test(test_a_simulation_is_the_same_twice),
        cmocka_unit_test(test_one_worker_takes_as_long_as_all_cells_together),
        cmocka_unit_test(test_loops_inside_loops_lose_what_one_queue_does_not),
        cmocka_unit_test(test_a_long_point_in_each_dataset_is_no_barrier),
        cmocka_unit_test(test_blocks_of_rising_costs_end_late_and_stealing_does_not),
        cmocka_unit_test(test_a_slow_node_that_nobody_knew_of_is_given_less),
        cmocka_unit_test(test_more_workers_than_cells_leave_some_idle),
        cmocka_unit_test(test_a_cell_for_each_worker_is_not_made_two_by_the_edge_of_a_dataset),
        cmocka_unit_test(test_a_grid_without_cells_takes_no_time),
        cmocka_unit_test(test_more_cells_than_32_bits_can_count),
        cmocka_unit_test(test_costs_that_are_no_costs_are_refused),
    };

    return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
