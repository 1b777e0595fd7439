/*
 * bench/bench_factor.c -- how fast are matrices factored that stand on a device, many at once?
 *
 *     bench factor [--device cuda:0] [--precision single] [--rows N [--count M]]
 *
 * Matrices in the device's own layout, factored in place by one submission for each of some sets,
 * which together no cache holds; against the best of what the vendor has for matrices by columns
 * (factor_rival.h). Then `mixed`: sizes from 8 to 256 (64 on a CPU), equally many in each octave,
 * in one submission, where the rival has a call for each size.
 *
 * Before each timed run the matrices are put back and the verdicts poisoned, and after it all
 * verdicts are looked at. After a case some factors of each set are multiplied out
 * (factor_problem.h).
 *
 * A time is that of a matrix. `floor hbm` is the time to read and write its lower triangle at the
 * rate at which this device copies memory, measured here; the layout may need more. `by columns` is
 * the same with the way from columns into the layout and back.
 */
#include "bench.h"
#include "device.h"
#include "factor_problem.h"
#include "factor_rival.h"

#include "base/check.h"
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MIXED_LEAST = 8, /* rows */
    COPY_ROUNDS = 7,
};

typedef struct state {
    bench *bench;
    bench_device on;
    gcr_scalar scalar;
    double copy_rate;               /* bytes read and written in a second; 0: unknown */
    uint64_t all_bytes, copy_bytes; /* of all sets; of a copy */
} state;

/* ---- a run ---------------------------------------------------------------------------------- */

/* Of a matrix, with what is done to each set. */
static gcr_status time_steps(double *seconds_out, factor_problem *p, const gcr_factor_step *steps,
                             int count)
{
    gcr_status status = GCR_OK;
    double begin;

    GCR_TRY(factor_problem_restore(p));
    begin = gcr_clock_seconds();
    for (int set = 0; set < p->sets; set++)
        for (int i = 0; i < count; i++)
            GCR_TRY(factor_problem_step(p, set, steps[i]));
    GCR_TRY(gcr_queue_sync(p->on->queue));
    *seconds_out = (gcr_clock_seconds() - begin) / ((double)p->sets * (double)p->matrix_count);
    GCR_TRY(factor_problem_check_verdicts(p));
out:
    return status;
}

static gcr_status run_ours(void *arg, double *seconds_out)
{
    static const gcr_factor_step steps[] = { GCR_FACTOR_IN_PLACE };

    return time_steps(seconds_out, arg, steps, 1);
}

/* From columns to columns. */
static gcr_status run_by_columns(void *arg, double *seconds_out)
{
    static const gcr_factor_step steps[] = { GCR_FACTOR_PACK, GCR_FACTOR_IN_PLACE,
                                             GCR_FACTOR_UNPACK };

    return time_steps(seconds_out, arg, steps, 3);
}

/* ---- floors --------------------------------------------------------------------------------- */

/* Bytes of the lower triangles, read and written, of one matrix in the mean. */
static double packed_bytes(const factor_problem *p)
{
    double bytes = 0;

    for (int g = 0; g < p->group_count; g++) {
        const double n = p->groups[0][g].n;

        bytes += (double)p->groups[0][g].count * n * (n + 1) * (double)gcr_scalar_bytes(p->scalar);
    }
    return bytes / (double)p->matrix_count;
}

static double flops(const factor_problem *p)
{
    double sum = 0;

    for (int g = 0; g < p->group_count; g++) {
        const double n = p->groups[0][g].n;

        sum += (double)p->groups[0][g].count * (n * n * n / 3 + n * n / 2 + n / 6);
    }
    return sum / (double)p->matrix_count;
}

static void say_floors(const state *s, const factor_problem *p, const char *where,
                       const bench_side *ours)
{
    bench *b = s->bench;
    const double floor = s->copy_rate > 0 ? packed_bytes(p) / s->copy_rate : 0;
    double share[BENCH_ROUNDS_MAX] = { 0 }, rate[BENCH_ROUNDS_MAX] = { 0 };

    for (int i = 0; i < b->rounds; i++) {
        share[i] = 100 * floor / ours->seconds[i];
        rate[i] = flops(p) / ours->seconds[i] * 1e-9;
    }
    bench_row(b, where, "gridcrunch", "GF/s", bench_spread_of(rate, b->rounds));
    if (floor > 0) {
        bench_row(b, where, "floor hbm", "s", (bench_spread){ floor, floor, floor });
        bench_row(b, where, "of floor", "%", bench_spread_of(share, b->rounds));
    }
}

/* A copy reads and writes. */
static gcr_status measure_copies(state *s)
{
    gcr_status status = GCR_OK;
    const gcr_transfer_spec spec = { .kind = GCR_MEMORY_DEVICE, .bytes = s->copy_bytes };
    gcr_transfer *transfer = NULL;
    double rate[COPY_ROUNDS];

    GCR_TRY(gcr_transfer_open(&transfer, s->on.queue, &spec));
    for (int k = -1; k < COPY_ROUNDS; k++) {
        double seconds;

        GCR_TRY(gcr_transfer_time(&seconds, transfer, GCR_WAY_UP, spec.bytes, 4));
        if (k >= 0)
            rate[k] = 2 * 4 * (double)spec.bytes / seconds;
    }
    s->copy_rate = bench_spread_of(rate, COPY_ROUNDS).median;
    bench_row(s->bench, s->on.label, "copies", "B/s", bench_spread_of(rate, COPY_ROUNDS));
out:
    gcr_transfer_close(transfer);
    if (status == GCR_EUNSUPPORTED) {
        bench_say("no floors: %s", gcr_last_error());
        status = GCR_OK;
    }
    return status;
}

/* ---- cases ---------------------------------------------------------------------------------- */

typedef struct rival_arg {
    factor_rival *rival;
    int way;
} rival_arg;

static gcr_status run_rival(void *arg, double *seconds_out)
{
    const rival_arg *a = arg;

    return factor_rival_run(a->rival, a->way, seconds_out);
}

/* The fastest of its ways, in one run each after one that warms it up. */
static gcr_status choose_way(rival_arg *a)
{
    gcr_status status = GCR_OK;
    double best = INFINITY;

    for (int way = 0; factor_rival_way(a->rival, way) != NULL; way++) {
        double seconds;

        GCR_TRY(factor_rival_run(a->rival, way, &seconds));
        GCR_TRY(factor_rival_run(a->rival, way, &seconds));
        if (seconds < best) {
            best = seconds;
            a->way = way;
        }
    }
out:
    return status;
}

static gcr_status compare(state *s, factor_problem *p, const char *where)
{
    gcr_status status = GCR_OK;
    static bench_side sides[3]; /* too large for a stack */
    char by_columns[96];
    double worst;
    const factor_task task = { .scalar = s->scalar,
                               .groups = p->groups[0],
                               .group_count = p->group_count,
                               .square_bytes = p->square_bytes,
                               .sets = (int)factor_problem_sets_least(p, p->square_bytes) };
    rival_arg rival = { .way = 0 };

    GCR_TRY(factor_rival_open(&rival.rival, &s->on, &task));
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_ours, .arg = p };
    sides[1] = (bench_side){ .what = "gridcrunch by columns", .run = run_by_columns, .arg = p };
    if (rival.rival != NULL) {
        GCR_TRY(choose_way(&rival));
        sides[2] = (bench_side){ .what = factor_rival_way(rival.rival, rival.way),
                                 .run = run_rival,
                                 .arg = &rival };
    }
    GCR_TRY(bench_alternate(s->bench, where, sides, rival.rival != NULL ? 3 : 2));
    say_floors(s, p, where, &sides[0]);
    GCR_TRY(factor_problem_check_factors(p, &worst));
    bench_row(s->bench, where, "backward error", "n eps", (bench_spread){ worst, worst, worst });
    if (rival.rival != NULL) {
        snprintf(by_columns, sizeof by_columns, "%s by columns", where);
        bench_ratio_sides(s->bench, by_columns, &sides[2], &sides[1]);
        bench_ratio_sides(s->bench, where, &sides[2], &sides[0]);
    }
out:
    factor_rival_close(rival.rival);
    return status;
}

static gcr_status measure(state *s, const char *name, const gcr_factor_group *groups, int count)
{
    gcr_status status = GCR_OK;
    static factor_problem p; /* too large for a stack */
    const factor_problem_spec spec = { .on = &s->on,
                                       .scalar = s->scalar,
                                       .all_bytes = s->all_bytes,
                                       .groups = groups,
                                       .group_count = count };
    char where[80];

    GCR_TRY(factor_problem_open(&p, &spec));
    snprintf(where, sizeof where, "%s %s batch=%" PRIu64, gcr_scalar_name(s->scalar), name,
             p.matrix_count);
    GCR_TRY(compare(s, &p, where));
out:
    factor_problem_close(&p);
    return status;
}

static gcr_status measure_size(state *s, int n, uint64_t count)
{
    const gcr_factor_group group = { .n = n, .count = count };
    char name[32];

    snprintf(name, sizeof name, "n=%d", n);
    return measure(s, name, &group, 1);
}

/* Equally many in each octave: a size has matrices in proportion to 1 / n, and at least one. */
static gcr_status measure_mixed(state *s, int most, uint64_t count)
{
    gcr_factor_group groups[FACTOR_GROUPS_MAX];
    const double octaves = log((double)most / MIXED_LEAST);
    int sizes = 0;

    for (int n = MIXED_LEAST; n <= most; n++) {
        const double share = log((n + 0.5) / (n - 0.5)) / octaves;

        groups[sizes++] =
            (gcr_factor_group){ .n = n, .count = 1 + (uint64_t)((double)count * share) };
    }
    return measure(s, "mixed", groups, sizes);
}

/* ---- what is measured ----------------------------------------------------------------------- */

typedef struct size {
    int n;
    uint64_t count;
} size;

/* On a GPU: each set is more than a cache holds, and a launch takes longer than to ask for it. */
static const size gpu_sizes[] = { { 8, 1 << 20 },   { 12, 1 << 19 },  { 16, 1 << 18 },
                                  { 32, 1 << 18 },  { 64, 1 << 16 },  { 128, 1 << 14 },
                                  { 160, 1 << 13 }, { 232, 1 << 12 }, { 512, 512 },
                                  { 1024, 128 },    { 2048, 32 },     { 5000, 1 },
                                  { 10000, 1 },     { 20000, 1 } };
static const size cpu_sizes[] = { { 8, 1 << 15 },  { 16, 1 << 13 }, { 32, 1 << 11 }, { 64, 1 << 9 },
                                  { 128, 1 << 7 }, { 256, 1 << 5 }, { 512, 16 },     { 600, 16 } };

enum { COUNT_LEAST = 16 }; /* matrices that are factored side by side, at most */

static gcr_status measure_all(state *s)
{
    gcr_status status = GCR_OK;
    const int is_cpu = s->on.device->info.shares_memory, quick = s->bench->quick ? 3 : 0;
    const size *sizes = is_cpu ? cpu_sizes : gpu_sizes;
    const size_t count =
        is_cpu ? sizeof cpu_sizes / sizeof *cpu_sizes : sizeof gpu_sizes / sizeof *gpu_sizes;

    for (size_t k = 0; k < count; k++) {
        const uint64_t fewer = sizes[k].count >> quick;

        if (sizes[k].count > 1)
            GCR_TRY(measure_size(s, sizes[k].n, fewer > COUNT_LEAST ? fewer : COUNT_LEAST));
        else if (quick == 0 || sizes[k].n <= 5000)
            GCR_TRY(measure_size(s, sizes[k].n, 1));
    }
    if (s->bench->full && !is_cpu)
        GCR_TRY(measure_size(s, 40000, 1));
    GCR_TRY(measure_mixed(s, is_cpu ? 64 : 256, (is_cpu ? 4000u : 100000u) >> quick));
out:
    return status;
}

static gcr_status measure_one(state *s, const char *rows, const char *count)
{
    gcr_status status = GCR_OK;
    uint64_t n, m = 1;

    GCR_TRY(bench_read_bytes(&n, "rows", rows));
    if (count != NULL)
        GCR_TRY(bench_read_bytes(&m, "count", count));
    if (n > GCR_FACTOR_ROWS_MAX)
        GCR_FAIL(GCR_EINVAL, "--rows is at most %d", GCR_FACTOR_ROWS_MAX);
    GCR_TRY(measure_size(s, (int)n, m));
out:
    return status;
}

static gcr_status choose_precision(state *s, const char *precision)
{
    gcr_status status = GCR_OK;

    if (strcmp(precision, "single") != 0 && strcmp(precision, "double") != 0)
        GCR_FAIL(GCR_EINVAL, "--precision is 'double' or 'single', not '%s'", precision);
    s->scalar = strcmp(precision, "single") == 0 ? GCR_F32 : GCR_F64;
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    gcr_status status = GCR_OK;
    const char *device = NULL, *precision = "double", *rows = NULL, *count = NULL;
    const bench_flag flags[] = { { "device", "NAME", &device },
                                 { "precision", "double|single", &precision },
                                 { "rows", "N", &rows },
                                 { "count", "M", &count },
                                 { 0 } };
    bench b;

    GCR_TRY(bench_begin_with(&b, "factor", argc, argv, flags));
    s.bench = &b;
    GCR_TRY(choose_precision(&s, precision));
    bench_blas_begin();
    GCR_TRY(bench_device_open(&s.on, device));
    s.all_bytes = s.on.device->info.shares_memory ? 64 << 20 : UINT64_C(4) << 30;
    s.copy_bytes = s.on.device->info.shares_memory ? 64 << 20 : UINT64_C(2) << 30;
    GCR_TRY(measure_copies(&s));
    GCR_TRY(rows != NULL ? measure_one(&s, rows, count) : measure_all(&s));
out:
    bench_device_close(&s.on);
    return bench_end(&b, status);
}
