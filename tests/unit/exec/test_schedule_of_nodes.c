/*
 * tests/unit/exec/test_schedule_of_nodes.c -- one schedule for several processes, and one of
 * several nodes: every position is still dealt once.
 */
#include "exec/schedule.h"

#include "grid/plan_create.h"

#include "support/gcr_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- formulas: no node knows another --------------------------------------------------------- */

/* The owner of each of 6 or so positions on `workers` workers of nodes with one worker each. */
static void owners(gcr_schedule_form form, uint64_t count, int workers, char *text)
{
    int owner[16];

    for (int w = 0; w < workers; w++) {
        const gcr_schedule_spec spec = { .form = form,
                                         .count = count,
                                         .live_count = 1,
                                         .batch = 1,
                                         .workers = 1,
                                         .first_worker = w,
                                         .all_workers = workers };
        gcr_schedule *schedule = NULL;
        gcr_span span;

        assert_ok(gcr_schedule_create(&schedule, &spec));
        while (gcr_schedule_next(schedule, 0, 1, &span) == GCR_SCHEDULE_NOW)
            for (uint64_t i = 0; i < span.count; i++)
                owner[span.first + i] = w;
        gcr_schedule_destroy(schedule);
    }
    for (uint64_t i = 0; i < count; i++)
        text += sprintf(text, i == 0 ? "%d" : " %d", owner[i]);
}

static void test_owners_of_static_and_cyclic_are_those_of_one_node(void **state)
{
    char text[64];

    (void)state;
    owners(GCR_SCHEDULE_CYCLIC, 6, 3, text);
    assert_string_equal(text, "0 1 2 0 1 2");
    owners(GCR_SCHEDULE_STATIC, 6, 3, text);
    assert_string_equal(text, "0 0 1 1 2 2");
    owners(GCR_SCHEDULE_STATIC, 5, 3, text);
    assert_string_equal(text, "0 0 1 1 2");
    owners(GCR_SCHEDULE_STATIC, 2, 4, text);
    assert_string_equal(text, "0 1");
}

/* Notes what the workers of a node take, in turn, until all are told NEVER. */
static void drain(gcr_schedule *schedule, int workers, uint64_t want, unsigned char *dealt)
{
    for (int w = 0, idle = 0; idle < workers; w = (w + 1) % workers) {
        gcr_span span;

        if (gcr_schedule_next(schedule, w, want, &span) != GCR_SCHEDULE_NOW) {
            idle++;
            continue;
        }
        idle = 0;
        for (uint64_t i = 0; i < span.count; i++)
            dealt[span.first + i]++;
    }
}

static void test_formulas_over_uneven_nodes_deal_each_position_once(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC };
    static const int nodes[] = { 3, 1, 4 };
    static const double weights[] = { 1, 2, 1, 8, 0, 1, 1, 3 };

    (void)state;
    for (int f = 0; f < 2; f++)
        for (uint64_t count = 0; count < 70; count++)
            for (int weighted = 0; weighted < 2; weighted++) {
                unsigned char dealt[100] = { 0 };

                for (int n = 0, first = 0; n < 3; first += nodes[n++]) {
                    const gcr_schedule_spec spec = { .form = forms[f],
                                                     .first = 20,
                                                     .count = count,
                                                     .live_count = 7,
                                                     .batch = 3,
                                                     .workers = nodes[n],
                                                     .weights = weighted ? weights : NULL,
                                                     .first_worker = first,
                                                     .all_workers = 8 };
                    gcr_schedule *schedule = NULL;

                    assert_ok(gcr_schedule_create(&schedule, &spec));
                    drain(schedule, nodes[n], 2, dealt);
                    gcr_schedule_destroy(schedule);
                }
                for (uint64_t i = 0; i < 100; i++)
                    assert_int_equal(dealt[i], i >= 20 && i < 20 + count);
            }
}

/* ---- a node that is granted more ------------------------------------------------------------- */

static void test_a_node_waits_as_long_as_it_may_be_granted_more(void **state)
{
    const gcr_schedule_spec spec = {
        .form = GCR_SCHEDULE_DYNAMIC, .live_count = 10, .batch = 1, .workers = 2, .is_fed = 1
    };
    gcr_schedule *schedule = NULL;
    gcr_span span;

    (void)state;
    assert_ok(gcr_schedule_create(&schedule, &spec));
    assert_int_equal(gcr_schedule_next(schedule, 0, 4, &span), GCR_SCHEDULE_LATER);
    assert_true(gcr_schedule_grant(schedule, (gcr_span){ .first = 50, .count = 8 }));
    assert_int_equal(gcr_schedule_next(schedule, 0, 4, &span), GCR_SCHEDULE_NOW);
    assert_int_equal(span.first, 50);
    assert_int_equal(span.count, 4);
    assert_true(gcr_schedule_look(schedule).left == 4.0);
    assert_true(gcr_schedule_look(schedule).in_hand == 4.0);
    assert_int_equal(gcr_schedule_look(schedule).wants, 4 + 1);
    assert_int_equal(gcr_schedule_next(schedule, 1, 4, &span), GCR_SCHEDULE_NOW);
    assert_int_equal(span.first, 54);
    assert_int_equal(gcr_schedule_next(schedule, 1, 4, &span), GCR_SCHEDULE_LATER);
    assert_true(gcr_schedule_is_low(schedule));
    assert_true(gcr_schedule_look(schedule).in_hand == 4.0);
    assert_false(gcr_schedule_is_low(schedule));
    gcr_schedule_close(schedule);
    assert_int_equal(gcr_schedule_next(schedule, 0, 4, &span), GCR_SCHEDULE_NEVER);
    gcr_schedule_destroy(schedule);
}

static void test_a_full_stock_takes_no_more_and_loses_nothing(void **state)
{
    const gcr_schedule_spec spec = {
        .form = GCR_SCHEDULE_GUIDED, .live_count = 3, .batch = 1, .workers = 3, .is_fed = 1
    };
    unsigned char dealt[200] = { 0 };
    gcr_schedule *schedule = NULL;
    uint64_t next = 0;

    (void)state;
    assert_ok(gcr_schedule_create(&schedule, &spec));
    while (next < 200 && gcr_schedule_grant(schedule, (gcr_span){ .first = next, .count = 5 }))
        next += 5;
    assert_true(next > 5 && next < 200);
    for (; next < 200; next += 5) {
        drain(schedule, 3, 2, dealt);
        assert_true(gcr_schedule_grant(schedule, (gcr_span){ .first = next, .count = 5 }));
    }
    gcr_schedule_close(schedule);
    drain(schedule, 3, 2, dealt);
    for (int i = 0; i < 200; i++)
        assert_int_equal(dealt[i], 1);
    gcr_schedule_destroy(schedule);
}

static void test_a_stopped_schedule_deals_no_more(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC,
                                               GCR_SCHEDULE_DYNAMIC, GCR_SCHEDULE_GUIDED };

    (void)state;
    for (int f = 0; f < 4; f++) {
        const gcr_schedule_spec spec = {
            .form = forms[f], .count = 100, .live_count = 10, .batch = 1, .workers = 2
        };
        gcr_schedule *schedule = NULL;
        gcr_span span;

        assert_ok(gcr_schedule_create(&schedule, &spec));
        assert_int_equal(gcr_schedule_next(schedule, 1, 1, &span), GCR_SCHEDULE_NOW);
        gcr_schedule_stop(schedule);
        assert_int_equal(gcr_schedule_next(schedule, 1, 1, &span), GCR_SCHEDULE_NEVER);
        gcr_schedule_destroy(schedule);
    }
}

/* ---- positions of very different cost -------------------------------------------------------- */

/* 100 datasets of one position; the first costs as much as the others together. */
static gcr_costs *one_dear_position(void)
{
    gcr_plan_dataset datasets[100] = { 0 };
    const gcr_plan_spec spec = { .datasets = datasets,
                                 .dataset_count = 100,
                                 .point_count = 1,
                                 .live_count = 1,
                                 .prepared_at_once = 1 };
    gcr_plan *plan = NULL;
    gcr_costs *costs = NULL;

    for (int d = 0; d < 100; d++)
        datasets[d].cell_cost = d == 0 ? 99.0 : 1.0;
    assert_ok(gcr_plan_create(&plan, &spec));
    assert_ok(gcr_costs_create(&costs, plan, 100, 1));
    gcr_plan_destroy(plan);
    return costs;
}

static void test_nothing_waits_behind_a_dear_position(void **state)
{
    gcr_costs *costs = one_dear_position();
    const gcr_schedule_spec spec = { .form = GCR_SCHEDULE_DYNAMIC,
                                     .count = 100,
                                     .live_count = 1,
                                     .batch = 1,
                                     .workers = 2,
                                     .costs = costs };
    gcr_schedule *schedule = NULL;
    gcr_span span;
    uint64_t next = 1;

    (void)state;
    assert_ok(gcr_schedule_create(&schedule, &spec));
    assert_int_equal(gcr_schedule_next(schedule, 0, 1, &span), GCR_SCHEDULE_NOW);
    assert_int_equal(span.first, 0);
    assert_int_equal(span.count, 1);
    for (; gcr_schedule_next(schedule, 1, 1, &span) == GCR_SCHEDULE_NOW; next++) {
        assert_int_equal(span.first, next); /* from the stock, nothing was in worker 0's block */
        assert_int_equal(span.count, 1);
    }
    assert_int_equal(next, 100);
    gcr_schedule_destroy(schedule);
    gcr_costs_destroy(costs);
}

/* ---- several processes ----------------------------------------------------------------------- */

enum { PROCESSES = 4, WORKERS = 8, MOST = 100000 };

typedef struct shared_page {
    _Alignas(64) _Atomic unsigned char dealt[MOST];
    atomic_int granted_all;
} shared_page;

/* Every process maps the memory anew, at an address of its own. */
static void *map(int file, size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

/* What a process does: its workers in turn, until each is told NEVER. */
static int take_all(const gcr_schedule_spec *spec, void *memory, shared_page *page, int process)
{
    gcr_schedule *schedule = NULL;
    int left = WORKERS / PROCESSES;
    unsigned seed = (unsigned)process;

    if (gcr_schedule_attach(&schedule, spec, memory) != GCR_OK)
        return 1;
    while (left > 0) {
        left = 0;
        for (int w = process * WORKERS / PROCESSES; w < (process + 1) * WORKERS / PROCESSES; w++) {
            gcr_span span;
            const uint64_t want = 1 + (uint64_t)rand_r(&seed) % 7;
            const gcr_schedule_answer answer = gcr_schedule_next(schedule, w, want, &span);

            left += answer != GCR_SCHEDULE_NEVER;
            for (uint64_t i = 0; answer == GCR_SCHEDULE_NOW && i < span.count; i++)
                atomic_fetch_add(&page->dealt[span.first + i], 1);
        }
    }
    gcr_schedule_destroy(schedule);
    return 0;
}

/* Grants what the node did not begin with, piece by piece. */
static void feed(gcr_schedule *schedule, uint64_t from, uint64_t end)
{
    unsigned seed = 5;

    while (from < end) {
        uint64_t count = (uint64_t)rand_r(&seed) % 400; /* 0 is a grant, too */

        count = count < end - from ? count : end - from;
        if (gcr_schedule_grant(schedule, (gcr_span){ .first = from, .count = count }))
            from += count;
        (void)gcr_schedule_look(schedule);
    }
    gcr_schedule_close(schedule);
}

static void race(const gcr_schedule_spec *spec, uint64_t end)
{
    const size_t bytes = 1 << 20;
    const int file = memfd_create("schedule", 0);
    shared_page *page;
    char *memory;
    gcr_schedule *schedule = NULL;

    assert_true(file >= 0 && ftruncate(file, (off_t)bytes) == 0);
    assert_true(gcr_schedule_bytes(spec) < bytes - sizeof *page);
    memory = map(file, bytes);
    page = (shared_page *)(void *)(memory + bytes - (sizeof *page + 63) / 64 * 64);
    assert_ok(gcr_schedule_place(&schedule, spec, memory));
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            char *other = map(file, bytes);

            _exit(
                take_all(spec, other, (shared_page *)(void *)(other + ((char *)page - memory)), p));
        }
    }
    if (spec->is_fed)
        feed(schedule, spec->first + spec->count, end);
    for (int p = 0; p < PROCESSES; p++) {
        int status = 1;

        wait(&status);
        assert_int_equal(status, 0);
    }
    for (uint64_t i = 0; i < MOST; i++)
        assert_int_equal(page->dealt[i], i >= spec->first && i < end);
    gcr_schedule_destroy(schedule);
    munmap(memory, bytes);
    close(file);
}

static void test_processes_that_take_at_once_lose_nothing(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC,
                                               GCR_SCHEDULE_DYNAMIC, GCR_SCHEDULE_GUIDED };
    static const uint64_t counts[] = { 0, 1, 5, 333, 20000 };

    (void)state;
    for (int f = 0; f < 4; f++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const gcr_schedule_spec spec = { .form = forms[f],
                                             .first = 77,
                                             .count = counts[c],
                                             .live_count = 30,
                                             .batch = 4,
                                             .workers = WORKERS };

            race(&spec, 77 + counts[c]);
        }
}

static void test_processes_that_are_fed_while_they_take_lose_nothing(void **state)
{
    static const uint64_t opening[] = { 0, 3, 2000 };

    (void)state;
    for (size_t o = 0; o < sizeof opening / sizeof opening[0]; o++) {
        const gcr_schedule_spec spec = { .form =
                                             o == 1 ? GCR_SCHEDULE_GUIDED : GCR_SCHEDULE_DYNAMIC,
                                         .count = opening[o],
                                         .live_count = 30,
                                         .batch = 1,
                                         .workers = WORKERS,
                                         .is_fed = 1 };

        race(&spec, 50000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners_of_static_and_cyclic_are_those_of_one_node),
        cmocka_unit_test(test_formulas_over_uneven_nodes_deal_each_position_once),
        cmocka_unit_test(test_a_node_waits_as_long_as_it_may_be_granted_more),
        cmocka_unit_test(test_a_full_stock_takes_no_more_and_loses_nothing),
        cmocka_unit_test(test_a_stopped_schedule_deals_no_more),
        cmocka_unit_test(test_nothing_waits_behind_a_dear_position),
        cmocka_unit_test(test_processes_that_take_at_once_lose_nothing),
        cmocka_unit_test(test_processes_that_are_fed_while_they_take_lose_nothing),
    };

    return cmocka_run_group_tests_name("schedule of nodes", tests, NULL, NULL);
}
