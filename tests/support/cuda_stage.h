/*
 * tests/support/cuda_stage.h -- a GPU that is none, with a kernel and a few datasets on it.
 *
 * Each function of the road returns a status, because tests let each call on it fail.
 */
#ifndef GCR_CUDA_STAGE_H
#define GCR_CUDA_STAGE_H

#include "support/gcr_test.h"

#include "cuda/cuda_backend.h"
#include "support/fake_cuda.h"
#include "support/test_folder.h"

#include "gridcrunch/cell.h"

#include <stdio.h>
#include <unistd.h>

enum { STAGE_POINTS = 20, STAGE_DATASETS = 3, STAGE_CELL_BYTES = 2 * sizeof(double) + 2 };

/* As a callback of the user's may do: the thread is at another GPU. */
static inline void stage_turn_away(void)
{
    assert_int_equal(cudaSetDevice(1), cudaSuccess);
}

static inline int64_t stage_size(const gcr_shape *shape)
{
    return shape->rows;
}

/* Has the name of a built-in kernel, whose text the module carries. */
static const gcr_kernel stage_kernel = {
    .name = "gp",
    .form = GCR_FORM_SPD,
    .uses = GCR_USES_Y,
    .parameters = { { .name = "a" }, { .name = "b" } },
    .options = { { .name = "covariance", .choices = { "rbf", "matern12" } } },
    .outputs = { { .name = "one", .width = 1 }, { .name = "two", .width = 1 } },
    .size = stage_size,
    .prepared_count = stage_size,
};

static int stage_prepare(const gcr_unit_setup *setup, const gcr_view *data, void *prepared,
                         void *scratch)
{
    (void)setup;
    (void)data;
    (void)prepared;
    (void)scratch;
    return 0;
}

static const gcr_unit stage_unit = { .kernel = &stage_kernel,
                                     .path = GCR_PATH_PLAIN,
                                     .prepare = stage_prepare };

static const double stage_axis_a[] = { 1, 2, 3, 4, 5 };
static const double stage_axis_b[] = { 10, 20, 30, 40 };
static const double stage_jitter[] = { 1e-8, 1e-6, 1e-4 };
static const gcr_point_table stage_points = {
    .axes = { { "a", stage_axis_a, 5 }, { "b", stage_axis_b, 4 } },
    .axis_count = 2,
    .point_count = STAGE_POINTS,
    .live_count = STAGE_POINTS,
};

typedef struct stage {
    gcr_device *device;
    gcr_queue *queue;
    gcr_program *program;
    gcr_event *event;
    gcr_unit_setup setup;
    gcr_program_spec spec;
    gcr_buf *data[STAGE_DATASETS], *prepared[STAGE_DATASETS];
    gcr_view view[STAGE_DATASETS];
    gcr_buf *records_dev, *records; /* of all datasets */
} stage;

/* Setup of a test: a fresh fake, and an empty cache. */
static inline int stage_begin(void **state)
{
    fake_cuda_reset();
    unsetenv("CUDA_VISIBLE_DEVICES");
    return test_folder_begin(state);
}

static inline gcr_status stage_open(stage *s)
{
    gcr_status status = GCR_OK;

    s->setup.points = &stage_points;
    s->setup.parameter_of_axis[1] = 1;
    s->setup.jitter = stage_jitter;
    s->spec.unit = s->spec.unit != NULL ? s->spec.unit : &stage_unit;
    s->spec.setup = &s->setup;
    GCR_TRY(gcr_device_open(&s->device, &gcr_cuda_backend, 0));
    GCR_TRY(gcr_queue_open(&s->queue, s->device));
    GCR_TRY(gcr_event_open(&s->event, s->device));
    GCR_TRY(gcr_program_open(&s->program, s->device, &s->spec));
    GCR_TRY(gcr_buf_open(&s->records_dev, s->device, GCR_PLACE_DEVICE,
                         STAGE_DATASETS * STAGE_POINTS * STAGE_CELL_BYTES));
    GCR_TRY(gcr_buf_open(&s->records, s->device, GCR_PLACE_STAGING,
                         STAGE_DATASETS * STAGE_POINTS * STAGE_CELL_BYTES));
out:
    return status;
}

/* Dataset `d` has so many rows; its y, in the precision of the unit, begins with 100 (d + 1). */
static inline gcr_status stage_bring(stage *s, int d, int64_t rows)
{
    gcr_status status = GCR_OK;
    const gcr_scalar scalar = s->spec.unit->scalar;
    const uint64_t bytes = (uint64_t)rows * gcr_scalar_bytes(scalar);
    void *y = calloc(1, bytes);
    gcr_prepare_args args;

    assert_non_null(y);
    if (scalar == GCR_F32)
        *(float *)y = 100.0f * (float)(d + 1);
    else
        *(double *)y = 100.0 * (d + 1);
    GCR_TRY(gcr_buf_open(&s->data[d], s->device, GCR_PLACE_DEVICE, bytes));
    GCR_TRY(gcr_upload(s->queue, s->data[d], 0, y, GCR_PLACE_HOST, bytes));
    s->view[d] = (gcr_view){ .rows = rows, .y = s->data[d]->base };
    GCR_TRY(gcr_buf_open(&s->prepared[d], s->device, GCR_PLACE_DEVICE, bytes + sizeof(int32_t)));
    args = (gcr_prepare_args){ .data = s->view[d],
                               .prepared = s->prepared[d]->base,
                               .fault = (int32_t *)((char *)s->prepared[d]->base + bytes) };
    GCR_TRY(gcr_prepare(s->queue, s->program, &args));
out:
    free(y);
    return status;
}

/* The points first .. first + count - 1 of dataset `d`. Records: both outputs, states, steps. */
static inline gcr_unit_tile stage_tile(const stage *s, int d, uint64_t first, uint64_t count)
{
    const uint64_t all = STAGE_DATASETS * STAGE_POINTS;
    const uint64_t at = (uint64_t)d * STAGE_POINTS + first;
    double *values = s->records_dev->base;
    uint8_t *states = (uint8_t *)(values + 2 * all);

    return (gcr_unit_tile){ .data = s->view[d],
                            .prepared = s->prepared[d] != NULL ? s->prepared[d]->base : NULL,
                            .first = first,
                            .count = count,
                            .outputs = { values + at, values + all + at },
                            .width = { 1, 1 },
                            .state = states + at,
                            .jitter_step = states + all + at };
}

/* Crunches, and has the records come down when the event is waited for. */
static inline gcr_status stage_crunch(stage *s, const gcr_unit_tile *tiles, uint64_t count)
{
    gcr_status status = GCR_OK;
    const gcr_crunch_args args = { .tiles = tiles, .tile_count = count };

    GCR_TRY(gcr_crunch(s->queue, s->program, &args));
    GCR_TRY(gcr_download(s->queue, s->records->base, GCR_PLACE_STAGING, s->records_dev, 0,
                         s->records->bytes));
    GCR_TRY(gcr_event_record(s->event, s->queue));
out:
    return status;
}

/* All points of datasets 0 .. count - 1, a tile each. */
static inline gcr_status stage_crunch_all(stage *s, int count)
{
    gcr_unit_tile tiles[STAGE_DATASETS];

    for (int d = 0; d < count; d++)
        tiles[d] = stage_tile(s, d, 0, STAGE_POINTS);
    return stage_crunch(s, tiles, (uint64_t)count);
}

/* What came down of dataset `d` is what the fake computes. */
static inline void stage_check(const stage *s, int d)
{
    const uint64_t all = STAGE_DATASETS * STAGE_POINTS;
    const double *values = (const double *)s->records->base + d * STAGE_POINTS;
    const uint8_t *states =
        (const uint8_t *)s->records->base + 2 * all * sizeof(double) + (uint64_t)d * STAGE_POINTS;

    for (int p = 0; p < STAGE_POINTS; p++) {
        const int is_hard = p % 5 == 3, has_ladder = s->setup.jitter_count >= 2;

        assert_int_equal(states[p], !is_hard     ? GCR_CELL_OK
                                    : has_ladder ? GCR_CELL_OK_JITTER
                                                 : GCR_CELL_NOT_SPD);
        assert_int_equal(states[all + (uint64_t)p], is_hard && has_ladder ? 2 : 0);
        assert_near(values[p], 100.0 * (d + 1) + p, 0);
        assert_near(values[all + (uint64_t)p], 100.0 * (d + 1) + p + 1000, 0);
    }
}

/* In any state that stage_open() may have left. */
static inline void stage_close(stage *s)
{
    for (int d = 0; d < STAGE_DATASETS; d++) {
        gcr_buf_close(s->prepared[d]);
        gcr_buf_close(s->data[d]);
    }
    gcr_buf_close(s->records);
    gcr_buf_close(s->records_dev);
    gcr_program_close(s->program);
    gcr_event_close(s->event);
    gcr_queue_close(s->queue);
    gcr_device_close(s->device);
    *s = (stage){ 0 };
}

/* Nothing is left and no rule was broken. */
#define assert_clean()                                                                             \
    do {                                                                                           \
        if (fake_cuda.broken != NULL)                                                              \
            fail_msg("%s", fake_cuda.broken);                                                      \
        assert_int_equal(fake_cuda.live, 0);                                                       \
    } while (0)

#endif /* GCR_CUDA_STAGE_H */
