/* Memory that ranks of a node see: written by all, fixed in size, refused where there is too
 * little. */
#include "support/ranks.h"

#include "comm/comm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 3 << 20 };

static void test_all_write_and_all_read(void **state)
{
    gcr_shared shared;
    uint64_t *words;
    const uint64_t count = BYTES / sizeof *words;

    (void)state;
    for (int is_reserved = 0; is_reserved <= 1; is_reserved++) {
        assert_ok(gcr_comm_share(&shared, ranks, BYTES, is_reserved, "a test"));
        assert_int_equal(shared.bytes, BYTES);
        words = shared.base;
        for (uint64_t i = 0; i < count; i++)
            assert_int_equal(words[i], 0);
        assert_ok(gcr_comm_agree(ranks, GCR_OK)); /* all have looked */
        for (uint64_t i = (uint64_t)rank; i < count; i += (uint64_t)rank_count)
            words[i] = i * i + 1;
        assert_ok(gcr_comm_agree(ranks, GCR_OK)); /* all have written */
        for (uint64_t i = 0; i < count; i++)
            assert_int_equal(words[i], i * i + 1);
        assert_int_equal(shared.file < 0, rank_count == 1);
        gcr_shared_clear(&shared);
        assert_null(shared.base);
        gcr_shared_clear(&shared);
    }
}

/* One who cut it off would kill those who read there; one who starts a program must not hand it
 * on. */
static void test_nobody_can_change_its_size_or_inherit_it(void **state)
{
    gcr_shared shared;

    (void)state;
    assert_ok(gcr_comm_share(&shared, ranks, BYTES, 0, "a test"));
    if (rank_count > 1) {
        assert_int_equal(ftruncate(shared.file, 0), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(ftruncate(shared.file, 2 * BYTES), -1);
        assert_true(fcntl(shared.file, F_GETFD) & FD_CLOEXEC);
    }
    gcr_shared_clear(&shared);
}

/* The others still have it when its leader is done with it. */
static void test_it_lives_as_long_as_anybody_has_it(void **state)
{
    gcr_shared shared;

    (void)state;
    assert_ok(gcr_comm_share(&shared, ranks, BYTES, 0, "a test"));
    if (rank == 0)
        strcpy(shared.base, "still here");
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    if (rank == 0)
        gcr_shared_clear(&shared);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    if (rank > 0)
        assert_string_equal(shared.base, "still here");
    gcr_shared_clear(&shared);
}

static int open_files(void)
{
    int count = 0;

    for (int file = 0; file < 1024; file++)
        count += fcntl(file, F_GETFD) != -1;
    return count;
}

static void test_nothing_needs_no_memory(void **state)
{
    gcr_shared shared;

    (void)state;
    assert_ok(gcr_comm_share(&shared, ranks, 0, 1, "nothing"));
    assert_null(shared.base);
    gcr_shared_clear(&shared);
}

static void test_more_than_there_is_is_refused_on_all_ranks(void **state)
{
    const int before = open_files();
    gcr_shared shared;

    (void)state;
    assert_status(gcr_comm_share(&shared, ranks, UINT64_C(1) << 50, 1, "the slots"), GCR_ENOMEM);
    assert_error_mentions("no memory for the slots: 1.0 PiB are needed, and ");
    assert_null(shared.base);
    assert_status(gcr_comm_share(&shared, ranks, UINT64_C(1) << 62, 0, "the slots"), GCR_ENOMEM);
    assert_null(shared.base);
    gcr_shared_clear(&shared);
    assert_int_equal(open_files(), before);
}

static void test_ranks_that_mean_different_sizes_are_told(void **state)
{
    const int before = open_files();
    gcr_shared shared;

    (void)state;
    if (rank_count == 1)
        return;
    assert_status(gcr_comm_share(&shared, ranks, rank == 1 ? 4096 : BYTES, 0, "a test"),
                  GCR_EINVAL);
    assert_error_mentions("ranks of a node ask for 4096 and 3145728 bytes for a test");
    assert_null(shared.base);
    assert_int_equal(open_files(), before);
}

/* More than the machine has, of which three pages are written: memory for slots that are never all
 * used. */
static void test_pages_that_nobody_writes_cost_nothing(void **state)
{
    const uint64_t bytes = UINT64_C(1) << 40;
    gcr_shared shared;
    char *at;

    (void)state;
    assert_ok(gcr_comm_share(&shared, ranks, bytes, 0, "a test"));
    at = shared.base;
    if (rank == rank_count - 1)
        at[0] = at[bytes / 2] = at[bytes - 1] = 7;
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    assert_int_equal(at[0] + at[bytes / 2] + at[bytes - 1], 21);
    gcr_shared_clear(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_all_write_and_all_read),
        RANK_TEST(test_nobody_can_change_its_size_or_inherit_it),
        RANK_TEST(test_it_lives_as_long_as_anybody_has_it),
        RANK_TEST(test_nothing_needs_no_memory),
        RANK_TEST(test_more_than_there_is_is_refused_on_all_ranks),
        RANK_TEST(test_ranks_that_mean_different_sizes_are_told),
        RANK_TEST(test_pages_that_nobody_writes_cost_nothing),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
