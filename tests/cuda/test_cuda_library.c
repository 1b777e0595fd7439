/* Libraries that are opened when they are needed: one that is there, one that is not, one too old;
 * and one that opens a part of itself by name, in each place where libraries are looked for. */
#include "support/gcr_test.h"

#include "cuda/cuda_library.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- a library that has parts ---------------------------------------------------------------- */

static struct {
    int (*compile)(void); /* whether the part is found */
    int (*version)(void);
} stub;

/* In a process of its own, as what was opened once is found by everybody after that. */
static int compiles(const char *file, const char *variable, const char *folder, const char *parts)
{
    static const char *const functions[] = { "gcr_stub_compile", "gcr_stub_version" };
    cuda_library library = library_of(file, functions);
    const pid_t child = fork();
    int status;

    library.parts = parts;
    library.table = &stub;
    if (child == 0) {
        if (variable != NULL)
            setenv(variable, folder, 1);
        _exit(gcr_cuda_library_open(&library) != GCR_OK ? 2 : !stub.compile());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

#define STUB "libgcr_stub_nvrtc.so.13"
#define PARTS "libgcr_stub_builtins.so.*"

/* This program knows the folder of the stand-in, which does not itself: so it is with a module that
 * was linked with the folder of a toolkit. */
static void test_the_parts_of_a_library_that_the_loader_finds_are_found(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its dlopen() stands between: the loader looks where that knows folders */
#endif
    assert_false(compiles(STUB, NULL, NULL, NULL));
    assert_true(compiles(STUB, NULL, NULL, PARTS));
}

static void test_the_parts_of_a_library_in_the_folder_that_is_named_are_found(void **state)
{
    (void)state;
    assert_false(compiles(STUB, "GRIDCRUNCH_CUDA_PATH", GCR_STUBS, NULL));
    assert_true(compiles(STUB, "GRIDCRUNCH_CUDA_PATH", GCR_STUBS, PARTS));
}

static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = '\0';
        (void)mkdir(path, 0700);
    }
}

static void link_in(const char *folder, const char *file, const char *as)
{
    char from[512], to[512];

    snprintf(from, sizeof from, "%s/%s", GCR_STUBS, file);
    snprintf(to, sizeof to, "%s/%s", folder, as);
    make_folders(to);
    assert_int_equal(symlink(from, to), 0);
}

/* By another name, which the loader does not find. */
static void test_the_parts_of_a_library_that_pip_installed_are_found(void **state)
{
    char root[] = "/tmp/gcr_library_XXXXXX", folder[256], command[64];

    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/lib/python3.11/site-packages/nvidia/cu13/lib", root);
    link_in(folder, STUB, "libgcr_stub_by_pip.so.13");
    link_in(folder, "libgcr_stub_builtins.so.13.0", "libgcr_stub_builtins.so.13.0");
    assert_true(compiles("libgcr_stub_by_pip.so.13", "VIRTUAL_ENV", root, PARTS));
    assert_false(compiles("libgcr_stub_by_pip.so.13", "VIRTUAL_ENV", root, NULL));
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_of_a_library_are_found_by_their_names),
        cmocka_unit_test(test_a_missing_library_is_told_with_what_to_do),
        cmocka_unit_test(test_a_library_without_a_function_is_refused),
        cmocka_unit_test(test_the_parts_of_a_library_that_the_loader_finds_are_found),
        cmocka_unit_test(test_the_parts_of_a_library_in_the_folder_that_is_named_are_found),
        cmocka_unit_test(test_the_parts_of_a_library_that_pip_installed_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
