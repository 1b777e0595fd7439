/* tests/unit/base/test_cpus.c -- sets of CPUs, and which this process may use. */
#include "support/gcr_test.h"

#include "base/cpus.h"

#include <sched.h>

static gcr_cpus set_of(const int *cpus, int count)
{
    gcr_cpus set = { 0 };

    for (int i = 0; i < count; i++)
        gcr_cpus_add(&set, cpus[i]);
    return set;
}
#define SET(...)                                                                                   \
    set_of((const int[]){ __VA_ARGS__ }, (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)))

static void assert_text(gcr_cpus set, const char *expected)
{
    char text[GCR_CPUS_TEXT_BYTES];

    assert_string_equal(gcr_cpus_format(text, &set), expected);
}

static void test_a_set_is_written_as_ranges(void **state)
{
    (void)state;
    assert_text((gcr_cpus){ 0 }, "");
    assert_text(SET(5), "5");
    assert_text(SET(0, 1, 2, 3, 8), "0-3,8");
    assert_text(SET(62, 63, 64, 65), "62-65"); /* over the edge of a word */
    assert_text(SET(GCR_CPUS_MAX - 2, GCR_CPUS_MAX - 1), "8190-8191");
}

static void test_a_set_of_many_ranges_is_cut_after_a_comma(void **state)
{
    gcr_cpus set = { 0 };
    char text[GCR_CPUS_TEXT_BYTES];
    size_t bytes;

    (void)state;
    for (int cpu = 0; cpu < GCR_CPUS_MAX; cpu += 2)
        gcr_cpus_add(&set, cpu);
    gcr_cpus_format(text, &set);
    bytes = strlen(text);
    assert_true(bytes < sizeof text);
    assert_string_equal(text + bytes - 4, ",...");
    assert_memory_equal(text, "0,2,4,6,8,10,", 13);
}

static void test_cpus_that_cannot_be_are_not_in_it(void **state)
{
    (void)state;
    assert_int_equal(gcr_cpus_count(&(gcr_cpus[]){ SET(-1, GCR_CPUS_MAX) }[0]), 0);
}

static void test_sets_are_joined_counted_and_compared(void **state)
{
    gcr_cpus a = SET(0, 1, 64), b = SET(1, 64, 100);

    (void)state;
    assert_int_equal(gcr_cpus_count(&a), 3);
    assert_int_equal(gcr_cpus_common(&a, &b), 2);
    assert_false(gcr_cpus_are_equal(&a, &b));
    gcr_cpus_join(&a, &b);
    assert_int_equal(gcr_cpus_count(&a), 4);
    gcr_cpus_join(&b, &a);
    assert_true(gcr_cpus_are_equal(&a, &b));
}

static void test_a_process_that_is_bound_to_one_cpu_has_one(void **state)
{
    cpu_set_t before, one;
    gcr_cpus own;
    size_t first = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(gcr_cpu_count(), CPU_COUNT(&before));
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    gcr_cpus_own(&own);
    assert_int_equal(gcr_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_true(gcr_cpus_are_equal(&own, &(gcr_cpus[]){ SET((int)first) }[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_is_written_as_ranges),
        cmocka_unit_test(test_a_set_of_many_ranges_is_cut_after_a_comma),
        cmocka_unit_test(test_cpus_that_cannot_be_are_not_in_it),
        cmocka_unit_test(test_sets_are_joined_counted_and_compared),
        cmocka_unit_test(test_a_process_that_is_bound_to_one_cpu_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
