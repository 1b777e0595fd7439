/*
 * Large matrices that are factored as they stand: the host side of the backend over the stand-in
 * for CUDA, its kernels run by the twin, the BLAS and LAPACK of the host in place of cuBLAS and
 * cuSOLVER; against LAPACK.
 */
#include "support/cuda_stage.h"
#include "support/device_twin.h"
#include "support/factor_groups.h"
#include "support/factor_variant.h"

#define GCR_VARIANT(name) extern const factor_variant name;
#include "support/gcr_factor_variants.def"
#undef GCR_VARIANT

#define GCR_VARIANT(name) &name,
static const factor_variant *const variants[] = {
#include "support/gcr_factor_variants.def"
};
#undef GCR_VARIANT

enum { SLOTS = 4 }; /* of a sub-batch */

/* ---- the kernels of a launch ----------------------------------------------------------------- */

static const factor_entry *entry_named(const char *name)
{
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        for (const factor_entry *e = variants[v]->entries; e->name != NULL; e++)
            if (variants[v]->team == GCR_TEAM_GRID &&
                variants[v]->scalar_bytes == (int)gcr_scalar_bytes(scalar) &&
                strcmp(e->name, name) == 0)
                return e;
    fail_msg("there is no %s", name);
    return NULL;
}

static const char *run(const char *name, const fake_launch *launch, const void *argument)
{
    return twin_run(
        &(twin_grid){ .entry = entry_named(name)->run,
                      .argument = argument,
                      .blocks = (int)launch->blocks,
                      .threads = (int)launch->threads,
                      .shared_bytes = launch->shared_bytes,
                      .order = launch->blocks % 2 == 0 ? TWIN_UPWARDS : TWIN_DOWNWARDS });
}

/* ---- a GPU ----------------------------------------------------------------------------------- */

/* All matrices of 33 rows and more are for the whole GPU, from `solver_rows` on for cuSOLVER. */
static gcr_status open_gpu(int solver_rows)
{
    gcr_status status = GCR_OK;

    device = NULL;
    queue = NULL;
    GCR_TRY(gcr_device_open(&device, &gcr_cuda_backend, 0));
    for (int s = 0; s < GCR_SCALAR_COUNT; s++) {
        gcr_crossovers *crossovers = &cuda_device_of(device)->crossovers[s];

        crossovers->shared_bytes = 0;
        crossovers->blocked_rows = 33;
        crossovers->solver_rows = solver_rows;
        crossovers->grid_slots = 2 * SLOTS;
        crossovers->grid_threads = 128;
    }
    GCR_TRY(gcr_queue_open(&queue, device));
    fake_cuda.run = run;
out:
    return status;
}

static void close_gpu(void)
{
    gcr_queue_close(queue);
    gcr_device_close(device);
}

static int count_launches(const char *kernel)
{
    int count = 0;

    for (int l = 0; l < fake_cuda.launch_count; l++)
        count += strcmp(fake_cuda.launches[l].kernel, kernel) == 0;
    return count;
}

/* ---- what comes out -------------------------------------------------------------------------- */

static void check_size(int n, uint64_t count)
{
    group g = open_group(n, count, (uint64_t)n);

    factor(&g, 1);
    for (uint64_t k = 0; k < count; k++)
        check_matrix(&g, k, (uint64_t)n + k);
    close_group(&g);
}

static void check_sizes(void)
{
    assert_ok(open_gpu(280));
    check_size(33, 1);
    check_size(40, SLOTS);
    check_size(127, SLOTS + 1);
    check_size(128, 1);
    check_size(129, 2);
    check_size(255, 1);
    check_size(257, 1);
    check_size(280, 2); /* cuSOLVER's */
    check_size(301, 1);
    close_gpu();
    assert_clean();
}

static void test_large_matrices_agree_with_lapack(void **state)
{
    (void)state;
    scalar = GCR_F64;
    check_sizes();
}

static void test_large_matrices_of_floats_agree_with_lapack(void **state)
{
    (void)state;
    scalar = GCR_F32;
    check_sizes();
    scalar = GCR_F64;
}

static void test_what_has_no_factor_is_said_and_leaves_the_others_alone(void **state)
{
    (void)state;
    assert_ok(open_gpu(150));
    check_verdicts(40);
    check_verdicts(140); /* the last row is in the second block */
    check_verdicts(150); /* cuSOLVER's */
    close_gpu();
    assert_clean();
}

static void test_a_group_is_factored_in_sub_batches_of_one_size(void **state)
{
    group g;
    uint64_t bytes;

    (void)state;
    assert_ok(open_gpu(2049));
    assert_ok(gcr_factor_bytes(&bytes, device, GCR_F64, 136, SLOTS + 1));
    assert_int_equal(bytes, 2 * SLOTS * (136 * 136 + 2 * 8704 + 32) * sizeof(double));
    g = open_group(136, SLOTS + 1, 1);
    factor(&g, 1);
    assert_int_equal(count_launches("gcr_large_diag"), 2 * 2);
    assert_int_equal(count_launches("gcr_large_look"), 1);
    assert_int_equal(count_launches("gcr_large_end"), 1);
    close_group(&g);
    close_gpu();
}

/* ---- every call fails once ------------------------------------------------------------------- */

static const char *const calls[] = { "cublasCreate",        "cublasSetStream",
                                     "cublasSetWorkspace",  "cublasGemmStridedBatchedEx",
                                     "cusolverDnCreate",    "cusolverDnXpotrf",
                                     "cudaHostAlloc",       "cudaLaunchKernelExC",
                                     "cudaLibraryLoadData", "cudaStreamWaitEvent" };

/* *has_failed_out: it came to the call before the end, when closing is all that is left. */
static gcr_status drive(int *has_failed_out)
{
    gcr_status status = GCR_OK;
    gcr_buf *bufs[2] = { NULL }, *minors = NULL, *squares = NULL;
    gcr_factor_group groups[2] = { { .n = 140, .count = 1 }, { .n = 150, .count = 1 } };
    const gcr_factor_step steps[] = { GCR_FACTOR_PACK, GCR_FACTOR_IN_PLACE, GCR_FACTOR_UNPACK };

    GCR_TRY(open_gpu(150));
    fake_cuda.run = NULL; /* nothing is computed */
    GCR_TRY(gcr_buf_open(&minors, device, GCR_PLACE_DEVICE, 64));
    GCR_TRY(gcr_buf_open(&squares, device, GCR_PLACE_DEVICE, 150 * 150 * sizeof(double)));
    for (int g = 0; g < 2; g++) {
        uint64_t bytes;

        GCR_TRY(gcr_factor_bytes(&bytes, device, GCR_F64, groups[g].n, 1));
        GCR_TRY(gcr_buf_open(&bufs[g], device, GCR_PLACE_DEVICE, bytes));
        groups[g].matrices = bufs[g]->base;
        groups[g].square = squares->base;
        groups[g].minor = (int32_t *)minors->base + g;
    }
    for (int k = 0; k < 3; k++)
        GCR_TRY(gcr_factor(
            queue, &(gcr_factor_args){
                       .step = steps[k], .scalar = GCR_F64, .groups = groups, .group_count = 2 }));
    GCR_TRY(gcr_queue_sync(queue));
out:
    *has_failed_out = fake_cuda.has_failed;
    gcr_buf_close(bufs[0]);
    gcr_buf_close(bufs[1]);
    gcr_buf_close(squares);
    gcr_buf_close(minors);
    close_gpu();
    return status;
}

static int drive_and_fail(const char *call, int nth, cudaError_t code, gcr_status *out)
{
    int has_failed;

    fake_cuda_reset();
    fake_cuda_let_fail(call, nth, code);
    *out = drive(&has_failed);
    return has_failed;
}

static void test_every_call_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        gcr_status status;
        int nth = 1;

        for (; drive_and_fail(calls[c], nth, cudaErrorInvalidValue, &status); nth++) {
            if (status != GCR_EDEVICE)
                fail_msg("%s, call %d: %s", calls[c], nth, gcr_status_name(status));
            assert_clean();
        }
        if (nth == 1)
            fail_msg("%s is never called", calls[c]);
        assert_int_equal(status, GCR_OK);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_large_matrices_agree_with_lapack),
        test(test_large_matrices_of_floats_agree_with_lapack),
        test(test_what_has_no_factor_is_said_and_leaves_the_others_alone),
        test(test_a_group_is_factored_in_sub_batches_of_one_size),
        test(test_every_call_that_fails_is_told_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
