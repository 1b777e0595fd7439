/* tests/unit/results/test_kchan.c -- the keyed channel: complete keys, exactly once, never a
 * hang. */
#include "support/gcr_test.h"

#include "base/pool.h"

#include "gridcrunch/kchan.h"

#include <stdatomic.h>

/* Keys 0 and 1 expect 3 and 2 items, key 2 none. */
static gcr_kchan *open_chan(void)
{
    static const uint64_t expected[] = { 3, 2, 0 };
    const gcr_kchan_spec spec = { .key_count = 3, .expected = expected, .item_bytes = 8 };
    gcr_kchan *chan;

    assert_ok(gcr_kchan_create(&chan, &spec));
    return chan;
}

static gcr_status put(gcr_kchan *chan, uint64_t key, uint64_t index, double item)
{
    return gcr_kchan_put(chan, key, index, &item);
}

static void test_items_stand_in_their_order_whenever_they_come(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[3] = { 0 };

    (void)state;
    assert_ok(put(chan, 0, 2, 30));
    assert_ok(put(chan, 0, 0, 10));
    assert_ok(put(chan, 0, 1, 20));
    assert_ok(gcr_kchan_fetch(chan, got, 0, 0));
    assert_true(got[0] == 10 && got[1] == 20 && got[2] == 30);
    gcr_kchan_destroy(chan);
}

static void test_a_key_is_not_ready_before_all_of_it_came(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[3];

    (void)state;
    assert_ok(put(chan, 0, 0, 10));
    assert_ok(put(chan, 0, 1, 20));
    assert_false(gcr_kchan_ready(chan, 0));
    assert_status(gcr_kchan_take(chan, got, 0, 0.01), GCR_ETIMEOUT);
    assert_error_mentions("key 0 is not complete yet");
    assert_ok(put(chan, 0, 2, 30));
    assert_true(gcr_kchan_ready(chan, 0));
    gcr_kchan_destroy(chan);
}

static void test_a_key_that_expects_nothing_is_complete_from_the_start(void **state)
{
    gcr_kchan *chan = open_chan();

    (void)state;
    assert_true(gcr_kchan_ready(chan, 2));
    assert_ok(gcr_kchan_take(chan, NULL, 2, -1));
    assert_status(gcr_kchan_fetch(chan, NULL, 2, -1), GCR_ETAKEN);
    gcr_kchan_destroy(chan);
}

static void test_fetch_leaves_and_take_removes(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[2];

    (void)state;
    assert_ok(put(chan, 1, 0, 1));
    assert_ok(put(chan, 1, 1, 2));
    assert_ok(gcr_kchan_fetch(chan, got, 1, 0));
    assert_ok(gcr_kchan_take(chan, got, 1, 0));
    assert_true(got[0] == 1 && got[1] == 2);
    assert_false(gcr_kchan_ready(chan, 1));
    assert_status(gcr_kchan_take(chan, got, 1, 0), GCR_ETAKEN);
    assert_status(gcr_kchan_fetch(chan, got, 1, -1), GCR_ETAKEN);
    gcr_kchan_destroy(chan);
}

static void test_a_duplicate_is_dropped_and_counted(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[2];

    (void)state;
    assert_ok(put(chan, 1, 0, 1));
    assert_ok(put(chan, 1, 0, 1));
    assert_false(gcr_kchan_ready(chan, 1));
    assert_ok(put(chan, 1, 1, 2));
    assert_ok(gcr_kchan_take(chan, got, 1, 0));
    assert_ok(put(chan, 1, 1, 7)); /* late: what it would have to equal is gone */
    assert_int_equal(gcr_kchan_duplicates(chan), 2);
    gcr_kchan_destroy(chan);
}

static void test_a_duplicate_with_other_bits_is_refused_and_the_first_stays(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[2];

    (void)state;
    assert_ok(put(chan, 1, 0, 0.0));
    assert_status(put(chan, 1, 0, -0.0), GCR_ECONFLICT);
    assert_error_mentions("item 0 of key 1 came twice, and differs");
    assert_ok(put(chan, 1, 1, 2));
    assert_ok(gcr_kchan_fetch(chan, got, 1, 0));
    assert_false(signbit(got[0]));
    assert_int_equal(gcr_kchan_duplicates(chan), 1);
    gcr_kchan_destroy(chan);
}

static void test_after_close_nothing_is_put_and_nobody_waits(void **state)
{
    gcr_kchan *chan = open_chan();
    double got[3];

    (void)state;
    assert_ok(put(chan, 1, 0, 1));
    assert_ok(put(chan, 1, 1, 2));
    gcr_kchan_close(chan, "the instrument was switched off");
    assert_status(put(chan, 0, 0, 1), GCR_ECLOSED);
    assert_status(gcr_kchan_wait(chan, 0, -1), GCR_ECLOSED);
    assert_error_mentions("key 0 will not be complete: the instrument was switched off");
    assert_ok(gcr_kchan_take(chan, got, 1, -1));
    gcr_kchan_destroy(chan);
}

static void test_keys_and_items_that_do_not_exist_are_refused(void **state)
{
    gcr_kchan *chan = open_chan();

    (void)state;
    assert_status(put(chan, 3, 0, 1), GCR_EINVAL);
    assert_error_mentions("no key 3, only 3 of them");
    assert_status(put(chan, 1, 2, 1), GCR_EINVAL);
    assert_error_mentions("key 1 expects 2 items");
    assert_status(gcr_kchan_wait(chan, UINT64_MAX, -1), GCR_EINVAL);
    assert_false(gcr_kchan_ready(chan, UINT64_MAX));
    gcr_kchan_destroy(chan);
}

static void test_a_channel_that_cannot_be_is_refused(void **state)
{
    const uint64_t expected[] = { UINT64_MAX / 4 };
    gcr_kchan_spec spec = { .key_count = 1, .expected = expected, .item_bytes = 8 };
    gcr_kchan *chan;

    (void)state;
    assert_status(gcr_kchan_create(&chan, &spec), GCR_EOVERFLOW);
    assert_null(chan);
    spec.item_bytes = 0;
    assert_status(gcr_kchan_create(&chan, &spec), GCR_EINVAL);
    spec = (gcr_kchan_spec){ .key_count = 1, .item_bytes = 8 };
    assert_status(gcr_kchan_create(&chan, &spec), GCR_EINVAL);
}

static void test_items_that_memory_cannot_hold_are_refused_when_they_come(void **state)
{
    const uint64_t expected[] = { UINT64_C(1) << 59 };
    const gcr_kchan_spec spec = { .key_count = 1, .expected = expected, .item_bytes = 8 };
    gcr_kchan *chan;

    (void)state;
    assert_ok(gcr_kchan_create(&chan, &spec));
    assert_status(put(chan, 0, 0, 1), GCR_ENOMEM);
    assert_status(put(chan, 0, 0, 1), GCR_ENOMEM);
    gcr_kchan_destroy(chan);
}

/* ---- several threads ------------------------------------------------------------------------- */

enum { KEYS = 40, ITEMS = 25, PRODUCERS = 2, CONSUMERS = 2 };

typedef struct scene {
    gcr_kchan *chan;
    atomic_int taken, wrong;
} scene;

/* Each producer puts every item, in an order of its own: half of the puts are duplicates. */
static void produce(scene *s, int worker)
{
    for (int i = 0; i < KEYS * ITEMS; i++) {
        const int at = (i * (worker == 0 ? 7 : 11) + worker) % (KEYS * ITEMS);
        const uint64_t key = (uint64_t)at % KEYS, index = (uint64_t)at / KEYS;
        const double item = (double)(key * ITEMS + index);

        if (gcr_kchan_put(s->chan, key, index, &item) != GCR_OK)
            atomic_fetch_add(&s->wrong, 1);
    }
}

static void consume(scene *s)
{
    for (uint64_t key = 0; key < KEYS; key++) {
        double got[ITEMS] = { 0 };
        const gcr_status status = gcr_kchan_take(s->chan, got, key, -1);

        if (status == GCR_OK) {
            atomic_fetch_add(&s->taken, 1);
            for (uint64_t i = 0; i < ITEMS; i++)
                if (got[i] != (double)(key * ITEMS + i))
                    atomic_fetch_add(&s->wrong, 1);
        } else if (status != GCR_ETAKEN) {
            atomic_fetch_add(&s->wrong, 1);
        }
    }
}

static void act(void *arg, int worker)
{
    if (worker < PRODUCERS)
        produce(arg, worker);
    else
        consume(arg);
}

static void test_with_several_threads_each_key_is_taken_once_and_whole(void **state)
{
    uint64_t expected[KEYS];
    const gcr_kchan_spec spec = { .key_count = KEYS, .expected = expected, .item_bytes = 8 };
    gcr_pool *pool;
    scene s = { .taken = 0 };

    (void)state;
    for (int key = 0; key < KEYS; key++)
        expected[key] = ITEMS;
    assert_ok(gcr_kchan_create(&s.chan, &spec));
    assert_ok(gcr_pool_create(&pool, PRODUCERS + CONSUMERS));
    gcr_pool_start(pool, act, &s);
    gcr_pool_destroy(pool);
    assert_int_equal(s.wrong, 0);
    assert_int_equal(s.taken, KEYS);
    assert_int_equal(gcr_kchan_duplicates(s.chan), KEYS * ITEMS);
    gcr_kchan_destroy(s.chan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_stand_in_their_order_whenever_they_come),
        cmocka_unit_test(test_a_key_is_not_ready_before_all_of_it_came),
        cmocka_unit_test(test_a_key_that_expects_nothing_is_complete_from_the_start),
        cmocka_unit_test(test_fetch_leaves_and_take_removes),
        cmocka_unit_test(test_a_duplicate_is_dropped_and_counted),
        cmocka_unit_test(test_a_duplicate_with_other_bits_is_refused_and_the_first_stays),
        cmocka_unit_test(test_after_close_nothing_is_put_and_nobody_waits),
        cmocka_unit_test(test_keys_and_items_that_do_not_exist_are_refused),
        cmocka_unit_test(test_a_channel_that_cannot_be_is_refused),
        cmocka_unit_test(test_items_that_memory_cannot_hold_are_refused_when_they_come),
        cmocka_unit_test(test_with_several_threads_each_key_is_taken_once_and_whole),
    };

    return cmocka_run_group_tests_name("kchan", tests, NULL, NULL);
}
