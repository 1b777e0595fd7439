/* Factors of matrices without a kernel, on their way to launches; each call of CUDA fails once. */
#include "support/cuda_stage.h"

enum { GROUPS_MAX = 120 };

/* Groups of one matrix each, but that they have room for `count`. */
typedef struct factor_stage {
    gcr_device *device;
    gcr_queue *queue;
    gcr_buf *squares, *matrices[GROUPS_MAX], *minors;
    gcr_factor_group groups[GROUPS_MAX];
    int group_count;
    double first[GROUPS_MAX]; /* until the stage is closed: copies may be under way */
    int32_t minor[GROUPS_MAX * 40];
} factor_stage;

static gcr_status open_stage(factor_stage *s)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_device_open(&s->device, &gcr_cuda_backend, 0));
    GCR_TRY(gcr_queue_open(&s->queue, s->device));
    GCR_TRY(gcr_buf_open(&s->squares, s->device, GCR_PLACE_DEVICE, GROUPS_MAX * sizeof(double)));
    GCR_TRY(
        gcr_buf_open(&s->minors, s->device, GCR_PLACE_DEVICE, GROUPS_MAX * 40 * sizeof(int32_t)));
out:
    return status;
}

static gcr_status add_group(factor_stage *s, int n, uint64_t count)
{
    gcr_status status = GCR_OK;
    const int g = s->group_count;
    uint64_t bytes;

    GCR_TRY(gcr_factor_bytes(&bytes, s->device, GCR_F64, n, count));
    GCR_TRY(gcr_buf_open(&s->matrices[g], s->device, GCR_PLACE_DEVICE, bytes));
    s->group_count++;
    s->groups[g] = (gcr_factor_group){ .matrices = s->matrices[g]->base,
                                       .square = (double *)s->squares->base + g,
                                       .minor = (int32_t *)s->minors->base + 40 * g,
                                       .count = count,
                                       .n = n };
out:
    return status;
}

static void close_stage(factor_stage *s)
{
    for (int g = 0; g < s->group_count; g++)
        gcr_buf_close(s->matrices[g]);
    gcr_buf_close(s->minors);
    gcr_buf_close(s->squares);
    gcr_queue_close(s->queue);
    gcr_device_close(s->device);
}

static gcr_status take_step(factor_stage *s, gcr_factor_step step)
{
    return gcr_factor(s->queue, &(gcr_factor_args){ .step = step,
                                                    .scalar = GCR_F64,
                                                    .groups = s->groups,
                                                    .group_count = (uint64_t)s->group_count });
}

/* Up, packed, factored, unpacked, down: group g has the first entry g + 1, and the fake's factor of
 * it is the negative. */
static gcr_status drive(factor_stage *s)
{
    gcr_status status = GCR_OK;

    for (int g = 0; g < GROUPS_MAX; g++)
        s->first[g] = g + 1;
    GCR_TRY(gcr_upload(s->queue, s->squares, 0, s->first, GCR_PLACE_HOST, sizeof s->first));
    GCR_TRY(take_step(s, GCR_FACTOR_PACK));
    GCR_TRY(take_step(s, GCR_FACTOR_IN_PLACE));
    GCR_TRY(take_step(s, GCR_FACTOR_UNPACK));
    GCR_TRY(gcr_download(s->queue, s->first, GCR_PLACE_HOST, s->squares, 0, sizeof s->first));
    GCR_TRY(gcr_download(s->queue, s->minor, GCR_PLACE_HOST, s->minors, 0, sizeof s->minor));
    GCR_TRY(gcr_queue_sync(s->queue));
    for (int g = 0; g < s->group_count; g++) {
        assert_near(s->first[g], -(g + 1), 0);
        for (uint64_t k = 0; k < s->groups[g].count; k++)
            assert_int_equal(s->minor[40 * (uint64_t)g + k], s->groups[g].n);
    }
out:
    return status;
}

/* A thread, a warp, a block with more shared memory than there is without asking, and memory. */
static gcr_status drive_all(factor_stage *s)
{
    static const int sizes[] = { 20, 150, 8, 8, 240, 40, 1 };
    gcr_status status = GCR_OK;

    GCR_TRY(open_stage(s));
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        GCR_TRY(add_group(s, sizes[k], 1 + 33 * (k % 2)));
    GCR_TRY(drive(s));
out:
    return status;
}

static int count_launches(const char *kernel)
{
    int count = 0;

    for (int l = 0; l < fake_cuda.launch_count; l++)
        count += strcmp(fake_cuda.launches[l].kernel, kernel) == 0;
    return count;
}

static void test_groups_of_all_sizes_are_factored_where_they_are(void **state)
{
    factor_stage s = { 0 };

    (void)state;
    assert_ok(drive_all(&s));
    assert_int_equal(count_launches("gcr_factor"), 6);
    assert_int_equal(count_launches("gcr_pack"), 6);
    assert_int_equal(count_launches("gcr_unpack"), 6);
    assert_int_equal(fake_cuda.compilations, 6); /* with the first step */
    close_stage(&s);
    assert_clean();
}

/* What does not compile leaves nothing behind, and is asked for again. */
static void test_factors_that_do_not_compile_are_said(void **state)
{
    factor_stage s = { 0 };

    (void)state;
    assert_ok(open_stage(&s));
    assert_ok(add_group(&s, 5, 1));
    assert_ok(add_group(&s, 40, 1));
    fake_cuda.compile_result = NVRTC_ERROR_OUT_OF_MEMORY;
    assert_int_not_equal(take_step(&s, GCR_FACTOR_PACK), GCR_OK);
    assert_error_mentions("out of memory");
    fake_cuda.compile_result = NVRTC_SUCCESS;
    assert_ok(drive(&s));
    assert_int_equal(fake_cuda.compilations, 4);
    close_stage(&s);
    assert_clean();
}

static void test_a_thread_that_was_turned_away_comes_back(void **state)
{
    factor_stage s = { 0 };

    (void)state;
    assert_ok(open_stage(&s));
    assert_ok(add_group(&s, 40, 1));
    for (int step = 0; step < 3; step++) {
        stage_turn_away();
        assert_ok(take_step(&s, (gcr_factor_step)step));
    }
    assert_ok(gcr_queue_sync(s.queue));
    close_stage(&s);
    assert_clean();
}

static void test_groups_of_one_variant_are_one_launch(void **state)
{
    factor_stage s = { 0 };

    (void)state;
    assert_ok(open_stage(&s));
    for (int n = 161; n <= 232; n++)
        assert_ok(add_group(&s, n, 1));
    assert_ok(drive(&s));
    assert_int_equal(count_launches("gcr_factor"), 1);
    assert_int_equal(fake_cuda.compilations, 1);
    close_stage(&s);
    assert_clean();
}

/* More than the argument of a kernel has room for. */
static void test_many_groups_are_several_launches(void **state)
{
    factor_stage s = { 0 };

    (void)state;
    assert_ok(open_stage(&s));
    for (int g = 0; g < GROUPS_MAX; g++)
        assert_ok(add_group(&s, 5 + g % 4, 1 + (uint64_t)g % 40));
    assert_ok(drive(&s));
    assert_int_equal(count_launches("gcr_factor"), (GROUPS_MAX - 1) / GCR_LAUNCH_GROUPS + 1);
    close_stage(&s);
    assert_clean();
}

/* 32 matrices side by side, whether they are there or not; tiles one after the other. */
static void test_the_bytes_are_those_of_the_layout(void **state)
{
    factor_stage s = { 0 };
    uint64_t bytes;

    (void)state;
    assert_ok(open_stage(&s));
    assert_ok(gcr_factor_bytes(&bytes, s.device, GCR_F64, 8, 33));
    assert_int_equal(bytes, 64 * 36 * sizeof(double));
    assert_ok(gcr_factor_bytes(&bytes, s.device, GCR_F32, 16, 1));
    assert_int_equal(bytes, 32 * 136 * sizeof(float));
    assert_ok(gcr_factor_bytes(&bytes, s.device, GCR_F64, 64, 10));
    assert_int_equal(bytes, 10 * 36 * 512);
    close_stage(&s);
}

/* Nothing is allocated and nobody waits. */
static void test_a_submission_leaves_the_host_alone(void **state)
{
    factor_stage s = { 0 };
    int allocations, waits;

    (void)state;
    assert_ok(drive_all(&s));
    allocations = fake_cuda.allocations;
    waits = fake_cuda.waits;
    assert_ok(take_step(&s, GCR_FACTOR_PACK));
    assert_ok(take_step(&s, GCR_FACTOR_IN_PLACE));
    assert_int_equal(fake_cuda.allocations, allocations);
    assert_int_equal(fake_cuda.waits, waits);
    close_stage(&s);
    assert_clean();
}

/* ---- every call fails once ------------------------------------------------------------------- */

static const char *const calls[] = {
    "cudaSetDevice",
    "cudaLibraryLoadData",
    "cudaLibraryGetKernel",
    "cudaKernelSetAttributeForDevice",
    "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
    "cudaStreamWaitEvent",
    "cudaEventRecord",
    "cudaLaunchKernelExC",
};

/* Returns whether it came to the nth call of `call` before the end. */
static int drive_and_fail(const char *call, int nth, cudaError_t code, gcr_status *out)
{
    factor_stage s = { 0 };
    int has_failed;

    fake_cuda_reset();
    fake_cuda_let_fail(call, nth, code);
    *out = drive_all(&s);
    has_failed = fake_cuda.has_failed;
    close_stage(&s);
    return has_failed;
}

static void test_every_call_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        gcr_status status;
        int nth = 1;

        for (; drive_and_fail(calls[c], nth, cudaErrorInvalidValue, &status); nth++) {
            assert_int_equal(status, GCR_EDEVICE);
            assert_error_mentions("cudaErrorOther");
            assert_clean();
        }
        if (nth == 1)
            fail_msg("%s is never called", calls[c]);
        assert_int_equal(status, GCR_OK);
    }
}

static void test_a_lost_gpu_is_left_alone(void **state)
{
    gcr_status status;

    (void)state;
    for (int nth = 1; drive_and_fail("cudaLaunchKernelExC", nth, cudaErrorIllegalAddress, &status);
         nth++) {
        assert_int_equal(status, GCR_EDEVICE);
        assert_int_equal(fake_cuda.calls_after, 0);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_groups_of_all_sizes_are_factored_where_they_are),
        test(test_factors_that_do_not_compile_are_said),
        test(test_a_thread_that_was_turned_away_comes_back),
        test(test_groups_of_one_variant_are_one_launch),
        test(test_many_groups_are_several_launches),
        test(test_the_bytes_are_those_of_the_layout),
        test(test_a_submission_leaves_the_host_alone),
        test(test_every_call_that_fails_is_told_and_leaves_nothing),
        test(test_a_lost_gpu_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
