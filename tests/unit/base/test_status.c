/* tests/unit/base/test_status.c -- the sentence of the last failure. */
#include "support/gcr_test.h"

#include "base/check.h"

#include <pthread.h>

static void test_every_status_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < GCR_STATUS_COUNT; i++) {
        assert_true(strncmp(gcr_status_name((gcr_status)i), "GCR_", 4) == 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(gcr_status_name((gcr_status)i), gcr_status_name((gcr_status)j));
    }
}

static void test_a_number_that_is_no_status_has_a_name_too(void **state)
{
    (void)state;
    assert_string_equal(gcr_status_name((gcr_status)99), "GCR_?");
}

static void test_a_failure_keeps_its_sentence_and_its_place(void **state)
{
    (void)state;
    assert_status(gcr_fail_at("src/data/csv.c", 12, GCR_EFORMAT, "row %d is short", 7),
                  GCR_EFORMAT);
    assert_string_equal(gcr_last_error(), "row 7 is short");
    assert_string_equal(gcr_last_error_place(), "csv.c:12");
}

static void test_the_last_sentence_may_be_part_of_the_next(void **state)
{
    (void)state;
    (void)gcr_fail_at("a.c", 1, GCR_EIO, "disk full");
    (void)gcr_fail_at("b.c", 2, GCR_EIO, "cannot save: %s", gcr_last_error());
    assert_string_equal(gcr_last_error(), "cannot save: disk full");
}

static void *fail_elsewhere(void *arg)
{
    (void)gcr_fail_at("c.c", 3, GCR_EIO, "of another thread");
    return arg;
}

static void test_a_thread_does_not_see_the_failure_of_another(void **state)
{
    pthread_t thread;

    (void)state;
    (void)gcr_fail_at("a.c", 1, GCR_EIO, "mine");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(gcr_last_error(), "mine");
}

static void test_a_full_disk_is_not_the_users_mistake(void **state)
{
    (void)state;
    assert_true(gcr_status_is_users(GCR_EINVAL));
    assert_false(gcr_status_is_users(GCR_EIO));
    assert_false(gcr_status_is_users(GCR_ENOMEM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_a_name_of_its_own),
        cmocka_unit_test(test_a_number_that_is_no_status_has_a_name_too),
        cmocka_unit_test(test_a_failure_keeps_its_sentence_and_its_place),
        cmocka_unit_test(test_the_last_sentence_may_be_part_of_the_next),
        cmocka_unit_test(test_a_thread_does_not_see_the_failure_of_another),
        cmocka_unit_test(test_a_full_disk_is_not_the_users_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
