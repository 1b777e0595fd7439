/*
 * bench/bench_transfer.c -- what does a copy cost, by kind of memory, way and size?
 *
 * Kinds of memory on the near side (pageable, pinned, mapped, managed, the device itself, a second
 * device), up, down and both at once, 4 B to 1 GiB by fours. Each time is fitted by t = a + s / b.
 * The ring is our own way for ordinary memory, what a run uploads a dataset by. What it costs to
 * have memory stands apart. Every block is filled with bytes of its own before a case and looked at
 * after it, and the bytes of the ledger must be those that were asked for.
 *
 * Beside it, where the device is a GPU and python3 has it: torch, pinned, `Tensor.copy_`.
 */
#include "bench.h"
#include "device.h"
#include "fit.h"
#include "rival.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SIZES_MAX = 32,
    COPIES = 16, /* timed in one go, fewer of large ones */
    CHUNK_BYTES = 1 << 20,
    LARGE_ROUNDS = 7,    /* at most, of copies that take long: nvbandwidth has 3 */
    COST_ROUNDS_MAX = 5, /* pinning may take seconds */
    PATHS_MAX = GCR_MEMORY_KIND_COUNT + 2,
};

static const uint64_t go_bytes = 256 << 20;   /* one go has about so many at most        */
static const uint64_t large_bytes = 64 << 20; /* from here on torch is compared          */
static const uint64_t long_bytes = 256 << 20; /* from here on a copy takes long          */
static const uint64_t cost_bytes = 256 << 20; /* that are allocated and pinned, at most  */

/* A case that was measured, for the ratios at the end. */
typedef struct measured {
    char name[32]; /* "pinned up" */
    double rate;   /* of the largest size, B/s; both ways together */
} measured;

typedef struct state {
    bench *bench;
    bench_device on;
    uint64_t sizes[SIZES_MAX], largest;
    int size_count;
    unsigned char *chunk, *expected; /* [CHUNK_BYTES] */
    uint64_t up_bytes, down_bytes;   /* that were asked for */
    uint32_t case_number;            /* of the pattern      */
    measured done[3 * PATHS_MAX];
    int done_count;
    double seconds[SIZES_MAX];           /* medians of the case that runs */
    double samples[BENCH_ROUNDS_MAX];    /* of the size that runs */
    double largest_up[BENCH_ROUNDS_MAX]; /* of pinned memory, to be compared with torch */
    double largest_down[BENCH_ROUNDS_MAX];
} state;

/* ---- what is copied -------------------------------------------------------------------------- */

/* Bytes of a case and an end, the same for the same place. */
static void make_pattern(unsigned char *out, uint32_t case_number, uint64_t first, uint64_t bytes)
{
    const uint64_t key = (uint64_t)(case_number + 1) * UINT64_C(0x9e3779b97f4a7c15);

    for (uint64_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word = (first + i + key) * UINT64_C(0xbf58476d1ce4e5b9);

        word ^= word >> 31;
        memcpy(out + i, &word, bytes - i < sizeof word ? bytes - i : sizeof word);
    }
}

static uint64_t chunk_at(uint64_t at, uint64_t bytes)
{
    return bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;
}

/* Whether bytes that the host writes to this end, or reads from it, cross to a device. */
static int crosses(const gcr_transfer *transfer, gcr_end end)
{
    return !gcr_memory_is_hosts(transfer->spec.kind) || !gcr_end_is_near(end);
}

/* The pattern of the case, or poison. */
static gcr_status fill(state *s, gcr_transfer *transfer, gcr_end end, uint64_t bytes, int is_poison)
{
    gcr_status status = GCR_OK;

    memset(s->chunk, 0xa5, CHUNK_BYTES);
    for (uint64_t at = 0; at < bytes; at += CHUNK_BYTES) {
        const uint64_t now = chunk_at(at, bytes);

        if (!is_poison)
            make_pattern(s->chunk, s->case_number + (uint32_t)end, at, now);
        GCR_TRY(gcr_transfer_put(transfer, end, at, s->chunk, now));
        s->up_bytes += crosses(transfer, end) ? now : 0;
    }
out:
    return status;
}

static gcr_status check_chunk(const state *s, gcr_end from, uint64_t at, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    make_pattern(s->expected, s->case_number + (uint32_t)from, at, bytes);
    if (memcmp(s->chunk, s->expected, bytes) != 0)
        GCR_FAIL(GCR_EDEVICE,
                 "what was copied is not what arrived, in the %" PRIu64 " bytes from %" PRIu64
                 " on",
                 bytes, at);
out:
    return status;
}

static gcr_status check(state *s, gcr_transfer *transfer, gcr_end from, gcr_end to, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    for (uint64_t at = 0; at < bytes; at += CHUNK_BYTES) {
        const uint64_t now = chunk_at(at, bytes);

        GCR_TRY(gcr_transfer_get(transfer, s->chunk, to, at, now));
        s->down_bytes += crosses(transfer, to) ? now : 0;
        GCR_TRY(check_chunk(s, from, at, now));
    }
out:
    return status;
}

/* ---- one case -------------------------------------------------------------------------------- */

/* A way of some kind of memory, or of the ring. */
typedef struct path {
    const char *kind, *way;
    int ways;               /* that go at once: 1 or 2 */
    gcr_transfer *transfer; /* NULL: the ring          */
    gcr_way transfer_way;
    gcr_buf *buf; /* of the ring: where it goes, and ...            */
    char *pages;  /* ... ordinary memory [largest], where it begins */
} path;

static int copies_of(const path *p, uint64_t bytes)
{
    const uint64_t fit = go_bytes / bytes, most = fit < 1 ? 1 : fit < COPIES ? fit : COPIES;
    const int may = p->transfer != NULL ? gcr_transfer_copies_max(p->transfer->spec.kind) : COPIES;

    return (int)most < may ? (int)most : may;
}

static gcr_status time_transfer(state *s, const path *p, uint64_t bytes, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const int copies = copies_of(p, bytes);
    const uint64_t moved =
        gcr_memory_is_hosts(p->transfer->spec.kind) ? bytes * (uint64_t)copies : 0;

    GCR_TRY(gcr_transfer_time(seconds_out, p->transfer, p->transfer_way, bytes, copies));
    s->up_bytes += p->transfer_way != GCR_WAY_DOWN ? moved : 0;
    s->down_bytes += p->transfer_way != GCR_WAY_UP ? moved : 0;
    *seconds_out /= copies;
out:
    return status;
}

/* From the call to the end of the copy, as whoever uploads a dataset sees it. */
static gcr_status time_ring(state *s, const path *p, uint64_t bytes, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const int copies = copies_of(p, bytes);
    const double begin = gcr_clock_seconds();

    for (int k = 0; k < copies; k++)
        GCR_TRY(gcr_upload(s->on.queue, p->buf, 0, p->pages, GCR_PLACE_HOST, bytes));
    GCR_TRY(gcr_queue_sync(s->on.queue));
    *seconds_out = fmax((gcr_clock_seconds() - begin) / copies, 1e-10);
    s->up_bytes += bytes * (uint64_t)copies;
out:
    return status;
}

static gcr_status begin_ring(state *s, const path *p, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    memset(s->chunk, 0xa5, CHUNK_BYTES);
    for (uint64_t at = 0; at < bytes; at += CHUNK_BYTES) {
        const uint64_t now = chunk_at(at, bytes);

        make_pattern((unsigned char *)p->pages + at, s->case_number + GCR_END_UP_FROM, at, now);
        GCR_TRY(gcr_upload(s->on.queue, p->buf, at, s->chunk, GCR_PLACE_HOST, now));
        s->up_bytes += now;
    }
out:
    return status;
}

static gcr_status check_ring(state *s, const path *p, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    for (uint64_t at = 0; at < bytes; at += CHUNK_BYTES) {
        const uint64_t now = chunk_at(at, bytes);

        GCR_TRY(gcr_download(s->on.queue, s->chunk, GCR_PLACE_HOST, p->buf, at, now));
        GCR_TRY(gcr_queue_sync(s->on.queue));
        s->down_bytes += now;
        GCR_TRY(check_chunk(s, GCR_END_UP_FROM, at, now));
    }
out:
    return status;
}

/* Fresh bytes at all ends, poison where something shall arrive. */
static gcr_status begin_size(state *s, const path *p, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    s->case_number += GCR_END_COUNT;
    if (p->transfer == NULL) {
        GCR_TRY(begin_ring(s, p, bytes));
        goto out;
    }
    if (p->transfer_way != GCR_WAY_DOWN) {
        GCR_TRY(fill(s, p->transfer, GCR_END_UP_FROM, bytes, 0));
        GCR_TRY(fill(s, p->transfer, GCR_END_UP_TO, bytes, 1));
    }
    if (p->transfer_way != GCR_WAY_UP) {
        GCR_TRY(fill(s, p->transfer, GCR_END_DOWN_FROM, bytes, 0));
        GCR_TRY(fill(s, p->transfer, GCR_END_DOWN_TO, bytes, 1));
    }
out:
    return status;
}

static gcr_status check_size(state *s, const path *p, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (p->transfer == NULL) {
        GCR_TRY(check_ring(s, p, bytes));
        goto out;
    }
    if (p->transfer_way != GCR_WAY_DOWN)
        GCR_TRY(check(s, p->transfer, GCR_END_UP_FROM, GCR_END_UP_TO, bytes));
    if (p->transfer_way != GCR_WAY_UP)
        GCR_TRY(check(s, p->transfer, GCR_END_DOWN_FROM, GCR_END_DOWN_TO, bytes));
out:
    return status;
}

static int rounds_of(const state *s, uint64_t bytes)
{
    const int rounds = s->bench->rounds;

    return bytes >= long_bytes && rounds > LARGE_ROUNDS ? LARGE_ROUNDS : rounds;
}

static gcr_status measure_size(state *s, const path *p, const char *where, int size)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = s->sizes[size];
    bench b = *s->bench; /* its row has as many rounds as there were */
    bench_spread spread;
    char what[32];

    b.rounds = rounds_of(s, bytes);
    GCR_TRY(begin_size(s, p, bytes));
    for (int round = -b.warmup; round < b.rounds; round++) {
        double *seconds = &s->samples[round < 0 ? 0 : round];

        if (p->transfer != NULL)
            GCR_TRY(time_transfer(s, p, bytes, seconds));
        else
            GCR_TRY(time_ring(s, p, bytes, seconds));
    }
    GCR_TRY(check_size(s, p, bytes));
    spread = bench_spread_of(s->samples, b.rounds);
    s->seconds[size] = spread.median;
    snprintf(what, sizeof what, "%" PRIu64, bytes);
    bench_row(&b, where, what, "s", spread);
out:
    return status;
}

/* ---- what was found -------------------------------------------------------------------------- */

static void report_number(const bench *b, const char *where, const char *what, const char *unit,
                          double value)
{
    bench_row(b, where, what, unit, (bench_spread){ value, value, value });
}

static void report_case(state *s, const path *p, const char *where)
{
    double bytes[SIZES_MAX];
    bench_line line;
    measured *done = &s->done[s->done_count++];
    const double largest = (double)(p->ways * (double)s->largest) / s->seconds[s->size_count - 1];
    char half[32], size[32];

    for (int i = 0; i < s->size_count; i++)
        bytes[i] = (double)s->sizes[i];
    line = bench_fit(bytes, s->seconds, s->size_count);
    report_number(s->bench, where, "latency", "s", line.latency);
    report_number(s->bench, where, "bandwidth", "B/s", p->ways * line.rate);
    report_number(s->bench, where, "half", "B", line.half);
    report_number(s->bench, where, "residual", "1", line.residual);
    bench_say("%-14s %9.3f us + s / %8.2f GB/s, half at %10s, off by %4.1f%%; %s: %8.2f GB/s",
              where, 1e6 * line.latency, 1e-9 * p->ways * line.rate,
              isnan(line.half) ? "-" : gcr_format_bytes(half, (uint64_t)line.half),
              100 * line.residual, gcr_format_bytes(size, s->largest), 1e-9 * largest);
    snprintf(done->name, sizeof done->name, "%s", where);
    done->rate = largest;
}

static gcr_status measure_path(state *s, const path *p)
{
    gcr_status status = GCR_OK;
    char where[32];

    snprintf(where, sizeof where, "%s %s", p->kind, p->way);
    for (int i = 0; i < s->size_count; i++)
        GCR_TRY(measure_size(s, p, where, i));
    report_case(s, p, where);
    if (strcmp(where, "pinned up") == 0)
        memcpy(s->largest_up, s->samples, sizeof s->samples);
    if (strcmp(where, "pinned down") == 0)
        memcpy(s->largest_down, s->samples, sizeof s->samples);
out:
    return status;
}

/* ---- kinds of memory ------------------------------------------------------------------------- */

static gcr_status measure_kind(state *s, gcr_memory_kind kind)
{
    gcr_status status = GCR_OK;
    const gcr_transfer_spec spec = { .kind = kind,
                                     .bytes = s->largest,
                                     .peer = s->on.index == 0 ? 1 : 0 };
    path p = { .kind = gcr_memory_kind_name(kind) };

    status = gcr_transfer_open(&p.transfer, s->on.queue, &spec);
    if (status == GCR_EUNSUPPORTED) {
        bench_absent(s->bench, p.kind, gcr_last_error());
        return GCR_OK;
    }
    GCR_TRY(status);
    if (p.transfer->has_clock_of_host && !s->on.device->info.shares_memory)
        bench_say("%s: the clock is the host's", p.kind);
    for (int way = 0; way < GCR_WAY_COUNT; way++) {
        p.transfer_way = (gcr_way)way;
        p.way = gcr_way_name(p.transfer_way);
        p.ways = way == GCR_WAY_BOTH ? 2 : 1;
        if (gcr_transfer_goes(kind, p.transfer_way))
            GCR_TRY(measure_path(s, &p));
    }
out:
    gcr_transfer_close(p.transfer);
    return status;
}

static gcr_status measure_ring(state *s)
{
    gcr_status status = GCR_OK;
    path p = { .kind = "ring", .way = "up", .ways = 1 };

    GCR_TRY(gcr_memory_create((void **)&p.pages, s->largest, 1, "what the ring uploads"));
    GCR_TRY(gcr_buf_open(&p.buf, s->on.device, GCR_PLACE_DEVICE, s->largest));
    GCR_TRY(measure_path(s, &p));
out:
    gcr_buf_close(p.buf);
    gcr_memory_destroy(p.pages);
    return status;
}

/* ---- what memory costs ----------------------------------------------------------------------- */

static gcr_status measure_cost(state *s, gcr_memory_cost what, const char *name)
{
    gcr_status status = GCR_OK;
    bench *b = s->bench;
    const uint64_t bytes = s->largest < cost_bytes ? s->largest : cost_bytes;
    const int rounds = b->rounds < COST_ROUNDS_MAX ? b->rounds : COST_ROUNDS_MAX;
    const double per_gb = 1e9 / (double)bytes;
    double take[COST_ROUNDS_MAX], give[COST_ROUNDS_MAX];

    for (int round = -1; round < rounds; round++) { /* the first pays for what is made once */
        const int at = round < 0 ? 0 : round;

        GCR_TRY(gcr_memory_cost_of(&take[at], &give[at], s->on.queue, what, bytes));
        take[at] *= per_gb;
        give[at] *= per_gb;
    }
    bench_row(b, name, "take", "s/GB", bench_spread_of(take, rounds));
    bench_row(b, name, "give back", "s/GB", bench_spread_of(give, rounds));
    bench_say("%-14s %9.1f ms per GB to have, %9.1f to give back", name,
              1e3 * bench_spread_of(take, rounds).median,
              1e3 * bench_spread_of(give, rounds).median);
out:
    return status;
}

static gcr_status measure_costs(state *s)
{
    gcr_status status = GCR_OK;

    GCR_TRY(measure_cost(s, GCR_COST_DEVICE, "device memory"));
    GCR_TRY(measure_cost(s, GCR_COST_PINNED, "pinned memory"));
    GCR_TRY(measure_cost(s, GCR_COST_REGISTER, "pinning"));
out:
    return status;
}

/* ---- torch ----------------------------------------------------------------------------------- */

static gcr_status compare_way(state *s, bench_rival *torch, int is_up)
{
    gcr_status status = GCR_OK;
    bench b = *s->bench;
    double seconds[BENCH_ROUNDS_MAX];
    const double bytes = is_up ? (double)s->largest : -(double)s->largest;
    const path pinned = { 0 };
    const int copies = copies_of(&pinned, s->largest);
    const double *ours = is_up ? s->largest_up : s->largest_down;
    bench_spread ratio;
    char what[32];

    b.rounds = rounds_of(s, s->largest);
    for (int round = -b.warmup; round < b.rounds; round++) {
        double all;

        GCR_TRY(bench_rival_time(torch, bytes, (uint64_t)copies, &all));
        seconds[round < 0 ? 0 : round] = all / copies;
    }
    snprintf(what, sizeof what, "%" PRIu64, s->largest);
    bench_row(&b, is_up ? "torch up" : "torch down", what, "s", bench_spread_of(seconds, b.rounds));
    ratio = bench_ratio_of(seconds, ours, b.rounds);
    bench_row(&b, is_up ? "pinned_up_over_torch" : "pinned_down_over_torch", "ratio", "1", ratio);
    bench_ratio(s->bench, is_up ? "pinned_up_over_torch" : "pinned_down_over_torch", ratio.median);
out:
    return status;
}

static gcr_status compare_torch(state *s)
{
    gcr_status status = GCR_OK;
    bench_rival torch = { 0 };
    char script[BENCH_PATH_MAX], index[16];

    if (s->on.device->info.shares_memory || s->largest < large_bytes) {
        bench_absent(s->bench, "torch", "compared on a GPU, with copies of 64 MiB or more");
        goto out;
    }
    GCR_TRY(bench_beside(script, "rival_torch_copy.py"));
    snprintf(index, sizeof index, "%d", s->on.index);
    GCR_TRY(bench_rival_open(&torch,
                             (const char *[]){ "/usr/bin/env", "python3", script, index, NULL }));
    if (torch.process == 0) {
        bench_absent(s->bench, "torch", "pip install torch, for a python3 that is in the PATH");
        goto out;
    }
    bench_say("%s", torch.version);
    GCR_TRY(compare_way(s, &torch, 1));
    GCR_TRY(compare_way(s, &torch, 0));
out:
    bench_rival_close(&torch);
    return status;
}

/* ---- all ------------------------------------------------------------------------------------- */

static double rate_of(const state *s, const char *name)
{
    for (int i = 0; i < s->done_count; i++)
        if (strcmp(s->done[i].name, name) == 0)
            return s->done[i].rate;
    return NAN;
}

/* Of the largest size; a case that is not there has none. */
static void report_ratio(state *s, const char *name, const char *over, const char *under)
{
    const double ratio = rate_of(s, over) / rate_of(s, under);

    if (!isnan(ratio))
        bench_ratio(s->bench, name, ratio);
}

static void report_ratios(state *s)
{
    report_ratio(s, "pageable_up_over_pinned", "pageable up", "pinned up");
    report_ratio(s, "pageable_down_over_pinned", "pageable down", "pinned down");
    report_ratio(s, "ring_up_over_pinned", "ring up", "pinned up");
    report_ratio(s, "ring_up_over_pageable", "ring up", "pageable up");
    report_ratio(s, "mapped_up_over_pinned", "mapped up", "pinned up");
    report_ratio(s, "mapped_down_over_pinned", "mapped down", "pinned down");
    report_ratio(s, "managed_up_over_pinned", "managed up", "pinned up");
    report_ratio(s, "managed_down_over_pinned", "managed down", "pinned down");
    report_ratio(s, "pinned_both_over_up", "pinned both", "pinned up");
    report_ratio(s, "peer_up_over_pinned", "peer up", "pinned up");
}

static gcr_status choose_sizes(state *s, const char *largest)
{
    gcr_status status = GCR_OK;
    const int is_cpu = s->on.device->info.shares_memory;
    const uint64_t full = is_cpu ? 16 << 20 : 1 << 30, quick = is_cpu ? 1 << 20 : 64 << 20;
    uint64_t bytes = 4;

    s->largest = s->bench->quick ? quick : full;
    if (largest != NULL)
        GCR_TRY(bench_read_bytes(&s->largest, "largest", largest));
    for (; bytes < s->largest && s->size_count < SIZES_MAX - 1; bytes *= s->bench->quick ? 16 : 4)
        s->sizes[s->size_count++] = bytes;
    s->sizes[s->size_count++] = s->largest;
out:
    return status;
}

static gcr_status measure(state *s, const char *largest)
{
    gcr_status status = GCR_OK;

    GCR_TRY(choose_sizes(s, largest));
    GCR_TRY(gcr_memory_create((void **)&s->chunk, CHUNK_BYTES, 1, "a chunk"));
    GCR_TRY(gcr_memory_create((void **)&s->expected, CHUNK_BYTES, 1, "a chunk"));
    for (int kind = 0; kind < GCR_MEMORY_KIND_COUNT; kind++)
        GCR_TRY(measure_kind(s, (gcr_memory_kind)kind));
    GCR_TRY(measure_ring(s));
    GCR_TRY(measure_costs(s));
    GCR_TRY(bench_check_ledger(&s->on, s->up_bytes, s->down_bytes));
    report_number(s->bench, "ledger", "up", "B", (double)s->up_bytes);
    report_number(s->bench, "ledger", "down", "B", (double)s->down_bytes);
    report_ratios(s);
    GCR_TRY(compare_torch(s));
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s; /* too large for a stack */
    gcr_status status = GCR_OK;
    const char *device = NULL, *largest = NULL;
    const bench_flag flags[] = { { "device", "NAME", &device },
                                 { "largest", "BYTES", &largest },
                                 { 0 } };
    bench b;

    GCR_TRY(bench_begin_with(&b, "transfer", argc, argv, flags));
    s.bench = &b;
    GCR_TRY(bench_device_open(&s.on, device));
    GCR_TRY(measure(&s, largest));
out:
    gcr_memory_destroy(s.expected);
    gcr_memory_destroy(s.chunk);
    bench_device_close(&s.on);
    return bench_end(&b, status);
}
