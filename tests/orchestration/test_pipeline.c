/*
 * tests/orchestration/test_pipeline.c -- what the conductor asks of a device that does not share
 * the host's memory, seen by a fake that writes everything down.
 */
#include "exec/run_private.h"

#include "support/fake_backend.h"
#include "support/gcr_test.h"

#include "gridcrunch/cell.h"

#include <unistd.h>

/* 3 datasets of 5, 7 and 9 rows x 40 points, batches of 16. */
static const char gp_job[] = "name: fake\n"
                             "data: {synthetic: {datasets: 3, rows: [5, 9]}}\n"
                             "kernel: gp\n"
                             "grid:\n"
                             "  lengthscale: {linspace: [1, 10, 10]}\n"
                             "  noise: [0.1, 0.2, 0.3, 0.4]\n"
                             "  variance: [1]\n"
                             "summary: {best: argmax(lml)}\n"
                             "run: {batch: 16}\n";

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
} scene;

static gcr_run *running; /* what a fake operation cancels */

/* On the fakes as they are. */
static void open_on(scene *s, const gcr_backend *const *backends, const char *const *overrides,
                    int count)
{
    gcr_run_spec spec;

    assert_ok(gcr_job_parse(&s->job, "fake.yaml", gp_job, overrides, count));
    assert_ok(gcr_datasets_load(&s->datasets, &s->job));
    spec = (gcr_run_spec){ .job = &s->job, .datasets = &s->datasets };
    assert_ok(gcr_run_create_on(&s->run, &spec, backends));
    running = s->run;
}

static void open_curtain(scene *s, const char *const *overrides, int count)
{
    open_on(s, fake_backends, overrides, count);
}

static void raise_with(scene *s, const char *const *overrides, int count)
{
    fake_reset();
    open_curtain(s, overrides, count);
}

/* On a fake that can do what is optional. */
static void raise_rich(scene *s, const char *const *overrides, int count)
{
    fake_reset();
    open_on(s, fake_rich_backends, overrides, count);
}

static void raise_curtain(scene *s, const char *override)
{
    raise_with(s, &override, override != NULL ? 1 : 0);
}

static void drop_curtain(scene *s)
{
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
    assert_int_equal(fake.open_handles, 0);
}

static uint64_t all_data_bytes(const scene *s)
{
    uint64_t bytes = 0;

    for (uint64_t d = 0; d < s->datasets.count; d++)
        bytes += gcr_dataset_bytes(&s->datasets.items[d]);
    return bytes;
}

/* The fake has the plain path alone. */
static void test_a_code_path_that_the_device_lacks_is_refused(void **state)
{
    const char *const override = "run.code_path=v3";
    gcr_run_spec spec = { 0 };
    gcr_datasets datasets;
    gcr_job job;
    gcr_run *run;

    (void)state;
    fake_reset();
    assert_ok(gcr_job_parse(&job, "fake.yaml", gp_job, &override, 1));
    assert_ok(gcr_datasets_load(&datasets, &job));
    spec.job = &job;
    spec.datasets = &datasets;
    assert_status(gcr_run_create_on(&run, &spec, fake_backends), GCR_EUNSUPPORTED);
    assert_string_equal(gcr_last_error(), "--set run.code_path:1:1: fake does not have the "
                                          "instructions of code path 'v3': its best is 'plain'");
    assert_null(run);
    assert_int_equal(fake.open_handles, 0);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

static void test_the_kind_names_scalar_code_path_and_algorithm(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    assert_string_equal(gcr_run_kind(s.run, 0), "fake, f64, plain, direct");
    drop_curtain(&s);
}

static void test_every_dataset_goes_up_once(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s));
    assert_int_equal(fake_count(FAKE_PREPARE), 3);
    drop_curtain(&s);
}

/* 3 datasets of 10^6 points: more than a device with memory of its own computes at once. */
static void test_batches_of_a_large_grid_fill_a_device(void **state)
{
    static const char *const overrides[] = { "grid.lengthscale={linspace: [1, 2, 250000]}",
                                             "run.batch=auto" };
    scene s;

    (void)state;
    raise_with(&s, overrides, 2);
    assert_int_equal(gcr_run_batch(s.run), 1 << 18);
    drop_curtain(&s);
}

/* 120 cells, of which an eighth is 15. */
static void test_a_batch_of_a_small_grid_fills_the_device_all_the_same(void **state)
{
    static const char *const overrides[] = { "run.batch=auto" };
    scene s;

    (void)state;
    fake_reset();
    fake.cells_at_once = 50;
    open_curtain(&s, overrides, 1);
    assert_int_equal(gcr_run_batch(s.run), 50);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(fake_count(FAKE_CRUNCH), 3);
    drop_curtain(&s);
    fake_reset();
    fake.cells_at_once = 7; /* 15 is two times that and one */
    open_curtain(&s, overrides, 1);
    assert_int_equal(gcr_run_batch(s.run), 21);
    drop_curtain(&s);
    fake_reset();
    fake.cells_at_once = 1000;
    open_curtain(&s, overrides, 1);
    assert_int_equal(gcr_run_batch(s.run), 120);
    drop_curtain(&s);
}

/* 3 datasets of 10^6 points on four units; so many cells that the most costly take 50 ms. */
static void test_a_batch_is_limited_by_the_time_that_it_takes(void **state)
{
    static const char *const overrides[] = { "grid.lengthscale={linspace: [1, 2, 250000]}",
                                             "run.batch=auto" };
    static const uint64_t at_once[] = { 0, 300, 5000 };
    static const uint64_t batches[] = { 1000, 900, 5000 };
    scene s;
    double cost;

    (void)state;
    raise_with(&s, overrides, 2);
    cost = gcr_binding_cost(s.run->binding, &s.run->binding->largest);
    drop_curtain(&s);
    for (int i = 0; i < 3; i++) {
        fake_reset();
        fake.flops[0] = 1000.5 * cost / 0.05 / 4;
        fake.cells_at_once = at_once[i];
        open_curtain(&s, overrides, 2);
        assert_int_equal(gcr_run_batch(s.run), batches[i]);
        drop_curtain(&s);
    }
}

static void test_in_single_precision_half_as_many_bytes_go_up(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "run.precision=single");
    assert_string_equal(gcr_run_kind(s.run, 0), "fake, f32, plain, direct");
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s) / 2);
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes, 3 * 40 * (sizeof(double) + 1));
    assert_int_equal(fake_count(FAKE_PREPARE), 3);
    drop_curtain(&s);
}

static void test_only_outputs_and_states_come_down(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes, 3 * 40 * (sizeof(double) + 1));
    drop_curtain(&s);
}

/* 3 datasets of 10,000 points, ten blocks each; a third of the points is left out, whole blocks
 * too. The output of a point is its number. */
static const char *const kept[] = { "grid.lengthscale={linspace: [1, 10, 2500]}",
                                    "where=lengthscale < 3 or lengthscale > 6 or noise == 0.1",
                                    "summary.average=mean(lml)",
                                    "summary.top=3",
                                    "output.keep=summary",
                                    "run.batch=3000" };
enum { KEPT = sizeof kept / sizeof kept[0] };

static void check_kept(const scene *s)
{
    const gcr_point_table *points = gcr_run_points(s->run);
    const gcr_summaries *summaries = gcr_run_summaries(s->run);
    uint64_t counts[GCR_CELL_STATE_COUNT];
    double sum = 0;

    for (uint64_t p = 0; p < points->point_count; p++)
        sum += gcr_point_is_live(points, p) ? (double)p : 0; /* exact: whole numbers */
    for (uint64_t d = 0; d < 3; d++) {
        assert_int_equal(gcr_summaries_get(summaries, d, 0).point, 9999);
        assert_int_equal(gcr_summaries_top(summaries, d, 2).point, 9997);
        assert_true(gcr_summaries_get(summaries, d, 1).value == sum / (double)points->live_count);
        assert_int_equal(gcr_summaries_get(summaries, d, 1).skipped, 0);
    }
    gcr_run_count(s->run, counts);
    assert_int_equal(counts[GCR_CELL_OK], 3 * points->live_count);
    assert_int_equal(counts[GCR_CELL_EXCLUDED], 3 * (10000 - points->live_count));
    assert_int_equal(gcr_run_progress(s->run)->landed, 3 * points->live_count);
    assert_int_equal(gcr_run_progress(s->run)->failed, 0);
}

static void test_where_cells_are_not_kept_outputs_are_reduced_by_the_host(void **state)
{
    scene s;

    (void)state;
    raise_with(&s, kept, KEPT);
    assert_ok(gcr_run_execute(s.run));
    check_kept(&s);
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes,
                     gcr_run_ledger(s.run)->points * (sizeof(double) + 1));
    drop_curtain(&s);
}

static void test_a_device_that_reduces_sends_records_of_blocks_alone(void **state)
{
    scene s;
    uint64_t record;

    (void)state;
    raise_rich(&s, kept, KEPT);
    assert_ok(gcr_run_execute(s.run));
    check_kept(&s);
    record = sizeof(gcr_partial_states) + 2 * sizeof(gcr_partial) + 3 * sizeof(gcr_partial_place);
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes, 3 * 10 * record);
    assert_int_equal(fake_count(FAKE_REDUCE), fake_count(FAKE_CRUNCH));
    assert_true(fake_find(FAKE_CRUNCH, 2) < fake_find(FAKE_SYNC, 1));
    drop_curtain(&s);
}

/* What summaries say they know is what has landed: none has what belongs to another dataset, or to
 * cells that nobody counted. */
static void check_best_so_far(const scene *s)
{
    const uint64_t live_count = gcr_run_points(s->run)->live_count;
    uint64_t counts[GCR_CELL_STATE_COUNT], known = 0;

    gcr_run_count(s->run, counts);
    for (uint64_t d = 0; d < 3; d++)
        known += live_count - gcr_summaries_get(gcr_run_summaries(s->run), d, 0).skipped;
    assert_true(counts[GCR_CELL_EMPTY] > 0);
    assert_int_equal(counts[GCR_CELL_OK], gcr_run_progress(s->run)->landed);
    assert_int_equal(known, gcr_run_progress(s->run)->landed);
}

/* The last of several that belong together, the first ones of which could be. */
static void test_a_record_that_no_cells_can_have_is_not_taken(void **state)
{
    (void)state;
    for (int lie = 1; lie <= 6; lie++) {
        scene s;

        raise_rich(&s, kept, KEPT);
        fake.reduce_that_lies = lie;
        assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
        assert_error_mentions("a device has left a record of the cells up to point");
        check_best_so_far(&s);
        drop_curtain(&s);
    }
}

/* More places than a device keeps. */
static void test_a_top_that_is_long_is_found_by_the_host(void **state)
{
    const char *overrides[KEPT + 1];
    scene s;

    (void)state;
    memcpy(overrides, kept, sizeof kept);
    overrides[KEPT] = "summary.top=33";
    raise_rich(&s, overrides, KEPT + 1);
    assert_ok(gcr_run_execute(s.run));
    check_kept(&s);
    assert_int_equal(fake_count(FAKE_REDUCE), 0);
    drop_curtain(&s);
}

/* Blocks of 1024 points in slices of 300. */
static void raise_sliced(scene *s, const char *override)
{
    const char *overrides[KEPT + 1];

    memcpy(overrides, kept, sizeof kept);
    overrides[KEPT - 1] = "run.batch=300";
    overrides[KEPT] = override;
    raise_rich(s, overrides, KEPT + (override != NULL));
}

static void test_a_block_of_several_batches_is_waited_for_batch_by_batch(void **state)
{
    scene s;

    (void)state;
    raise_sliced(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    check_kept(&s);
    for (int k = 1; k < 4; k++)
        assert_true(fake_find(FAKE_SYNC, k) < fake_find(FAKE_CRUNCH, k + 1));
    drop_curtain(&s);
}

static void test_the_limit_of_time_is_one_for_each_batch_of_a_block(void **state)
{
    scene s;

    (void)state;
    raise_sliced(&s, "run.kernel_time=90s");
    fake.sync_that_hangs = 2;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_error_mentions("fake has not ended a batch in 90 s");
    assert_int_equal(fake_count(FAKE_CRUNCH), 2);
    drop_curtain(&s);
}

static void test_where_cells_are_not_kept_a_device_that_is_lost_leaves_the_best_so_far(void **state)
{
    scene s;

    (void)state;
    raise_rich(&s, kept, KEPT);
    fake.crunch_that_fails = 6;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_true(gcr_run_progress(s.run)->landed > 0);
    check_best_so_far(&s);
    drop_curtain(&s);
}

static uint64_t plan_of_summaries(const char *schedule)
{
    const char *overrides[KEPT + 2];
    uint64_t bytes;
    scene s;

    memcpy(overrides, kept, sizeof kept);
    overrides[KEPT] = schedule;
    overrides[KEPT + 1] = "data={synthetic: {datasets: 50, rows: 9}}";
    raise_rich(&s, overrides, KEPT + 2);
    bytes = gcr_plan_memory(gcr_run_plan(s.run))->points;
    drop_curtain(&s);
    return bytes;
}

/* Of all 50 datasets cells may have landed before the first is complete; else of two. */
static void test_with_cyclic_batches_each_dataset_may_have_a_tally_of_its_own(void **state)
{
    const uint64_t tally = 2 * sizeof(gcr_tally_column) + 3 * sizeof(gcr_summary_value);

    (void)state;
    assert_true(plan_of_summaries("run.schedule=cyclic") >=
                plan_of_summaries("run.schedule=dynamic") + 48 * tally);
}

static void test_cells_that_are_not_kept_cannot_be_had(void **state)
{
    gcr_row row;
    scene s;

    (void)state;
    raise_with(&s, kept, KEPT);
    assert_ok(gcr_run_execute(s.run));
    assert_status(gcr_run_row(&row, s.run, 0), GCR_EINVAL);
    assert_error_mentions("this run keeps summaries and no cells");
    assert_status(gcr_run_fetch(&row, s.run, 0, 0), GCR_EINVAL);
    assert_status(gcr_run_take(&row, s.run, 0, 0), GCR_EINVAL);
    assert_ok(gcr_run_wait(s.run, 0, 0));
    drop_curtain(&s);
}

static void check_made_there(const char *override)
{
    scene s;

    raise_rich(&s, &override, override != NULL ? 1 : 0);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, 0);
    assert_int_equal(gcr_run_device_plan(s.run, 0)->up_bytes, 0);
    assert_int_equal(fake_count(FAKE_GENERATE), 3);
    assert_int_equal(fake_count(FAKE_UPLOAD), 0);
    assert_int_equal(fake_count(FAKE_PREPARE), 3);
    for (int d = 1; d <= 3; d++)
        assert_true(fake_find(FAKE_GENERATE, d) < fake_find(FAKE_PREPARE, d));
    drop_curtain(&s);
}

static void test_synthetic_datasets_are_made_by_a_device_that_can(void **state)
{
    (void)state;
    check_made_there(NULL);
    check_made_there("run.precision=single");
    check_made_there("data.standardize=y");
    check_made_there("data.standardize=[x, y]");
}

/* A launch has no room for so many means. */
static void test_datasets_of_many_standardised_features_go_up(void **state)
{
    const char *const overrides[] = { "data.standardize=x", "data.synthetic.features=65" };
    scene s;

    (void)state;
    raise_rich(&s, overrides, 2);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s));
    assert_int_equal(fake_count(FAKE_GENERATE), 0);
    drop_curtain(&s);
}

static void test_the_next_batch_is_enqueued_before_the_last_is_waited_for(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(fake_count(FAKE_CRUNCH), 8); /* 120 cells by 16 */
    for (int k = 1; k < 8; k++)
        assert_true(fake_find(FAKE_CRUNCH, k + 1) < fake_find(FAKE_SYNC, k));
    drop_curtain(&s);
}

static void test_every_cell_lands_in_the_slot_of_its_key(void **state)
{
    scene s;
    const gcr_slots *slots;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    slots = gcr_run_slots(s.run);
    for (uint64_t cell = 0; cell < 120; cell++) {
        assert_int_equal(slots->state[cell], GCR_CELL_OK);
        assert_true(slots->values[0][cell] == (double)(cell % 40));
    }
    assert_int_equal(gcr_summaries_get(gcr_run_summaries(s.run), 1, 0).point, 39);
    drop_curtain(&s);
}

static void test_points_that_where_leaves_out_stay_excluded(void **state)
{
    scene s;
    const gcr_slots *slots;

    (void)state;
    raise_curtain(&s, "where=noise < 0.25 or lengthscale > 9");
    assert_ok(gcr_run_execute(s.run));
    slots = gcr_run_slots(s.run);
    for (uint64_t cell = 0; cell < 120; cell++) {
        const uint64_t point = cell % 40;
        const int is_live = point % 4 < 2 || point >= 36;

        assert_int_equal(slots->state[cell], is_live ? GCR_CELL_OK : GCR_CELL_EXCLUDED);
        if (is_live)
            assert_true(slots->values[0][cell] == (double)point);
        else
            assert_true(isnan(slots->values[0][cell]));
    }
    assert_int_equal(gcr_run_progress(s.run)->failed, 0);
    drop_curtain(&s);
}

/* 300 points, in runs of live ones that begin and end anywhere in words of 64, and fill some. */
static void test_runs_of_live_points_land_whole_and_nothing_beside_them(void **state)
{
    static const char *const wheres[] = { "where=lengthscale > 1.5 and lengthscale < 1.8",
                                          "where=lengthscale < 9.9 and lengthscale != 1.25",
                                          "where=noise < 0.15 or lengthscale > 5.5" };
    scene s;

    (void)state;
    for (int w = 0; w < 3; w++) {
        const char *const overrides[] = { "grid.lengthscale={linspace: [1, 10, 75]}", wheres[w],
                                          w == 0 ? "run.batch=100" : "run.batch=300" };
        const gcr_point_table *points;
        const gcr_slots *slots;

        raise_with(&s, overrides, 3);
        points = gcr_run_points(s.run);
        assert_true(points->live_count > 0 && points->live_count < 300);
        assert_ok(gcr_run_execute(s.run));
        slots = gcr_run_slots(s.run);
        for (uint64_t cell = 0; cell < 3 * points->point_count; cell++) {
            const uint64_t point = cell % points->point_count;
            const int is_live = gcr_point_is_live(points, point);

            assert_int_equal(slots->state[cell], is_live ? GCR_CELL_OK : GCR_CELL_EXCLUDED);
            assert_true(is_live ? slots->values[0][cell] == (double)point
                                : isnan(slots->values[0][cell]));
        }
        drop_curtain(&s);
    }
}

static void test_a_batch_larger_than_the_grid_is_as_large_as_the_grid(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "run.batch=2049638230412172402");
    assert_int_equal(gcr_run_batch(s.run), 120);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(fake_count(FAKE_CRUNCH), 1);
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes, 120 * (sizeof(double) + 1));
    drop_curtain(&s);
}

static void test_a_schedule_that_gives_more_than_a_batch_is_cut_into_batches(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "run={batch: 1, schedule: guided}");
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(fake_count(FAKE_CRUNCH), 120);
    assert_int_equal(gcr_run_progress(s.run)->landed, 120);
    drop_curtain(&s);
}

static void test_nothing_but_datasets_is_allocated_in_the_loop(void **state)
{
    scene s;
    int opened_in_loop = 0;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    for (int i = fake_find(FAKE_CRUNCH, 1); i < fake.log_count; i++)
        opened_in_loop += fake.log[i] == FAKE_BUF_OPEN;
    assert_true(opened_in_loop <= 2); /* of the other two datasets */
    drop_curtain(&s);
}

static void test_a_dataset_leaves_the_device_with_its_last_cell(void **state)
{
    scene s;
    int closed_early = 0;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    for (int i = 0; i < fake_find(FAKE_SYNC, 8); i++)
        closed_early += fake.log[i] == FAKE_BUF_CLOSE;
    assert_int_equal(closed_early, 2);
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 3);
    drop_curtain(&s);
}

/* A batch that has no memory leaves its datasets to another device, which computes them all, while
 * the first may still be at preparing them. */
static void test_a_dataset_that_a_batch_gave_up_is_waited_for(void **state)
{
    static const uint64_t places[] = { 0, 1, 2 };
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    gcr_residency *residency = NULL;
    gcr_device *device = NULL;
    gcr_program *program = NULL;
    gcr_program_spec program_spec;
    gcr_residency_spec spec = { .option = option, .places = places };
    gcr_queue *queue = NULL;
    gcr_resident resident;
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    program_spec = gcr_binding_program_spec(s.run->binding);
    assert_ok(gcr_device_open(&device, &fake_backend, 0));
    assert_ok(gcr_queue_open(&queue, device));
    assert_ok(gcr_program_open(&program, device, &program_spec));
    spec.program = program;
    spec.datasets = &s.datasets;
    assert_ok(gcr_residency_create(&residency, &spec));
    for (uint64_t d = 0; d < 3; d++)
        assert_ok(gcr_residency_acquire(residency, queue, d, &resident));
    gcr_residency_leave(residency, 0, 1);
    gcr_residency_leave(residency, 1, 0);
    gcr_residency_release(residency, 0);
    gcr_residency_release(residency, 2); /* landed, and not left yet */
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 2);
    gcr_residency_release(residency, 1);
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 2);
    assert_int_equal(fake_count(FAKE_BUF_CLOSE), 3);
    gcr_residency_destroy(residency);
    gcr_queue_close(queue);
    gcr_program_close(program);
    gcr_device_close(device);
    drop_curtain(&s);
}

static void test_a_dataset_is_one_buffer_with_its_columns_and_what_is_prepared(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(fake_count(FAKE_BUF_OPEN), 3 + 2 * 2); /* and the records of two batches */
    drop_curtain(&s);
}

/* Nothing has landed of a run that fails at once: what its queue was given may still use
 * everything. */
static void test_a_run_that_fails_closes_its_queue_before_what_that_uses(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 2;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_true(fake_count(FAKE_BUF_CLOSE) > 0);
    assert_true(fake_find(FAKE_QUEUE_CLOSE, 1) < fake_find(FAKE_BUF_CLOSE, 1));
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 0);
    drop_curtain(&s);
}

static void test_a_device_that_fails_ends_the_run_and_leaks_nothing(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 4;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_error_mentions("the fake fell over");
    drop_curtain(&s);
}

static void test_a_device_that_is_lost_while_waited_for_ends_the_run(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.sync_that_fails = 3;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_error_mentions("the fake was lost");
    drop_curtain(&s);
}

static void assert_all_computed(const scene *s)
{
    const gcr_slots *slots = gcr_run_slots(s->run);

    assert_int_equal(gcr_run_ending_of(s->run), GCR_RUN_COMPLETE);
    for (uint64_t cell = 0; cell < 120; cell++) {
        assert_int_equal(slots->state[cell], GCR_CELL_OK);
        assert_true(slots->values[0][cell] == (double)(cell % 40));
    }
}

/* For records it is smaller batches, for a dataset another try when others have left: not for the
 * first, which follows two records in memory and in staging. */
enum { FIRST_DATASET = 5 };

static void test_memory_that_runs_out_once_at_any_allocation_is_made_do_with(void **state)
{
    scene s;
    int total;

    (void)state;
    raise_curtain(&s, NULL);
    assert_ok(gcr_run_execute(s.run));
    total = fake.bufs;
    drop_curtain(&s);
    for (int nth = 1; nth <= total; nth++) {
        if (nth == FIRST_DATASET)
            continue;
        raise_curtain(&s, NULL);
        fake.buf_that_fails = nth;
        assert_ok(gcr_run_execute(s.run));
        assert_all_computed(&s);
        drop_curtain(&s);
    }
}

/* Records have room for 64 points at first, of which `where` may leave out any. */
static void test_records_of_batches_of_one_cell_become_smaller_too(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "run.batch=1");
    fake.buf_that_fails = 1;
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    assert_int_equal(gcr_run_progress(s.run)->halved, 0);
    drop_curtain(&s);
}

static void test_a_batch_that_has_no_memory_is_halved_until_it_has(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_points_most = 3; /* 16, 8, 4, 2 */
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    assert_int_equal(gcr_run_progress(s.run)->halved, 3);
    assert_int_equal(gcr_run_ledger(s.run)->crunch_calls, 60);
    assert_int_equal(gcr_run_ledger(s.run)->points, 120);
    drop_curtain(&s);
}

static void test_batches_without_slots_are_halved_below_a_block_of_points(void **state)
{
    static const char *const overrides[] = { "output.keep=summary", "run.batch=auto",
                                             "grid.lengthscale={linspace: [1, 2, 1000]}" };
    scene s;

    (void)state;
    raise_with(&s, overrides, 3);
    fake.crunch_points_most = 300;
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_COMPLETE);
    assert_int_equal(gcr_summaries_get(gcr_run_summaries(s.run), 1, 0).point, 3999);
    assert_true(gcr_run_ledger(s.run)->crunch_calls >= 3 * 4000 / 300);
    drop_curtain(&s);
}

/* Nothing can leave, and batches that are smaller need it all the same. */
static void test_a_dataset_that_has_no_memory_ends_the_run_without_smaller_batches(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.buf_that_fails = FIRST_DATASET;
    assert_status(gcr_run_execute(s.run), GCR_ENOMEM);
    assert_error_mentions("the fake has no memory");
    assert_int_equal(gcr_run_progress(s.run)->halved, 0);
    assert_int_equal(fake.bufs, FIRST_DATASET);
    drop_curtain(&s);
}

/* Not one cell can be computed: that is the end. */
static void test_a_cell_that_has_no_memory_ends_the_run_and_leaks_nothing(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "output.keep=all");
    fake.crunch_has_no_memory = 1;
    assert_status(gcr_run_execute(s.run), GCR_ENOMEM);
    assert_error_mentions("the fake has no memory for so many");
    assert_int_equal(gcr_run_progress(s.run)->halved, 4); /* 16, 8, 4, 2, 1 */
    drop_curtain(&s);
}

/* ---- a kernel that does not end -------------------------------------------------------------- */

static void test_a_batch_that_does_not_end_in_its_time_ends_the_run(void **state)
{
    scene s;
    gcr_in_flight flight;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    raise_curtain(&s, "run.kernel_time=90s");
    fake.sync_that_hangs = 3;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_string_equal(gcr_last_error(), "fake has not ended a batch in 90 s, the job's "
                                          "kernel_time; only a new process can use it again");
    assert_true(gcr_run_failed_at(&flight, s.run));
    assert_int_equal(flight.cell_count, 16);
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_OK], 32);
    assert_int_equal(counts[GCR_CELL_EMPTY], 88);
    drop_curtain(&s);
}

/* ---- a device that is lost ------------------------------------------------------------------- */

/* What a kernel did to a device is said at a later call: batch 4 is launched while batch 3 is under
 * way. */
static void test_of_a_lost_device_all_is_named_that_was_in_flight(void **state)
{
    scene s;
    gcr_in_flight flight;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 4;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_true(gcr_run_failed_at(&flight, s.run));
    assert_int_equal(flight.dataset, 2); /* the dearest comes first, 40 points of it */
    assert_int_equal(flight.point, 32);
    assert_int_equal(flight.cell_count, 32);
    drop_curtain(&s);
}

/* What has landed is in no flight any more, and what was never launched in none yet. */
static void test_of_a_lost_device_nothing_is_named_that_had_landed(void **state)
{
    scene s;
    gcr_in_flight flight;

    (void)state;
    raise_curtain(&s, NULL);
    fake.sync_that_fails = 2; /* batch 3 is launched, batch 1 has landed */
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_true(gcr_run_failed_at(&flight, s.run));
    assert_int_equal(flight.dataset, 2);
    assert_int_equal(flight.point, 16);
    assert_int_equal(flight.cell_count, 32);
    drop_curtain(&s);
}

/* The host must not wait for the device where it does not look at the clock. */
static void test_with_a_limit_of_time_there_is_one_batch_at_a_time(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, "run.kernel_time=90s");
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    for (int k = 1; k < 8; k++)
        assert_true(fake_find(FAKE_SYNC, k) < fake_find(FAKE_CRUNCH, k + 1));
    drop_curtain(&s);
}

/* Long enough for the thread that waits to have seen the wish; this batch is finished all the
 * same. */
static void cancel_in_the_third_batch(void)
{
    if (fake.crunches != 2)
        return;
    gcr_run_cancel(running);
    usleep(300000);
}

static void test_a_cancelled_run_keeps_what_landed_and_marks_the_rest_empty(void **state)
{
    scene s;
    const gcr_slots *slots;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    raise_curtain(&s, "run.batch=1");
    fake.on_crunch = cancel_in_the_third_batch;
    assert_ok(gcr_run_execute(s.run));
    slots = gcr_run_slots(s.run);
    gcr_slots_count(slots, counts);
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_CANCELLED);
    assert_int_equal(counts[GCR_CELL_OK], 3);
    assert_int_equal(counts[GCR_CELL_EMPTY], 117);
    for (uint64_t cell = 0; cell < 120; cell++)
        if (slots->state[cell] == GCR_CELL_EMPTY)
            assert_true(isnan(slots->values[0][cell]));
    drop_curtain(&s);
}

static void test_a_block_that_is_not_finished_at_a_cancel_stays_empty(void **state)
{
    uint64_t counts[GCR_CELL_STATE_COUNT];
    scene s;

    (void)state;
    raise_sliced(&s, NULL);
    fake.on_crunch = cancel_in_the_third_batch;
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_CANCELLED);
    assert_int_equal(fake_count(FAKE_CRUNCH), 3);
    assert_int_equal(fake_count(FAKE_REDUCE), 0);
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_OK], 0);
    assert_int_equal(counts[GCR_CELL_EMPTY], 3 * gcr_run_points(s.run)->live_count);
    assert_int_equal(gcr_run_progress(s.run)->landed, 0);
    drop_curtain(&s);
}

static void test_a_run_that_failed_says_so_and_keeps_what_landed(void **state)
{
    scene s;
    const gcr_slots *slots;
    const gcr_results *results;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    int says_so = 0;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 4; /* two batches of 16 have landed */
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_FAILED);
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_OK], 32);
    assert_int_equal(counts[GCR_CELL_EMPTY], 88);
    slots = gcr_run_slots(s.run);
    for (uint64_t cell = 0; cell < 120; cell++)
        if (slots->state[cell] == GCR_CELL_EMPTY)
            assert_true(isnan(slots->values[0][cell]));
    results = gcr_run_results(s.run);
    assert_non_null(results->summaries);
    for (int f = 0; f < results->fact_count; f++)
        says_so |= strcmp(results->facts[f].name, "ending") == 0 &&
                   strcmp(results->facts[f].text, "failed") == 0;
    assert_true(says_so);
    drop_curtain(&s);
}

/* Its results are as many as they may be, and none of them has been written. */
static void test_a_run_that_failed_before_its_first_cell_has_no_cells(void **state)
{
    scene s;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    raise_curtain(&s, NULL);
    fake.program_that_fails = fake.programs + 1;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_FAILED);
    assert_null(gcr_run_slots(s.run));
    assert_null(gcr_run_summaries(s.run));
    assert_null(gcr_run_results(s.run)->summaries);
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_EMPTY], 120);
    drop_curtain(&s);
}

static void test_a_run_that_failed_has_the_best_so_far(void **state)
{
    scene s;
    uint64_t best = 0;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 4;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    for (uint64_t d = 0; d < 3; d++) {
        const gcr_summary_value value = gcr_summaries_get(gcr_run_summaries(s.run), d, 0);

        best += value.point == 31 && value.skipped == 8;
    }
    assert_int_equal(best, 1);
    drop_curtain(&s);
}

/* Fails in the library, on the thread that has a sentence to tell. */
static void fail_in_the_callback(void *arg, gcr_run *run, uint64_t dataset)
{
    (void)arg;
    (void)dataset;
    assert_status(gcr_run_wait(run, 1000, 0), GCR_EINVAL);
}

/* Batches of 40 are datasets. */
static void
test_a_callback_that_fails_after_the_device_does_not_hide_why_the_run_failed(void **state)
{
    const char *const override = "run.batch=40";
    scene s;
    gcr_run_spec spec;

    (void)state;
    fake_reset();
    assert_ok(gcr_job_parse(&s.job, "fake.yaml", gp_job, &override, 1));
    assert_ok(gcr_datasets_load(&s.datasets, &s.job));
    spec = (gcr_run_spec){ .job = &s.job,
                           .datasets = &s.datasets,
                           .on_dataset = fail_in_the_callback };
    assert_ok(gcr_run_create_on(&s.run, &spec, fake_backends));
    fake.sync_that_fails = 3; /* of the last dataset: the one before has landed, and nobody knows */
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_error_mentions("the fake was lost");
    drop_curtain(&s);
}

static gcr_status nested; /* what a run got that was executed inside a cell */

static void execute_in_the_cell(void)
{
    nested = gcr_run_execute(running);
}

static void test_a_run_that_is_executed_inside_a_cell_is_refused_at_once(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.on_crunch = execute_in_the_cell;
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(nested, GCR_ENESTED);
    assert_int_equal(gcr_run_progress(s.run)->landed, 120);
    drop_curtain(&s);
}

static void test_who_waits_for_a_dataset_of_a_run_that_failed_is_told_why(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, NULL);
    fake.crunch_that_fails = 1;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_status(gcr_run_wait(s.run, 0, -1), GCR_ECLOSED);
    assert_error_mentions("will not be complete");
    assert_error_mentions("the fake fell over");
    drop_curtain(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_path_that_the_device_lacks_is_refused),
        cmocka_unit_test(test_the_kind_names_scalar_code_path_and_algorithm),
        cmocka_unit_test(test_every_dataset_goes_up_once),
        cmocka_unit_test(test_batches_of_a_large_grid_fill_a_device),
        cmocka_unit_test(test_a_batch_of_a_small_grid_fills_the_device_all_the_same),
        cmocka_unit_test(test_a_batch_is_limited_by_the_time_that_it_takes),
        cmocka_unit_test(test_in_single_precision_half_as_many_bytes_go_up),
        cmocka_unit_test(test_only_outputs_and_states_come_down),
        cmocka_unit_test(test_where_cells_are_not_kept_outputs_are_reduced_by_the_host),
        cmocka_unit_test(test_a_device_that_reduces_sends_records_of_blocks_alone),
        cmocka_unit_test(test_a_record_that_no_cells_can_have_is_not_taken),
        cmocka_unit_test(test_a_top_that_is_long_is_found_by_the_host),
        cmocka_unit_test(
            test_where_cells_are_not_kept_a_device_that_is_lost_leaves_the_best_so_far),
        cmocka_unit_test(test_a_block_of_several_batches_is_waited_for_batch_by_batch),
        cmocka_unit_test(test_the_limit_of_time_is_one_for_each_batch_of_a_block),
        cmocka_unit_test(test_a_block_that_is_not_finished_at_a_cancel_stays_empty),
        cmocka_unit_test(test_with_cyclic_batches_each_dataset_may_have_a_tally_of_its_own),
        cmocka_unit_test(test_cells_that_are_not_kept_cannot_be_had),
        cmocka_unit_test(test_synthetic_datasets_are_made_by_a_device_that_can),
        cmocka_unit_test(test_datasets_of_many_standardised_features_go_up),
        cmocka_unit_test(test_the_next_batch_is_enqueued_before_the_last_is_waited_for),
        cmocka_unit_test(test_every_cell_lands_in_the_slot_of_its_key),
        cmocka_unit_test(test_points_that_where_leaves_out_stay_excluded),
        cmocka_unit_test(test_runs_of_live_points_land_whole_and_nothing_beside_them),
        cmocka_unit_test(test_a_batch_larger_than_the_grid_is_as_large_as_the_grid),
        cmocka_unit_test(test_a_schedule_that_gives_more_than_a_batch_is_cut_into_batches),
        cmocka_unit_test(test_nothing_but_datasets_is_allocated_in_the_loop),
        cmocka_unit_test(test_a_dataset_leaves_the_device_with_its_last_cell),
        cmocka_unit_test(test_a_dataset_that_a_batch_gave_up_is_waited_for),
        cmocka_unit_test(test_a_dataset_is_one_buffer_with_its_columns_and_what_is_prepared),
        cmocka_unit_test(test_a_run_that_fails_closes_its_queue_before_what_that_uses),
        cmocka_unit_test(test_a_device_that_fails_ends_the_run_and_leaks_nothing),
        cmocka_unit_test(test_a_device_that_is_lost_while_waited_for_ends_the_run),
        cmocka_unit_test(test_memory_that_runs_out_once_at_any_allocation_is_made_do_with),
        cmocka_unit_test(test_records_of_batches_of_one_cell_become_smaller_too),
        cmocka_unit_test(test_a_batch_that_has_no_memory_is_halved_until_it_has),
        cmocka_unit_test(test_batches_without_slots_are_halved_below_a_block_of_points),
        cmocka_unit_test(test_a_dataset_that_has_no_memory_ends_the_run_without_smaller_batches),
        cmocka_unit_test(test_a_cell_that_has_no_memory_ends_the_run_and_leaks_nothing),
        cmocka_unit_test(test_a_batch_that_does_not_end_in_its_time_ends_the_run),
        cmocka_unit_test(test_of_a_lost_device_all_is_named_that_was_in_flight),
        cmocka_unit_test(test_of_a_lost_device_nothing_is_named_that_had_landed),
        cmocka_unit_test(test_with_a_limit_of_time_there_is_one_batch_at_a_time),
        cmocka_unit_test(test_a_run_that_is_executed_inside_a_cell_is_refused_at_once),
        cmocka_unit_test(test_who_waits_for_a_dataset_of_a_run_that_failed_is_told_why),
        cmocka_unit_test(test_a_run_that_failed_says_so_and_keeps_what_landed),
        cmocka_unit_test(test_a_run_that_failed_before_its_first_cell_has_no_cells),
        cmocka_unit_test(test_a_run_that_failed_has_the_best_so_far),
        cmocka_unit_test(
            test_a_callback_that_fails_after_the_device_does_not_hide_why_the_run_failed),
        cmocka_unit_test(test_a_cancelled_run_keeps_what_landed_and_marks_the_rest_empty),
    };

    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
