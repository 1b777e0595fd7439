/*
 * tests/support/ranks.h -- a test program that mpirun has started as several ranks
 * (tests/support/mpirun).
 *
 *     const struct CMUnitTest tests[] = { RANK_TEST(test_this), RANK_TEST(test_that) };
 *     return cmocka_run_group_tests(tests, open_ranks, close_ranks);
 *
 * All ranks run the same tests in the same order. A rank that fails ends them all: the others would
 * wait for it.
 */
#ifndef GCR_TEST_RANKS_H
#define GCR_TEST_RANKS_H

#include "support/gcr_test.h"

#include "gridcrunch/ranks.h"

#include <stdio.h>
#include <unistd.h>

static gcr_comm *ranks;
static int rank, rank_count;

/* Failures are told on stderr by whoever finds them; of the rest one rank's is enough. */
static int open_ranks(void **state)
{
    (void)state;
    assert_ok(gcr_comm_open(&ranks));
    rank = gcr_comm_info_of(ranks)->rank;
    rank_count = gcr_comm_info_of(ranks)->size;
    return rank == 0 || freopen("/dev/null", "w", stdout) != NULL ? 0 : -1;
}

/* What fails jumps out of its test. The next one finds out: only then cmocka has told of it. */
static int is_in_test;

static int leave_if_failed(void **state)
{
    (void)state;
    if (!is_in_test)
        return 0;
    fprintf(stderr, "rank %d of %d has failed\n", rank, rank_count);
    if (rank_count > 1) { /* they may be waiting for this one: mpirun ends them */
        fflush(NULL);
        _exit(1);
    }
    return -1;
}

static void run_rank_test(void **state)
{
    is_in_test = 1;
    ((const struct CMUnitTest *)*state)->test_func(NULL);
    is_in_test = 0;
}

static int close_ranks(void **state)
{
    if (leave_if_failed(state) != 0)
        return -1;
    gcr_comm_close(ranks);
    return 0;
}

#define RANK_TEST(test)                                                                            \
    {                                                                                              \
        .name = #test, .test_func = run_rank_test, .setup_func = leave_if_failed,                  \
        .initial_state = &(struct CMUnitTest)                                                      \
        {                                                                                          \
            .test_func = test                                                                      \
        }                                                                                          \
    }

#endif /* GCR_TEST_RANKS_H */
