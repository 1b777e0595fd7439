/* Copies that are measured: they arrive, wait behind the gate, and each call of CUDA fails once. */
#include "support/cuda_stage.h"

#include "cuda/measure_launch.h"

enum { BYTES = 1000, COPIES = 3, KINDS = GCR_MEMORY_KIND_COUNT };

typedef struct bench_stage {
    gcr_device *device;
    gcr_queue *queue;
    gcr_transfer *transfer;
} bench_stage;

static gcr_status open_stage(bench_stage *s, gcr_memory_kind kind)
{
    const gcr_transfer_spec spec = { .kind = kind, .bytes = BYTES, .peer = 1 };
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_device_open(&s->device, &gcr_cuda_backend, 0));
    GCR_TRY(gcr_queue_open(&s->queue, s->device));
    GCR_TRY(gcr_transfer_open(&s->transfer, s->queue, &spec));
out:
    return status;
}

static void close_stage(bench_stage *s)
{
    gcr_transfer_close(s->transfer);
    gcr_queue_close(s->queue);
    gcr_device_close(s->device);
}

/* The first byte of what an end holds; each end of each kind another. */
static unsigned char mark(gcr_memory_kind kind, gcr_end end)
{
    return (unsigned char)(1 + 10 * kind + end);
}

static gcr_status fill(bench_stage *s, gcr_memory_kind kind, gcr_end end)
{
    static unsigned char bytes[BYTES]; /* a copy whose wait fails may come later */

    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(mark(kind, end) + i);
    return gcr_transfer_put(s->transfer, end, 0, bytes, BYTES);
}

/* `to` holds the first `count` bytes of `from` and behind these its own. */
static gcr_status check(bench_stage *s, gcr_memory_kind kind, gcr_end from, gcr_end to, int count)
{
    gcr_status status = GCR_OK;
    static unsigned char bytes[BYTES]; /* a copy whose wait fails may come later */

    GCR_TRY(gcr_transfer_get(s->transfer, bytes, to, 0, BYTES));
    for (int i = 0; i < BYTES; i++)
        assert_int_equal(bytes[i], (unsigned char)(mark(kind, i < count ? from : to) + i));
out:
    return status;
}

/* All that a benchmark does with one kind of memory, one way. */
static gcr_status drive_way(bench_stage *s, gcr_memory_kind kind, gcr_way way, int count)
{
    gcr_status status = GCR_OK;
    const int copies = gcr_transfer_copies_max(kind) < COPIES ? 1 : COPIES;
    const int goes_down = gcr_transfer_goes(kind, GCR_WAY_DOWN);
    double seconds = 0;

    for (int e = 0; e < (goes_down ? GCR_END_COUNT : GCR_END_DOWN_FROM); e++)
        GCR_TRY(fill(s, kind, (gcr_end)e));
    GCR_TRY(gcr_transfer_time(&seconds, s->transfer, way, (uint64_t)count, copies));
    assert_true(seconds > 0);
    if (way != GCR_WAY_DOWN)
        GCR_TRY(check(s, kind, GCR_END_UP_FROM, GCR_END_UP_TO, count));
    if (way != GCR_WAY_UP)
        GCR_TRY(check(s, kind, GCR_END_DOWN_FROM, GCR_END_DOWN_TO, count));
    if (goes_down && way == GCR_WAY_UP)
        GCR_TRY(check(s, kind, GCR_END_DOWN_TO, GCR_END_DOWN_TO, BYTES));
out:
    return status;
}

static gcr_status drive_costs(bench_stage *s)
{
    gcr_status status = GCR_OK;
    double take = -1, give = -1;

    for (int c = 0; c < GCR_COST_COUNT; c++) {
        GCR_TRY(gcr_memory_cost_of(&take, &give, s->queue, (gcr_memory_cost)c, BYTES));
        assert_true(take >= 0 && give >= 0);
    }
out:
    return status;
}

static gcr_status drive(bench_stage *s, gcr_memory_kind kind)
{
    gcr_status status = GCR_OK;

    fake_cuda.device_count = 2;
    GCR_TRY(open_stage(s, kind));
    for (int way = 0; way < GCR_WAY_COUNT; way++)
        if (gcr_transfer_goes(kind, (gcr_way)way))
            GCR_TRY(drive_way(s, kind, (gcr_way)way, BYTES - 7));
out:
    return status;
}

static void test_what_is_copied_arrives_from_each_kind_of_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        bench_stage s = { 0 };

        assert_ok(drive(&s, (gcr_memory_kind)kind));
        close_stage(&s);
        assert_clean();
    }
}

static void test_copies_stand_behind_one_gate(void **state)
{
    static const gcr_memory_kind gated[] = { GCR_MEMORY_PINNED, GCR_MEMORY_MAPPED,
                                             GCR_MEMORY_DEVICE, GCR_MEMORY_PEER };

    (void)state;
    for (size_t k = 0; k < sizeof gated / sizeof gated[0]; k++) {
        bench_stage s = { 0 };
        int gates = 0, first;
        double seconds = 0;

        fake_cuda.device_count = 2;
        assert_ok(open_stage(&s, gated[k]));
        first = fake_cuda.launch_count;
        assert_ok(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES, COPIES));
        for (int l = first; l < fake_cuda.launch_count; l++)
            gates += strcmp(fake_cuda.launches[l].kernel, "gcr_gate") == 0;
        assert_int_equal(gates, 1);
        assert_false(s.transfer->has_clock_of_host);
        assert_near(seconds, 1e-6 * (COPIES + 1), 1e-9); /* and the mark at the end */
        close_stage(&s);
        assert_clean();
    }
}

/* The driver's part of such a copy is done by the host, which would wait for itself. */
static void test_what_the_host_has_a_part_in_waits_behind_no_gate(void **state)
{
    static const gcr_memory_kind kinds[] = { GCR_MEMORY_PAGEABLE, GCR_MEMORY_MANAGED };

    (void)state;
    for (int k = 0; k < 2; k++) {
        bench_stage s = { 0 };
        double seconds = 0;
        int first;

        assert_ok(open_stage(&s, kinds[k]));
        first = fake_cuda.launch_count;
        assert_ok(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES, 1));
        for (int l = first; l < fake_cuda.launch_count; l++)
            assert_string_not_equal(fake_cuda.launches[l].kernel, "gcr_gate");
        assert_status(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_BOTH, BYTES, 1),
                      GCR_EUNSUPPORTED);
        close_stage(&s);
        assert_clean();
    }
}

/* As under a debugger: a gate that is closed would wait until it gives up. */
static void test_where_launches_wait_no_gate_is_closed(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        bench_stage s = { 0 };
        int gates = 0;

        fake_cuda_reset();
        fake_cuda.launches_wait = 1;
        assert_ok(drive(&s, (gcr_memory_kind)kind));
        for (int l = 0; l < fake_cuda.launch_count; l++)
            gates += strcmp(fake_cuda.launches[l].kernel, "gcr_gate") == 0;
        assert_int_equal(gates, 2); /* to find out */
        assert_true(s.transfer->has_clock_of_host);
        close_stage(&s);
        assert_clean();
    }
}

static void test_a_gate_that_gives_up_is_tried_twice(void **state)
{
    bench_stage s = { 0 };
    double seconds = 0;

    (void)state;
    assert_ok(open_stage(&s, GCR_MEMORY_PINNED));
    fake_cuda.late_gates = 1;
    assert_ok(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES, COPIES));
    assert_near(seconds, 1e-6 * (COPIES + 1), 1e-9);
    fake_cuda.late_gates = 2;
    assert_status(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES, COPIES), GCR_EDEVICE);
    assert_error_mentions("copies were not enqueued within two seconds");
    close_stage(&s);
    assert_clean();
}

static void test_the_ledger_has_what_crossed_between_host_and_device(void **state)
{
    bench_stage s = { 0 };
    double seconds = 0;

    (void)state;
    assert_ok(open_stage(&s, GCR_MEMORY_PINNED));
    assert_ok(fill(&s, GCR_MEMORY_PINNED, GCR_END_UP_FROM)); /* of the host: crosses nothing */
    assert_int_equal(s.queue->ledger.up_bytes, 0);
    assert_ok(fill(&s, GCR_MEMORY_PINNED, GCR_END_UP_TO));
    assert_int_equal(s.queue->ledger.up_bytes, BYTES);
    assert_ok(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_BOTH, 10, COPIES));
    assert_int_equal(s.queue->ledger.up_bytes, BYTES + 10 * COPIES);
    assert_int_equal(s.queue->ledger.down_bytes, 10 * COPIES);
    assert_int_equal(s.queue->ledger.up_calls, 1 + COPIES);
    close_stage(&s);
    s = (bench_stage){ 0 };
    assert_ok(open_stage(&s, GCR_MEMORY_DEVICE));
    assert_ok(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, 10, COPIES));
    assert_int_equal(s.queue->ledger.up_bytes, 0);
    close_stage(&s);
}

static void test_what_cannot_be_measured_is_refused_with_a_reason(void **state)
{
    bench_stage s = { 0 };
    double seconds = 0;
    gcr_transfer *transfer = NULL;

    (void)state;
    assert_int_equal(open_stage(&s, GCR_MEMORY_PEER), GCR_EUNSUPPORTED);
    assert_error_mentions("cuda:0 has no peer cuda:1: this machine has 1 GPU");
    fake_cuda.has_no_managed = 1;
    assert_status(gcr_transfer_open(&transfer, s.queue,
                                    &(gcr_transfer_spec){ .kind = GCR_MEMORY_MANAGED, .bytes = 8 }),
                  GCR_EUNSUPPORTED);
    assert_error_mentions("cannot be told to move managed memory");
    assert_status(
        gcr_transfer_open(&transfer, s.queue, &(gcr_transfer_spec){ .bytes = UINT64_C(1) << 30 }),
        GCR_ENOMEM);
    assert_error_mentions("two blocks of 1.0 GiB do not fit NVIDIA Fake 0, which has 1.0 GiB");
    assert_status(gcr_transfer_open(&transfer, s.queue, &(gcr_transfer_spec){ 0 }), GCR_EINVAL);
    close_stage(&s);
    s = (bench_stage){ 0 };
    assert_ok(open_stage(&s, GCR_MEMORY_PINNED));
    assert_status(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES + 1, 1), GCR_EINVAL);
    assert_status(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, BYTES, 65), GCR_EINVAL);
    assert_status(gcr_transfer_time(&seconds, s.transfer, GCR_WAY_UP, 0, 1), GCR_EINVAL);
    close_stage(&s);
    assert_clean();
}

/* Somebody else has opened it, in this process. */
static void test_a_way_to_a_peer_may_be_open_already(void **state)
{
    bench_stage s = { 0 };

    (void)state;
    fake_cuda_let_fail("cudaDeviceEnablePeerAccess", 1, cudaErrorPeerAccessAlreadyEnabled);
    assert_ok(drive(&s, GCR_MEMORY_PEER));
    close_stage(&s);
    assert_clean();
}

static void test_what_memory_costs_is_measured_and_given_back(void **state)
{
    bench_stage s = { 0 };

    (void)state;
    assert_ok(open_stage(&s, GCR_MEMORY_PINNED));
    assert_ok(drive_costs(&s));
    close_stage(&s);
    assert_clean();
}

/* ---- work ------------------------------------------------------------------------------------ */

enum { SIZE = 100 }; /* of a matrix */

/* Uploads one number, works on it in each way, downloads what came out: nobody waits in between. */
static gcr_status drive_work(bench_stage *s)
{
    static double in[SIZE * SIZE], out[GCR_WORK_KIND_COUNT];
    gcr_status status = GCR_OK;
    gcr_buf *a = NULL, *results[GCR_WORK_KIND_COUNT] = { NULL };

    GCR_TRY(gcr_device_open(&s->device, &gcr_cuda_backend, 0));
    GCR_TRY(gcr_queue_open(&s->queue, s->device));
    GCR_TRY(gcr_buf_open(&a, s->device, GCR_PLACE_DEVICE, sizeof in));
    in[0] = 41;
    for (int k = 0; k < GCR_WORK_KIND_COUNT; k++) {
        in[0]++;
        GCR_TRY(gcr_buf_open(&results[k], s->device, GCR_PLACE_DEVICE, sizeof in));
        GCR_TRY(gcr_upload(s->queue, a, 0, in, GCR_PLACE_HOST, sizeof in));
        GCR_TRY(
            gcr_work(s->queue,
                     &(gcr_work_args){
                         .kind = (gcr_work_kind)k, .a = a, .b = a, .out = results[k], .n = SIZE }));
        GCR_TRY(gcr_download(s->queue, &out[k], GCR_PLACE_STAGING, results[k], 0, sizeof out[k]));
        GCR_TRY(gcr_queue_sync(s->queue));
        assert_near(out[k], 43.0 + k, 0);
    }
out:
    for (int k = 0; k < GCR_WORK_KIND_COUNT; k++)
        gcr_buf_close(results[k]);
    gcr_buf_close(a);
    return status;
}

static const fake_launch *find_launch(const char *kernel)
{
    for (int l = 0; l < fake_cuda.launch_count; l++)
        if (strcmp(fake_cuda.launches[l].kernel, kernel) == 0)
            return &fake_cuda.launches[l];
    fail_msg("%s was not launched", kernel);
    return NULL;
}

static void test_work_stands_between_what_comes_before_and_what_comes_after(void **state)
{
    bench_stage s = { 0 };

    (void)state;
    assert_ok(drive_work(&s));
    assert_int_equal(find_launch("gcr_multiply")->blocks, 4); /* squares of 64 */
    assert_int_equal(find_launch("gcr_multiply")->threads, GCR_MULTIPLY_THREADS);
    assert_int_equal(find_launch("gcr_tan_f64")->blocks, 1);
    assert_int_equal(find_launch("gcr_sum_parts")->blocks, GCR_SUM_PIECES);
    assert_int_equal(find_launch("gcr_sum")->blocks, 1);
    assert_int_equal(find_launch("gcr_apart")->threads, GCR_WALK_THREADS);
    assert_int_equal(fake_cuda.compilations, 1);
    close_stage(&s);
    assert_clean();
}

static void test_work_that_fails_is_told_and_leaves_nothing(void **state)
{
    static const char *const of_work[] = { "cudaSetDevice", "cudaLibraryLoadData",
                                           "cudaLibraryGetKernel", "cudaLaunchKernelExC",
                                           "cudaStreamWaitEvent" };

    (void)state;
    for (size_t c = 0; c < sizeof of_work / sizeof of_work[0]; c++)
        for (int nth = 1;; nth++) {
            bench_stage s = { 0 };
            gcr_status status;
            int has_failed;

            fake_cuda_reset();
            fake_cuda_let_fail(of_work[c], nth, cudaErrorInvalidValue);
            status = drive_work(&s);
            has_failed = fake_cuda.has_failed;
            close_stage(&s);
            if (!has_failed || status == GCR_OK) /* in the end there is nothing but closing */
                break;
            if (status != GCR_EDEVICE || fake_cuda.broken != NULL || fake_cuda.live != 0)
                fail_msg("%s, call %d: %s, %s, %d left", of_work[c], nth, gcr_status_name(status),
                         fake_cuda.broken != NULL ? fake_cuda.broken : "", fake_cuda.live);
        }
}

/* ---- every call fails once ------------------------------------------------------------------- */

static const char *const calls[] = {
    "cudaSetDevice",
    "cudaDeviceGetAttribute",
    "cudaGetDeviceCount",
    "cudaDeviceCanAccessPeer",
    "cudaDeviceEnablePeerAccess",
    "cudaStreamCreateWithFlags",
    "cudaEventCreateWithFlags",
    "cudaHostAlloc",
    "cudaHostGetDevicePointer",
    "cudaMalloc",
    "cudaMallocManaged",
    "cudaLibraryLoadData",
    "cudaLibraryGetKernel",
    "cudaLaunchKernelExC",
    "cudaMemcpyAsync",
    "cudaMemcpyPeerAsync",
    "cudaMemPrefetchAsync",
    "cudaStreamSynchronize",
    "cudaStreamWaitEvent",
    "cudaEventRecord",
    "cudaEventSynchronize",
    "cudaEventElapsedTime",
};

enum { CALLS = sizeof calls / sizeof calls[0] };

/* Returns whether it came to the nth call of `call` before the end. */
static int drive_and_fail(gcr_memory_kind kind, const char *call, int nth, cudaError_t code,
                          gcr_status *out)
{
    bench_stage s = { 0 };
    int has_failed;

    fake_cuda_reset();
    fake_cuda_let_fail(call, nth, code);
    *out = drive(&s, kind);
    has_failed = fake_cuda.has_failed;
    close_stage(&s);
    return has_failed;
}

static void test_every_call_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    for (int c = 0; c < CALLS; c++) {
        int seen = 0;

        for (int kind = 0; kind < KINDS; kind++)
            for (int nth = 1;; nth++) {
                gcr_status status;

                if (!drive_and_fail((gcr_memory_kind)kind, calls[c], nth, cudaErrorInvalidValue,
                                    &status))
                    break;
                seen++;
                if (strcmp(calls[c], "cudaGetDeviceCount") == 0 && nth == 1)
                    continue; /* that is a machine without a GPU */
                if (status != GCR_EDEVICE || fake_cuda.broken != NULL || fake_cuda.live != 0)
                    fail_msg("%s, call %d, %s memory: %s, %s, %d left", calls[c], nth,
                             gcr_memory_kind_name((gcr_memory_kind)kind), gcr_status_name(status),
                             fake_cuda.broken != NULL ? fake_cuda.broken : "", fake_cuda.live);
                assert_error_mentions("cudaErrorOther");
            }
        if (seen == 0)
            fail_msg("%s is never called", calls[c]);
    }
}

static void test_a_gpu_that_is_lost_is_left_alone(void **state)
{
    (void)state;
    for (int c = 0; c < CALLS; c++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int nth = 1;; nth++) {
                gcr_status status;

                if (!drive_and_fail((gcr_memory_kind)kind, calls[c], nth, cudaErrorIllegalAddress,
                                    &status))
                    break;
                if (fake_cuda.calls_after != 0)
                    fail_msg("%s, call %d, %s memory: %d calls after it", calls[c], nth,
                             gcr_memory_kind_name((gcr_memory_kind)kind), fake_cuda.calls_after);
            }
}

static void test_memory_that_cannot_be_had_is_no_memory(void **state)
{
    static const char *const takers[] = { "cudaHostAlloc", "cudaMalloc", "cudaHostRegister" };

    (void)state;
    for (int c = 0; c < 3; c++) {
        bench_stage s = { 0 };

        fake_cuda_reset();
        assert_ok(open_stage(&s, GCR_MEMORY_PAGEABLE));
        fake_cuda_let_fail(takers[c], 1, cudaErrorMemoryAllocation);
        assert_int_equal(drive_costs(&s), GCR_ENOMEM);
        close_stage(&s);
        assert_clean();
    }
}

static void test_memory_that_is_not_given_back_is_told(void **state)
{
    static const char *const givers[] = { "cudaFree", "cudaFreeHost", "cudaHostUnregister" };

    (void)state;
    for (int c = 0; c < 3; c++) {
        bench_stage s = { 0 };

        fake_cuda_reset();
        assert_ok(open_stage(&s, GCR_MEMORY_PAGEABLE));
        fake_cuda_let_fail(givers[c], 1, cudaErrorInvalidValue);
        assert_int_equal(drive_costs(&s), GCR_EDEVICE);
        close_stage(&s);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_what_is_copied_arrives_from_each_kind_of_memory),
        test(test_copies_stand_behind_one_gate),
        test(test_what_the_host_has_a_part_in_waits_behind_no_gate),
        test(test_where_launches_wait_no_gate_is_closed),
        test(test_a_gate_that_gives_up_is_tried_twice),
        test(test_the_ledger_has_what_crossed_between_host_and_device),
        test(test_what_cannot_be_measured_is_refused_with_a_reason),
        test(test_a_way_to_a_peer_may_be_open_already),
        test(test_what_memory_costs_is_measured_and_given_back),
        test(test_work_stands_between_what_comes_before_and_what_comes_after),
        test(test_work_that_fails_is_told_and_leaves_nothing),
        test(test_every_call_that_fails_is_told_and_leaves_nothing),
        test(test_a_gpu_that_is_lost_is_left_alone),
        test(test_memory_that_cannot_be_had_is_no_memory),
        test(test_memory_that_is_not_given_back_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
