/* tests/cuda/test_cuda_library.c -- where libraries of CUDA's are looked for. libm stands for one of them. */
#include "cuda/cuda_library.h"

#include "support/gcr_test.h"
#include "support/test_folder.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static double (*table[1])(double);
static const char *const names[] = { "cbrt" };

static cuda_library library_called(const char *file)
{
    return (cuda_library){ .file = file,
                           .lacking = "roots cannot be taken, because it",
                           .names = names,
                           .count = 1,
                           .table = table,
                           .lock = PTHREAD_MUTEX_INITIALIZER };
}

/* The math library under another name, in folders below that of the test. */
static void put(const char *folders, const char *file)
{
    char path[256], rest[256];
    Dl_info info;

    snprintf(path, sizeof path, "%s", test_folder);
    snprintf(rest, sizeof rest, "%s", folders);
    for (char *folder = strtok(rest, "/"); folder != NULL; folder = strtok(NULL, "/")) {
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", folder);
        mkdir(path, 0700);
    }
    snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", file);
    assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, names[0]), &info), 0);
    assert_int_equal(symlink(info.dli_fname, path), 0);
}

static int begin(void **state)
{
    unsetenv("GRIDCRUNCH_CUDA_PATH");
    unsetenv("VIRTUAL_ENV");
    table[0] = NULL;
    return test_folder_begin(state);
}

static void test_the_folder_that_is_named_has_it(void **state)
{
    cuda_library library = library_called("libnamed.so.13");

    (void)state;
    put("", "libnamed.so.13");
    setenv("GRIDCRUNCH_CUDA_PATH", test_folder, 1);
    assert_ok(gcr_cuda_library_open(&library));
    assert_near(table[0](27), 3, 1e-15);
}

static void test_where_pip_installs_it_in_a_virtual_environment(void **state)
{
    cuda_library library = library_called("libpip.so.13");

    (void)state;
    put("lib/python3.12/site-packages/nvidia/cu13/lib", "libpip.so.13");
    setenv("VIRTUAL_ENV", test_folder, 1);
    assert_ok(gcr_cuda_library_open(&library));
    assert_near(table[0](27), 3, 1e-15);
}

static void test_no_other_folder_is_looked_into_than_the_one_that_is_named(void **state)
{
    cuda_library library = library_called("libelsewhere.so.13");

    (void)state;
    put("lib/python3.12/site-packages/nvidia/cu13/lib", "libelsewhere.so.13");
    setenv("VIRTUAL_ENV", test_folder, 1);
    setenv("GRIDCRUNCH_CUDA_PATH", "/nowhere", 1);
    assert_status(gcr_cuda_library_open(&library), GCR_EUNSUPPORTED);
    assert_error_mentions("there is no libelsewhere.so.13; install the CUDA 13 toolkit");
    assert_error_mentions("GRIDCRUNCH_CUDA_PATH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_folder_that_is_named_has_it, begin,
                                        test_folder_end),
        cmocka_unit_test_setup_teardown(test_where_pip_installs_it_in_a_virtual_environment, begin,
                                        test_folder_end),
        cmocka_unit_test_setup_teardown(
            test_no_other_folder_is_looked_into_than_the_one_that_is_named, begin, test_folder_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
