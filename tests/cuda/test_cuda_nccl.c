/* The library itself: on each machine that has it, one without a GPU, too. */
#include "support/gcr_test.h"

#include "cuda/cuda_nccl.h"

#include <stdio.h>

static void test_all_functions_are_found_in_a_library_of_the_right_age(void **state)
{
    const cuda_nccl *nccl;
    int version = 0;

    (void)state;
    assert_ok(gcr_cuda_nccl(&nccl));
    assert_int_equal(nccl->get_version(&version), ncclSuccess);
    assert_in_range(version, GCR_CUDA_NCCL_LEAST, NCCL_VERSION(3, 0, 0) - 1);
    assert_non_null(nccl->error_string(ncclRemoteError));
    assert_non_null(nccl->last_error(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_functions_are_found_in_a_library_of_the_right_age),
    };
    const cuda_nccl *nccl;

    if (gcr_cuda_nccl(&nccl) == GCR_EUNSUPPORTED) {
        printf("%s\n", gcr_last_error());
        return GCR_TEST_SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
