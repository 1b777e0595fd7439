/* tests/unit/base/test_pool.c -- every thread runs every round once, and signals stay outside. */
#include "support/gcr_test.h"

#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

enum { WORKERS = 5 };

typedef struct tally {
    atomic_int runs[WORKERS];
    atomic_int is_open; /* a gate for workers that wait */
} tally;

static void count_run(void *arg, int worker)
{
    tally *t = arg;

    atomic_fetch_add(&t->runs[worker], 1);
}

static void count_when_open(void *arg, int worker)
{
    tally *t = arg;

    while (!atomic_load(&t->is_open))
        sched_yield();
    count_run(arg, worker);
}

static void test_each_start_runs_once_on_every_thread(void **state)
{
    tally t = { .is_open = 0 };
    gcr_pool *pool;

    (void)state;
    assert_ok(gcr_pool_create(&pool, WORKERS));
    assert_int_equal(gcr_pool_size(pool), WORKERS);
    for (int round = 1; round <= 200; round++) {
        gcr_pool_start(pool, count_run, &t);
        assert_true(gcr_pool_wait(pool, -1));
        for (int i = 0; i < WORKERS; i++)
            assert_int_equal(atomic_load(&t.runs[i]), round);
    }
    gcr_pool_destroy(pool);
}

static void test_a_wait_that_is_too_short_says_so(void **state)
{
    tally t = { .is_open = 0 };
    gcr_pool *pool;

    (void)state;
    assert_ok(gcr_pool_create(&pool, 2));
    gcr_pool_start(pool, count_when_open, &t);
    assert_false(gcr_pool_wait(pool, 0));
    assert_false(gcr_pool_wait(pool, 0.01));
    atomic_store(&t.is_open, 1);
    assert_true(gcr_pool_wait(pool, -1));
    assert_int_equal(atomic_load(&t.runs[1]), 1);
    gcr_pool_destroy(pool);
}

static void test_waiting_for_a_pool_that_rests_returns_at_once(void **state)
{
    gcr_pool *pool;

    (void)state;
    assert_ok(gcr_pool_create(&pool, 1));
    assert_true(gcr_pool_wait(pool, -1));
    assert_true(gcr_pool_wait(pool, 0));
    gcr_pool_destroy(pool);
}

static void test_destroy_lets_what_runs_finish(void **state)
{
    tally t = { .is_open = 1 };
    gcr_pool *pool;

    (void)state;
    assert_ok(gcr_pool_create(&pool, WORKERS));
    gcr_pool_start(pool, count_when_open, &t);
    gcr_pool_destroy(pool);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(atomic_load(&t.runs[i]), 1);
    gcr_pool_destroy(NULL);
}

static void look_at_signals(void *arg, int worker)
{
    sigset_t *masks = arg;

    pthread_sigmask(SIG_BLOCK, NULL, &masks[worker]);
}

static void test_signals_that_are_sent_go_to_the_owner_of_the_pool(void **state)
{
    sigset_t masks[2], before, after;
    gcr_pool *pool;

    (void)state;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_ok(gcr_pool_create(&pool, 2));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
    gcr_pool_start(pool, look_at_signals, masks);
    assert_true(gcr_pool_wait(pool, -1));
    for (int i = 0; i < 2; i++) {
        assert_true(sigismember(&masks[i], SIGINT));
        assert_true(sigismember(&masks[i], SIGTERM));
        assert_false(sigismember(&masks[i], SIGSEGV));
    }
    gcr_pool_destroy(pool);
}

enum { DEEP_BYTES = 24 << 20 };

static void use_stack(void *arg, int worker)
{
    volatile char deep[DEEP_BYTES];

    for (size_t i = 0; i < DEEP_BYTES; i += 4096) /* from its end: the stack grows downwards */
        deep[DEEP_BYTES - 1 - i] = (char)worker;
    *(int *)arg = deep[DEEP_BYTES - 1] == 0;
}

static void test_threads_have_the_stack_that_was_asked_for(void **state)
{
    gcr_pool *pool;
    int was_there = 0;

    (void)state;
    assert_ok(gcr_pool_create_deep(&pool, 1, 2 * DEEP_BYTES));
    gcr_pool_start(pool, use_stack, &was_there);
    assert_true(gcr_pool_wait(pool, -1));
    assert_true(was_there);
    gcr_pool_destroy(pool);
}

static void test_a_pool_without_threads_is_refused(void **state)
{
    gcr_pool *pool = (gcr_pool *)&pool;

    (void)state;
    assert_status(gcr_pool_create(&pool, 0), GCR_EINVAL);
    assert_null(pool);
}

/* The sanitizers' own threads and address space leave no room for a limit. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void test_a_thread_that_the_system_refuses_ends_those_before_it(void **state)
{
    struct rlimit before, tight = { .rlim_cur = UINT64_C(256) << 20 };
    gcr_pool *pool = (gcr_pool *)&pool;
    gcr_status status;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    tight.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0); /* room for some 30 stacks of 8 MiB */
    status = gcr_pool_create(&pool, 1000);
    setrlimit(RLIMIT_AS, &before);
    assert_status(status, GCR_ENOMEM);
    assert_null(pool);
    assert_error_mentions("of 1000");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_start_runs_once_on_every_thread),
        cmocka_unit_test(test_a_wait_that_is_too_short_says_so),
        cmocka_unit_test(test_waiting_for_a_pool_that_rests_returns_at_once),
        cmocka_unit_test(test_destroy_lets_what_runs_finish),
        cmocka_unit_test(test_signals_that_are_sent_go_to_the_owner_of_the_pool),
        cmocka_unit_test(test_threads_have_the_stack_that_was_asked_for),
        cmocka_unit_test(test_a_pool_without_threads_is_refused),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_a_thread_that_the_system_refuses_ends_those_before_it),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
