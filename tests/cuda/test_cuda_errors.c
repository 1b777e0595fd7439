/* Every call of CUDA on the road of a batch fails once; machines without a GPU; a GPU that is
 * lost. */
#include "support/cuda_stage.h"

/* A dataset over the records of cells, and records over both. */
static gcr_status make_and_reduce(stage *s)
{
    gcr_status status = GCR_OK;
    double *const base = s->records_dev->base;
    const gcr_reduction reduction = { .count = 1, .top_of = -1 };
    const gcr_generate_args made = { .recipe = { .rows = 4, .features = 1 },
                                     .x = base,
                                     .y = base + 4 };
    const gcr_unit_tile tile = stage_tile(s, 0, 0, 4);
    const gcr_reduce_args args = {
        .tiles = &tile, .tile_count = 1, .reduction = &reduction, .records = base
    };

    GCR_TRY(gcr_generate(s->queue, &made));
    GCR_TRY(gcr_reduce(s->queue, s->program, &args));
out:
    return status;
}

/* All that a run does. The third dataset is for cuBLAS, or for cuSOLVER. */
static gcr_status drive(stage *s)
{
    gcr_status status = GCR_OK;
    gcr_crossovers *crossovers;

    s->setup.jitter_count = 2;
    GCR_TRY(stage_open(s));
    crossovers = &cuda_device_of(s->device)->crossovers[GCR_F64];
    crossovers->grid_slots = 8;
    GCR_TRY(stage_bring(s, 0, 6));
    GCR_TRY(stage_bring(s, 1, 150)); /* asks for more shared memory than there is without asking */
    GCR_TRY(stage_bring(s, 2, 300));
    for (int batch = 0; batch < GCR_CUDA_LAUNCH_SLOTS + 1; batch++) {
        GCR_TRY(stage_crunch_all(s, batch < 2 ? 3 : 2));
        crossovers->solver_rows = 300;
    }
    GCR_TRY(make_and_reduce(s));
    GCR_TRY(gcr_event_sync(s->event, 10));
    GCR_TRY(gcr_event_sync(s->event, -1));
    GCR_TRY(gcr_queue_sync(s->queue));
out:
    return status;
}

/* The functions whose failure must be the run's. */
static const char *const calls[] = {
    "cudaGetDeviceProperties",
    "cudaDeviceGetAttribute",
    "cudaSetDevice",
    "cudaMemPoolCreate",
    "cudaMemPoolSetAttribute",
    "cudaStreamCreateWithFlags",
    "cudaEventCreateWithFlags",
    "cudaHostAlloc",
    "cudaMallocFromPoolAsync",
    "cudaMemcpyAsync",
    "cudaMemsetAsync",
    "cudaStreamWaitEvent",
    "cudaEventRecord",
    "cudaEventSynchronize",
    "cudaEventQuery",
    "cudaMemGetInfo",
    "cudaStreamSynchronize",
    "cudaLibraryLoadData",
    "cudaLibraryGetKernel",
    "cudaKernelSetAttributeForDevice",
    "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
    "cudaLaunchKernelExC",
    "cudaStreamBeginCapture",
    "cudaStreamEndCapture",
    "cudaGraphInstantiate",
    "cudaGraphLaunch",
    "cublasCreate",
    "cublasSetStream",
    "cublasSetWorkspace",
    "cublasSetAtomicsMode",
    "cublasGemmStridedBatchedEx",
    "cusolverDnCreate",
    "cusolverDnSetStream",
    "cusolverDnSetDeterministicMode",
    "cusolverDnCreateParams",
    "cusolverDnXpotrf_bufferSize",
    "cusolverDnXpotrf",
};

enum { CALLS = sizeof calls / sizeof calls[0] };

/* Drives a run in which the nth call of `call` answers `code`. Returns whether it came to that
 * before the end, when closing is all that is left, and says nothing of its own. `trims` of the
 * pool, if not 0, let that call go on. */
static int drive_and_fail(const char *call, int nth, cudaError_t code, int trims, gcr_status *out)
{
    stage s = { 0 };
    char said[1024];
    int has_failed;

    fake_cuda_reset();
    fake_cuda_let_fail(call, nth, code);
    fake_cuda.fails_until_trim = trims;
    *out = drive(&s);
    has_failed = fake_cuda.has_failed;
    snprintf(said, sizeof said, "%s", gcr_last_error());
    stage_close(&s);
    if (has_failed)
        assert_string_equal(gcr_last_error(), said);
    return has_failed;
}

static void test_a_run_without_failures_is_clean(void **state)
{
    gcr_status status;

    (void)state;
    assert_false(drive_and_fail(NULL, 0, cudaSuccess, 0, &status));
    assert_int_equal(status, GCR_OK);
    assert_clean();
}

static void test_every_call_that_fails_ends_the_run_and_leaves_nothing(void **state)
{
    (void)state;
    for (int c = 0; c < CALLS; c++) {
        gcr_status status;
        int nth = 1;

        for (; drive_and_fail(calls[c], nth, cudaErrorInvalidValue, 0, &status); nth++) {
            if (status != GCR_EDEVICE)
                fail_msg("%s, call %d: %s", calls[c], nth, gcr_status_name(status));
            assert_error_mentions(strncmp(calls[c], "cuda", 4) == 0     ? "cudaErrorOther"
                                  : strncmp(calls[c], "cublas", 6) == 0 ? "cuBLAS cannot"
                                                                        : "cuSOLVER cannot");
            if (fake_cuda.broken != NULL || fake_cuda.live != 0)
                fail_msg("%s, call %d: %s, %d left", calls[c], nth,
                         fake_cuda.broken != NULL ? fake_cuda.broken : "", fake_cuda.live);
        }
        if (nth == 1)
            fail_msg("%s is never called", calls[c]);
        assert_int_equal(status, GCR_OK);
    }
}

static void test_every_call_without_memory_says_so(void **state)
{
    static const char *const takers[] = { "cudaHostAlloc",       "cudaMallocFromPoolAsync",
                                          "cudaMemPoolCreate",   "cudaSetDevice",
                                          "cudaLibraryLoadData", "cudaLaunchKernelExC" };

    (void)state;
    for (size_t c = 0; c < sizeof takers / sizeof takers[0]; c++) {
        gcr_status status;
        int went_on = 0;

        for (int nth = 1; drive_and_fail(takers[c], nth, cudaErrorMemoryAllocation, 0, &status);
             nth++) {
            assert_clean();
            went_on += status == GCR_OK;
            if (status == GCR_OK)
                continue;
            assert_int_equal(status, GCR_ENOMEM);
            assert_error_mentions("out of memory");
        }
        assert_int_equal(went_on, strcmp(takers[c], "cudaMallocFromPoolAsync") == 0); /* scratch */
    }
}

/* Memory that the pool keeps is not for the libraries, and few of their words for want of it say
 * so. */
static void test_libraries_that_lack_memory_to_start_get_what_the_pool_keeps(void **state)
{
    static const char *const starts[] = { "cublasCreate", "cusolverDnCreate" };
    static const cudaError_t codes[] = { cudaErrorMemoryAllocation, cudaErrorInitializationError };

    (void)state;
    for (int k = 0; k < 4; k++) {
        gcr_status status;

        assert_true(drive_and_fail(starts[k / 2], 1, codes[k % 2], 1, &status));
        assert_int_equal(status, GCR_OK);
        assert_clean();
        assert_true(drive_and_fail(starts[k / 2], 1, codes[k % 2], 2, &status));
        assert_int_equal(status, GCR_ENOMEM);
        assert_error_mentions("cannot start");
        assert_clean();
    }
}

/* Not even to free something. */
static void test_a_lost_gpu_is_left_alone(void **state)
{
    static const cudaError_t codes[] = { cudaErrorIllegalAddress, cudaErrorAssert,
                                         cudaErrorLaunchFailure, cudaErrorUnknown,
                                         cudaErrorContextIsDestroyed };

    (void)state;
    for (int c = 0; c < CALLS; c++)
        for (size_t e = 0; e < sizeof codes / sizeof codes[0]; e++) {
            gcr_status status;

            for (int nth = 1; drive_and_fail(calls[c], nth, codes[e], 0, &status); nth++) {
                assert_int_equal(status, GCR_EDEVICE);
                assert_error_mentions("only a new process can use one again");
                if (fake_cuda.calls_after != 0)
                    fail_msg("%s, call %d: %d calls after it", calls[c], nth,
                             fake_cuda.calls_after);
            }
        }
}

/* Whatever waits for it would wait for ever, closing included. */
static void test_a_kernel_that_does_not_end_in_its_time_leaves_the_gpu_alone(void **state)
{
    stage s = { 0 };
    int before;

    (void)state;
    fake_cuda_reset();
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    assert_ok(stage_crunch_all(&s, 1));
    fake_cuda.hangs = 1;
    assert_status(gcr_event_sync(s.event, 0.001), GCR_ETIMEOUT);
    assert_error_mentions("the GPU has not ended a batch in 0.001 s");
    before = fake_cuda.calls;
    assert_status(gcr_event_sync(s.event, 0.001), GCR_EDEVICE);
    stage_close(&s);
    assert_int_equal(fake_cuda.calls, before);
}

static void test_a_gpu_lost_while_closing_is_noticed(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(drive(&s));
    fake_cuda_let_fail("cudaFreeHost", 1, cudaErrorIllegalAddress);
    stage_close(&s);
    assert_int_equal(fake_cuda.calls_after, 0);
    assert_int_equal(atomic_load(&gcr_cuda_lost), cudaErrorIllegalAddress);
}

static void test_after_a_loss_there_is_no_device(void **state)
{
    gcr_device *device = NULL;

    (void)state;
    atomic_store(&gcr_cuda_lost, cudaErrorIllegalAddress);
    assert_status(gcr_device_open(&device, &gcr_cuda_backend, 0), GCR_EUNSUPPORTED);
    assert_error_mentions("a GPU of this process was lost");
    assert_int_equal(fake_cuda.calls, 0);
}

static void *close_stage(void *arg)
{
    stage_close(arg);
    return NULL;
}

static void test_a_thread_that_never_used_the_gpu_can_close_everything(void **state)
{
    stage s = { 0 };
    pthread_t thread;

    (void)state;
    assert_ok(drive(&s));
    assert_int_equal(pthread_create(&thread, NULL, close_stage, &s), 0);
    pthread_join(thread, NULL);
    assert_clean();
}

/* Memory that ran out once is no reason to end: the next attempt, with less, goes on. */
static void test_a_smaller_block_may_be_asked_for_after_memory_ran_out(void **state)
{
    stage s = { 0 };
    gcr_buf *buf = NULL;

    (void)state;
    assert_ok(stage_open(&s));
    fake_cuda_let_fail("cudaMallocFromPoolAsync", 1, cudaErrorMemoryAllocation);
    assert_status(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, 1 << 20), GCR_ENOMEM);
    assert_error_mentions("allocate 1048576 bytes on the GPU");
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, 1 << 10));
    gcr_buf_close(buf);
    stage_close(&s);
    assert_clean();
}

/* ---- machines -------------------------------------------------------------------------------- */

/* Where there is no device, and why. */
static void assert_none(const char *reason)
{
    gcr_device *device = NULL;
    char why[512] = "";
    int count = 7;

    assert_ok(gcr_cuda_device_count(&count, why, sizeof why));
    assert_int_equal(count, 0);
    if (strstr(why, reason) == NULL || strncmp(why, "no CUDA device: ", 16) != 0)
        fail_msg("\"%s\" does not mention \"%s\"", why, reason);
    assert_status(gcr_device_open(&device, &gcr_cuda_backend, 0), GCR_EUNSUPPORTED);
    assert_string_equal(gcr_last_error(), why);
}

static void test_no_driver_is_a_fact(void **state)
{
    (void)state;
    fake_cuda.driver_version = 0;
    assert_none("driver not found");
}

static void test_an_old_driver_is_told_with_both_versions(void **state)
{
    char why[512] = "";
    int count = 7;

    (void)state;
    fake_cuda.driver_version = 12040;
    fake_cuda_let_fail("cudaGetDeviceCount", 1, cudaErrorInsufficientDriver);
    assert_ok(gcr_cuda_device_count(&count, why, sizeof why));
    assert_int_equal(count, 0);
    assert_non_null(strstr(why, "knows CUDA up to 12.4, and this build needs 13.0"));
}

static void test_no_gpu_and_no_visible_gpu_are_told_apart(void **state)
{
    (void)state;
    fake_cuda.device_count = 0;
    assert_none("the driver finds no GPU");
    setenv("CUDA_VISIBLE_DEVICES", "7", 1);
    assert_none("CUDA_VISIBLE_DEVICES is '7', which names no GPU of this machine");
}

static void test_a_driver_that_does_not_start_is_a_fact(void **state)
{
    char why[512] = "";
    int count = 7;

    (void)state;
    fake_cuda_let_fail("cudaGetDeviceCount", 1, cudaErrorSystemDriverMismatch);
    assert_ok(gcr_cuda_device_count(&count, why, sizeof why));
    assert_int_equal(count, 0);
    assert_non_null(strstr(why, "the driver does not start"));
}

static void test_a_gpu_says_which_one_it_is_without_being_started(void **state)
{
    gcr_device_identity first, second;

    (void)state;
    fake_cuda.device_count = 2;
    assert_ok(gcr_device_identify(&first, &gcr_cuda_backend, 0));
    assert_ok(gcr_device_identify(&second, &gcr_cuda_backend, 1));
    assert_string_equal(first.uuid, "GPU-00000000-0000-0000-0000-000000000000");
    assert_string_equal(second.uuid, "GPU-00000000-0000-0000-0000-000000000001");
    assert_int_equal(second.pci.bus, 0x11);
    assert_string_equal(second.name, "NVIDIA Fake 1");
    assert_int_equal(fake_cuda.turns, 0);
    assert_status(gcr_device_identify(&first, &gcr_cuda_backend, 2), GCR_EINVAL);
    assert_string_equal(first.uuid, "");
    fake_cuda_let_fail("cudaGetDeviceProperties", 1, cudaErrorNoDevice);
    assert_int_not_equal(gcr_device_identify(&first, &gcr_cuda_backend, 0), GCR_OK);
    assert_error_mentions("ask the GPU which one it is");
}

/* Opening device 0 fails with a sentence and leaves nothing. */
static void assert_not_opened(gcr_status expected, const char *reason)
{
    gcr_device *device = NULL;

    assert_int_equal(gcr_device_open(&device, &gcr_cuda_backend, 0), expected);
    assert_error_mentions(reason);
    assert_null(device);
    assert_clean();
}

static void test_an_old_gpu_is_refused(void **state)
{
    (void)state;
    fake_cuda.capability = 75;
    assert_not_opened(GCR_EUNSUPPORTED, "cuda:0 (NVIDIA Fake 0) has compute capability 7.5, and "
                                        "gridcrunch needs 8.0 or more");
}

static void test_a_gpu_that_may_not_compute_is_refused(void **state)
{
    (void)state;
    fake_cuda.compute_mode = cudaComputeModeProhibited;
    assert_not_opened(GCR_EUNSUPPORTED, "compute mode is 'prohibited'");
}

static void test_a_busy_gpu_is_told(void **state)
{
    (void)state;
    fake_cuda_let_fail("cudaSetDevice", 1, cudaErrorDevicesUnavailable);
    fake_cuda.compute_mode = cudaComputeModeExclusiveProcess;
    assert_not_opened(GCR_EDEVICE, "cuda:0 (NVIDIA Fake 0) is busy: its compute mode is "
                                   "'exclusive process'");
}

static void test_an_index_out_of_range_is_refused(void **state)
{
    gcr_device *device = NULL;

    (void)state;
    assert_status(gcr_device_open(&device, &gcr_cuda_backend, 1), GCR_EINVAL);
    assert_error_mentions("there is no device cuda:1: this machine has 1");
    assert_null(device);
}

static void test_the_kind_names_all_that_decides_bits(void **state)
{
    char kind[GCR_KIND_BYTES], single[GCR_KIND_BYTES];
    gcr_device *device = NULL;

    (void)state;
    assert_ok(gcr_device_open(&device, &gcr_cuda_backend, 0));
    gcr_device_kind(kind, sizeof kind, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    assert_memory_equal(kind, "cuda, f64, NVIDIA Fake 0, sm_90, CUDA 13.0, crossovers ",
                        strlen("cuda, f64, NVIDIA Fake 0, sm_90, CUDA 13.0, crossovers "));
    gcr_device_kind(single, sizeof single, device, GCR_PATH_PLAIN, GCR_F32, GCR_DIRECT, 0);
    assert_memory_equal(single, "cuda, f32, NVIDIA Fake 0, sm_90, CUDA 13.0, crossovers ",
                        strlen("cuda, f32, NVIDIA Fake 0, sm_90, CUDA 13.0, crossovers "));
    assert_string_not_equal(strstr(kind, "crossovers"), strstr(single, "crossovers"));
    gcr_device_close(device);
    assert_clean();
}

/* Their bits are theirs; a run without such matrices does not ask for them. */
static void test_the_kind_names_libraries_that_a_matrix_is_for(void **state)
{
    char kind[GCR_KIND_BYTES], without[GCR_KIND_BYTES];
    gcr_device *device = NULL;

    (void)state;
    assert_ok(gcr_device_open(&device, &gcr_cuda_backend, 0));
    gcr_device_kind(without, sizeof without, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    gcr_device_kind(kind, sizeof kind, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 255);
    assert_string_equal(kind, without);
    gcr_device_kind(kind, sizeof kind, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 256);
    assert_memory_equal(kind, without, strlen(without));
    assert_string_equal(kind + strlen(without), ", cuBLAS 13.1.2");
    gcr_device_kind(kind, sizeof kind, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 4000);
    assert_string_equal(kind + strlen(without), ", cuBLAS 13.1.2, cuSOLVER 12.0.4");
    fake_cuda.has_no_blas = 1; /* the run will say so */
    gcr_device_kind(kind, sizeof kind, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 256);
    assert_string_equal(kind, without);
    gcr_device_close(device);
    assert_clean();
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_a_run_without_failures_is_clean),
        test(test_every_call_that_fails_ends_the_run_and_leaves_nothing),
        test(test_every_call_without_memory_says_so),
        test(test_libraries_that_lack_memory_to_start_get_what_the_pool_keeps),
        test(test_a_lost_gpu_is_left_alone),
        test(test_a_kernel_that_does_not_end_in_its_time_leaves_the_gpu_alone),
        test(test_a_gpu_lost_while_closing_is_noticed),
        test(test_after_a_loss_there_is_no_device),
        test(test_a_thread_that_never_used_the_gpu_can_close_everything),
        test(test_a_smaller_block_may_be_asked_for_after_memory_ran_out),
        test(test_no_driver_is_a_fact),
        test(test_an_old_driver_is_told_with_both_versions),
        test(test_no_gpu_and_no_visible_gpu_are_told_apart),
        test(test_a_driver_that_does_not_start_is_a_fact),
        test(test_a_gpu_says_which_one_it_is_without_being_started),
        test(test_an_old_gpu_is_refused),
        test(test_a_gpu_that_may_not_compute_is_refused),
        test(test_a_busy_gpu_is_told),
        test(test_an_index_out_of_range_is_refused),
        test(test_the_kind_names_all_that_decides_bits),
        test(test_the_kind_names_libraries_that_a_matrix_is_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
