/*
 * tests/library/test_many_ranks.c -- a program that mpirun has started three times, with the
 * library alone: what docs/library.md says of several processes.
 */
#include "support/ranks.h"

#include "gridcrunch/gridcrunch.h"

#include <string.h>

enum { RANKS = 3, DATASETS = 4, POINTS = 6 };

static const char text[] =
    "name: it\ndata: {synthetic: {datasets: 4, rows: [5, 40]}}\nkernel: gp\nrun: {threads: 1, "
    "batch: 1}\n"
    "grid: {lengthscale: [1, 2, 4], noise: [0.1, 0.2], variance: 1}\nsummary: {s: argmax(lml)}\n";

/* What a run has computed. */
typedef struct outcome {
    double values[DATASETS][POINTS];
    uint8_t state[DATASETS][POINTS];
    gcr_summary_value best[DATASETS];
} outcome;

/* `out` is filled on the first rank of `on`. */
static void compute(outcome *out, gcr_comm *on)
{
    const gcr_comm_info *info = gcr_comm_info_of(on);
    gcr_datasets datasets = { 0 };
    gcr_run *run;
    gcr_job job;

    memset(out, 0, sizeof *out);
    assert_ok(gcr_job_parse(&job, "it.yaml", text, NULL, 0));
    assert_ok(gcr_datasets_load(&datasets, &job));
    assert_ok(
        gcr_run_create(&run, &(gcr_run_spec){ .job = &job, .datasets = &datasets, .comm = on }));
    assert_int_equal(gcr_run_rank_count(run), info->size);
    assert_ok(gcr_run_execute(run));
    for (uint64_t d = 0; info->rank == 0 && d < DATASETS; d++) {
        gcr_row row;

        assert_ok(gcr_run_row(&row, run, d));
        memcpy(out->values[d], row.values[0], sizeof out->values[d]);
        memcpy(out->state[d], row.state, sizeof out->state[d]);
        out->best[d] = gcr_summaries_get(gcr_run_summaries(run), d, 0);
    }
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

static void compute_alone(outcome *out)
{
    gcr_comm *alone;

    assert_ok(gcr_comm_open_alone(&alone));
    compute(out, alone);
    gcr_comm_close(alone);
}

static void test_the_ranks_are_those_that_were_started(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);

    (void)state;
    assert_int_equal(info->size, RANKS);
    assert_int_equal(info->node_count, 1);
    assert_int_equal(info->node_rank, info->rank);
    assert_int_equal(info->ranks[rank].pid, getpid());
    assert_non_null(info->library);
}

static void test_a_run_of_all_has_the_bits_of_one(void **state)
{
    outcome alone, all;

    (void)state;
    compute_alone(&alone);
    compute(&all, ranks);
    if (rank == 0)
        assert_memory_equal(&all, &alone, sizeof all);
}

static void test_a_pool_of_some_computes_while_the_others_do_not(void **state)
{
    const int pool[] = { 2, 1 };
    outcome alone, some;
    gcr_comm *selected;

    (void)state;
    assert_ok(gcr_comm_select(&selected, ranks, pool, 2));
    assert_int_equal(selected != NULL, rank != 0);
    if (selected != NULL) {
        assert_int_equal(gcr_comm_info_of(selected)->rank, rank == 2 ? 0 : 1);
        compute_alone(&alone);
        compute(&some, selected);
        if (rank == 2)
            assert_memory_equal(&some, &alone, sizeof some);
    }
    gcr_comm_close(selected);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

static void test_a_pool_that_names_a_rank_twice_or_one_that_is_not_there_is_refused(void **state)
{
    const struct {
        int ranks[2];
        const char *sentence;
    } wrong[] = { { { 1, 1 }, "rank 1 is selected twice" },
                  { { 0, 3 }, "there is no rank 3: ranks are 0 to 2" },
                  { { -1, 0 }, "there is no rank -1" } };
    gcr_comm *selected;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(gcr_comm_select(&selected, ranks, wrong[i].ranks, 2), GCR_EINVAL);
        assert_error_mentions(wrong[i].sentence);
        assert_null(selected);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK)); /* as nobody is in it, all can go on */
}

static void test_what_fails_on_one_rank_fails_on_all(void **state)
{
    gcr_status status = GCR_OK;
    gcr_job job;

    (void)state;
    if (rank == 1)
        status = gcr_job_parse(&job, "it.yaml", "kernel: [", NULL, 0);
    assert_status(gcr_comm_agree(ranks, status), GCR_EFORMAT);
    assert_error_mentions("rank 1 on ");
    assert_error_mentions("it.yaml:");
}

/* A rank's number and what it was given, squared. */
static gcr_status square(void *context, gcr_spawn_result *result, const void *arg, uint64_t count)
{
    double number, out[2];

    memcpy(&number, arg, count);
    out[0] = *(const int *)context;
    out[1] = number * number;
    return gcr_spawn_return(result, out, sizeof out);
}

static void test_a_rank_calls_functions_on_others(void **state)
{
    static const gcr_spawn_fn functions[] = { square };
    gcr_future *futures[RANKS];
    gcr_spawner *spawner;

    (void)state;
    assert_ok(gcr_spawner_create(&spawner, ranks, functions, 1, &rank));
    for (int r = 0; r < RANKS; r++) {
        const double number = 10 * rank + r;

        assert_ok(gcr_spawn_on(&futures[r], spawner, r, 0, &number, sizeof number));
    }
    for (int r = 0; r < RANKS; r++) {
        const double wanted[] = { r, (10 * rank + r) * (10 * rank + r) };
        const void *bytes;
        uint64_t count;

        assert_ok(gcr_future_fetch(futures[r], &bytes, &count));
        assert_int_equal(count, sizeof wanted);
        assert_memory_equal(bytes, wanted, sizeof wanted);
        gcr_future_destroy(futures[r]);
    }
    gcr_spawner_destroy(spawner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_the_ranks_are_those_that_were_started),
        RANK_TEST(test_a_run_of_all_has_the_bits_of_one),
        RANK_TEST(test_a_pool_of_some_computes_while_the_others_do_not),
        RANK_TEST(test_a_pool_that_names_a_rank_twice_or_one_that_is_not_there_is_refused),
        RANK_TEST(test_what_fails_on_one_rank_fails_on_all),
        RANK_TEST(test_a_rank_calls_functions_on_others),
    };

    return cmocka_run_group_tests_name("many_ranks", tests, open_ranks, close_ranks);
}
