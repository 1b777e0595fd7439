/* tests/unit/exec/test_desk.c -- nodes get every position once, and the larger share that is
 * due. */
#include "exec/desk.h"

#include "grid/plan_create.h"

#include "support/gcr_test.h"

enum { NODES_MOST = 9, PLACES = 60, LIVE = 10, ALL = PLACES * LIVE };

/* Datasets whose cells cost 60, 59 ... 1, or all the same. */
static gcr_costs *make_costs(int descends)
{
    gcr_plan_dataset datasets[PLACES] = { 0 };
    const gcr_plan_spec spec = { .datasets = datasets,
                                 .dataset_count = PLACES,
                                 .point_count = LIVE,
                                 .live_count = LIVE,
                                 .prepared_at_once = 1 };
    gcr_plan *plan = NULL;
    gcr_costs *costs = NULL;

    for (int d = 0; d < PLACES; d++)
        datasets[d].cell_cost = descends ? PLACES - d : 1;
    assert_ok(gcr_plan_create(&plan, &spec));
    assert_ok(gcr_costs_create(&costs, plan, PLACES, LIVE));
    gcr_plan_destroy(plan);
    return costs;
}

static void note(unsigned char *dealt, gcr_span span)
{
    for (uint64_t i = 0; i < span.count; i++)
        dealt[span.first + i]++;
}

static void test_nodes_get_every_position_once_in_whatever_order_they_ask(void **state)
{
    gcr_costs *costs[] = { NULL, make_costs(0), make_costs(1) };
    unsigned seed = 3;

    (void)state;
    for (int round = 0; round < 600; round++) {
        double weights[NODES_MOST];
        int workers[NODES_MOST];
        gcr_span openings[NODES_MOST];
        unsigned char dealt[ALL] = { 0 };
        const uint64_t first = (uint64_t)rand_r(&seed) % 100;
        const gcr_desk_spec spec = { .span = { first, (uint64_t)rand_r(&seed) % (ALL - 100) },
                                     .live_count = LIVE,
                                     .costs = costs[round % 3],
                                     .nodes = 2 + rand_r(&seed) % (NODES_MOST - 1),
                                     .weights = weights,
                                     .workers = workers };
        gcr_desk *desk = NULL;
        gcr_desk_grant grant = { 0 };

        for (int n = 0; n < spec.nodes; n++) {
            weights[n] = n == 0 ? 1 : rand_r(&seed) % 5; /* some nodes have no device of the kind */
            workers[n] = 1 + rand_r(&seed) % 40;
        }
        assert_ok(gcr_desk_create(&desk, &spec));
        gcr_desk_openings(openings, &spec);
        for (int n = 0; n < spec.nodes; n++) {
            const gcr_span opening = gcr_desk_opening(&spec, n);

            assert_memory_equal(&openings[n], &opening, sizeof opening);
            note(dealt, opening);
        }
        while (!grant.is_last) {
            const gcr_desk_request request = { .least = (uint64_t)rand_r(&seed) % 30 + 1,
                                               .cost = rand_r(&seed) % 3,
                                               .seconds = rand_r(&seed) % 3 };

            grant = gcr_desk_take(desk, rand_r(&seed) % spec.nodes, &request);
            note(dealt, grant.span);
        }
        for (uint64_t i = 0; i < ALL; i++)
            assert_int_equal(dealt[i], i >= first && i < first + spec.span.count);
        grant = gcr_desk_take(desk, 0, &(gcr_desk_request){ .least = 1 });
        assert_true(grant.is_last && grant.span.count == 0);
        gcr_desk_destroy(desk);
    }
    for (int c = 0; c < 3; c++)
        gcr_costs_destroy(costs[c]);
}

static void test_the_only_node_begins_with_everything(void **state)
{
    const double weight = 1;
    const int workers = 1;
    const gcr_desk_spec spec = {
        .span = { 5, 100 }, .live_count = 7, .nodes = 1, .weights = &weight, .workers = &workers
    };

    (void)state;
    assert_int_equal(gcr_desk_opening(&spec, 0).first, 5);
    assert_int_equal(gcr_desk_opening(&spec, 0).count, 100);
}

/* What a run and its simulation make schedules from. */
static void test_only_nodes_that_deal_as_they_go_are_fed_and_one_rank_is_told_no_costs(void **state)
{
    gcr_costs *costs = make_costs(1);
    const gcr_desk_spec several = {
        .span = { 5, 100 }, .live_count = 7, .costs = costs, .nodes = 2
    };
    const gcr_desk_spec one = { .span = { 5, 100 }, .live_count = 7, .costs = costs, .nodes = 1 };
    gcr_desk_node node = { .opening = { 30, 9 },
                           .batch = 3,
                           .workers = 4,
                           .first_worker = 4,
                           .all_workers = 8,
                           .ranks = 2 };
    gcr_schedule_spec spec = gcr_desk_schedule(&several, GCR_SCHEDULE_GUIDED, &node);

    (void)state;
    assert_true(spec.is_fed && spec.first == 30 && spec.count == 9 && spec.costs == costs);
    assert_true(spec.live_count == 7 && spec.batch == 3 && spec.workers == 4);
    spec = gcr_desk_schedule(&several, GCR_SCHEDULE_CYCLIC, &node);
    assert_true(!spec.is_fed && spec.first == 5 && spec.count == 100 && spec.costs == costs);
    assert_true(spec.first_worker == 4 && spec.all_workers == 8);
    spec = gcr_desk_schedule(&one, GCR_SCHEDULE_DYNAMIC, &node);
    assert_true(!spec.is_fed && spec.first == 5 && spec.costs == costs);
    node.ranks = 1;
    assert_null(gcr_desk_schedule(&one, GCR_SCHEDULE_DYNAMIC, &node).costs);
    gcr_costs_destroy(costs);
}

static void test_shares_are_of_cost_and_end_with_a_dataset(void **state)
{
    static const double weights[] = { 1, 3 };
    static const int workers[] = { 1, 1 };
    gcr_costs *costs = make_costs(1);
    const gcr_desk_spec spec = { .span = { 0, ALL },
                                 .live_count = LIVE,
                                 .costs = costs,
                                 .nodes = 2,
                                 .weights = weights,
                                 .workers = workers };
    gcr_desk *desk = NULL;
    gcr_desk_grant grant;
    double left = 1.0;

    (void)state;
    assert_ok(gcr_desk_create(&desk, &spec));
    for (int n = 0; n < 2; n++) {
        const double cost = gcr_costs_sum(costs, gcr_desk_opening(&spec, n));

        assert_true(fabs(cost - weights[n] / 8) < 0.02);
        left -= cost;
    }
    for (int i = 0; i < 4; i++) {
        grant = gcr_desk_take(desk, 0, &(gcr_desk_request){ .least = 1 });
        assert_int_equal(grant.span.first % LIVE, 0);
        assert_true(fabs(gcr_costs_sum(costs, grant.span) - left / 8) < 0.02);
        left -= gcr_costs_sum(costs, grant.span);
    }
    gcr_desk_destroy(desk);
    gcr_costs_destroy(costs);
}

/* The share of what is left that a node gets next. */
static double next_share(gcr_desk *desk, int node, double cost, uint64_t *left)
{
    const gcr_desk_grant grant =
        gcr_desk_take(desk, node, &(gcr_desk_request){ 1, cost, cost > 0.0 ? 1.0 : 0.0 });
    const double share = (double)grant.span.count / (double)*left;

    *left -= grant.span.count;
    return share;
}

static void test_a_node_is_as_fast_as_it_was_measured_lately(void **state)
{
    static const double weights[] = { 1, 1 };
    static const int workers[] = { 1, 1 };
    const gcr_desk_spec spec = {
        .span = { 0, 1 << 30 }, .live_count = 1, .nodes = 2, .weights = weights, .workers = workers
    };
    gcr_desk *desk = NULL;
    uint64_t left = 1 << 29; /* half are openings */

    (void)state;
    assert_ok(gcr_desk_create(&desk, &spec));
    assert_true(fabs(next_share(desk, 0, 0, &left) - 0.25) < 0.001);
    assert_true(fabs(next_share(desk, 0, 8, &left) - 0.25) < 0.001); /* the other may be, too */
    assert_true(fabs(next_share(desk, 1, 2, &left) - 0.1) < 0.001);
    assert_true(fabs(next_share(desk, 0, 8, &left) - 0.4) < 0.001);
    assert_true(fabs(next_share(desk, 0, 800, &left) - 0.4) < 0.001); /* one odd sample */
    gcr_desk_destroy(desk);
}

/* ---- when a leader asks ---------------------------------------------------------------------- */

/* A node of one worker with so many positions. */
static gcr_schedule *make_node(uint64_t count)
{
    const gcr_schedule_spec spec = { .form = GCR_SCHEDULE_DYNAMIC,
                                     .count = count,
                                     .live_count = 1000,
                                     .batch = 1,
                                     .workers = 1,
                                     .is_fed = 1 };
    gcr_schedule *schedule = NULL;

    assert_ok(gcr_schedule_create(&schedule, &spec));
    return schedule;
}

/* What is left in the node when its leader asks, where a position takes so many seconds. */
static double left_when_asked(double seconds)
{
    gcr_schedule *schedule = make_node(1000);
    gcr_supply supply;
    gcr_desk_request request;
    gcr_span span;
    double now = 5.0, next = now, left;

    gcr_supply_open(&supply, NULL, (gcr_span){ 0, 1000 }, now);
    do
        for (now += GCR_SUPPLY_LOOK_SECONDS; next <= now; next += seconds)
            (void)gcr_schedule_next(schedule, 0, 1, &span);
    while (!gcr_supply_look(&supply, schedule, now, &request));
    left = gcr_schedule_look(schedule).left;
    assert_true(fabs(request.cost / request.seconds * seconds - 1.0) < 0.1);
    assert_false(gcr_supply_look(&supply, schedule, now + 1, &request)); /* one at a time */
    gcr_schedule_destroy(schedule);
    return left;
}

static void test_a_leader_asks_some_round_trips_before_its_node_is_dry(void **state)
{
    (void)state;
    assert_true(left_when_asked(1.0) <= 1.0); /* not before: others may need them */
    assert_true(left_when_asked(10e-6) >= 20.0 && left_when_asked(10e-6) <= 60.0);
}

static void test_a_leader_of_a_node_with_nothing_asks_at_once(void **state)
{
    gcr_schedule *schedule = make_node(0);
    gcr_supply supply;
    gcr_desk_request request;
    gcr_span span;

    (void)state;
    gcr_supply_open(&supply, NULL, (gcr_span){ 0, 0 }, 1.0);
    assert_true(gcr_supply_look(&supply, schedule, 1.0, &request));
    assert_int_equal(request.least, 1);
    gcr_supply_put(&supply, schedule, NULL, &(gcr_desk_grant){ { 7, 2 }, 1 }, 1.001);
    assert_int_equal(gcr_schedule_next(schedule, 0, 9, &span), GCR_SCHEDULE_NOW);
    assert_int_equal(span.first, 7);
    assert_int_equal(gcr_schedule_next(schedule, 0, 9, &span), GCR_SCHEDULE_NEVER);
    assert_false(gcr_supply_look(&supply, schedule, 9.0, &request)); /* there is no more */
    gcr_schedule_destroy(schedule);
}

static void test_a_leader_rests_while_nothing_runs_short_and_not_while_it_waits(void **state)
{
    gcr_schedule *schedule = make_node(1000);
    gcr_supply supply;
    gcr_desk_request request;
    gcr_span span;
    double rest;

    (void)state;
    gcr_supply_open(&supply, NULL, (gcr_span){ 0, 1000 }, 1.0);
    for (int i = 0; i < 101; i++)
        (void)gcr_schedule_next(schedule, 0, 1, &span);
    assert_false(gcr_supply_look(&supply, schedule, 2.0, &request)); /* 100 in a second */
    rest = gcr_supply_rest(&supply, 2.0);
    assert_true(rest > 4.0 && rest < 4.6); /* half of what the other 900 take */
    assert_true(fabs(gcr_supply_rest(&supply, 3.0) - (rest - 1.0)) < 1e-9);
    assert_true(gcr_supply_rest(&supply, 8.0) == 0.0);

    while (gcr_schedule_next(schedule, 0, 1, &span) == GCR_SCHEDULE_NOW)
        ;
    assert_true(gcr_supply_look(&supply, schedule, 10.0, &request));
    assert_true(gcr_supply_rest(&supply, 10.0) == 0.0);
    gcr_supply_put(&supply, schedule, NULL, &(gcr_desk_grant){ { 2000, 9 }, 1 }, 10.1);
    assert_true(isinf(gcr_supply_rest(&supply, 10.1)));
    gcr_schedule_destroy(schedule);
}

static void test_a_leader_that_has_just_told_its_rate_rests_by_it(void **state)
{
    gcr_schedule *schedule = make_node(100);
    gcr_supply supply;
    gcr_desk_request request;
    gcr_span span;
    double rest;

    (void)state;
    gcr_supply_open(&supply, NULL, (gcr_span){ 0, 100 }, 1.0);
    while (gcr_schedule_next(schedule, 0, 1, &span) == GCR_SCHEDULE_NOW)
        ;
    assert_true(gcr_supply_look(&supply, schedule, 2.0, &request)); /* 100 in a second */
    gcr_supply_put(&supply, schedule, NULL, &(gcr_desk_grant){ { 2000, 900 }, 0 }, 2.1);
    for (int i = 0; i < 2; i++)
        (void)gcr_schedule_next(schedule, 0, 1, &span);
    assert_false(gcr_supply_look(&supply, schedule, 3.0, &request)); /* and one in a second */
    rest = gcr_supply_rest(&supply, 3.0);
    assert_true(rest > 4.0 && rest < 4.6);
    gcr_schedule_destroy(schedule);
}

/* ---- what no node and no desk says ----------------------------------------------------------- */

static void test_rates_that_cannot_be_are_told_from_others(void **state)
{
    const double wrong[] = { -1.0, INFINITY, -INFINITY, NAN };

    (void)state;
    assert_true(gcr_desk_request_fits(&(gcr_desk_request){ .least = 1 }));
    assert_true(gcr_desk_request_fits(&(gcr_desk_request){ 1, 3.0, 0.5 }));
    for (int i = 0; i < 4; i++) {
        assert_false(gcr_desk_request_fits(&(gcr_desk_request){ 1, wrong[i], 0.5 }));
        assert_false(gcr_desk_request_fits(&(gcr_desk_request){ 1, 3.0, wrong[i] }));
    }
}

static void test_grants_of_other_positions_or_unasked_are_told_from_others(void **state)
{
    const gcr_span all = { 100, 50 };
    const gcr_span right[] = { { 100, 50 }, { 149, 1 }, { 150, 0 }, { 100, 0 } };
    const gcr_span wrong[] = { { 99, 2 },
                               { 100, 51 },
                               { 149, 2 },
                               { 150, 1 },
                               { 0, 0 },
                               { 151, 0 },
                               { 120, UINT64_MAX - 10 },
                               { UINT64_MAX, 1 } };
    gcr_supply supply = { .is_waiting = 1 };

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_true(gcr_supply_grant_fits(&supply, all, &(gcr_desk_grant){ right[i], 0 }));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(gcr_supply_grant_fits(&supply, all, &(gcr_desk_grant){ wrong[i], 0 }));
    supply.is_waiting = 0;
    assert_false(gcr_supply_grant_fits(&supply, all, &(gcr_desk_grant){ right[0], 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_get_every_position_once_in_whatever_order_they_ask),
        cmocka_unit_test(test_the_only_node_begins_with_everything),
        cmocka_unit_test(
            test_only_nodes_that_deal_as_they_go_are_fed_and_one_rank_is_told_no_costs),
        cmocka_unit_test(test_shares_are_of_cost_and_end_with_a_dataset),
        cmocka_unit_test(test_a_node_is_as_fast_as_it_was_measured_lately),
        cmocka_unit_test(test_a_leader_asks_some_round_trips_before_its_node_is_dry),
        cmocka_unit_test(test_a_leader_of_a_node_with_nothing_asks_at_once),
        cmocka_unit_test(test_a_leader_rests_while_nothing_runs_short_and_not_while_it_waits),
        cmocka_unit_test(test_a_leader_that_has_just_told_its_rate_rests_by_it),
        cmocka_unit_test(test_rates_that_cannot_be_are_told_from_others),
        cmocka_unit_test(test_grants_of_other_positions_or_unasked_are_told_from_others),
    };

    return cmocka_run_group_tests_name("desk", tests, NULL, NULL);
}
