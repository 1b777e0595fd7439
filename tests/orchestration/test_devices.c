/*
 * tests/orchestration/test_devices.c -- a run on several devices, of one kind and of several: who
 * computes what, and what each is asked for. The fakes write it down.
 */
#include "exec/flight.h"
#include "exec/run_private.h"

#include "support/fake_backend.h"
#include "support/gcr_test.h"

#include "gridcrunch/cell.h"

#include <stdarg.h>
#include <time.h>

/* 6 datasets x 40 points, batches of 8. */
static const char gp_job[] = "name: fake\n"
                             "data: {synthetic: {datasets: 6, rows: [5, 15]}}\n"
                             "kernel: gp\n"
                             "grid:\n"
                             "  lengthscale: {linspace: [1, 10, 10]}\n"
                             "  noise: [0.1, 0.2, 0.3, 0.4]\n"
                             "  variance: [1]\n"
                             "summary: {best: argmax(lml)}\n"
                             "run: {batch: 8}\n";

enum { DATASETS = 6, POINTS = 40, CELLS = DATASETS * POINTS };

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
} scene;

/* So many devices of the fake, all of one kind. */
static void set_up(int devices)
{
    fake_reset();
    fake.device_count = devices;
    for (int d = 0; d < devices; d++)
        fake.flops[d] = 1e9;
}

static gcr_status try_curtain(scene *s, const char *const *overrides, int count,
                              const gcr_backend *const *backends)
{
    const gcr_run_spec spec = { .job = &s->job, .datasets = &s->datasets };

    assert_ok(gcr_job_parse(&s->job, "fake.yaml", gp_job, overrides, count));
    assert_ok(gcr_datasets_load(&s->datasets, &s->job));
    return gcr_run_create_on(&s->run, &spec, backends);
}

static void drop_curtain(scene *s)
{
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
    assert_int_equal(fake.open_handles, 0);
}

static void raise_on(scene *s, const char *device, const char *more)
{
    const char *overrides[] = { device, more };

    assert_ok(try_curtain(s, overrides, more != NULL ? 2 : 1, fake_backends));
}

static void refuse(const char *device, const char *sentence)
{
    scene s = { 0 };

    set_up(3);
    assert_status(try_curtain(&s, &device, 1, fake_backends), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), sentence);
    drop_curtain(&s);
}

static void assert_all_computed(const scene *s)
{
    const gcr_slots *slots = gcr_run_slots(s->run);

    for (uint64_t cell = 0; cell < CELLS; cell++) {
        assert_int_equal(slots->state[cell], GCR_CELL_OK);
        assert_true(slots->values[0][cell] == (double)(cell % POINTS));
    }
}

static uint64_t all_data_bytes(const scene *s)
{
    uint64_t bytes = 0;

    for (uint64_t d = 0; d < s->datasets.count; d++)
        bytes += gcr_dataset_bytes(&s->datasets.items[d]);
    return bytes;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void assert_devices(const char *device, int count, ...)
{
    scene s = { 0 };
    va_list words;

    set_up(3);
    raise_on(&s, device, NULL);
    assert_int_equal(gcr_run_device_count(s.run), count);
    va_start(words, count);
    for (int d = 0; d < count; d++)
        assert_string_equal(gcr_run_device_word(s.run, d), va_arg(words, const char *));
    va_end(words);
    drop_curtain(&s);
}

static void test_the_name_of_a_backend_is_all_its_devices(void **state)
{
    (void)state;
    assert_devices("run.device=fake", 3, "fake:0", "fake:1", "fake:2");
}

static void test_a_number_is_one_of_them(void **state)
{
    (void)state;
    assert_devices("run.device=fake:1", 1, "fake:1");
}

static void test_several_are_a_text_with_commas_or_a_list(void **state)
{
    (void)state;
    assert_devices("run.device=fake:2,fake:0", 2, "fake:2", "fake:0");
    assert_devices("run.device=[fake:0, fake:2]", 2, "fake:0", "fake:2");
    assert_devices("run.device=[fake]", 3, "fake:0", "fake:1", "fake:2");
}

static void test_words_that_are_no_devices_are_refused(void **state)
{
    (void)state;
    refuse("run.device=fake:3",
           "--set run.device:1:1: this machine has no device 'fake:3', only 3 of fake");
    refuse("run.device=fake:x",
           "--set run.device:1:1: 'fake:x' is not a device: what follows the colon is its number");
    refuse("run.device=[fake:1, fake:1]",
           "--set run.device:1:1: the device 'fake:1' is named twice");
    refuse("run.device=fake,fake:2", "--set run.device:1:1: the device 'fake:2' is named twice");
    refuse("run.device=[auto, fake]",
           "--set run.device:1:1: 'auto' stands alone, without other devices");
    refuse("run.device=fake:1,,fake:2",
           "--set run.device:1:1: 'fake:1,,fake:2' is not a list of devices, which "
           "have commas between them");
    refuse("run.device=fake:1 fake:2",
           "--set run.device:1:1: devices are separated by commas: 'fake:1 fake:2'");
    refuse("run.device=fakir",
           "--set run.device:1:1: this build has no device 'fakir' (known: auto, any, fake)");
}

/* ---- devices of one kind --------------------------------------------------------------------- */

static void test_devices_of_one_kind_share_the_grid(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(2);
    raise_on(&s, "run.device=fake", "run.schedule=static");
    assert_int_equal(gcr_run_kind_count(s.run), 1);
    assert_int_equal(gcr_run_worker_count(s.run), 2);
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    assert_null(gcr_run_slots(s.run)->kind);
    assert_int_equal(fake_count(FAKE_CRUNCH), CELLS / 8);
    drop_curtain(&s);
}

/* Blocks end where datasets end, and static ones are not stolen from: nothing goes up twice. */
static void test_a_dataset_goes_up_to_the_device_that_computes_it_and_to_no_other(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(3);
    raise_on(&s, "run.device=fake", "run.schedule=static");
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s));
    for (int d = 0; d < 3; d++)
        assert_int_equal(fake_count_on(FAKE_PREPARE, d), DATASETS / 3);
    drop_curtain(&s);
}

static void test_the_ledger_of_a_run_is_the_sum_of_its_devices(void **state)
{
    scene s = { 0 };
    uint64_t down = 0, crunches = 0;

    (void)state;
    set_up(3);
    raise_on(&s, "run.device=fake", NULL);
    assert_ok(gcr_run_execute(s.run));
    for (int d = 0; d < 3; d++) {
        down += gcr_run_device_ledger(s.run, d)->down_bytes;
        crunches += gcr_run_device_ledger(s.run, d)->crunch_calls;
    }
    assert_int_equal(gcr_run_ledger(s.run)->down_bytes, down);
    assert_int_equal(down, CELLS * (sizeof(double) + 1));
    assert_int_equal(gcr_run_ledger(s.run)->crunch_calls, crunches);
    drop_curtain(&s);
}

/* A dataset that two devices computed is freed on both with its last cell; the scene looks for what
 * is left. */
static void test_batches_of_a_dataset_on_several_devices_all_land(void **state)
{
    static const char *const schedules[] = { "run.schedule=static", "run.schedule=cyclic",
                                             "run.schedule=dynamic", "run.schedule=guided" };

    (void)state;
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        scene s = { 0 };

        set_up(4);
        raise_on(&s, "run.device=fake", schedules[i]);
        assert_ok(gcr_run_execute(s.run));
        assert_all_computed(&s);
        drop_curtain(&s);
    }
}

static void test_a_device_that_is_lost_ends_the_run_and_what_it_was_at_is_known(void **state)
{
    scene s = { 0 };
    gcr_in_flight flight;

    (void)state;
    set_up(3);
    raise_on(&s, "run.device=fake", NULL);
    fake.sync_that_fails = 5;
    assert_status(gcr_run_execute(s.run), GCR_EDEVICE);
    assert_error_mentions("the fake was lost");
    assert_true(gcr_run_failed_at(&flight, s.run));
    assert_int_equal(flight.cell_count, 16); /* of the two batches in flight */
    drop_curtain(&s);
}

static void test_a_run_that_did_not_fail_was_at_nothing(void **state)
{
    scene s = { 0 };
    gcr_in_flight flight;

    (void)state;
    set_up(2);
    raise_on(&s, "run.device=fake", NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_false(gcr_run_failed_at(&flight, s.run));
    drop_curtain(&s);
}

/* ---- devices of several kinds ---------------------------------------------------------------- */

/* Devices 0 and 2 are of one kind, which is as fast as the other: half of the cost is each's. */
static void set_up_two_kinds(void)
{
    set_up(3);
    fake.kind_of[1] = 1;
    fake.flops[1] = 2e9;
}

static const char *fact_of(const gcr_results *results, const char *name)
{
    for (int f = 0; f < results->fact_count; f++)
        if (strcmp(results->facts[f].name, name) == 0)
            return results->facts[f].text;
    return "";
}

static void test_devices_of_a_kind_stand_together(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up_two_kinds();
    raise_on(&s, "run.device=fake", NULL);
    assert_int_equal(gcr_run_kind_count(s.run), 2);
    assert_string_equal(gcr_run_kind(s.run, 0), "fake, f64, plain, direct");
    assert_string_equal(gcr_run_kind(s.run, 1), "fake 1, f64, plain, direct");
    assert_string_equal(gcr_run_device_word(s.run, 0), "fake:0");
    assert_string_equal(gcr_run_device_word(s.run, 1), "fake:2");
    assert_string_equal(gcr_run_device_word(s.run, 2), "fake:1");
    assert_int_equal(gcr_run_device_kind(s.run, 2), 1);
    drop_curtain(&s);
}

static void test_each_cell_says_which_kind_computed_it(void **state)
{
    scene s = { 0 };
    uint64_t counts[3] = { 0 };
    gcr_row row;

    (void)state;
    set_up_two_kinds();
    raise_on(&s, "run.device=fake", "where=noise < 0.35");
    assert_ok(gcr_run_execute(s.run));
    for (uint64_t d = 0; d < DATASETS; d++) {
        assert_ok(gcr_run_fetch(&row, s.run, d, 0));
        for (uint64_t p = 0; p < POINTS; p++) {
            assert_int_equal(row.kind[p] == 0, row.state[p] == GCR_CELL_EXCLUDED);
            counts[row.kind[p]]++;
        }
    }
    assert_int_equal(counts[0], DATASETS * 10);
    assert_true(counts[1] > 0 && counts[2] > 0);
    assert_int_equal(counts[1] + counts[2], DATASETS * 30);
    assert_string_equal(fact_of(gcr_run_results(s.run), "kind_2"), gcr_run_kind(s.run, 1));
    assert_string_equal(fact_of(gcr_run_results(s.run), "device_3"), "fake:1 fake, kind_2");
    assert_string_equal(fact_of(gcr_run_results(s.run), "kind"), "");
    drop_curtain(&s);
}

static void take_kinds(uint8_t out[CELLS], const char *more, void (*on_crunch)(void))
{
    scene s = { 0 };

    set_up_two_kinds();
    fake.on_crunch = on_crunch;
    raise_on(&s, "run.device=fake", more);
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    memcpy(out, gcr_run_slots(s.run)->kind, CELLS);
    drop_curtain(&s);
}

static void be_slow_now_and_then(void)
{
    if (fake.crunches % 3 == 0)
        nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
}

/* Neither how fast a device is nor the size of batches: the plan decides. */
static void test_which_kind_computes_a_cell_does_not_depend_on_time(void **state)
{
    static uint8_t first[CELLS], second[CELLS];

    (void)state;
    take_kinds(first, "run.schedule=dynamic", NULL);
    take_kinds(second, "run.schedule=dynamic", be_slow_now_and_then);
    assert_memory_equal(first, second, CELLS);
    take_kinds(second, "run.batch=3", be_slow_now_and_then);
    assert_memory_equal(first, second, CELLS);
}

static void test_kinds_have_the_shares_that_their_rates_are_worth(void **state)
{
    scene s = { 0 };
    double sum = 0.0;

    (void)state;
    set_up_two_kinds();
    raise_on(&s, "run.device=fake", NULL);
    for (int k = 0; k < 2; k++) {
        assert_true(gcr_run_kind_share(s.run, k) > 0.44 && gcr_run_kind_share(s.run, k) < 0.56);
        sum += gcr_run_kind_share(s.run, k);
    }
    assert_true(fabs(sum - 1.0) < 1e-12);
    drop_curtain(&s);
}

static void wait_for_the_other(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* One worker of the kind that would get nearly nothing by plan: here it takes what is left. */
static void test_with_any_every_device_takes_what_is_left(void **state)
{
    scene s = { 0 };
    uint64_t counts[3] = { 0 };

    (void)state;
    set_up(2);
    fake.kind_of[1] = 1;
    fake.flops[1] = 1;
    fake.on_crunch = wait_for_the_other;
    raise_on(&s, "run.device=any", "run.batch=4");
    assert_true(gcr_run_kind_share(s.run, 0) < 0);
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    for (uint64_t cell = 0; cell < CELLS; cell++)
        counts[gcr_run_slots(s.run)->kind[cell]]++;
    assert_true(counts[2] >= 20);
    drop_curtain(&s);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* What the largest dataset of the scene occupies: 15 rows of x and y, and what is prepared of
 * them. */
static uint64_t largest_bytes(const scene *s)
{
    const gcr_binding *binding = s->run->binding;

    return gcr_residency_device_bytes(binding->unit, binding->setup.option,
                                      &s->datasets.items[DATASETS - 1], 64);
}

/* A device with memory for so many of the largest datasets beside its records. */
static void raise_small(scene *s, int devices, uint64_t datasets, const char *more)
{
    uint64_t records, bytes;

    set_up(devices);
    raise_on(s, "run.device=fake", more);
    bytes = largest_bytes(s);
    records = gcr_flight_device_bytes(&s->run->devices[0].device->info, 9, 8, 0);
    drop_curtain(s);
    set_up(devices);
    fake.total_bytes = (records + datasets * bytes) * 16 / 15 + 16;
    raise_on(s, "run.device=fake", more);
}

static void test_a_cell_that_cannot_fit_is_refused_with_the_bytes(void **state)
{
    const char *const override = "run.device=fake";
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.total_bytes = 5000;
    fake.cell_bytes = 4000;
    assert_status(try_curtain(&s, &override, 1, fake_backends), GCR_EUNSUPPORTED);
    /* 15 rows of x and y to a multiple of 64, 15 * 16 / 2 distances and a fault, a value, a
     * state */
    assert_int_equal(256 + 964 + 8 + 1 + 4000, 5229);
    assert_string_equal(gcr_last_error(),
                        "dataset 's0006': one cell needs 5229 bytes of the memory "
                        "of fake:0 (fake), which has 5000");
    drop_curtain(&s);
}

static void test_when_all_datasets_fit_there_is_one_wave(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_small(&s, 1, DATASETS, NULL);
    assert_int_equal(gcr_run_device_plan(s.run, 0)->waves, 1);
    assert_int_equal(gcr_run_device_plan(s.run, 0)->up_bytes, all_data_bytes(&s));
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s));
    drop_curtain(&s);
}

/* Batches of 8 of 40 points are never of more than two datasets, and two batches are in flight. */
static void test_datasets_that_do_not_fit_together_come_in_waves_and_go_up_once(void **state)
{
    static const char *const schedules[] = { "run.schedule=static", "run.schedule=cyclic",
                                             "run.schedule=dynamic", "run.schedule=guided" };

    (void)state;
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        scene s = { 0 };

        raise_small(&s, 1, 3, schedules[i]);
        assert_true(gcr_run_device_plan(s.run, 0)->waves >= 2);
        assert_ok(gcr_run_execute(s.run));
        assert_all_computed(&s);
        assert_int_equal(gcr_run_ledger(s.run)->up_bytes, all_data_bytes(&s));
        assert_int_equal(gcr_run_ledger(s.run)->up_bytes, gcr_run_device_plan(s.run, 0)->up_bytes);
        assert_true(gcr_run_ledger(s.run)->peak_bytes <= fake.total_bytes);
        assert_int_equal(gcr_run_progress(s.run)->halved, 0);
        drop_curtain(&s);
    }
}

static _Atomic int crunches_of_second;

/* The first device does not begin before the second one has been at all its batches. */
static void wait_for_the_second(int device)
{
    if (device == 1)
        crunches_of_second++;
    while (device == 0 && crunches_of_second < CELLS / 8 / 2)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Cyclic batches of a dataset are computed by both devices, so none is complete before the first
 * has begun: on the second one what was passed has to leave, and does not come twice. */
static void test_what_has_been_passed_leaves_and_does_not_come_back(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_small(&s, 2, 3, "run.schedule=cyclic");
    crunches_of_second = 0;
    fake.on_crunch_of = wait_for_the_second;
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(gcr_run_device_plan(s.run, d)->up_bytes, all_data_bytes(&s));
        assert_int_equal(gcr_run_device_ledger(s.run, d)->up_bytes, all_data_bytes(&s));
        assert_true(gcr_run_device_ledger(s.run, d)->peak_bytes <= fake.total_bytes);
    }
    assert_int_equal(gcr_run_progress(s.run)->halved, 0);
    drop_curtain(&s);
}

/* The plan's budget is for one dataset: batches that would reach into the next one are cut. */
static void test_a_batch_has_no_more_datasets_than_there_is_memory_for(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_small(&s, 1, 1, "run.batch=60");
    assert_ok(gcr_run_execute(s.run));
    assert_all_computed(&s);
    assert_true(gcr_run_ledger(s.run)->peak_bytes <= fake.total_bytes);
    drop_curtain(&s);
}

/* ---- auto ------------------------------------------------------------------------------------ */

/* The CPU, then the fake. */
static const gcr_backend *const *both(void)
{
    static const gcr_backend *list[3];

    list[0] = gcr_backend_find("cpu");
    list[1] = &fake_backend;
    return list;
}

static void test_auto_is_the_first_backend_for_a_small_job(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(2);
    assert_ok(try_curtain(&s, NULL, 0, both()));
    assert_int_equal(gcr_run_device_count(s.run), 1);
    assert_string_equal(gcr_run_device_word(s.run, 0), "cpu:0");
    assert_string_equal(gcr_run_left_out(s.run), "");
    drop_curtain(&s);
}

/* 6 datasets x 8 x 10^6 points: more than 2 s of one CPU, as the model counts. */
static const char *const large[] = { "grid.lengthscale={linspace: [1, 2, 2000000]}",
                                     "run={batch: auto, threads: 1}" };

static void test_auto_takes_all_kinds_for_a_large_job(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(2);
    fake.flops[0] = fake.flops[1] = 10e9;
    assert_ok(try_curtain(&s, large, 2, both()));
    assert_int_equal(gcr_run_device_count(s.run), 3);
    assert_int_equal(gcr_run_kind_count(s.run), 2);
    assert_string_equal(gcr_run_device_word(s.run, 0), "cpu:0");
    assert_true(gcr_run_kind_share(s.run, 0) < gcr_run_kind_share(s.run, 1));
    drop_curtain(&s);
}

static void test_auto_leaves_out_a_kind_that_is_not_worth_it(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.flops[0] = 1e15;
    assert_ok(try_curtain(&s, large, 2, both()));
    assert_int_equal(gcr_run_device_count(s.run), 1);
    assert_int_equal(gcr_run_kind_count(s.run), 1);
    assert_string_equal(gcr_run_device_word(s.run, 0), "fake:0");
    assert_string_equal(gcr_run_left_out(s.run),
                        "cpu:0: it would get too few cells beside the others");
    drop_curtain(&s);
}

static void test_auto_leaves_out_a_device_that_cannot_do_the_job(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.flops[0] = 1e12;
    fake.unsupported = "the fake cannot do this";
    assert_ok(try_curtain(&s, large, 2, both()));
    assert_int_equal(gcr_run_device_count(s.run), 1);
    assert_string_equal(gcr_run_device_word(s.run, 0), "cpu:0");
    assert_string_equal(gcr_run_left_out(s.run), "fake:0: the fake cannot do this");
    drop_curtain(&s);
}

static void test_auto_leaves_out_a_device_that_is_too_small_for_a_cell(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.flops[0] = 1e12;
    fake.total_bytes = fake.cell_bytes = 5000;
    assert_ok(try_curtain(&s, large, 2, both()));
    assert_int_equal(gcr_run_device_count(s.run), 1);
    assert_string_equal(gcr_run_left_out(s.run),
                        "fake:0: dataset 's0001': one cell needs 5261 bytes of the memory "
                        "of fake:0 (fake), which has 5000");
    drop_curtain(&s);
}

/* Whose each cell is may not depend on what others do with the device now. */
static void test_auto_fails_on_a_device_of_which_others_have_the_memory(void **state)
{
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.flops[0] = 1e12;
    fake.total_bytes = 1000000;
    fake.free_bytes = fake.cell_bytes = 5000;
    assert_status(try_curtain(&s, large, 2, both()), GCR_ENOMEM);
    assert_error_mentions("bytes of the memory of fake:0 (fake), which has 5000 free");
    drop_curtain(&s);
}

/* A sentence that names a path, and is longer than most. */
static void test_why_a_device_is_left_out_stands_whole_in_the_results(void **state)
{
    const char *const override = "run.device=any";
    static char why[300];
    scene s = { 0 };

    (void)state;
    set_up(1);
    memset(why, 'y', sizeof why - 1);
    fake.unsupported = why;
    assert_ok(try_curtain(&s, &override, 1, both()));
    assert_ok(gcr_run_execute(s.run));
    assert_string_equal(gcr_run_left_out(s.run) + strlen("fake:0: "), why);
    assert_string_equal(fact_of(gcr_run_results(s.run), "left_out"), gcr_run_left_out(s.run));
    drop_curtain(&s);
}

static void test_threads_of_the_cpu_are_none_where_it_computes_nothing(void **state)
{
    static const char *const overrides[] = { "run.device=[cpu, fake]", "run.threads=3" };
    scene s = { 0 };

    (void)state;
    set_up(1);
    assert_ok(try_curtain(&s, overrides, 2, both()));
    assert_int_equal(gcr_run_thread_count(s.run), 3);
    drop_curtain(&s);
    raise_on(&s, "run.device=fake", "run.threads=3");
    assert_int_equal(gcr_run_thread_count(s.run), 0);
    drop_curtain(&s);
}

static void test_a_listed_device_that_cannot_do_the_job_is_refused(void **state)
{
    const char *const override = "run.device=cpu,fake";
    scene s = { 0 };

    (void)state;
    set_up(1);
    fake.unsupported = "the fake cannot do this";
    assert_status(try_curtain(&s, &override, 1, both()), GCR_EUNSUPPORTED);
    assert_string_equal(gcr_last_error(), "the fake cannot do this");
    drop_curtain(&s);
}

/* The CPU computes the kernel, the fake writes numbers of points. */
static void test_a_list_of_kinds_is_dealt_by_plan(void **state)
{
    static const char *const overrides[] = { "run.device=[cpu, fake]", "run.threads=2" };
    scene s = { 0 };
    const gcr_slots *slots;

    (void)state;
    set_up(1);
    fake.flops[0] = 20e9;
    assert_ok(try_curtain(&s, overrides, 2, both()));
    assert_int_equal(gcr_run_worker_count(s.run), 3);
    assert_ok(gcr_run_execute(s.run));
    slots = gcr_run_slots(s.run);
    for (uint64_t cell = 0; cell < CELLS; cell++) {
        assert_int_equal(slots->state[cell], GCR_CELL_OK);
        assert_in_range(slots->kind[cell], 1, 2);
        assert_int_equal(slots->values[0][cell] == (double)(cell % POINTS), slots->kind[cell] == 2);
    }
    drop_curtain(&s);
}

static void test_a_cell_is_tried_on_the_device_that_shares_memory(void **state)
{
    const char *const override = "run.device=[fake, cpu]";
    scene s = { 0 };
    gcr_trial trial;

    (void)state;
    set_up(1);
    fake.flops[0] = 1e12;
    assert_ok(try_curtain(&s, &override, 1, both()));
    assert_ok(gcr_run_try(s.run, &trial, 2, 7));
    assert_int_equal(trial.state, GCR_CELL_OK);
    assert_true(trial.values[0][0] != 7.0);
    drop_curtain(&s);
}

/* ---- where cells are not kept ---------------------------------------------------------------- */

/* Datasets of 8000 points, eight blocks each, of which three devices leave records. */
static void run_kept(scene *s, const char *device, const char *data, uint64_t memory)
{
    const char *overrides[] = { device,
                                data,
                                "grid.lengthscale={linspace: [1, 10, 2000]}",
                                "run.batch=2048",
                                "output.keep=summary",
                                "summary.average=mean(lml)" };
    uint64_t counts[GCR_CELL_STATE_COUNT];

    set_up(3);
    fake.total_bytes = memory;
    assert_ok(try_curtain(s, overrides, 6, fake_rich_backends));
    assert_ok(gcr_run_execute(s->run));
    for (uint64_t d = 0; d < s->datasets.count; d++) {
        assert_int_equal(gcr_summaries_get(gcr_run_summaries(s->run), d, 0).point, 7999);
        assert_true(gcr_summaries_get(gcr_run_summaries(s->run), d, 1).value == 7999.0 / 2);
    }
    gcr_run_count(s->run, counts);
    assert_int_equal(counts[GCR_CELL_OK], s->datasets.count * 8000);
    assert_int_equal(fake_count(FAKE_REDUCE), fake_count(FAKE_CRUNCH));
}

static void test_several_devices_leave_records_of_one_dataset(void **state)
{
    static const char *const devices[] = { "run.device=fake", "run.device=any" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        scene s;

        run_kept(&s, devices[i], "data={synthetic: {datasets: 6, rows: 15}}", 0);
        assert_in_range(fake_count(FAKE_REDUCE), 6 * 8 / 2, 6 * 8 - 1);
        assert_int_equal(gcr_run_progress(s.run)->halved, 0);
        drop_curtain(&s);
    }
}

/* Of records of 2048 points, which have no room, and of 50 datasets on each device. */
static void test_records_of_one_block_are_left_of_datasets_in_waves(void **state)
{
    scene s;

    (void)state;
    run_kept(&s, "run.device=fake", "data={synthetic: {datasets: 150, rows: 15}}", 100000);
    for (int d = 0; d < 3; d++)
        assert_true(gcr_run_device_plan(s.run, d)->waves > 1);
    assert_int_equal(fake_count(FAKE_REDUCE), 150 * 8);
    assert_int_equal(gcr_run_progress(s.run)->halved, 3);
    for (int d = 0; d < 3; d++)
        assert_true(gcr_run_device_ledger(s.run, d)->peak_bytes <= fake.total_bytes);
    drop_curtain(&s);
}

/* The point of a dataset before which the first of two kinds ends; a third of 10,000 is left
 * out. */
static uint64_t find_cut(const char *keep, const char *where)
{
    const char *overrides[] = { "run.device=fake", "grid.lengthscale={linspace: [1, 10, 2500]}",
                                "run.batch=3000", keep, where };
    uint64_t cut;
    scene s;

    set_up_two_kinds();
    fake.flops[1] = 1.6e9;
    assert_ok(try_curtain(&s, overrides, 5, fake_rich_backends));
    assert_int_equal(s.run->groups[0].span.first, 0);
    cut = s.run->groups[0].span.count % s.run->positions;
    cut = s.run->by_blocks ? cut * GCR_PARTIAL_POINTS : gcr_points_select(s.run->points, cut);
    drop_curtain(&s);
    return cut;
}

/* Else a summary would be of other cells of each kind. */
static void test_kinds_are_parted_at_the_same_cell_whether_cells_are_kept_or_not(void **state)
{
    static const char *const wheres[] = {
        "where=noise > 0", "where=lengthscale < 3 or lengthscale > 6 or noise == 0.1"
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        const uint64_t cut = find_cut("output.keep=all", wheres[i]);

        assert_in_range(cut, GCR_PARTIAL_POINTS, 9 * GCR_PARTIAL_POINTS);
        assert_int_equal(cut % GCR_PARTIAL_POINTS, 0);
        assert_int_equal(cut, find_cut("output.keep=summary", wheres[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_of_a_backend_is_all_its_devices),
        cmocka_unit_test(test_a_number_is_one_of_them),
        cmocka_unit_test(test_several_are_a_text_with_commas_or_a_list),
        cmocka_unit_test(test_words_that_are_no_devices_are_refused),
        cmocka_unit_test(test_devices_of_one_kind_share_the_grid),
        cmocka_unit_test(test_a_dataset_goes_up_to_the_device_that_computes_it_and_to_no_other),
        cmocka_unit_test(test_the_ledger_of_a_run_is_the_sum_of_its_devices),
        cmocka_unit_test(test_batches_of_a_dataset_on_several_devices_all_land),
        cmocka_unit_test(test_a_device_that_is_lost_ends_the_run_and_what_it_was_at_is_known),
        cmocka_unit_test(test_a_run_that_did_not_fail_was_at_nothing),
        cmocka_unit_test(test_devices_of_a_kind_stand_together),
        cmocka_unit_test(test_each_cell_says_which_kind_computed_it),
        cmocka_unit_test(test_which_kind_computes_a_cell_does_not_depend_on_time),
        cmocka_unit_test(test_kinds_have_the_shares_that_their_rates_are_worth),
        cmocka_unit_test(test_with_any_every_device_takes_what_is_left),
        cmocka_unit_test(test_a_cell_that_cannot_fit_is_refused_with_the_bytes),
        cmocka_unit_test(test_when_all_datasets_fit_there_is_one_wave),
        cmocka_unit_test(test_datasets_that_do_not_fit_together_come_in_waves_and_go_up_once),
        cmocka_unit_test(test_what_has_been_passed_leaves_and_does_not_come_back),
        cmocka_unit_test(test_a_batch_has_no_more_datasets_than_there_is_memory_for),
        cmocka_unit_test(test_auto_is_the_first_backend_for_a_small_job),
        cmocka_unit_test(test_auto_takes_all_kinds_for_a_large_job),
        cmocka_unit_test(test_auto_leaves_out_a_kind_that_is_not_worth_it),
        cmocka_unit_test(test_auto_leaves_out_a_device_that_cannot_do_the_job),
        cmocka_unit_test(test_auto_leaves_out_a_device_that_is_too_small_for_a_cell),
        cmocka_unit_test(test_auto_fails_on_a_device_of_which_others_have_the_memory),
        cmocka_unit_test(test_why_a_device_is_left_out_stands_whole_in_the_results),
        cmocka_unit_test(test_threads_of_the_cpu_are_none_where_it_computes_nothing),
        cmocka_unit_test(test_a_listed_device_that_cannot_do_the_job_is_refused),
        cmocka_unit_test(test_a_list_of_kinds_is_dealt_by_plan),
        cmocka_unit_test(test_a_cell_is_tried_on_the_device_that_shares_memory),
        cmocka_unit_test(test_several_devices_leave_records_of_one_dataset),
        cmocka_unit_test(test_records_of_one_block_are_left_of_datasets_in_waves),
        cmocka_unit_test(test_kinds_are_parted_at_the_same_cell_whether_cells_are_kept_or_not),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
