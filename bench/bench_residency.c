/*
 * bench/bench_residency.c -- what does it buy to leave the data on the device?
 *
 * One job, three ways: datasets go up once and stay; they go up again for each batch, into another
 * place and while the batch before is computed; they are made on the device. Batches are all points
 * of the datasets in eight parts; results come down in each case and are looked at. The bytes of
 * the ledger must be those that the way needs: resident, each byte once. Then four loops that
 * everybody knows, beside the copies that they need (workloads.h).
 */
#include "bench.h"
#include "scale_job.h"
#include "work.h"
#include "workloads.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BATCHES = 8, POINTS = 64, PART = POINTS / BATCHES, DATASETS_MAX = 64, PLACES = 2 };

typedef enum way { RESIDENT, RESENT, GENERATED } way;

typedef struct state {
    bench *bench;
    bench_device on;
    bench_scale job;
    bench_work made; /* the datasets, which the device could make, too */
    uint64_t datasets, rows;
    gcr_buf *y, *y_dev[PLACES]; /* [datasets][rows]; the second for what is sent again */
    gcr_buf *x_dev;             /* [rows] of whatever dataset was made last; nobody reads it */
    gcr_buf *records, *records_dev[BATCHES];
    gcr_event *done[BATCHES];
    uint64_t up_bytes, down_bytes; /* that all runs so far needed */
} state;

static uint64_t dataset_bytes(const state *s)
{
    return s->rows * sizeof(double);
}

static uint64_t batch_cells(const state *s)
{
    return s->datasets * PART;
}

static void *poisoned(const gcr_buf *buf)
{
    return memset(buf->base, 0xff, buf->bytes);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static gcr_status send_all(state *s, gcr_buf *y_dev)
{
    gcr_status status = GCR_OK;
    const char *y = s->y->base;

    for (uint64_t d = 0; d < s->datasets; d++)
        GCR_TRY(gcr_upload(s->on.queue, y_dev, d * dataset_bytes(s), y + d * dataset_bytes(s),
                           GCR_PLACE_STAGING, dataset_bytes(s)));
    s->up_bytes += s->datasets * dataset_bytes(s);
out:
    return status;
}

static gcr_status make_all(state *s, const gcr_buf *y)
{
    gcr_status status = GCR_OK;
    char *y_dev = y->base;

    for (uint64_t d = 0; d < s->datasets; d++)
        GCR_TRY(gcr_generate(s->on.queue,
                             &(gcr_generate_args){ .recipe = *s->made.datasets.items[d].recipe,
                                                   .scalar = GCR_F64,
                                                   .x = s->x_dev->base,
                                                   .y = y_dev + d * dataset_bytes(s) }));
out:
    return status;
}

static gcr_status crunch_batch(state *s, int batch, const gcr_buf *y)
{
    gcr_status status = GCR_OK;
    gcr_unit_tile tiles[DATASETS_MAX];
    const gcr_crunch_args args = { .tiles = tiles, .tile_count = s->datasets };
    const uint64_t bytes = bench_scale_record_bytes(batch_cells(s));
    const char *y_dev = y->base;

    for (uint64_t d = 0; d < s->datasets; d++)
        tiles[d] = bench_scale_tile(&s->job, y_dev + d * dataset_bytes(s), (uint64_t)batch * PART,
                                    PART, s->records_dev[batch], d * PART, batch_cells(s));
    GCR_TRY(gcr_crunch(s->on.queue, s->job.program, &args));
    GCR_TRY(gcr_download(s->on.queue, (char *)s->records->base + (uint64_t)batch * bytes,
                         GCR_PLACE_STAGING, s->records_dev[batch], 0, bytes));
    GCR_TRY(gcr_event_record(s->done[batch], s->on.queue));
    s->down_bytes += bytes;
out:
    return status;
}

static gcr_status check_results(const state *s)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = bench_scale_record_bytes(batch_cells(s));
    const double *y = s->y->base;

    for (uint64_t batch = 0; batch < BATCHES; batch++)
        for (uint64_t d = 0; d < s->datasets; d += s->datasets - 1) /* the first and the last */
            GCR_TRY(bench_scale_check(&s->job, y + d * s->rows, batch * PART, PART,
                                      (const char *)s->records->base + batch * bytes, d * PART,
                                      batch_cells(s)));
out:
    return status;
}

/* Poison on both sides: nothing of the run before is left. */
static gcr_status begin_run(state *s)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = bench_scale_record_bytes(batch_cells(s));

    for (int batch = 0; batch < BATCHES; batch++) {
        GCR_TRY(gcr_upload(s->on.queue, s->records_dev[batch], 0, poisoned(s->records),
                           GCR_PLACE_STAGING, bytes));
        s->up_bytes += bytes;
    }
    GCR_TRY(gcr_queue_sync(s->on.queue));
out:
    return status;
}

static gcr_status run(state *s, way how, double *seconds_out)
{
    gcr_status status = GCR_OK;
    double begin;

    GCR_TRY(begin_run(s));
    begin = gcr_clock_seconds();
    for (int batch = 0; batch < BATCHES; batch++) {
        gcr_buf *y_dev = s->y_dev[how == RESENT ? batch % PLACES : 0];

        if (how == RESENT && batch >= PLACES) /* which has read what stands there */
            GCR_TRY(gcr_event_sync(s->done[batch - PLACES], -1));
        if (how == RESENT || (how == RESIDENT && batch == 0))
            GCR_TRY(send_all(s, y_dev));
        if (how == GENERATED && batch == 0)
            GCR_TRY(make_all(s, y_dev));
        GCR_TRY(crunch_batch(s, batch, y_dev));
    }
    GCR_TRY(gcr_queue_sync(s->on.queue));
    *seconds_out = gcr_clock_seconds() - begin;
    GCR_TRY(check_results(s));
out:
    return status;
}

static gcr_status run_resident(void *arg, double *seconds_out)
{
    return run(arg, RESIDENT, seconds_out);
}

static gcr_status run_resent(void *arg, double *seconds_out)
{
    return run(arg, RESENT, seconds_out);
}

static gcr_status run_generated(void *arg, double *seconds_out)
{
    return run(arg, GENERATED, seconds_out);
}

/* ---- the comparison -------------------------------------------------------------------------- */

static void choose_size(state *s)
{
    const int is_cpu = s->on.device->info.shares_memory, is_quick = s->bench->quick;

    s->datasets = is_cpu ? 8 : DATASETS_MAX;
    s->rows = is_cpu ? (is_quick ? 4096 : 1 << 18) : (is_quick ? 1 << 14 : 1 << 20);
}

/* Synthetic ones, of one feature that is not read. */
static gcr_status make_datasets(state *s)
{
    gcr_status status = GCR_OK;
    double *y = s->y->base;
    char text[256];

    snprintf(text, sizeof text,
             "name: residency\n"
             "data: {synthetic: {datasets: %" PRIu64 ", rows: %" PRIu64 ", noise: 0.1}}\n"
             "kernel: scale\n"
             "grid: {factor: 1}\n",
             s->datasets, s->rows);
    GCR_TRY(bench_work_open(&s->made, "residency.yaml", text));
    for (uint64_t d = 0; d < s->datasets; d++)
        memcpy(y + d * s->rows, s->made.datasets.items[d].y, dataset_bytes(s));
out:
    return status;
}

static gcr_status open_state(state *s)
{
    gcr_status status = GCR_OK;
    gcr_device *device = s->on.device;
    uint64_t bytes;

    choose_size(s);
    bytes = bench_scale_record_bytes(batch_cells(s));
    GCR_TRY(bench_scale_open(&s->job, &s->on, s->rows, POINTS));
    GCR_TRY(gcr_buf_open(&s->y, device, GCR_PLACE_STAGING, s->datasets * dataset_bytes(s)));
    for (int place = 0; place < PLACES; place++)
        GCR_TRY(gcr_buf_open(&s->y_dev[place], device, GCR_PLACE_DEVICE,
                             s->datasets * dataset_bytes(s)));
    GCR_TRY(gcr_buf_open(&s->x_dev, device, GCR_PLACE_DEVICE, dataset_bytes(s)));
    GCR_TRY(gcr_buf_open(&s->records, device, GCR_PLACE_STAGING, BATCHES * bytes));
    for (int batch = 0; batch < BATCHES; batch++) {
        GCR_TRY(gcr_buf_open(&s->records_dev[batch], device, GCR_PLACE_DEVICE, bytes));
        GCR_TRY(gcr_event_open(&s->done[batch], device));
    }
    GCR_TRY(make_datasets(s));
out:
    return status;
}

static void close_state(state *s)
{
    for (int batch = 0; batch < BATCHES; batch++) {
        gcr_event_close(s->done[batch]);
        gcr_buf_close(s->records_dev[batch]);
    }
    gcr_buf_close(s->records);
    gcr_buf_close(s->x_dev);
    for (int place = 0; place < PLACES; place++)
        gcr_buf_close(s->y_dev[place]);
    gcr_buf_close(s->y);
    bench_work_close(&s->made);
    bench_scale_close(&s->job);
    bench_device_close(&s->on);
}

/* What one run of each way sent over what there is to send. */
static gcr_status report_bytes(state *s, int ways)
{
    static const char *const names[] = { "resident_bytes_over_unique", "resent_bytes_over_unique",
                                         "generated_bytes_over_unique" };
    gcr_status status = GCR_OK;
    const double unique = (double)(s->datasets * dataset_bytes(s));
    const uint64_t poison = BATCHES * bench_scale_record_bytes(batch_cells(s));
    double unused;

    for (int how = 0; how < ways; how++) {
        const uint64_t before = s->on.queue->ledger.up_bytes;

        GCR_TRY(run(s, (way)how, &unused));
        bench_ratio(s->bench, names[how],
                    (double)(s->on.queue->ledger.up_bytes - before - poison) / unique);
    }
out:
    return status;
}

static gcr_status measure_ways(state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;
    bench *b = s->bench;
    const int ways = gcr_can_generate(s->on.device) ? 3 : 2;
    char where[64];

    snprintf(where, sizeof where, "%" PRIu64 " datasets of %" PRIu64 " rows", s->datasets, s->rows);
    sides[RESIDENT] = (bench_side){ .what = "resident", .run = run_resident, .arg = s };
    sides[RESENT] = (bench_side){ .what = "sent for each batch", .run = run_resent, .arg = s };
    sides[GENERATED] = (bench_side){ .what = "made there", .run = run_generated, .arg = s };
    GCR_TRY(bench_alternate(b, where, sides, ways));
    for (int how = 0; how < ways; how++)
        bench_say("%-20s %9.3f ms", sides[how].what,
                  1e3 * bench_spread_of(sides[how].seconds, b->rounds).median);
    bench_ratio_sides(b, "residency_buys", &sides[RESENT], &sides[RESIDENT]);
    if (ways > GENERATED)
        bench_ratio_sides(b, "generated_over_resident", &sides[GENERATED], &sides[RESIDENT]);
    else
        bench_absent(b, "generated on the device", "these devices make no datasets");
    GCR_TRY(report_bytes(s, ways));
out:
    return status;
}

/* `part`: one of the two, or NULL: both. */
static gcr_status measure(state *s, bench_side *sides, const char *part)
{
    gcr_status status = GCR_OK;

    if (part == NULL || strcmp(part, "datasets") == 0) {
        GCR_TRY(open_state(s));
        GCR_TRY(measure_ways(s, sides));
    }
    if (part == NULL || strcmp(part, "loops") == 0)
        GCR_TRY(bench_workloads(s->bench, &s->on, &s->up_bytes, &s->down_bytes));
    GCR_TRY(bench_check_ledger(&s->on, s->up_bytes, s->down_bytes));
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    static bench_side sides[3]; /* too large for a stack */
    gcr_status status = GCR_OK;
    const char *device = NULL, *part = NULL;
    const bench_flag flags[] = { { "device", "NAME", &device },
                                 { "part", "datasets|loops", &part },
                                 { 0 } };
    bench b;

    GCR_TRY(bench_begin_with(&b, "residency", argc, argv, flags));
    s.bench = &b;
    if (part != NULL && strcmp(part, "datasets") != 0 && strcmp(part, "loops") != 0)
        GCR_FAIL(GCR_EINVAL, "--part takes datasets or loops, not '%s'", part);
    GCR_TRY(bench_device_open(&s.on, device));
    GCR_TRY(measure(&s, sides, part));
out:
    close_state(&s);
    return bench_end(&b, status);
}
