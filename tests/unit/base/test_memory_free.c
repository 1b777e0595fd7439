/* How much memory control groups leave, from made-up trees of both of their versions. */
#include "support/gcr_test.h"
#include "support/test_folder.h"

#include "base/memory.h"

static void put(const char *name, const char *text)
{
    FILE *file;
    char folder[256];

    strcpy(folder, in_folder(name));
    for (char *slash = strchr(folder + strlen(test_folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700);
        *slash = '/';
    }
    file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static uint64_t left(void)
{
    char list[256];

    strcpy(list, in_folder("list"));
    return gcr_memory_free_in_groups(list, in_folder("root"));
}

static void test_without_groups_nothing_limits(void **state)
{
    (void)state;
    assert_true(left() == UINT64_MAX);
    put("list", "0::/\n");
    assert_true(left() == UINT64_MAX);
    put("root/memory.max", "max\n");
    assert_true(left() == UINT64_MAX);
}

static void test_the_narrowest_group_above_a_process_counts(void **state)
{
    (void)state;
    put("list", "0::/job/step/task\n");
    put("root/job/memory.max", "1000\n");
    put("root/job/memory.current", "900\n");
    put("root/job/step/memory.max", "500\n");
    put("root/job/step/memory.current", "100\n");
    put("root/job/step/task/memory.max", "max\n");
    put("root/job/step/task/memory.current", "100\n");
    assert_int_equal(left(), 100);
    put("root/job/memory.current", "100\n");
    assert_int_equal(left(), 400);
}

static void test_what_is_kept_of_files_can_be_had(void **state)
{
    (void)state;
    put("list", "0::/job\n");
    put("root/job/memory.max", "1000\n");
    put("root/job/memory.current", "900\n");
    put("root/job/memory.stat", "anon 300\ninactive_file 200\nactive_file 400\n");
    assert_int_equal(left(), 700);
}

static void test_a_group_that_is_full_leaves_nothing(void **state)
{
    (void)state;
    put("list", "0::/job\n");
    put("root/job/memory.max", "1000\n");
    put("root/job/memory.current", "1200\n");
    assert_int_equal(left(), 0);
}

/* As inside a container: the group's path is the machine's, its folder is the root. */
static void test_groups_of_the_first_version_are_known(void **state)
{
    (void)state;
    put("list", "9:name=systemd:/\n4:memory:/docker/abc\n0::/\n");
    put("root/memory/memory.limit_in_bytes", "1000\n");
    put("root/memory/memory.usage_in_bytes", "500\n");
    put("root/memory/memory.stat", "cache 1\ntotal_inactive_file 100\ntotal_active_file 50\n");
    assert_int_equal(left(), 650);
    put("root/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(left() > UINT64_C(1) << 62);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, test_folder_begin, test_folder_end)
    const struct CMUnitTest tests[] = {
        TEST(test_without_groups_nothing_limits),
        TEST(test_the_narrowest_group_above_a_process_counts),
        TEST(test_what_is_kept_of_files_can_be_had),
        TEST(test_a_group_that_is_full_leaves_nothing),
        TEST(test_groups_of_the_first_version_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
