/* Ranks that have different devices: what `device: auto` takes, and that cells of all of them
 * land. */
#include "exec/run_private.h" /* first: kernel.h has a `rank` of its own */

#include "support/fake_backend.h"
#include "support/ranks.h"

#include "gridcrunch/cell.h"

#include <stdio.h>

enum { DATASETS = 4, ROWS = 300 };

/* The CPU, then the fake, of which not every rank has one. */
static const gcr_backend *const *both(void)
{
    static const gcr_backend *list[3];

    list[0] = gcr_backend_find("cpu");
    list[1] = &fake_backend;
    return list;
}

/* Rank 0 has two GPUs, rank 1 one of another machine, and rank 2 none. */
static void deal_gpus(double flops)
{
    static const int counts[] = { 2, 1, -1 };

    fake_reset();
    fake.device_count = counts[rank % 3];
    fake.first_device = rank * 10;
    fake.flops[0] = fake.flops[1] = flops;
}

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
} scene;

static void raise_curtain(scene *s, const char *device, int threads, uint64_t points)
{
    char text[512];
    const gcr_run_spec spec = { .job = &s->job, .datasets = &s->datasets, .comm = ranks };

    snprintf(text, sizeof text,
             "name: it\ndata: {synthetic: {datasets: %d, rows: %d}}\nkernel: gp\n"
             "grid: {lengthscale: {linspace: [1, 2, %llu]}, noise: 0.1, variance: 1}\n"
             "run: {device: '%s', threads: %d}\n",
             DATASETS, ROWS, (unsigned long long)points, device, threads);
    assert_ok(gcr_job_parse(&s->job, "it.yaml", text, NULL, 0));
    assert_ok(gcr_datasets_load(&s->datasets, &s->job));
    assert_ok(gcr_run_create_on(&s->run, &spec, both()));
}

static void drop_curtain(scene *s)
{
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
    *s = (scene){ 0 };
    assert_int_equal(fake.open_handles, 0);
}

/* So many points of such datasets as one thread computes in a second, as the model has it. */
static uint64_t points_of_a_second(void)
{
    scene s = { 0 };
    gcr_shape shape;
    double points;

    deal_gpus(1);
    raise_curtain(&s, "cpu", 1, 1);
    shape = gcr_binding_shape(s.run->binding, &s.datasets.items[0]);
    points = gcr_run_device_rate(s.run, 0) / (gcr_binding_cost(s.run->binding, &shape) * DATASETS);
    assert_ok(gcr_comm_broadcast(ranks, &points, sizeof points, 0));
    drop_curtain(&s);
    return (uint64_t)points;
}

/* Eight threads in all, one of them here: what is small for all is not for three ranks with as many
 * as this. */
static void test_a_job_is_small_for_all_or_for_none(void **state)
{
    const uint64_t second = points_of_a_second();
    scene s = { 0 };

    (void)state;
    deal_gpus(1e10);
    raise_curtain(&s, "auto", rank == 0 ? 1 : rank == 1 ? 5 : 2, 2 * 7 * second);
    assert_int_equal(gcr_run_device_count(s.run), 1);
    assert_int_equal(s.run->crew.device_count, 3);
    drop_curtain(&s);
    deal_gpus(1e10);
    raise_curtain(&s, "auto", rank == 0 ? 1 : rank == 1 ? 5 : 2, 2 * 9 * second);
    assert_int_equal(gcr_run_device_count(s.run), rank == 0 ? 3 : rank == 1 ? 2 : 1);
    assert_int_equal(s.run->crew.kind_count, 2);
    drop_curtain(&s);
}

/* What is slow beside all GPUs is left out, but for a rank that would have nothing then. */
static void test_a_rank_without_a_gpu_computes_on_its_cpu(void **state)
{
    const uint64_t points = 2 * 4 * points_of_a_second();
    const gcr_progress *progress;
    scene s = { 0 };

    (void)state;
    deal_gpus(1e15);
    raise_curtain(&s, "auto", 1, points);
    assert_int_equal(gcr_run_device_count(s.run), rank == 0 ? 2 : 1);
    assert_string_equal(gcr_run_device_word(s.run, 0), rank < 2 ? "fake:0" : "cpu:0");
    assert_string_equal(gcr_run_left_out(s.run),
                        rank < 2 ? "cpu:0: it would get too few cells beside the others" : "");
    assert_int_equal(s.run->crew.device_count, 4);
    assert_ok(gcr_run_execute(s.run));
    progress = gcr_run_progress(s.run);
    if (rank == 0)
        assert_int_equal(progress->landed, DATASETS * points);
    drop_curtain(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_a_job_is_small_for_all_or_for_none),
        RANK_TEST(test_a_rank_without_a_gpu_computes_on_its_cpu),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
