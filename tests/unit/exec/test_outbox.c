/* tests/unit/exec/test_outbox.c -- a few packets are on their way, and no more; one rank sends to
 * itself. */
#include "exec/outbox.h"

#include "base/clock.h"
#include "support/gcr_test.h"

#include <time.h>

enum { TAG = 5, ROOM = 100 };

typedef struct scene {
    gcr_comm *comm;
    gcr_outbox box;
} scene;

static void open_scene(scene *s)
{
    assert_ok(gcr_comm_open_alone(&s->comm));
    assert_ok(gcr_outbox_open(&s->box, s->comm, 0, TAG, ROOM));
}

static void close_scene(scene *s)
{
    gcr_outbox_close(&s->box);
    gcr_comm_close(s->comm);
}

static void fill(scene *s, char with, uint64_t bytes)
{
    gcr_packet *packet = gcr_outbox_packet(&s->box);

    assert_non_null(packet);
    assert_int_equal(packet->room, ROOM);
    memset(packet->bytes + packet->used, with, bytes);
    packet->used += bytes;
}

static int is_under_way(scene *s)
{
    int count = 0;

    assert_ok(gcr_outbox_look(&s->box));
    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++)
        count += s->box.sends[i] != NULL;
    return count > 0;
}

/* Takes the next message, which has `bytes` of `with`. */
static void take(scene *s, char with, uint64_t bytes)
{
    gcr_message message;
    int found;

    assert_ok(gcr_comm_look(&message, &found, s->comm));
    assert_true(found);
    assert_int_equal(message.tag, TAG);
    assert_int_equal(message.count, bytes);
    for (uint64_t i = 0; i < bytes; i++)
        assert_int_equal(((const char *)message.bytes)[i], with);
}

static void test_what_is_filled_is_sent_when_that_is_said(void **state)
{
    scene s;

    (void)state;
    open_scene(&s);
    assert_ok(gcr_outbox_send(&s.box)); /* nothing is there */
    assert_int_equal(s.box.messages, 0);
    assert_false(gcr_outbox_has_unsent(&s.box));
    fill(&s, 'a', 30);
    fill(&s, 'a', 20);
    assert_false(is_under_way(&s));
    assert_true(gcr_outbox_has_unsent(&s.box));
    assert_ok(gcr_outbox_send(&s.box));
    assert_false(gcr_outbox_has_unsent(&s.box));
    assert_int_equal(s.box.messages, 1);
    assert_int_equal(s.box.bytes, 50);
    take(&s, 'a', 50);
    assert_false(is_under_way(&s));
    close_scene(&s);
}

static void test_what_has_not_been_there_long_is_not_old(void **state)
{
    scene s;

    (void)state;
    open_scene(&s);
    fill(&s, 'b', 1);
    assert_ok(gcr_outbox_send_old(&s.box, 1000));
    assert_int_equal(s.box.messages, 0);
    assert_ok(gcr_outbox_send_old(&s.box, 0));
    assert_int_equal(s.box.messages, 1);
    assert_ok(gcr_outbox_send_old(&s.box, 0)); /* the next is empty */
    assert_int_equal(s.box.messages, 1);
    take(&s, 'b', 1);
    close_scene(&s);
}

static void test_where_all_are_on_their_way_there_is_none_to_fill(void **state)
{
    scene s;

    (void)state;
    open_scene(&s);
    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++) {
        fill(&s, (char)('0' + i), 10);
        assert_ok(gcr_outbox_send(&s.box));
    }
    assert_null(gcr_outbox_packet(&s.box));
    assert_false(gcr_outbox_has_unsent(&s.box));
    assert_ok(gcr_outbox_send(&s.box));
    assert_int_equal(s.box.messages, GCR_OUTBOX_PACKETS);
    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++)
        take(&s, (char)('0' + i), 10);
    assert_false(is_under_way(&s));
    assert_non_null(gcr_outbox_packet(&s.box));
    assert_int_equal(gcr_outbox_packet(&s.box)->used, 0);
    close_scene(&s);
}

static void nap(double seconds)
{
    const struct timespec time = { .tv_nsec = (long)(seconds * 1e9) };

    nanosleep(&time, NULL);
}

/* From the first that is sent until the last is found to have arrived; not what lies between. */
static void test_only_the_time_counts_in_which_some_are_on_their_way(void **state)
{
    double once, begin;
    scene s;

    (void)state;
    open_scene(&s);
    fill(&s, 'c', 10);
    nap(0.02);
    assert_false(is_under_way(&s));
    assert_true(gcr_outbox_seconds(&s.box) == 0.0); /* it is only being filled */
    begin = gcr_clock_seconds();
    assert_ok(gcr_outbox_send(&s.box));
    nap(0.01);
    fill(&s, 'd', 10);
    assert_ok(gcr_outbox_send(&s.box));
    nap(0.01);
    assert_true(gcr_outbox_seconds(&s.box) >= 0.02);
    take(&s, 'c', 10);
    take(&s, 'd', 10);
    assert_false(is_under_way(&s));
    once = gcr_outbox_seconds(&s.box);
    assert_true(once >= 0.02 && once <= gcr_clock_seconds() - begin);
    nap(0.02);
    assert_false(is_under_way(&s));
    assert_true(gcr_outbox_seconds(&s.box) == once);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_filled_is_sent_when_that_is_said),
        cmocka_unit_test(test_what_has_not_been_there_long_is_not_old),
        cmocka_unit_test(test_where_all_are_on_their_way_there_is_none_to_fill),
        cmocka_unit_test(test_only_the_time_counts_in_which_some_are_on_their_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
