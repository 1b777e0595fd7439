/* tests/unit/results/test_gate.c -- waiting for keys: time limits, closing, one taker. */
#include "support/gcr_test.h"

#include "base/clock.h"
#include "base/pool.h"
#include "results/gate.h"

#include <stdatomic.h>

static gcr_gate *open_gate(uint64_t keys)
{
    gcr_gate *gate;

    assert_ok(gcr_gate_create(&gate, keys));
    return gate;
}

static void test_a_key_is_ready_once_it_is_opened_and_no_other_is(void **state)
{
    gcr_gate *gate = open_gate(3);

    (void)state;
    assert_false(gcr_gate_is_open(gate, 1));
    gcr_gate_open(gate, 1);
    assert_true(gcr_gate_is_open(gate, 1));
    assert_false(gcr_gate_is_open(gate, 0));
    assert_ok(gcr_gate_wait(gate, 1, "key 1", 0));
    gcr_gate_destroy(gate);
}

static void test_a_wait_for_a_pending_key_ends_with_its_time(void **state)
{
    gcr_gate *gate = open_gate(1);
    const double begin = gcr_clock_seconds();

    (void)state;
    assert_status(gcr_gate_wait(gate, 0, "dataset 'a'", 0.02), GCR_ETIMEOUT);
    assert_error_mentions("dataset 'a' is not complete yet");
    assert_true(gcr_clock_seconds() - begin >= 0.02);
    assert_status(gcr_gate_wait(gate, 0, "dataset 'a'", 0), GCR_ETIMEOUT);
    gcr_gate_destroy(gate);
}

static void test_what_is_taken_is_gone_for_everybody_else(void **state)
{
    gcr_gate *gate = open_gate(1);

    (void)state;
    gcr_gate_open(gate, 0);
    assert_ok(gcr_gate_take(gate, 0, "key 0", 0));
    assert_true(gcr_gate_is_taken(gate, 0));
    assert_status(gcr_gate_take(gate, 0, "key 0", 0), GCR_ETAKEN);
    assert_error_mentions("key 0 has been taken already");
    assert_status(gcr_gate_wait(gate, 0, "key 0", -1), GCR_ETAKEN);
    gcr_gate_destroy(gate);
}

static void test_a_closed_gate_still_hands_out_what_was_ready(void **state)
{
    gcr_gate *gate = open_gate(2);

    (void)state;
    gcr_gate_open(gate, 0);
    gcr_gate_close(gate, "the power failed");
    gcr_gate_close(gate, "a later reason");
    assert_ok(gcr_gate_wait(gate, 0, "key 0", -1));
    assert_status(gcr_gate_wait(gate, 1, "key 1", -1), GCR_ECLOSED);
    assert_error_mentions("key 1 will not be complete: the power failed");
    gcr_gate_destroy(gate);
}

/* ---- several threads ------------------------------------------------------------------------- */

enum { THREADS = 4, KEYS = 64 };

typedef struct scene {
    gcr_gate *gate;
    int values[KEYS]; /* not atomic: the gate orders them */
    atomic_int taken[KEYS], closed, wrong;
} scene;

static void take_all(void *arg, int worker)
{
    scene *s = arg;

    for (int i = 0; i < KEYS; i++) {
        const int key = (i + worker * 16) % KEYS;
        const gcr_status got = gcr_gate_take(s->gate, (uint64_t)key, "key", -1);

        if (got == GCR_OK && s->values[key] == key + 1)
            atomic_fetch_add(&s->taken[key], 1);
        else if (got != GCR_ETAKEN)
            atomic_fetch_add(&s->wrong, 1);
    }
}

static void test_of_several_takers_one_gets_each_key_and_sees_what_was_written(void **state)
{
    gcr_pool *pool;
    scene s = { .gate = open_gate(KEYS) };

    (void)state;
    assert_ok(gcr_pool_create(&pool, THREADS));
    gcr_pool_start(pool, take_all, &s);
    for (int key = 0; key < KEYS; key++) {
        s.values[key] = key + 1;
        gcr_gate_open(s.gate, (uint64_t)key);
    }
    gcr_pool_destroy(pool);
    assert_int_equal(s.wrong, 0);
    for (int key = 0; key < KEYS; key++)
        assert_int_equal(s.taken[key], 1);
    gcr_gate_destroy(s.gate);
}

static void wait_for_close(void *arg, int worker)
{
    scene *s = arg;

    if (gcr_gate_wait(s->gate, (uint64_t)worker, "key", -1) == GCR_ECLOSED)
        atomic_fetch_add(&s->closed, 1);
}

static void test_closing_wakes_all_who_wait(void **state)
{
    gcr_pool *pool;
    scene s = { .gate = open_gate(THREADS) };

    (void)state;
    assert_ok(gcr_pool_create(&pool, THREADS));
    gcr_pool_start(pool, wait_for_close, &s);
    assert_false(gcr_pool_wait(pool, 0.01));
    gcr_gate_close(s.gate, "done");
    gcr_pool_destroy(pool);
    assert_int_equal(s.closed, THREADS);
    gcr_gate_destroy(s.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_ready_once_it_is_opened_and_no_other_is),
        cmocka_unit_test(test_a_wait_for_a_pending_key_ends_with_its_time),
        cmocka_unit_test(test_what_is_taken_is_gone_for_everybody_else),
        cmocka_unit_test(test_a_closed_gate_still_hands_out_what_was_ready),
        cmocka_unit_test(test_of_several_takers_one_gets_each_key_and_sees_what_was_written),
        cmocka_unit_test(test_closing_wakes_all_who_wait),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
