/*
 * Programs that are started to compile kernels: what they say, and how they end.
 */
#include "support/gcr_test.h"

#include "kernels/own/compiler.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const say[] = { "sh", "-c", "echo one; echo two >&2; exit 3", NULL };

static void test_what_a_program_says_and_how_it_ends_are_told(void **state)
{
    char *text = NULL;
    int ended = 0;

    (void)state;
    assert_ok(gcr_process_run(&text, &ended, say));
    assert_string_equal(text, "one\ntwo\n");
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 3);
    free(text);
}

static void test_they_are_told_to_a_process_that_has_closed_its_own_files(void **state)
{
    (void)state;
    for (int fd = 0; fd <= 2; fd++) {
        const int kept = dup(fd);
        char *text = NULL;
        gcr_status status;
        int ended = 0;

        close(fd);
        status = gcr_process_run(&text, &ended, say);
        dup2(kept, fd);
        close(kept);
        assert_ok(status);
        assert_string_equal(text, "one\ntwo\n");
        free(text);
    }
}

static void test_a_program_that_is_not_there_is_named(void **state)
{
    const char *const argv[] = { "gcr-no-such-program", NULL };
    char *text = NULL;
    int ended = 0;

    (void)state;
    assert_status(gcr_process_run(&text, &ended, argv), GCR_EUNSUPPORTED);
    assert_error_mentions("gcr-no-such-program");
    assert_null(text);
}

static void test_a_process_that_ignores_its_children_is_told_so(void **state)
{
    char *text = NULL;
    int ended = 0;

    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_status(gcr_process_run(&text, &ended, say), GCR_EIO);
    signal(SIGCHLD, SIG_DFL);
    assert_error_mentions("must not ignore SIGCHLD");
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_program_says_and_how_it_ends_are_told),
        cmocka_unit_test(test_they_are_told_to_a_process_that_has_closed_its_own_files),
        cmocka_unit_test(test_a_program_that_is_not_there_is_named),
        cmocka_unit_test(test_a_process_that_ignores_its_children_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
