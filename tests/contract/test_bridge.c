/*
 * What a bridge promises on every backend: bytes that one device sends to itself arrive, in order,
 * and are counted; a backend without bridges says so. More ranks than one need more devices than
 * one: tests/cuda.
 *
 * test_contract_bridge BACKEND measure: how long it takes, by the clock of the host.
 */
#include "support/contract.h"

#include "base/clock.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 64 << 20, SAMPLES = 21 };

static const double wait_seconds = 60;

static gcr_device *device;

typedef struct setup {
    gcr_queue *queue;
    gcr_event *event;
    gcr_buf *from, *to;
    gcr_bridge *bridge;
    unsigned char *bytes;
} setup;

static void open_bridge(setup *s)
{
    gcr_bridge_spec spec = { .size = 1, .seconds = wait_seconds };

    assert_ok(gcr_bridge_make_id(&spec.id, device));
    assert_ok(gcr_bridge_open(&s->bridge, device, &spec));
}

static void begin(setup *s, uint64_t bytes)
{
    *s = (setup){ .bytes = malloc(bytes) };
    assert_non_null(s->bytes);
    assert_ok(gcr_queue_open(&s->queue, device));
    assert_ok(gcr_event_open(&s->event, device));
    assert_ok(gcr_buf_open(&s->from, device, GCR_PLACE_DEVICE, bytes));
    assert_ok(gcr_buf_open(&s->to, device, GCR_PLACE_DEVICE, bytes));
    open_bridge(s);
}

static void end(setup *s)
{
    gcr_bridge_close(s->bridge);
    gcr_buf_close(s->to);
    gcr_buf_close(s->from);
    gcr_event_close(s->event);
    gcr_queue_close(s->queue);
    free(s->bytes);
}

static unsigned char byte_of(uint64_t i, int seed)
{
    return (unsigned char)(i * 7 + i / 253 + (uint64_t)seed);
}

static void upload(setup *s, uint64_t bytes, int seed)
{
    for (uint64_t i = 0; i < bytes; i++)
        s->bytes[i] = byte_of(i, seed);
    assert_ok(gcr_upload(s->queue, s->from, 0, s->bytes, GCR_PLACE_HOST, bytes));
}

static void wait_for_all(setup *s)
{
    assert_ok(gcr_event_record(s->event, s->queue));
    assert_ok(gcr_bridge_wait(s->bridge, s->event, wait_seconds));
}

static void check(setup *s, const gcr_buf *buf, uint64_t offset, uint64_t bytes, int seed)
{
    memset(s->bytes, 0, bytes);
    assert_ok(gcr_download(s->queue, s->bytes, GCR_PLACE_HOST, buf, offset, bytes));
    wait_for_all(s);
    for (uint64_t i = 0; i < bytes; i++)
        if (s->bytes[i] != byte_of(i, seed))
            fail_msg("byte %d of %d is %d", (int)i, (int)bytes, s->bytes[i]);
}

static void pass(setup *s, uint64_t offset, uint64_t bytes)
{
    const gcr_bridge_part parts[] = {
        { .buf = s->from, .bytes = bytes },
        { .buf = s->to, .offset = offset, .bytes = bytes, .is_received = 1 },
    };

    assert_ok(gcr_bridge_pass(s->queue, s->bridge, parts, 2));
}

/* Nothing but the bridge stands between the upload and the download. */
static void test_what_a_device_sends_to_itself_arrives(void **state)
{
    static const uint64_t sizes[] = { 1, 8, 4097, 1 << 20, (8 << 20) + 3 };
    setup s;

    (void)state;
    begin(&s, 16 << 20);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        upload(&s, sizes[k], (int)k);
        pass(&s, 5, sizes[k]);
        check(&s, s.to, 5, sizes[k], (int)k);
    }
    end(&s);
}

static void test_what_is_passed_is_counted(void **state)
{
    setup s;

    (void)state;
    begin(&s, 4096);
    upload(&s, 100, 1);
    pass(&s, 0, 100);
    pass(&s, 100, 50);
    wait_for_all(&s);
    assert_int_equal(s.queue->ledger.sent_bytes, 150);
    assert_int_equal(s.queue->ledger.sent_calls, 2);
    assert_int_equal(s.queue->ledger.received_bytes, 150);
    assert_int_equal(s.queue->ledger.received_calls, 2);
    end(&s);
}

static void test_a_broadcast_of_one_changes_nothing(void **state)
{
    setup s;

    (void)state;
    begin(&s, 1 << 20);
    upload(&s, 1 << 20, 9);
    assert_ok(gcr_bridge_broadcast(s.queue, s.bridge, s.from, 3, (1 << 20) - 3, 0));
    check(&s, s.from, 0, 1 << 20, 9);
    end(&s);
}

static void test_a_broken_bridge_says_so_and_the_device_goes_on(void **state)
{
    setup s;

    (void)state;
    begin(&s, 4096);
    assert_ok(gcr_bridge_check(s.bridge));
    gcr_bridge_give_up(s.bridge);
    assert_status(gcr_bridge_check(s.bridge), GCR_EDEVICE);
    gcr_bridge_close(s.bridge);
    open_bridge(&s); /* and another may be opened */
    upload(&s, 4096, 3);
    pass(&s, 0, 4096);
    check(&s, s.to, 0, 4096, 3);
    end(&s);
}

static void test_a_backend_without_bridges_says_so(void **state)
{
    const gcr_bridge_spec spec = { .size = 1, .seconds = 1 };
    gcr_bridge *bridge;
    gcr_bridge_id id;
    char name[GCR_BRIDGE_NAME_BYTES];

    (void)state;
    assert_status(gcr_bridge_name(name, device), GCR_EUNSUPPORTED);
    assert_true(gcr_last_error()[0] != '\0');
    assert_string_equal(name, "");
    assert_status(gcr_bridge_make_id(&id, device), GCR_EUNSUPPORTED);
    assert_status(gcr_bridge_open(&bridge, device, &spec), GCR_EUNSUPPORTED);
    assert_null(bridge);
}

/* ---- how long it takes ----------------------------------------------------------------------- */

static int is_less(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double time_pass(setup *s, uint64_t bytes)
{
    double seconds[SAMPLES];

    for (int k = -3; k < SAMPLES; k++) {
        const double start = gcr_clock_seconds();

        pass(s, 0, bytes);
        wait_for_all(s);
        if (k >= 0)
            seconds[k] = gcr_clock_seconds() - start;
    }
    qsort(seconds, SAMPLES, sizeof seconds[0], is_less);
    return seconds[SAMPLES / 2];
}

static void test_how_long_it_takes(void **state)
{
    setup s;

    (void)state;
    begin(&s, BLOCK_BYTES);
    upload(&s, BLOCK_BYTES, 1);
    printf("bytes,us,GB_per_s\n");
    for (uint64_t bytes = 8; bytes <= BLOCK_BYTES; bytes *= 8) {
        const double seconds = time_pass(&s, bytes);

        printf("%llu,%.1f,%.3f\n", (unsigned long long)bytes, 1e6 * seconds,
               1e-9 * (double)bytes / seconds);
    }
    check(&s, s.to, 0, 16 << 20, 1);
    end(&s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest with[] = {
        cmocka_unit_test(test_what_a_device_sends_to_itself_arrives),
        cmocka_unit_test(test_what_is_passed_is_counted),
        cmocka_unit_test(test_a_broadcast_of_one_changes_nothing),
        cmocka_unit_test(test_a_broken_bridge_says_so_and_the_device_goes_on),
    };
    const struct CMUnitTest without[] = {
        cmocka_unit_test(test_a_backend_without_bridges_says_so),
    };
    const struct CMUnitTest measured[] = {
        cmocka_unit_test(test_how_long_it_takes),
    };
    const char *backend = contract_backend(argc, argv);
    const int measures = argc > 2 && strcmp(argv[2], "measure") == 0;
    const int why_not = contract_open(&device, backend);
    char name[GCR_BRIDGE_NAME_BYTES];
    int failed, has_bridges;

    if (why_not != 0)
        return why_not;
    has_bridges = gcr_bridge_name(name, device) == GCR_OK;
    fprintf(stderr, "%s\n", has_bridges ? name : gcr_last_error());
    if (measures && has_bridges)
        failed = cmocka_run_group_tests_name(backend, measured, NULL, NULL);
    else if (measures)
        failed = GCR_TEST_SKIPPED;
    else if (has_bridges)
        failed = cmocka_run_group_tests_name(backend, with, NULL, NULL);
    else
        failed = cmocka_run_group_tests_name(backend, without, NULL, NULL);
    gcr_device_close(device);
    return failed;
}
