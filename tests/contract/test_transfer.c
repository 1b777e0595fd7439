/* What is measured promises on every backend: copies arrive, alone, and are counted; work is
 * done. */
#include "support/contract.h"

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

/* ---- work ------------------------------------------------------------------------------------ */

enum { ROWS = 100, COUNT = 100000 };

/* Uploads `a`, which is `b` too, works on it and brings back what came out. */
static void work(gcr_work_kind kind, uint64_t n, const void *a, void *out)
{
    const uint64_t in_bytes = gcr_work_in_bytes(kind, n), out_bytes = gcr_work_out_bytes(kind, n);
    gcr_work_args args = { .kind = kind, .n = n };
    gcr_buf *in_dev = NULL, *out_dev = NULL;
    gcr_queue *queue = NULL;

    assert_ok(gcr_queue_open(&queue, device));
    assert_ok(gcr_buf_open(&in_dev, device, GCR_PLACE_DEVICE, in_bytes));
    assert_ok(gcr_buf_open(&out_dev, device, GCR_PLACE_DEVICE, out_bytes));
    args.a = args.b = in_dev;
    args.out = out_dev;
    assert_ok(gcr_upload(queue, in_dev, 0, a, GCR_PLACE_HOST, in_bytes));
    assert_ok(gcr_work(queue, &args));
    assert_ok(gcr_download(queue, out, GCR_PLACE_HOST, out_dev, 0, out_bytes));
    assert_ok(gcr_queue_sync(queue));
    gcr_buf_close(out_dev);
    gcr_buf_close(in_dev);
    gcr_queue_close(queue);
}

static double number(int i)
{
    return fmod(0.6180339887498949 * (i + 1), 1) - 0.3;
}

static void test_products_and_tangents_are_those_of_the_definition(void **state)
{
    static double a[ROWS * ROWS], out[ROWS * ROWS];

    (void)state;
    for (int i = 0; i < ROWS * ROWS; i++)
        a[i] = number(i);
    work(GCR_WORK_MULTIPLY, ROWS, a, out);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            double want = 0;

            for (int k = 0; k < ROWS; k++)
                want += a[i * ROWS + k] * a[k * ROWS + j];
            assert_near(out[i * ROWS + j], want, 1e-13);
        }
    work(GCR_WORK_TANGENT, ROWS * ROWS, a, out);
    for (int i = 0; i < ROWS * ROWS; i++)
        assert_near(out[i], tan(a[i]) + 3 * sin(a[i]), 1e-14);
}

static void test_floats_are_walked_over_and_their_tangents_taken(void **state)
{
    static float a[ROWS * ROWS], out[ROWS * ROWS];

    (void)state;
    for (int i = 0; i < ROWS * ROWS; i++)
        a[i] = (float)number(i);
    work(GCR_WORK_TANGENT_F32, ROWS * ROWS, a, out);
    for (int i = 0; i < ROWS * ROWS; i++)
        assert_near((double)out[i], tan((double)a[i]) + 3 * sin((double)a[i]), 2e-6);
    for (gcr_work_kind kind = GCR_WORK_NEIGHBOURS; kind <= GCR_WORK_APART; kind++) {
        memset(out, 0xff, sizeof out);
        work(kind, ROWS, a, out);
        for (int i = 0; i < ROWS * ROWS; i++)
            assert_true(out[i] == 2 * a[i]);
    }
}

/* Pieces, lanes, halves: backend/measure.h. */
static double lanes_of(const double *a, int64_t count)
{
    double lane[GCR_SUM_LANES] = { 0 };

    for (int64_t i = 0; i < count; i++)
        lane[i % GCR_SUM_LANES] += a[i];
    for (int half = GCR_SUM_LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

static void test_a_sum_has_the_bits_that_its_order_gives(void **state)
{
    static double a[COUNT], out[1 + GCR_SUM_PIECES], parts[GCR_SUM_PIECES];
    static const int counts[] = { 1, 1023, 1025, 5000, COUNT };

    (void)state;
    for (int i = 0; i < COUNT; i++)
        a[i] = number(i);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const int n = counts[c], piece = (n + GCR_SUM_PIECES - 1) / GCR_SUM_PIECES;

        for (int p = 0; p < GCR_SUM_PIECES; p++) {
            const int first = p * piece < n ? p * piece : n;

            parts[p] = lanes_of(a + first, n - first < piece ? n - first : piece);
        }
        work(GCR_WORK_SUM, (uint64_t)n, a, out);
        assert_memory_equal(out + 1, parts, sizeof parts);
        assert_true(out[0] == lanes_of(parts, GCR_SUM_PIECES));
    }
}

static void test_work_outside_its_buffers_is_refused(void **state)
{
    static const uint64_t sizes[] = { 0, 11, UINT64_C(1) << 33, UINT64_C(1) << 63 };
    gcr_work_args args = { .kind = GCR_WORK_MULTIPLY };
    gcr_buf *buf = NULL;
    gcr_queue *queue = NULL;

    (void)state;
    assert_ok(gcr_queue_open(&queue, device));
    assert_ok(gcr_buf_open(&buf, device, GCR_PLACE_DEVICE, 100 * sizeof(double)));
    args.a = args.b = args.out = buf;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        args.n = sizes[k];
        assert_status(gcr_work(queue, &args), GCR_EINVAL);
    }
    gcr_buf_close(buf);
    gcr_queue_close(queue);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_copied_arrives_and_nothing_else_changes),
        cmocka_unit_test(test_bytes_that_cross_are_counted),
        cmocka_unit_test(test_what_does_not_fit_is_refused_with_both_sizes),
        cmocka_unit_test(test_memory_is_taken_and_given_back),
        cmocka_unit_test(test_products_and_tangents_are_those_of_the_definition),
        cmocka_unit_test(test_floats_are_walked_over_and_their_tangents_taken),
        cmocka_unit_test(test_a_sum_has_the_bits_that_its_order_gives),
        cmocka_unit_test(test_work_outside_its_buffers_is_refused),
    };
    const char *name = contract_backend(argc, argv);
    const int why_not = contract_open(&device, name);
    int failed;

    if (why_not != 0)
        return why_not;
    failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    gcr_device_close(device);
    return failed;
}
