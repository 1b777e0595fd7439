/*
 * tests/orchestration/test_residency.c -- which datasets stay on a device that has room for two.
 */
#include "exec/residency.h"
#include "exec/run_private.h"

#include "support/fake_backend.h"
#include "support/gcr_test.h"

enum { DATASETS = 6, COLUMNS = 2 }; /* x and y lie apart: an upload each */

/* All of one size. */
static const char job_text[] = "name: fake\n"
                               "data: {synthetic: {datasets: 6, rows: 8}}\n"
                               "kernel: gp\n"
                               "grid: {lengthscale: [1], noise: [0.1], variance: [1]}\n";

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
    gcr_program *program;
    gcr_queue *queue;
    gcr_residency *residency;
    uint64_t places[DATASETS];
} scene;

/* Dataset d is in place d of the plan. */
static void raise_curtain(scene *s, uint64_t room_for)
{
    const gcr_run_spec spec = { .job = &s->job, .datasets = &s->datasets };
    const gcr_binding *binding;
    gcr_device *device;
    gcr_residency_spec wanted = { .datasets = &s->datasets, .places = s->places };

    fake_reset();
    assert_ok(gcr_job_parse(&s->job, "fake.yaml", job_text, NULL, 0));
    assert_ok(gcr_datasets_load(&s->datasets, &s->job));
    assert_ok(gcr_run_create_on(&s->run, &spec, fake_backends));
    binding = s->run->binding;
    device = s->run->devices[0].device;
    assert_ok(gcr_binding_open_program(&s->program, binding, device));
    assert_ok(gcr_queue_open(&s->queue, device));
    for (uint64_t d = 0; d < DATASETS; d++)
        s->places[d] = d;
    wanted.program = s->program;
    wanted.option = binding->setup.option;
    wanted.budget_bytes =
        room_for * gcr_residency_device_bytes(binding->unit, binding->setup.option,
                                              s->datasets.items, device->info.alignment);
    assert_ok(gcr_residency_create(&s->residency, &wanted));
}

static void drop_curtain(scene *s)
{
    gcr_queue_close(s->queue);
    gcr_residency_destroy(s->residency);
    gcr_program_close(s->program);
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
    assert_int_equal(fake.open_handles, 0);
}

static gcr_status acquire(scene *s, uint64_t dataset)
{
    gcr_resident resident;

    return gcr_residency_acquire(s->residency, s->queue, dataset, &resident);
}

/* A tile needs it, and has landed. */
static void visit(scene *s, uint64_t dataset)
{
    assert_ok(acquire(s, dataset));
    gcr_residency_leave(s->residency, dataset, 1);
}

/* Whether it has to come up anew. */
static int comes_up(scene *s, uint64_t dataset)
{
    const int before = fake_count(FAKE_PREPARE);

    visit(s, dataset);
    return fake_count(FAKE_PREPARE) > before;
}

static void test_what_a_tile_needs_stays(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 2);
    assert_ok(acquire(&s, 0));
    assert_ok(acquire(&s, 1));
    assert_status(acquire(&s, 2), GCR_ENOMEM);
    assert_error_mentions("the datasets of a batch are larger than the device's memory");
    gcr_residency_leave(s.residency, 1, 1);
    assert_ok(acquire(&s, 2));
    assert_false(comes_up(&s, 0));
    gcr_residency_leave(s.residency, 0, 1);
    gcr_residency_leave(s.residency, 2, 1);
    assert_true(comes_up(&s, 1));
    drop_curtain(&s);
}

static void test_each_tile_that_needs_it_counts(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 1);
    assert_ok(acquire(&s, 0));
    assert_ok(acquire(&s, 0));
    gcr_residency_leave(s.residency, 0, 1);
    assert_status(acquire(&s, 1), GCR_ENOMEM);
    gcr_residency_leave(s.residency, 0, 1);
    assert_true(comes_up(&s, 1));
    drop_curtain(&s);
}

/* At place 3, 4 is needed next and 1 has been passed. */
static void test_what_the_plan_needs_last_leaves_first(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 2);
    visit(&s, 1);
    visit(&s, 4);
    visit(&s, 3);
    assert_false(comes_up(&s, 4));
    drop_curtain(&s);
    raise_curtain(&s, 2);
    visit(&s, 5);
    visit(&s, 4);
    visit(&s, 3); /* both are ahead: 5 is further */
    assert_false(comes_up(&s, 4));
    assert_true(comes_up(&s, 5));
    drop_curtain(&s);
}

/* A batch that was given back may still be under way. */
static void test_what_has_not_landed_is_waited_for_when_it_leaves(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 1);
    visit(&s, 0);
    visit(&s, 1);
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 1); /* 0, for 1 */
    assert_ok(acquire(&s, 2));
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 2); /* 1, for 2 */
    gcr_residency_leave(s.residency, 2, 0);
    visit(&s, 3);
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 2); /* 2, for 3, had not landed */
    assert_int_equal(fake_count(FAKE_BUF_CLOSE), 3);
    drop_curtain(&s);
}

static void test_a_budget_for_one_dataset_has_one_after_the_other(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 1);
    for (uint64_t d = 0; d < DATASETS; d++)
        assert_true(comes_up(&s, d));
    for (uint64_t d = 0; d < DATASETS; d++)
        assert_true(comes_up(&s, d));
    drop_curtain(&s);
}

static void test_what_is_released_makes_room(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 2);
    visit(&s, 0);
    visit(&s, 1);
    gcr_residency_release(s.residency, 0);
    visit(&s, 2);
    assert_false(comes_up(&s, 1));
    drop_curtain(&s);
}

static void test_all_that_no_tile_needs_can_be_sent_away(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 6);
    for (uint64_t d = 0; d < 4; d++)
        assert_ok(acquire(&s, d));
    gcr_residency_leave(s.residency, 1, 1);
    gcr_residency_leave(s.residency, 3, 1);
    assert_int_equal(gcr_residency_evict(s.residency), 2);
    assert_false(comes_up(&s, 0));
    assert_true(comes_up(&s, 1));
    drop_curtain(&s);
}

/* It may have some when others have left. */
static void test_a_dataset_that_found_no_memory_may_come_later(void **state)
{
    scene s = { 0 };

    (void)state;
    raise_curtain(&s, 6);
    fake.buf_that_fails = 1;
    assert_status(acquire(&s, 0), GCR_ENOMEM);
    assert_error_mentions("the fake has no memory");
    assert_true(comes_up(&s, 0));
    drop_curtain(&s);
}

/* ---- datasets that are placed before the first batch ----------------------------------------- */

/* Its values come in two parts, here by uploads. */
static void place(scene *s, uint64_t dataset)
{
    const uint64_t half = 8 * sizeof(double);
    gcr_buf *block;

    assert_ok(gcr_residency_place(&block, s->residency, dataset));
    assert_true(block->bytes >= 2 * half);
    assert_ok(gcr_residency_fill(s->residency, s->queue, dataset, 0, half));
    assert_ok(gcr_residency_fill(s->residency, s->queue, dataset, half, half));
}

static void test_what_was_placed_is_prepared_and_not_uploaded(void **state)
{
    scene s = { 0 };
    int uploads;

    (void)state;
    raise_curtain(&s, 6);
    place(&s, 2);
    uploads = fake_count(FAKE_UPLOAD);
    assert_int_equal(uploads, COLUMNS);
    assert_true(comes_up(&s, 2));
    assert_false(comes_up(&s, 2));
    assert_int_equal(fake_count(FAKE_UPLOAD), uploads);
    drop_curtain(&s);
}

static void test_what_was_placed_leaves_like_others_and_goes_up_when_it_comes_back(void **state)
{
    scene s = { 0 };
    int uploads;

    (void)state;
    raise_curtain(&s, 2);
    place(&s, 0);
    place(&s, 1);
    uploads = fake_count(FAKE_UPLOAD);
    visit(&s, 3); /* both have been passed: 0 comes first again, 1 leaves */
    assert_int_equal(fake_count(FAKE_UPLOAD), uploads + COLUMNS);
    visit(&s, 0);
    assert_int_equal(fake_count(FAKE_UPLOAD), uploads + COLUMNS);
    visit(&s, 1);
    assert_int_equal(fake_count(FAKE_UPLOAD), uploads + 2 * COLUMNS);
    drop_curtain(&s);
}

static void test_what_was_placed_and_does_not_come_can_be_sent_away(void **state)
{
    scene s = { 0 };
    gcr_buf *block;
    int uploads;

    (void)state;
    raise_curtain(&s, 2);
    assert_ok(gcr_residency_place(&block, s.residency, 0));
    assert_ok(gcr_residency_place(&block, s.residency, 1));
    assert_int_equal(gcr_residency_evict(s.residency), 2);
    uploads = fake_count(FAKE_UPLOAD);
    visit(&s, 0);
    assert_int_equal(fake_count(FAKE_UPLOAD), uploads + COLUMNS);
    drop_curtain(&s);
}

static void test_what_is_placed_counts_against_the_budget_and_may_find_no_memory(void **state)
{
    scene s = { 0 };
    gcr_buf *block;

    (void)state;
    raise_curtain(&s, 1);
    assert_ok(acquire(&s, 0));
    assert_status(gcr_residency_place(&block, s.residency, 1), GCR_ENOMEM);
    gcr_residency_leave(s.residency, 0, 1);
    assert_ok(gcr_residency_place(&block, s.residency, 1));
    assert_int_equal(fake_count(FAKE_BUF_CLOSE_IDLE), 1); /* 0, for 1 */
    fake.buf_that_fails = fake_count(FAKE_BUF_OPEN) + 1;
    assert_status(gcr_residency_place(&block, s.residency, 2), GCR_ENOMEM);
    assert_null(block);
    visit(&s, 2);
    drop_curtain(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_tile_needs_stays),
        cmocka_unit_test(test_each_tile_that_needs_it_counts),
        cmocka_unit_test(test_what_the_plan_needs_last_leaves_first),
        cmocka_unit_test(test_what_has_not_landed_is_waited_for_when_it_leaves),
        cmocka_unit_test(test_a_budget_for_one_dataset_has_one_after_the_other),
        cmocka_unit_test(test_what_is_released_makes_room),
        cmocka_unit_test(test_all_that_no_tile_needs_can_be_sent_away),
        cmocka_unit_test(test_a_dataset_that_found_no_memory_may_come_later),
        cmocka_unit_test(test_what_was_placed_is_prepared_and_not_uploaded),
        cmocka_unit_test(test_what_was_placed_leaves_like_others_and_goes_up_when_it_comes_back),
        cmocka_unit_test(test_what_was_placed_and_does_not_come_can_be_sent_away),
        cmocka_unit_test(test_what_is_placed_counts_against_the_budget_and_may_find_no_memory),
    };

    return cmocka_run_group_tests_name("residency", tests, NULL, NULL);
}
