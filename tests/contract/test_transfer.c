/* What copies that are measured promise on every backend: they arrive, alone, and are counted. */
#include "support/gcr_test.h"

#include "backend/backend.h"

#include <stdio.h>

enum { BYTES = 1 << 20, COPIES = 5, PEER = 1 };

static gcr_device *device;

typedef struct measured {
    gcr_queue *queue;
    gcr_transfer *transfer;
    unsigned char *bytes; /* [BYTES] */
} measured;

/* False where the device has no such memory, which it says. */
static int begin(measured *m, gcr_memory_kind kind)
{
    const gcr_transfer_spec spec = { .kind = kind, .bytes = BYTES, .peer = PEER };
    gcr_status status;

    *m = (measured){ .bytes = malloc(BYTES) };
    assert_non_null(m->bytes);
    assert_ok(gcr_queue_open(&m->queue, device));
    status = gcr_transfer_open(&m->transfer, m->queue, &spec);
    if (status != GCR_OK && status != GCR_EUNSUPPORTED)
        fail_msg("%s memory: %s", gcr_memory_kind_name(kind), gcr_last_error());
    if (status == GCR_EUNSUPPORTED)
        assert_true(gcr_last_error()[0] != '\0');
    return status == GCR_OK;
}

static void end(measured *m)
{
    gcr_transfer_close(m->transfer);
    gcr_queue_close(m->queue);
    free(m->bytes);
}

static unsigned char value_of(gcr_memory_kind kind, gcr_way way, gcr_end at, int i)
{
    return (unsigned char)(i * 31 + i / 251 + 50 * (int)at + 7 * (int)way + 3 * (int)kind);
}

static void fill(measured *m, gcr_memory_kind kind, gcr_way way, gcr_end at)
{
    for (int i = 0; i < BYTES; i++)
        m->bytes[i] = value_of(kind, way, at, i);
    assert_ok(gcr_transfer_put(m->transfer, at, 0, m->bytes, BYTES));
}

/* The first `count` bytes of `to` are those of `from`, and the others its own. */
static void check(measured *m, gcr_memory_kind kind, gcr_way way, gcr_end from, gcr_end to,
                  int count)
{
    assert_ok(gcr_transfer_get(m->transfer, m->bytes, to, 0, BYTES));
    for (int i = 0; i < BYTES; i++)
        if (m->bytes[i] != value_of(kind, way, i < count ? from : to, i))
            fail_msg("%s memory, %s, %d bytes: byte %d is wrong", gcr_memory_kind_name(kind),
                     gcr_way_name(way), count, i);
}

static void copy_once(measured *m, gcr_memory_kind kind, gcr_way way, int count)
{
    const int most = gcr_transfer_copies_max(kind);
    const int ends = gcr_transfer_goes(kind, GCR_WAY_DOWN) ? GCR_END_COUNT : GCR_END_DOWN_FROM;
    double seconds = 0;

    for (int e = 0; e < ends; e++)
        fill(m, kind, way, (gcr_end)e);
    assert_ok(gcr_transfer_time(&seconds, m->transfer, way, (uint64_t)count,
                                most < COPIES ? most : COPIES));
    assert_true(seconds > 0 && seconds < 10);
    check(m, kind, way, GCR_END_UP_FROM, GCR_END_UP_TO, way == GCR_WAY_DOWN ? 0 : count);
    if (ends == GCR_END_COUNT)
        check(m, kind, way, GCR_END_DOWN_FROM, GCR_END_DOWN_TO, way == GCR_WAY_UP ? 0 : count);
}

static void test_what_is_copied_arrives_and_nothing_else_changes(void **state)
{
    static const int counts[] = { 1, 4, 4097, BYTES };

    (void)state;
    for (int kind = 0; kind < GCR_MEMORY_KIND_COUNT; kind++) {
        measured m;
        const int is_there = begin(&m, (gcr_memory_kind)kind);

        for (int way = 0; is_there && way < GCR_WAY_COUNT; way++)
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
                if (gcr_transfer_goes((gcr_memory_kind)kind, (gcr_way)way))
                    copy_once(&m, (gcr_memory_kind)kind, (gcr_way)way, counts[c]);
        end(&m);
    }
}

static void test_bytes_that_cross_are_counted(void **state)
{
    measured m;
    double seconds;

    (void)state;
    assert_true(begin(&m, GCR_MEMORY_PINNED));
    assert_ok(gcr_transfer_time(&seconds, m.transfer, GCR_WAY_UP, 100, 2));
    assert_ok(gcr_transfer_time(&seconds, m.transfer, GCR_WAY_DOWN, 1000, 3));
    assert_ok(gcr_transfer_time(&seconds, m.transfer, GCR_WAY_BOTH, 10000, 4));
    assert_int_equal(m.queue->ledger.up_bytes, 2 * 100 + 4 * 10000);
    assert_int_equal(m.queue->ledger.up_calls, 2 + 4);
    assert_int_equal(m.queue->ledger.down_bytes, 3 * 1000 + 4 * 10000);
    assert_int_equal(m.queue->ledger.down_calls, 3 + 4);
    end(&m);
}

static void test_what_does_not_fit_is_refused_with_both_sizes(void **state)
{
    gcr_transfer *transfer = NULL;
    gcr_queue *queue = NULL;

    (void)state;
    assert_ok(gcr_queue_open(&queue, device));
    assert_status(
        gcr_transfer_open(&transfer, queue, &(gcr_transfer_spec){ .bytes = UINT64_C(1) << 50 }),
        GCR_ENOMEM);
    assert_error_mentions("two blocks of 1.0 PiB do not fit");
    assert_null(transfer);
    gcr_queue_close(queue);
}

static void test_memory_is_taken_and_given_back(void **state)
{
    gcr_queue *queue = NULL;
    double take = -1, give = -1;

    (void)state;
    assert_ok(gcr_queue_open(&queue, device));
    for (int what = 0; what < GCR_COST_COUNT; what++) {
        assert_ok(gcr_memory_cost_of(&take, &give, queue, (gcr_memory_cost)what, BYTES));
        assert_true(take >= 0 && give >= 0);
    }
    gcr_queue_close(queue);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_copied_arrives_and_nothing_else_changes),
        cmocka_unit_test(test_bytes_that_cross_are_counted),
        cmocka_unit_test(test_what_does_not_fit_is_refused_with_both_sizes),
        cmocka_unit_test(test_memory_is_taken_and_given_back),
    };
    const char *name = argc > 1 ? argv[1] : "cpu";
    const gcr_backend *backend = gcr_backend_find(name);
    gcr_status status;
    int failed;

    if (backend == NULL) {
        fprintf(stderr, "this build has no backend %s\n", name);
        return gcr_test_no_device(name);
    }
    status = gcr_device_open(&device, backend, 0);
    if (status != GCR_OK) {
        fprintf(stderr, "%s\n", gcr_last_error());
        return status == GCR_EUNSUPPORTED ? gcr_test_no_device(name) : 1;
    }
    failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    gcr_device_close(device);
    return failed;
}
