/*
 * bench/bench_overlap.c -- do uploads, work and downloads hide behind each other?
 *
 * Chunks of data go up, are computed on and go down again, by the operations that a run uses: first
 * each stage alone, then all of them as a pipeline, three chunks in turn. How much is computed is
 * chosen so that it takes as long as the way up: then there is nothing to hide behind but the other
 * stages. What is asked is a pipeline of at most 1.08 times its slowest stage; of 64 chunks its
 * ends alone are 1.03. The efficiency is the part of what could be hidden that is.
 *
 * And a million cells that cost nothing, in one launch: what a cell costs by being one.
 */
#include "bench.h"
#include "scale_job.h"

#include "base/check.h"
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SLOTS = 3,
    CHUNK_DATASETS = 16, /* so that a chunk has work for all of a device */
    CHUNKS_MAX = 64,
    POINTS_MAX = 4096,
    CELLS = 1000000,
};

typedef enum stage { UP = 1, WORK = 2, DOWN = 4, ALL = UP | WORK | DOWN } stage;

/* A chunk in turn: up from `from`, worked on and down to `to`. */
typedef struct slot {
    gcr_buf *from, *dev, *to, *records_dev;
    gcr_event *done;
} slot;

typedef struct state {
    bench *bench;
    bench_device on;
    bench_scale job;
    uint64_t rows, points; /* of each dataset of a chunk */
    int chunks;
    slot slots[SLOTS];
    gcr_buf *records;              /* of a chunk, looked at */
    uint64_t up_bytes, down_bytes; /* that all runs so far needed */
} state;

static uint64_t dataset_bytes(const state *s)
{
    return s->rows * sizeof(double);
}

static uint64_t chunk_bytes(const state *s)
{
    return CHUNK_DATASETS * dataset_bytes(s);
}

/* ---- the stages ------------------------------------------------------------------------------ */

static gcr_status work_on(state *s, const slot *at)
{
    const uint64_t cells = CHUNK_DATASETS * s->points;
    const char *y_dev = at->dev->base;
    gcr_unit_tile tiles[CHUNK_DATASETS];
    const gcr_crunch_args args = { .tiles = tiles, .tile_count = CHUNK_DATASETS };

    for (uint64_t d = 0; d < CHUNK_DATASETS; d++)
        tiles[d] = bench_scale_tile(&s->job, y_dev + d * dataset_bytes(s), 0, s->points,
                                    at->records_dev, d * s->points, cells);
    return gcr_crunch(s->on.queue, s->job.program, &args);
}

/* In the order of a run: what is enqueued after a download does not hold it up. */
static gcr_status enqueue(state *s, const slot *at, int stages)
{
    gcr_status status = GCR_OK;
    gcr_queue *queue = s->on.queue;
    const uint64_t bytes = chunk_bytes(s);

    if (stages & UP) {
        GCR_TRY(gcr_upload(queue, at->dev, 0, at->from->base, GCR_PLACE_STAGING, bytes));
        s->up_bytes += bytes;
    }
    if (stages & WORK)
        GCR_TRY(work_on(s, at));
    if (stages & DOWN) {
        GCR_TRY(gcr_download(queue, at->to->base, GCR_PLACE_STAGING, at->dev, 0, bytes));
        s->down_bytes += bytes;
    }
    GCR_TRY(gcr_event_record(at->done, queue));
out:
    return status;
}

static gcr_status run(state *s, int stages, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();

    for (int chunk = 0; chunk < s->chunks; chunk++) {
        const slot *at = &s->slots[chunk % SLOTS];

        if (chunk >= SLOTS) /* its last chunk is still in there */
            GCR_TRY(gcr_event_sync(at->done, -1));
        GCR_TRY(enqueue(s, at, stages));
    }
    GCR_TRY(gcr_queue_sync(s->on.queue));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

/* What came down is what went up, and the cells of the first slot are right. */
static gcr_status check_run(state *s)
{
    gcr_status status = GCR_OK;
    const uint64_t cells = CHUNK_DATASETS * s->points, bytes = bench_scale_record_bytes(cells);
    const double *y = s->slots[0].from->base;

    for (int k = 0; k < SLOTS; k++)
        if (memcmp(s->slots[k].from->base, s->slots[k].to->base, chunk_bytes(s)) != 0)
            GCR_FAIL(GCR_EDEVICE, "what came down is not what went up");
    GCR_TRY(gcr_download(s->on.queue, s->records->base, GCR_PLACE_STAGING, s->slots[0].records_dev,
                         0, bytes));
    GCR_TRY(gcr_queue_sync(s->on.queue));
    s->down_bytes += bytes;
    for (uint64_t d = 0; d < CHUNK_DATASETS; d += CHUNK_DATASETS - 1)
        GCR_TRY(bench_scale_check(&s->job, y + d * s->rows, 0, s->points, s->records->base,
                                  d * s->points, cells));
out:
    return status;
}

static gcr_status run_up(void *arg, double *seconds_out)
{
    return run(arg, UP, seconds_out);
}

static gcr_status run_work(void *arg, double *seconds_out)
{
    return run(arg, WORK, seconds_out);
}

static gcr_status run_down(void *arg, double *seconds_out)
{
    return run(arg, DOWN, seconds_out);
}

static gcr_status run_all(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *s = arg;

    for (int k = 0; k < SLOTS; k++)
        memset(s->slots[k].to->base, 0xff, chunk_bytes(s));
    GCR_TRY(run(s, ALL, seconds_out));
    GCR_TRY(check_run(s));
out:
    return status;
}

/* ---- a million cells ------------------------------------------------------------------------- */

typedef struct empty_cells {
    state *s;
    bench_scale job;
    gcr_buf *y_dev, *records_dev, *records;
    gcr_event *done;
    double y;       /* the one row      */
    uint64_t count; /* that are computed */
} empty_cells;

/* From the call to the end of the work, which the records' way down is no part of. */
static gcr_status run_cells(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    empty_cells *e = arg;
    gcr_queue *queue = e->s->on.queue;
    const gcr_unit_tile tile =
        bench_scale_tile(&e->job, e->y_dev->base, 0, e->count, e->records_dev, 0, CELLS);
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };
    const uint64_t bytes = bench_scale_record_bytes(CELLS);
    double begin;

    memset(e->records->base, 0xff, bytes);
    GCR_TRY(gcr_upload(queue, e->records_dev, 0, e->records->base, GCR_PLACE_STAGING, bytes));
    GCR_TRY(gcr_queue_sync(queue));
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_crunch(queue, e->job.program, &args));
    GCR_TRY(gcr_event_record(e->done, queue));
    GCR_TRY(gcr_event_sync(e->done, -1));
    *seconds_out = gcr_clock_seconds() - begin;
    GCR_TRY(gcr_download(queue, e->records->base, GCR_PLACE_STAGING, e->records_dev, 0, bytes));
    GCR_TRY(gcr_queue_sync(queue));
    e->s->up_bytes += bytes;
    e->s->down_bytes += bytes;
    GCR_TRY(bench_scale_check(&e->job, &e->y, 0, e->count, e->records->base, 0, CELLS));
out:
    return status;
}

static gcr_status run_one_cell(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    empty_cells *e = arg;

    e->count = 1;
    GCR_TRY(run_cells(e, seconds_out));
out:
    e->count = CELLS;
    return status;
}

static gcr_status open_cells(empty_cells *e, state *s)
{
    gcr_status status = GCR_OK;
    gcr_device *device = s->on.device;

    *e = (empty_cells){ .s = s, .count = CELLS };
    bench_scale_fill(&e->y, 1, 0);
    GCR_TRY(bench_scale_open(&e->job, &s->on, 1, CELLS));
    GCR_TRY(gcr_buf_open(&e->y_dev, device, GCR_PLACE_DEVICE, sizeof e->y));
    GCR_TRY(gcr_upload(s->on.queue, e->y_dev, 0, &e->y, GCR_PLACE_HOST, sizeof e->y));
    s->up_bytes += sizeof e->y;
    GCR_TRY(
        gcr_buf_open(&e->records_dev, device, GCR_PLACE_DEVICE, bench_scale_record_bytes(CELLS)));
    GCR_TRY(gcr_buf_open(&e->records, device, GCR_PLACE_STAGING, bench_scale_record_bytes(CELLS)));
    GCR_TRY(gcr_event_open(&e->done, device));
out:
    return status;
}

static void close_cells(empty_cells *e)
{
    gcr_event_close(e->done);
    gcr_buf_close(e->records);
    gcr_buf_close(e->records_dev);
    gcr_buf_close(e->y_dev);
    bench_scale_close(&e->job);
}

static gcr_status measure_cells(state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;
    bench *b = s->bench;
    empty_cells e;
    double all, one;

    GCR_TRY(open_cells(&e, s));
    sides[0] = (bench_side){ .what = "1000000 cells", .run = run_cells, .arg = &e };
    sides[1] = (bench_side){ .what = "1 cell", .run = run_one_cell, .arg = &e };
    GCR_TRY(bench_alternate(b, "empty cells", sides, 2));
    all = bench_spread_of(sides[0].seconds, b->rounds).median;
    one = bench_spread_of(sides[1].seconds, b->rounds).median;
    bench_say("1e6 empty cells in %.3f ms, one in %.3f ms: %.2f ns each", 1e3 * all, 1e3 * one,
              1e9 * (all - one) / CELLS);
    bench_ratio(b, "empty_cells_ms", 1e3 * all);
out:
    close_cells(&e);
    return status;
}

/* ---- the pipeline ---------------------------------------------------------------------------- */

static gcr_status open_slot(state *s, slot *at, uint64_t number)
{
    gcr_status status = GCR_OK;
    gcr_device *device = s->on.device;
    const uint64_t records = bench_scale_record_bytes(CHUNK_DATASETS * POINTS_MAX);

    GCR_TRY(gcr_buf_open(&at->from, device, GCR_PLACE_STAGING, chunk_bytes(s)));
    GCR_TRY(gcr_buf_open(&at->dev, device, GCR_PLACE_DEVICE, chunk_bytes(s)));
    GCR_TRY(gcr_buf_open(&at->to, device, GCR_PLACE_STAGING, chunk_bytes(s)));
    GCR_TRY(gcr_buf_open(&at->records_dev, device, GCR_PLACE_DEVICE, records));
    GCR_TRY(gcr_event_open(&at->done, device));
    for (uint64_t d = 0; d < CHUNK_DATASETS; d++)
        bench_scale_fill((double *)at->from->base + d * s->rows, s->rows,
                         number * CHUNK_DATASETS + d);
out:
    return status;
}

static void close_slot(slot *at)
{
    gcr_event_close(at->done);
    gcr_buf_close(at->records_dev);
    gcr_buf_close(at->to);
    gcr_buf_close(at->dev);
    gcr_buf_close(at->from);
}

static gcr_status open_state(state *s)
{
    gcr_status status = GCR_OK;
    const int is_cpu = s->on.device->info.shares_memory, is_quick = s->bench->quick;

    s->rows = is_cpu ? (is_quick ? 512 : 1 << 14) : (is_quick ? 1 << 16 : 1 << 18);
    s->chunks = is_quick ? CHUNKS_MAX / 4 : CHUNKS_MAX;
    s->points = 1;
    GCR_TRY(bench_scale_open(&s->job, &s->on, s->rows, POINTS_MAX));
    for (uint64_t k = 0; k < SLOTS; k++)
        GCR_TRY(open_slot(s, &s->slots[k], k));
    GCR_TRY(gcr_buf_open(&s->records, s->on.device, GCR_PLACE_STAGING,
                         bench_scale_record_bytes(CHUNK_DATASETS * POINTS_MAX)));
out:
    return status;
}

static void close_state(state *s)
{
    gcr_buf_close(s->records);
    for (int k = 0; k < SLOTS; k++)
        close_slot(&s->slots[k]);
    bench_scale_close(&s->job);
    bench_device_close(&s->on);
}

/* The best of three: what disturbs a run makes it longer. */
static gcr_status best_of(state *s, int stages, double *seconds_out)
{
    gcr_status status = GCR_OK;
    double seconds;

    *seconds_out = INFINITY;
    for (int k = 0; k < 3; k++) {
        GCR_TRY(run(s, stages, &seconds));
        *seconds_out = fmin(*seconds_out, seconds);
    }
out:
    return status;
}

/* As many points as make the work as long as the way up. */
static gcr_status balance(state *s)
{
    gcr_status status = GCR_OK;
    double up, work;
    uint64_t points;

    GCR_TRY(best_of(s, ALL, &up)); /* warm, and there is something to work on */
    GCR_TRY(best_of(s, UP, &up));
    for (s->points = 1; s->points < POINTS_MAX; s->points *= 2) {
        GCR_TRY(best_of(s, WORK, &work));
        if (work >= up)
            break;
    }
    GCR_TRY(best_of(s, WORK, &work));
    points = (uint64_t)((double)s->points * fmin(up / work, 1) + 0.5);
    s->points = points > 0 ? points : 1;
    bench_say("%d chunks of %" PRIu64 " bytes, %" PRIu64 " points of %d datasets computed on each",
              s->chunks, chunk_bytes(s), s->points, CHUNK_DATASETS);
out:
    return status;
}

/* Of the medians. */
static void report(state *s, const bench_side *sides)
{
    bench *b = s->bench;
    double stage_of[3], sum = 0, slowest = 0;
    const double all = bench_spread_of(sides[3].seconds, b->rounds).median;

    for (int k = 0; k < 3; k++) {
        stage_of[k] = bench_spread_of(sides[k].seconds, b->rounds).median;
        sum += stage_of[k];
        slowest = fmax(slowest, stage_of[k]);
    }
    bench_say("up %.3f ms, work %.3f, down %.3f; all three as a pipeline %.3f, one after the other "
              "%.3f",
              1e3 * stage_of[0], 1e3 * stage_of[1], 1e3 * stage_of[2], 1e3 * all, 1e3 * sum);
    if (s->on.device->info.batches_in_flight == 1)
        bench_say("this device does its work before a call returns: nothing is hidden");
    bench_ratio(b, "pipeline_over_slowest_stage", all / slowest);
    bench_ratio(b, "pipeline_over_sum", all / sum);
    bench_ratio(b, "overlap_efficiency", (sum - all) / (sum - slowest));
}

static gcr_status measure(state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;
    bench *b = s->bench;

    GCR_TRY(balance(s));
    sides[0] = (bench_side){ .what = "up", .run = run_up, .arg = s };
    sides[1] = (bench_side){ .what = "work", .run = run_work, .arg = s };
    sides[2] = (bench_side){ .what = "down", .run = run_down, .arg = s };
    sides[3] = (bench_side){ .what = "pipeline", .run = run_all, .arg = s };
    GCR_TRY(bench_alternate(b, "chunks", sides, 4));
    report(s, sides);
    GCR_TRY(measure_cells(s, sides));
    GCR_TRY(bench_check_ledger(&s->on, s->up_bytes, s->down_bytes));
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    static bench_side sides[4]; /* too large for a stack */
    gcr_status status = GCR_OK;
    const char *device = NULL;
    const bench_flag flags[] = { { "device", "NAME", &device }, { 0 } };
    bench b;

    GCR_TRY(bench_begin_with(&b, "overlap", argc, argv, flags));
    s.bench = &b;
    GCR_TRY(bench_device_open(&s.on, device));
    GCR_TRY(open_state(&s));
    GCR_TRY(measure(&s, sides));
out:
    close_state(&s);
    return bench_end(&b, status);
}
