/* Libraries that are opened when they are needed: one that is there, one that is not, one too old. */
#include "support/gcr_test.h"

#include "cuda/cuda_library.h"

typedef struct numbers {
    double (*cosine)(double);
    double (*sine)(double);
} numbers;

static numbers table;
static const char *const names[] = { "cos", "sin" };
static const char *const newer[] = { "cos", "cos_of_tomorrow" };

static cuda_library library_of(const char *file, const char *const *functions)
{
    return (cuda_library){ .file = file,
                           .lacking = "nothing can be computed, because the library",
                           .package = "the CUDA 13 toolkit",
                           .names = functions,
                           .count = 2,
                           .table = &table,
                           .lock = PTHREAD_MUTEX_INITIALIZER };
}

static void test_functions_of_a_library_are_found_by_their_names(void **state)
{
    cuda_library library = library_of("libm.so.6", names);

    (void)state;
    assert_ok(gcr_cuda_library_open(&library));
    assert_ok(gcr_cuda_library_open(&library)); /* once is enough */
    assert_near(table.cosine(0), 1, 0);
    assert_near(table.sine(0), 0, 0);
}

static void test_a_missing_library_is_told_with_what_to_do(void **state)
{
    cuda_library library = library_of("libof_nobody.so.13", names);

    (void)state;
    assert_status(gcr_cuda_library_open(&library), GCR_EUNSUPPORTED);
    assert_error_mentions("nothing can be computed, because the library is not found: ");
    assert_error_mentions("install the CUDA 13 toolkit");
}

static void test_a_library_without_a_function_is_refused(void **state)
{
    cuda_library library = library_of("libm.so.6", newer);

    (void)state;
    table = (numbers){ 0 };
    assert_status(gcr_cuda_library_open(&library), GCR_EUNSUPPORTED);
    assert_error_mentions("libm.so.6 has no cos_of_tomorrow");
    assert_true(table.cosine == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_of_a_library_are_found_by_their_names),
        cmocka_unit_test(test_a_missing_library_is_told_with_what_to_do),
        cmocka_unit_test(test_a_library_without_a_function_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
