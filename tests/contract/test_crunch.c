/*
 * tests/contract/test_crunch.c -- what every backend promises, seen through the front functions.
 *
 * The same tests run once per backend: `test_crunch cpu`, `test_crunch cuda`; `test_crunch cpu f32`
 * runs them in single precision. Where there is no such device the program exits 77 and ctest
 * reports a skip, unless GCR_REQUIRE_CUDA=1 promises one; a device that is there but does not open
 * is a failure.
 */
#include "backend/backend.h"
#include "kernels/registry.h"

#include "support/contract_in_hand.h"

#include "gridcrunch/cell.h"

#include <stdio.h>

enum { ROWS_MAX = 260, POINTS = 12 };

static int rows = 6; /* of all datasets */

/* ---- a small Gaussian process on the device -------------------------------------------------- */

static const double lengthscales[] = { 0.5, 1.0, 2.0, 4.0 };
static const double noises[] = { 0.01, 0.1, 1.0 };
static const double variances[] = { 1.5 };
static const gcr_point_table table = {
    .axes = { { "lengthscale", lengthscales, 4 },
              { "noise", noises, 3 },
              { "variance", variances, 1 } },
    .axis_count = 3,
    .point_count = POINTS,
    .live_count = POINTS,
};

/* One dataset resident and prepared, and room for the records of POINTS cells. */
typedef struct stage {
    gcr_unit_setup setup;
    const gcr_unit *unit;
    gcr_program *program;
    gcr_buf *data, *prepared, *records;
    gcr_view view;
} stage;

/* The log marginal likelihoods of plain_y by scikit-learn (tests/reference/contract_gp.py). A GPU
 * has another algorithm for each size: a thread, a warp, a block in shared memory, one that is not,
 * and the whole GPU. */
static const struct reference {
    int rows;
    double lml[POINTS];
} references[] = {
    { 6,
      {
          -6.8697455277950112,
          -7.0405476129627207,
          -8.3524170683791823,
          -5.3841340749543605,
          -5.857873804288559,
          -7.9821606058041841,
          -1.6075561735629287,
          -3.8927253405162907,
          -7.5011656847288712,
          -0.18137602468220759,
          -3.1625699888693704,
          -7.1849882932385984,
      } },
    { 27,
      {
          -31.05845026944548,
          -31.823443761326672,
          -37.693746984054904,
          -22.558637131339211,
          -25.278757057390113,
          -35.717610811493074,
          -0.61656399075281954,
          -14.576131022968408,
          -33.108361366816851,
          8.2088369106658376,
          -10.816857229499401,
          -31.592446424256057,
      } },
    { 100,
      {
          -114.97456480547984,
          -117.81221946721249,
          -139.57699054064128,
          -82.221996037424319,
          -92.746634161517534,
          -132.07443042228061,
          2.7167173535606537,
          -51.809973588981457,
          -122.12933352521748,
          39.093756642441363,
          -37.777616827698694,
          -116.63822007566993,
      } },
    { 240,
      {
          -275.9875994996583,
          -282.79654082825778,
          -335.01994832835362,
          -196.68010509464301,
          -222.1738822915508,
          -316.90214753758636,
          9.1509785991664785,
          -123.19782797189802,
          -292.87149034958469,
          98.223655503979529,
          -89.129544521702854,
          -279.76431015128446,
      } },
    { 260,
      {
          -299.02716631838018,
          -306.40197802028706,
          -362.96631495897498,
          -213.03140235023534,
          -240.66645432459359,
          -343.31600543426725,
          10.104550848843104,
          -133.36383939865604,
          -317.25444535089969,
          106.38924944257124,
          -96.321487187769634,
          -303.02509729274766,
      } },
};

/* Data as they go up: of `count` numbers, in place. Returns their bytes. */
static uint64_t narrow(double *numbers, int count)
{
    float *const floats = (float *)numbers;

    for (int i = 0; scalar == GCR_F32 && i < count; i++) {
        const float value = (float)numbers[i];

        memcpy(floats + i, &value, sizeof value);
    }
    return (uint64_t)count * gcr_scalar_bytes(scalar);
}

static void open_stage(stage *s, const double *y)
{
    char kernel[] = "gp";
    const gcr_job job = { .kernel = kernel, .precision = scalar };
    double data[2 * ROWS_MAX];
    gcr_shape shape = { .rows = rows, .features = 1 };
    uint64_t data_bytes, prepared_bytes;
    gcr_prepare_args args;

    *s = (stage){ 0 };
    assert_ok(gcr_unit_find(&s->unit, s->setup.option, &job, device->info.code_path));
    s->setup.points = &table;
    for (int a = 0; a < 3; a++)
        s->setup.parameter_of_axis[a] = a;
    shape.option = s->setup.option;
    for (int i = 0; i < rows; i++) {
        data[i] = i;
        data[rows + i] = y[i];
    }
    assert_ok(gcr_program_open(
        &s->program, device,
        &(gcr_program_spec){ .unit = s->unit, .setup = &s->setup, .largest = shape }));
    data_bytes = narrow(data, 2 * rows);
    s->data = device_buf(data_bytes);
    assert_ok(gcr_upload(queue, s->data, 0, data, GCR_PLACE_HOST, data_bytes));
    s->view = (gcr_view){ .rows = rows,
                          .features = 1,
                          .x = s->data->base,
                          .y = (const char *)s->data->base + data_bytes / 2 };
    prepared_bytes = (uint64_t)s->unit->kernel->prepared_count(&shape) * gcr_scalar_bytes(scalar);
    s->prepared = device_buf(prepared_bytes + sizeof(int32_t));
    args = (gcr_prepare_args){ .data = s->view,
                               .prepared = s->prepared->base,
                               .fault = (int32_t *)((char *)s->prepared->base + prepared_bytes) };
    assert_ok(gcr_prepare(queue, s->program, &args));
    s->records = device_buf(POINTS * (sizeof(double) + 1));
    assert_ok(gcr_queue_sync(queue)); /* `data` is about to go */
}

static void close_stage(stage *s)
{
    gcr_buf_close(s->records);
    gcr_buf_close(s->prepared);
    gcr_buf_close(s->data);
    gcr_program_close(s->program);
}

/* The points first .. first + count - 1 as a tile. */
static gcr_unit_tile tile_of(const stage *s, uint64_t first, uint64_t count)
{
    return (gcr_unit_tile){ .data = s->view,
                            .prepared = s->prepared->base,
                            .first = first,
                            .count = count,
                            .outputs = { (double *)s->records->base + first },
                            .width = { 1 },
                            .state =
                                (uint8_t *)s->records->base + POINTS * sizeof(double) + first };
}

/* Waits for the records of all points. */
static void take(const stage *s, double *values, uint8_t *states)
{
    const uint64_t values_bytes = POINTS * sizeof(double);

    assert_ok(gcr_download(queue, values, GCR_PLACE_HOST, s->records, 0, values_bytes));
    assert_ok(gcr_download(queue, states, GCR_PLACE_HOST, s->records, values_bytes, POINTS));
    assert_ok(gcr_queue_sync(queue));
}

/* Computes all points in tiles of `step` points, one launch each or all in one. */
static void crunch(const double *y, uint64_t step, int in_one_launch, double *values,
                   uint8_t *states)
{
    gcr_unit_tile tiles[POINTS];
    gcr_crunch_args args = { .tiles = tiles };
    stage s;

    open_stage(&s, y);
    for (uint64_t first = 0; first < POINTS; first += step) {
        const uint64_t left = POINTS - first;

        tiles[args.tile_count++] = tile_of(&s, first, step < left ? step : left);
        if (!in_one_launch) {
            assert_ok(gcr_crunch(queue, s.program, &args));
            args.tile_count = 0;
        }
    }
    assert_ok(gcr_crunch(queue, s.program, &args));
    take(&s, values, states);
    close_stage(&s);
}

static double plain_y[ROWS_MAX];

static void make_plain_y(void)
{
    for (int i = 0; i < ROWS_MAX; i++)
        plain_y[i] = 0.5 * sin(0.7 * i);
}

/* ---- the promises ---------------------------------------------------------------------------- */

static void test_cells_are_ok_and_agree_with_scikit_learn(void **state)
{
    const struct reference *reference = *state;
    double values[POINTS];
    uint8_t states[POINTS];

    rows = reference->rows;
    crunch(plain_y, POINTS, 1, values, states);
    for (int p = 0; p < POINTS; p++) {
        assert_int_equal(states[p], GCR_CELL_OK);
        assert_near(values[p], reference->lml[p],
                    scalar == GCR_F32 ? 2e-5 + 2e-6 * rows : 1e-10); /* terms grow, and cancel */
    }
}

static void test_bits_depend_on_neither_tile_nor_launch(void **state)
{
    double whole[POINTS], parts[POINTS];
    uint8_t states[POINTS];

    rows = ((const struct reference *)*state)->rows;
    crunch(plain_y, POINTS, 1, whole, states);
    for (uint64_t step = 1; step < POINTS; step++)
        for (int in_one_launch = 0; in_one_launch < 2; in_one_launch++) {
            crunch(plain_y, step, in_one_launch, parts, states);
            assert_memory_equal(parts, whole, sizeof whole);
        }
}

/* Tiles of one point each, those of two datasets in turn. */
static void test_bits_do_not_depend_on_the_other_datasets_of_a_launch(void **state)
{
    static const double other_y[ROWS_MAX] = { -0.2, 0.6, 0.1, NAN, 0.4, 0.9 };
    const double *const y[2] = { plain_y, other_y };
    double want[2][POINTS], got[2][POINTS];
    uint8_t want_states[2][POINTS], got_states[2][POINTS];
    gcr_unit_tile tiles[2 * POINTS];
    const gcr_crunch_args args = { .tiles = tiles, .tile_count = 2 * POINTS };
    stage stages[2];

    rows = ((const struct reference *)*state)->rows;
    for (int d = 0; d < 2; d++) {
        crunch(y[d], POINTS, 1, want[d], want_states[d]);
        open_stage(&stages[d], y[d]);
    }
    for (uint64_t t = 0; t < args.tile_count; t++)
        tiles[t] = tile_of(&stages[t % 2], t / 2, 1);
    assert_ok(gcr_crunch(queue, stages[0].program, &args));
    for (int d = 0; d < 2; d++)
        take(&stages[d], got[d], got_states[d]);
    assert_memory_equal(got, want, sizeof want);
    assert_memory_equal(got_states, want_states, sizeof want_states);
    for (int d = 0; d < 2; d++)
        close_stage(&stages[d]);
}

static void test_nan_and_infinity_in_the_data_are_named_so(void **state)
{
    double y[ROWS_MAX], values[POINTS];
    uint8_t states[POINTS];

    (void)state;
    for (int at = 0; at < rows; at++)
        for (int kind = 0; kind < 2; kind++) {
            memcpy(y, plain_y, sizeof y);
            y[at] = kind == 0 ? NAN : INFINITY;
            crunch(y, POINTS, 1, values, states);
            for (int p = 0; p < POINTS; p++) {
                assert_int_equal(states[p], GCR_CELL_NAN_IN);
                assert_true(isnan(values[p]));
            }
        }
}

static void test_no_tiles_are_a_valid_amount_of_work(void **state)
{
    const gcr_crunch_args nothing = { 0 };
    stage s;

    (void)state;
    open_stage(&s, plain_y);
    assert_ok(gcr_crunch(queue, s.program, &nothing));
    assert_ok(gcr_queue_sync(queue));
    close_stage(&s);
}

/* Kernels that never end are for a fake: a device that has met one cannot be used again. */
static void test_what_ends_in_its_time_is_waited_for(void **state)
{
    stage s;
    double values[POINTS];
    uint8_t states[POINTS];
    gcr_event *done = NULL;

    (void)state;
    open_stage(&s, plain_y);
    const gcr_unit_tile tile = tile_of(&s, 0, POINTS);
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };

    assert_ok(gcr_event_open(&done, device));
    assert_ok(gcr_crunch(queue, s.program, &args));
    assert_ok(gcr_download(queue, values, GCR_PLACE_HOST, s.records, 0, sizeof values));
    assert_ok(gcr_event_record(done, queue));
    assert_ok(gcr_event_sync(done, 600));
    for (int p = 0; p < POINTS; p++)
        assert_true(values[p] == values[p]); /* no NaN */
    take(&s, values, states);
    gcr_event_close(done);
    close_stage(&s);
}

static void test_a_device_says_what_a_cell_needs_and_what_it_has(void **state)
{
    const gcr_device_info *info = &device->info;
    stage s;
    uint64_t bytes = UINT64_MAX;

    (void)state;
    open_stage(&s, plain_y);
    const gcr_shape shape = { .rows = rows, .features = 1, .option = s.setup.option };
    const gcr_program_spec spec = { .unit = s.unit, .setup = &s.setup, .largest = shape };

    assert_ok(gcr_cell_bytes(&bytes, device, &spec, &shape));
    assert_true(bytes < info->total_bytes);
    assert_true(info->free_bytes <= info->total_bytes);
    assert_true(info->shares_memory || info->free_bytes > 0);
    assert_true(info->unit_flops[GCR_F64] > 0 && info->unit_flops[GCR_F32] > 0);
    close_stage(&s);
}

static void test_bytes_that_cross_are_counted(void **state)
{
    const gcr_ledger before = queue->ledger;
    double values[3] = { 1, 2, 3 }, back[3] = { 0 };
    gcr_buf *buf = device_buf(sizeof values);

    (void)state;
    assert_ok(gcr_upload(queue, buf, 0, values, GCR_PLACE_HOST, sizeof values));
    assert_ok(gcr_download(queue, back, GCR_PLACE_HOST, buf, 0, sizeof back));
    assert_ok(gcr_queue_sync(queue));
    assert_memory_equal(back, values, sizeof values);
    assert_int_equal(queue->ledger.up_bytes - before.up_bytes, sizeof values);
    assert_int_equal(queue->ledger.up_calls - before.up_calls, 1);
    assert_int_equal(queue->ledger.down_bytes - before.down_bytes, sizeof back);
    gcr_buf_close(buf);
}

static void test_a_copy_beyond_a_buffer_is_refused(void **state)
{
    const double value = 1.0;
    gcr_buf *buf = device_buf(sizeof value);

    (void)state;
    assert_status(gcr_upload(queue, buf, 1, &value, GCR_PLACE_HOST, sizeof value), GCR_EINVAL);
    assert_error_mentions("outside a buffer of 8");
    assert_status(gcr_upload(queue, buf, UINT64_MAX, &value, GCR_PLACE_HOST, 8), GCR_EINVAL);
    gcr_buf_close(buf);
}

static void test_a_buffer_of_nothing_is_refused(void **state)
{
    gcr_buf *buf = NULL;

    (void)state;
    assert_status(gcr_buf_open(&buf, device, GCR_PLACE_DEVICE, 0), GCR_EINVAL);
    assert_null(buf);
}

static void test_a_device_that_is_not_there_is_refused_by_number(void **state)
{
    gcr_device *none = NULL;

    (void)state;
    assert_status(gcr_device_open(&none, device->backend, 4711), GCR_EINVAL);
    assert_error_mentions(":4711");
    assert_null(none);
}

/* ---- once per backend ------------------------------------------------------------------------ */

static int go_small(void **state)
{
    (void)state;
    rows = references[0].rows;
    return 0;
}

#define of_size(test, k, rows)                                                                     \
    {                                                                                              \
#test ", " #rows " rows", test, NULL, go_small, (void *)&references[k]                     \
    }
#define of_each_size(test)                                                                         \
    of_size(test, 0, 6), of_size(test, 1, 27), of_size(test, 2, 100), of_size(test, 3, 240),       \
        of_size(test, 4, 260)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        of_each_size(test_cells_are_ok_and_agree_with_scikit_learn),
        of_each_size(test_bits_depend_on_neither_tile_nor_launch),
        of_each_size(test_bits_do_not_depend_on_the_other_datasets_of_a_launch),
        cmocka_unit_test(test_nan_and_infinity_in_the_data_are_named_so),
        cmocka_unit_test(test_no_tiles_are_a_valid_amount_of_work),
        cmocka_unit_test(test_what_ends_in_its_time_is_waited_for),
        cmocka_unit_test(test_a_device_says_what_a_cell_needs_and_what_it_has),
        cmocka_unit_test(test_bytes_that_cross_are_counted),
        cmocka_unit_test(test_a_copy_beyond_a_buffer_is_refused),
        cmocka_unit_test(test_a_buffer_of_nothing_is_refused),
        cmocka_unit_test(test_a_device_that_is_not_there_is_refused_by_number),
    };

    make_plain_y();
    return contract_run(argc, argv, tests);
}
