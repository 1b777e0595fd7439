/*
 * tests/comm/test_same_bits.c -- a run has the same bits by any schedule, over any transport.
 *
 * Started by mpirun with several numbers of ranks and ways between them; here each schedule is
 * asked, beside the same job on one rank. The jobs are small, and their messages are not: one alone
 * has more cells than a message takes.
 */
#include "support/ranks.h"

#include "gridcrunch/run.h"

#include <stdio.h>

static const char *const jobs[] = {
    /* cells of which some need jitter and some fail */
    "name: it\ndata: {synthetic: {datasets: 5, rows: [5, 19], noise: 0.1}}\nkernel: gp\n"
    "grid: {lengthscale: [0.5, 4, 300], noise: [0, 1e-9, 0.1], variance: [1, 2]}\n"
    "where: variance == 1 or noise > 0\nrun: {jitter: [1e-13], batch: 2, threads: 1}\n"
    "summary: {best: argmax(lml), top: 2, mean: mean(lml), low: 'quantile(lml, 0.25)'}\n",
    "name: it\ndata: {synthetic: {datasets: 2, rows: [1, 3]}}\nkernel: scale\n"
    "grid: {factor: {linspace: [-1, 1, 70001]}}\nwhere: factor * factor > 0.1\n"
    "run: {threads: 1}\nsummary: {best: argmax(value), top: 2, mean: mean(value)}\n",
};

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
} scene;

static void compute(scene *s, const char *text, const char *schedule, gcr_comm *comm)
{
    char word[64];
    const char *const words[] = { word };
    const gcr_run_spec spec = { .job = &s->job, .datasets = &s->datasets, .comm = comm };

    snprintf(word, sizeof word, "run.schedule=%s", schedule);
    assert_ok(gcr_job_parse(&s->job, "it.yaml", text, words, 1));
    assert_ok(gcr_datasets_load(&s->datasets, &s->job));
    assert_ok(gcr_run_create(&s->run, &spec));
    assert_ok(gcr_run_execute(s->run));
}

static void forget(scene *s)
{
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
}

static void compare_bits(const void *found, const void *wanted, uint64_t bytes, const char *what)
{
    if (memcmp(found, wanted, bytes) != 0)
        fail_msg("%s has other bits", what);
}

static void compare_rows(const gcr_row *found, const gcr_row *wanted)
{
    const uint64_t n = wanted->point_count;

    assert_int_equal(found->point_count, n);
    compare_bits(found->state, wanted->state, n, "status");
    assert_int_equal(found->jitter_step != NULL, wanted->jitter_step != NULL);
    if (wanted->jitter_step != NULL)
        compare_bits(found->jitter_step, wanted->jitter_step, n, "jitter");
    for (int o = 0; o < wanted->output_count; o++)
        compare_bits(found->values[o], wanted->values[o],
                     n * (uint64_t)wanted->width[o] * sizeof(double), "an output");
}

static void compare_summary(const gcr_summary_value *found, const gcr_summary_value *wanted)
{
    compare_bits(&found->value, &wanted->value, sizeof wanted->value, "a summary");
    assert_int_equal(found->point, wanted->point);
    assert_int_equal(found->skipped, wanted->skipped);
}

static void compare(const scene *found, const scene *wanted)
{
    const gcr_summaries *a = gcr_run_summaries(found->run), *b = gcr_run_summaries(wanted->run);

    for (uint64_t d = 0; d < wanted->datasets.count; d++) {
        gcr_row row, row_wanted;
        gcr_summary_value value, value_wanted;

        assert_ok(gcr_run_row(&row, found->run, d));
        assert_ok(gcr_run_row(&row_wanted, wanted->run, d));
        compare_rows(&row, &row_wanted);
        for (int s = 0; s < wanted->job.summary_count; s++) {
            value = gcr_summaries_get(a, d, s);
            value_wanted = gcr_summaries_get(b, d, s);
            compare_summary(&value, &value_wanted);
        }
        for (int place = 0; place < 2; place++) {
            value = gcr_summaries_top(a, d, place);
            value_wanted = gcr_summaries_top(b, d, place);
            compare_summary(&value, &value_wanted);
        }
    }
}

static void compute_by_all_schedules(const char *text)
{
    static const char *const schedules[] = { "static", "cyclic", "dynamic", "guided", "auto" };
    gcr_comm *alone;
    scene one = { 0 };

    assert_ok(gcr_comm_open_alone(&alone));
    compute(&one, text, "dynamic", alone);
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        scene many = { 0 };

        compute(&many, text, schedules[i], ranks);
        assert_int_equal(gcr_run_rank_count(many.run), rank_count);
        if (rank == 0)
            compare(&many, &one);
        forget(&many);
    }
    forget(&one);
    gcr_comm_close(alone);
}

static void test_of_cells_that_need_jitter_and_cells_that_fail(void **state)
{
    (void)state;
    compute_by_all_schedules(jobs[0]);
}

static void test_of_more_cells_than_a_message_takes(void **state)
{
    (void)state;
    compute_by_all_schedules(jobs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_of_cells_that_need_jitter_and_cells_that_fail),
        RANK_TEST(test_of_more_cells_than_a_message_takes),
    };

    return cmocka_run_group_tests_name("same_bits", tests, open_ranks, close_ranks);
}
