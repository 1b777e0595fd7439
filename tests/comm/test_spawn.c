/* Calls on other ranks: who computes what, what comes back, and what happens while one waits. */
#include "support/ranks.h"

#include "gridcrunch/spawn.h"

#include "base/check.h"

#include <string.h>

enum { TWICE, FAILS, WHO, AROUND, FUNCTIONS };

static gcr_spawner *spawner;

static gcr_status twice(void *context, gcr_spawn_result *result, const void *arg, uint64_t count)
{
    const double *numbers = arg;
    const uint64_t n = count / sizeof *numbers;
    double out[64];

    (void)context;
    for (uint64_t i = 0; i < n; i++)
        out[i] = 2 * numbers[i];
    return gcr_spawn_return(result, out, n * sizeof *out);
}

static gcr_status fails(void *context, gcr_spawn_result *result, const void *arg, uint64_t count)
{
    gcr_status status = GCR_OK;

    (void)context;
    (void)result;
    GCR_FAIL(GCR_EINVAL, "nobody knows '%.*s'", (int)count, (const char *)arg);
out:
    return status;
}

static gcr_status who(void *context, gcr_spawn_result *result, const void *arg, uint64_t count)
{
    (void)context;
    (void)arg;
    (void)count;
    return gcr_spawn_return(result, &rank, sizeof rank);
}

/* Asks the next rank with one less, until there is nothing left: each waits, and serves
 * meanwhile. */
static gcr_status around(void *context, gcr_spawn_result *result, const void *arg, uint64_t count)
{
    gcr_status status = GCR_OK;
    gcr_future *future = NULL;
    const void *bytes;
    int left, hops = 0;

    (void)context;
    (void)count;
    memcpy(&left, arg, sizeof left);
    if (left > 0) {
        left--;
        GCR_TRY(
            gcr_spawn_on(&future, spawner, (rank + 1) % rank_count, AROUND, &left, sizeof left));
        GCR_TRY(gcr_future_fetch(future, &bytes, &count));
        memcpy(&hops, bytes, sizeof hops);
        hops++;
    }
    GCR_TRY(gcr_spawn_return(result, &hops, sizeof hops));
out:
    gcr_future_destroy(future);
    return status;
}

static const gcr_spawn_fn functions[FUNCTIONS] = { twice, fails, who, around };

static void open(void)
{
    assert_ok(gcr_spawner_create(&spawner, ranks, functions, FUNCTIONS, NULL));
}

static void test_each_rank_computes_what_any_other_gives_it(void **state)
{
    gcr_future *futures[8];
    const void *bytes;
    uint64_t count;

    (void)state;
    open();
    for (int r = 0; r < rank_count; r++) {
        const double numbers[] = { rank, r, 0.5 };

        assert_ok(gcr_spawn_on(&futures[r], spawner, r, TWICE, numbers, sizeof numbers));
    }
    for (int r = rank_count; r-- > 0;) { /* not in the order in which they were asked */
        double got[3];

        assert_ok(gcr_future_fetch(futures[r], &bytes, &count));
        assert_int_equal(count, sizeof got);
        memcpy(got, bytes, sizeof got);
        assert_true(got[0] == 2.0 * rank && got[1] == 2.0 * r && got[2] == 1.0);
        gcr_future_destroy(futures[r]);
    }
    gcr_spawner_destroy(spawner);
}

static void test_a_call_is_computed_where_it_was_asked_for(void **state)
{
    (void)state;
    open();
    for (int r = 0; r < rank_count; r++) {
        gcr_future *future;
        const void *bytes;
        uint64_t count;

        assert_ok(gcr_spawn_on(&future, spawner, r, WHO, NULL, 0));
        assert_ok(gcr_future_fetch(future, &bytes, &count));
        assert_int_equal(*(const int *)bytes, r);
        gcr_future_destroy(future);
    }
    gcr_spawner_destroy(spawner);
}

static void test_ranks_that_wait_for_each_other_get_on(void **state)
{
    const int hops = 3 * rank_count + 1;
    gcr_future *future;
    const void *bytes;
    uint64_t count;

    (void)state;
    open();
    assert_ok(gcr_spawn_on(&future, spawner, (rank + 1) % rank_count, AROUND, &hops, sizeof hops));
    assert_ok(gcr_future_fetch(future, &bytes, &count));
    assert_int_equal(*(const int *)bytes, hops);
    gcr_future_destroy(future);
    gcr_spawner_destroy(spawner);
}

static void test_a_failure_comes_back_with_its_rank_and_sentence(void **state)
{
    const int last = rank_count - 1;
    char begin[32];
    gcr_future *future;
    const void *bytes;
    uint64_t count;

    (void)state;
    open();
    assert_ok(gcr_spawn_on(&future, spawner, last, FAILS, "it", 2));
    assert_int_equal(gcr_future_fetch(future, &bytes, &count), GCR_EINVAL);
    snprintf(begin, sizeof begin, "rank %d on ", last);
    assert_memory_equal(gcr_last_error(), begin, strlen(begin));
    assert_non_null(strstr(gcr_last_error(), "nobody knows 'it'"));
    gcr_future_destroy(future);
    assert_int_equal(gcr_spawn_on(&future, spawner, rank_count, WHO, NULL, 0), GCR_EINVAL);
    assert_int_equal(gcr_spawn_on(&future, spawner, 0, FUNCTIONS, NULL, 0), GCR_EINVAL);
    assert_null(future);
    gcr_spawner_destroy(spawner);
}

static void test_a_wait_has_a_limit(void **state)
{
    gcr_future *future = NULL;

    (void)state;
    open();
    if (rank == 0 && rank_count > 1) { /* rank 1 serves nobody before the barrier below */
        assert_ok(gcr_spawn_on(&future, spawner, 1, WHO, NULL, 0));
        assert_int_equal(gcr_future_wait(future, 0.01), GCR_ETIMEOUT);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    if (future != NULL)
        assert_ok(gcr_future_wait(future, -1));
    gcr_future_destroy(future);
    gcr_spawner_destroy(spawner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_each_rank_computes_what_any_other_gives_it),
        RANK_TEST(test_a_call_is_computed_where_it_was_asked_for),
        RANK_TEST(test_ranks_that_wait_for_each_other_get_on),
        RANK_TEST(test_a_failure_comes_back_with_its_rank_and_sentence),
        RANK_TEST(test_a_wait_has_a_limit),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
