/* tests/unit/exec/test_schedule.c -- every position is dealt once, to whom the schedule says. */
#include "exec/schedule.h"

#include "support/gcr_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { COUNT_MAX = 5000 };

static gcr_schedule *make(gcr_schedule_form form, uint64_t count, uint64_t live, uint64_t batch,
                          int workers)
{
    const gcr_schedule_spec spec = {
        .form = form, .count = count, .live_count = live, .batch = batch, .workers = workers
    };
    gcr_schedule *schedule = NULL;

    assert_ok(gcr_schedule_create(&schedule, &spec));
    return schedule;
}

/* Lets the workers take batches in turn and notes who got what. */
static void deal(gcr_schedule *schedule, int workers, uint64_t batch, uint64_t count, int *owner)
{
    int left = workers;

    for (uint64_t i = 0; i < count; i++)
        owner[i] = -1;
    while (left > 0) {
        left = 0;
        for (int w = 0; w < workers; w++) {
            gcr_span span;

            if (!gcr_schedule_next(schedule, w, batch, &span))
                continue;
            left++;
            assert_true(span.count > 0 && span.first + span.count <= count);
            for (uint64_t i = span.first; i < span.first + span.count; i++) {
                assert_int_equal(owner[i], -1);
                owner[i] = w;
            }
        }
    }
    for (uint64_t i = 0; i < count; i++)
        assert_true(owner[i] >= 0);
}

static void owners(gcr_schedule_form form, uint64_t count, uint64_t batch, int workers, char *text)
{
    int owner[COUNT_MAX];
    gcr_schedule *schedule = make(form, count, 1, batch, workers);

    deal(schedule, workers, batch, count, owner);
    gcr_schedule_destroy(schedule);
    for (uint64_t i = 0; i < count; i++)
        text += sprintf(text, i == 0 ? "%d" : " %d", owner[i]);
}

static void test_every_position_is_dealt_once_whatever_the_form(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC,
                                               GCR_SCHEDULE_DYNAMIC, GCR_SCHEDULE_GUIDED };
    static const uint64_t counts[] = { 0, 1, 2, 3, 7, 64, 1000, 4999 };
    static const uint64_t batches[] = { 1, 7, 64, 10000 };
    static const uint64_t lives[] = { 1, 5, 64, 5000 };
    int owner[COUNT_MAX];

    (void)state;
    for (int f = 0; f < 4; f++)
        for (int c = 0; c < 8; c++)
            for (int b = 0; b < 4; b++)
                for (int l = 0; l < 4; l++)
                    for (int workers = 1; workers <= 5; workers++) {
                        gcr_schedule *schedule =
                            make(forms[f], counts[c], lives[l], batches[b], workers);

                        deal(schedule, workers, batches[b], counts[c], owner);
                        gcr_schedule_destroy(schedule);
                    }
}

static void test_positions_may_begin_anywhere(void **state)
{
    static const gcr_schedule_form forms[] = { GCR_SCHEDULE_STATIC, GCR_SCHEDULE_CYCLIC,
                                               GCR_SCHEDULE_DYNAMIC, GCR_SCHEDULE_GUIDED };
    static const double weights[] = { 1, 0, 5 };

    (void)state;
    for (int f = 0; f < 4; f++)
        for (uint64_t count = 0; count < 60; count++)
            for (int weighted = 0; weighted < 2; weighted++) {
                const gcr_schedule_spec spec = { .form = forms[f],
                                                 .first = 37,
                                                 .count = count,
                                                 .live_count = 10,
                                                 .batch = 4,
                                                 .workers = 3,
                                                 .weights = weighted ? weights : NULL };
                int owner[100] = { 0 };
                gcr_schedule *schedule;
                gcr_span span;

                assert_ok(gcr_schedule_create(&schedule, &spec));
                for (int w = 0; w < 3; w++)
                    while (gcr_schedule_next(schedule, w, 4, &span))
                        for (uint64_t i = 0; i < span.count; i++)
                            owner[span.first + i]++;
                for (uint64_t i = 0; i < 100; i++)
                    assert_int_equal(owner[i], i >= 37 && i < 37 + count);
                gcr_schedule_destroy(schedule);
            }
}

static void test_blocks_are_as_long_as_their_weights(void **state)
{
    static const double weights[] = { 1, 3 };
    const gcr_schedule_spec spec = { .form = GCR_SCHEDULE_STATIC,
                                     .first = 8,
                                     .count = 8,
                                     .live_count = 2,
                                     .workers = 2,
                                     .weights = weights };
    gcr_schedule *schedule;
    gcr_span span;

    (void)state;
    assert_ok(gcr_schedule_create(&schedule, &spec));
    assert_true(gcr_schedule_next(schedule, 1, 100, &span));
    assert_int_equal(span.first, 10);
    assert_int_equal(span.count, 6);
    gcr_schedule_destroy(schedule);
}

static void test_static_gives_equal_blocks_and_the_first_workers_one_more(void **state)
{
    char text[64];

    (void)state;
    owners(GCR_SCHEDULE_STATIC, 6, 100, 3, text);
    assert_string_equal(text, "0 0 1 1 2 2");
    owners(GCR_SCHEDULE_STATIC, 5, 100, 3, text);
    assert_string_equal(text, "0 0 1 1 2");
    owners(GCR_SCHEDULE_STATIC, 2, 1, 4, text);
    assert_string_equal(text, "0 1");
}

static void test_cyclic_deals_batches_in_turn(void **state)
{
    char text[64];

    (void)state;
    owners(GCR_SCHEDULE_CYCLIC, 6, 1, 3, text);
    assert_string_equal(text, "0 1 2 0 1 2");
    owners(GCR_SCHEDULE_CYCLIC, 7, 2, 2, text);
    assert_string_equal(text, "0 0 1 1 0 0 1");
}

static void test_an_idle_worker_steals_at_the_edge_of_a_dataset(void **state)
{
    gcr_schedule *schedule = make(GCR_SCHEDULE_DYNAMIC, 40, 10, 1, 2);
    gcr_span span;

    (void)state;
    for (int i = 0; i < 20; i++) /* worker 1 empties its own block: datasets 2 and 3 */
        assert_true(gcr_schedule_next(schedule, 1, 1, &span));
    assert_true(gcr_schedule_next(schedule, 1, 1, &span));
    assert_int_equal(span.first, 10); /* dataset 1, whole, from worker 0 that has not begun */
    gcr_schedule_destroy(schedule);
}

static void test_an_idle_worker_shares_the_only_dataset(void **state)
{
    gcr_schedule *schedule = make(GCR_SCHEDULE_DYNAMIC, 100, 100, 1, 2);
    gcr_span span;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_true(gcr_schedule_next(schedule, 1, 1, &span));
    assert_true(gcr_schedule_next(schedule, 1, 1, &span));
    assert_int_equal(span.first, 25);
    gcr_schedule_destroy(schedule);
}

static void test_guided_batches_shrink_and_stop_at_the_least(void **state)
{
    gcr_schedule *schedule = make(GCR_SCHEDULE_GUIDED, 800, 800, 4, 1);
    gcr_span span;
    uint64_t last = UINT64_MAX;

    (void)state;
    assert_true(gcr_schedule_next(schedule, 0, 4, &span));
    assert_int_equal(span.count, 100);
    while (gcr_schedule_next(schedule, 0, 4, &span)) {
        assert_true(span.count <= last);
        assert_true(span.count >= 4 || span.first + span.count == 800);
        last = span.count;
    }
    gcr_schedule_destroy(schedule);
}

/* ---- workers at once ------------------------------------------------------------------------- */

enum { THREADS = 4, RACE_COUNT = 200000 };

static _Atomic unsigned char dealt[RACE_COUNT];

typedef struct racer {
    gcr_schedule *schedule;
    int worker;
} racer;

static void *race(void *arg)
{
    const racer *r = arg;
    gcr_span span;

    while (gcr_schedule_next(r->schedule, r->worker, 1, &span))
        for (uint64_t i = span.first; i < span.first + span.count; i++)
            atomic_fetch_add(&dealt[i], 1);
    return NULL;
}

static void test_threads_that_take_and_steal_at_once_lose_nothing(void **state)
{
    gcr_schedule *schedule = make(GCR_SCHEDULE_DYNAMIC, RACE_COUNT, 333, 1, THREADS);
    pthread_t threads[THREADS];
    racer racers[THREADS];

    (void)state;
    for (int w = 0; w < THREADS; w++) {
        racers[w] = (racer){ .schedule = schedule, .worker = w };
        assert_int_equal(pthread_create(&threads[w], NULL, race, &racers[w]), 0);
    }
    for (int w = 0; w < THREADS; w++)
        pthread_join(threads[w], NULL);
    for (int i = 0; i < RACE_COUNT; i++)
        assert_int_equal(dealt[i], 1);
    gcr_schedule_destroy(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_position_is_dealt_once_whatever_the_form),
        cmocka_unit_test(test_positions_may_begin_anywhere),
        cmocka_unit_test(test_blocks_are_as_long_as_their_weights),
        cmocka_unit_test(test_static_gives_equal_blocks_and_the_first_workers_one_more),
        cmocka_unit_test(test_cyclic_deals_batches_in_turn),
        cmocka_unit_test(test_an_idle_worker_steals_at_the_edge_of_a_dataset),
        cmocka_unit_test(test_an_idle_worker_shares_the_only_dataset),
        cmocka_unit_test(test_guided_batches_shrink_and_stop_at_the_least),
        cmocka_unit_test(test_threads_that_take_and_steal_at_once_lose_nothing),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
