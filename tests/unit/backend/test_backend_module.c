/* A backend in a shared library: not there, not one, of another build, and one that works. */
#include "support/gcr_test.h"

#include "backend/backend_module.h"

#include <stdlib.h>

static gcr_module fresh_module(void)
{
    return (gcr_module){ .name = "small",
                         .path = GCR_ENV_GPU_MODULE,
                         .lock = PTHREAD_MUTEX_INITIALIZER };
}

/* Counts the devices of the module in `file`, which must be none, and says why. */
static void assert_refused(const char *file, const char *reason)
{
    gcr_module module = fresh_module();
    gcr_device *device = NULL;
    char why[512] = "";
    int count = 7;

    if (file != NULL)
        setenv("GRIDCRUNCH_CUDA_MODULE", file, 1);
    else
        unsetenv("GRIDCRUNCH_CUDA_MODULE");
    assert_ok(gcr_module_device_count(&count, &module, why, sizeof why));
    assert_int_equal(count, 0);
    if (strstr(why, reason) == NULL || strstr(why, "no device of 'small': ") != why)
        fail_msg("\"%s\" does not mention \"%s\"", why, reason);
    assert_status(gcr_module_device_open(&device, &module, 0), GCR_EUNSUPPORTED);
    assert_error_mentions(reason);
    assert_null(device);
}

static void test_a_module_that_is_not_there_is_a_fact(void **state)
{
    (void)state;
    assert_refused(NULL, "there is no libgridcrunch_small.so beside gridcrunch");
    assert_refused("/no/such/file.so", "cannot load /no/such/file.so");
}

static void test_only_a_path_from_the_root_names_a_module(void **state)
{
    (void)state;
    assert_refused("libgridcrunch_small.so", "must be a path from the root");
}

static void test_a_library_that_is_no_module_is_refused(void **state)
{
    (void)state;
    assert_refused(NOT_A_MODULE, "is no module of gridcrunch");
}

static void test_a_module_of_another_build_is_refused(void **state)
{
    (void)state;
    assert_refused(OTHER_MODULE, "is of another build of gridcrunch (its seam is another-seam");
}

static void test_what_fails_inside_is_read_outside(void **state)
{
    gcr_module module = fresh_module();
    gcr_device *device = NULL;
    char why[512] = "";
    int count = 0;

    (void)state;
    setenv("GRIDCRUNCH_CUDA_MODULE", SMALL_MODULE, 1);
    assert_ok(gcr_module_device_count(&count, &module, why, sizeof why));
    assert_int_equal(count, 1);
    assert_status(gcr_module_device_open(&device, &module, 0), GCR_EDEVICE);
    assert_string_equal(gcr_last_error(), "device 0 is made of paper");
    assert_string_equal(gcr_last_error_details(), "line one\nline two\n");
    assert_non_null(strstr(gcr_last_error_place(), "module_small.c:"));
}

static void test_it_is_opened_once(void **state)
{
    gcr_module module = fresh_module();
    const gcr_backend *first;
    char why[512] = "";

    (void)state;
    setenv("GRIDCRUNCH_CUDA_MODULE", SMALL_MODULE, 1);
    first = gcr_module_open(&module, why, sizeof why);
    assert_non_null(first);
    setenv("GRIDCRUNCH_CUDA_MODULE", "/no/such/file.so", 1);
    assert_ptr_equal(gcr_module_open(&module, why, sizeof why), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_module_that_is_not_there_is_a_fact),
        cmocka_unit_test(test_only_a_path_from_the_root_names_a_module),
        cmocka_unit_test(test_a_library_that_is_no_module_is_refused),
        cmocka_unit_test(test_a_module_of_another_build_is_refused),
        cmocka_unit_test(test_what_fails_inside_is_read_outside),
        cmocka_unit_test(test_it_is_opened_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
