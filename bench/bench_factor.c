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
 * verdicts are looked at. After a case some factors of each set are multiplied out: ||A - L L'|| <=
 * n eps ||A||. Every matrix is another: G G' / n + d I with a d of its own.
 *
 * A time is that of a matrix. `floor hbm` is the time to read and write its lower triangle at the
 * rate at which this device copies memory, measured here; the layout may need more. `by columns` is
 * the same with the way from columns into the layout and back.
 */
#include "bench.h"
#include "device.h"
#include "factor_rival.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SETS_LEAST = 4, /* of sets that a cache could have */
    SETS_MAX = 16,
    GROUPS_MAX = 256,
    KINDS = 16,      /* matrices that differ by more than their diagonal */
    LOOKED_AT = 5,   /* of the factors of a set                          */
    MIXED_LEAST = 8, /* rows                                 */
    COPY_ROUNDS = 7,
};

typedef struct state {
    bench *bench;
    bench_device on;
    gcr_scalar scalar;
    double copy_rate;               /* bytes read and written in a second; 0: unknown */
    uint64_t all_bytes, copy_bytes; /* of all sets; of a copy */
} state;

/* Matrices of one case: each set has all groups. */
typedef struct problem {
    state *s;
    int group_count, sets;
    gcr_factor_group groups[SETS_MAX][GROUPS_MAX];
    gcr_buf *square_buf, *out_buf, *minor_buf,
        *matrices_buf[SETS_MAX];                         /* out: factors by columns */
    uint64_t square_bytes, matrices_bytes, matrix_count; /* of a set */
    int32_t *minor;                                      /* of all sets, on the host */
    double *kinds[KINDS];                                /* of the largest n: see entry_of() */
    int largest;
} problem;

static uint64_t scalar_bytes(const state *s)
{
    return gcr_scalar_bytes(s->scalar);
}

/* ---- matrices ------------------------------------------------------------------------------- */

/* Uniform in [-1, 1), of a fixed seed. */
static double draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*seed * 0x1p-63;
}

/* Rows of G, four numbers each, for each kind. */
static gcr_status draw_kinds(problem *p)
{
    gcr_status status = GCR_OK;

    for (uint64_t k = 0; k < KINDS; k++) {
        uint64_t seed = k + 1;

        GCR_TRY(gcr_memory_create((void **)&p->kinds[k], (uint64_t)p->largest, 4 * sizeof(double),
                                  "matrices"));
        for (int i = 0; i < 4 * p->largest; i++)
            p->kinds[k][i] = draw(&seed);
    }
out:
    return status;
}

/* Entry (i, j) of matrix `k` of a group of n rows. */
static double entry_of(const problem *p, int n, uint64_t k, int i, int j)
{
    const double *g = p->kinds[k % KINDS];
    double sum = i == j ? 1 + fmod(0.6180339887498949 * (double)k, 1) : 0;

    for (int c = 0; c < 4; c++)
        sum += g[4 * i + c] * g[4 * j + c] / n;
    return sum;
}

/* As the device has it: floats are rounded once, and so is what they are compared with. */
static double rounded(const problem *p, double value)
{
    return p->s->scalar == GCR_F64 ? value : (double)(float)value;
}

static double get(const problem *p, const void *values, int64_t at)
{
    return p->s->scalar == GCR_F64 ? ((const double *)values)[at]
                                   : (double)((const float *)values)[at];
}

static void set(const problem *p, void *values, int64_t at, double value)
{
    if (p->s->scalar == GCR_F64)
        ((double *)values)[at] = value;
    else
        ((float *)values)[at] = (float)value;
}

/* The matrices of a kind differ in their diagonals alone: the first is made, the others are
 * copies. */
static void describe_group(const problem *p, const gcr_factor_group *g, char *squares)
{
    const uint64_t bytes = (uint64_t)g->n * (uint64_t)g->n * scalar_bytes(p->s);

    for (uint64_t k = 0; k < g->count; k++) {
        char *const square = squares + k * bytes;

        if (k >= KINDS)
            memcpy(square, square - KINDS * bytes, bytes);
        for (int j = 0; j < g->n; j++)
            for (int i = k >= KINDS ? j : 0; i < (k >= KINDS ? j + 1 : g->n); i++)
                set(p, square, i + (int64_t)j * g->n, entry_of(p, g->n, k, i, j));
    }
}

/* ---- where they stand ----------------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes, uint64_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/* Places in the buffers, from 0 on. */
static gcr_status lay_out(problem *p)
{
    gcr_status status = GCR_OK;
    const uint64_t alignment = p->s->on.device->info.alignment;

    for (int g = 0; g < p->group_count; g++) {
        gcr_factor_group *group = &p->groups[0][g];
        uint64_t bytes;

        GCR_TRY(gcr_factor_bytes(&bytes, p->s->on.device, p->s->scalar, group->n, group->count));
        group->matrices = (void *)(uintptr_t)p->matrices_bytes;
        group->square = (void *)(uintptr_t)p->square_bytes;
        group->minor = (void *)(uintptr_t)(p->matrix_count * sizeof(int32_t));
        p->matrices_bytes += round_up(bytes, alignment);
        p->square_bytes += round_up(
            group->count * (uint64_t)group->n * (uint64_t)group->n * scalar_bytes(p->s), alignment);
        p->matrix_count += group->count;
        p->largest = group->n > p->largest ? group->n : p->largest;
    }
out:
    return status;
}

static void *moved(const gcr_buf *buf, uint64_t offset, const void *place)
{
    return (char *)buf->base + offset + (uintptr_t)place;
}

static void place_sets(problem *p)
{
    for (int set = p->sets - 1; set >= 0; set--)
        for (int g = 0; g < p->group_count; g++) {
            gcr_factor_group group = p->groups[0][g];

            group.matrices = moved(p->matrices_buf[set], 0, group.matrices);
            group.square = moved(p->square_buf, 0, group.square);
            group.minor =
                moved(p->minor_buf, (uint64_t)set * p->matrix_count * sizeof(int32_t), group.minor);
            p->groups[set][g] = group;
        }
}

static gcr_status open_buffers(problem *p)
{
    gcr_status status = GCR_OK;
    gcr_device *device = p->s->on.device;
    const uint64_t minors = (uint64_t)p->sets * p->matrix_count;

    GCR_TRY(gcr_buf_open(&p->square_buf, device, GCR_PLACE_DEVICE, p->square_bytes));
    GCR_TRY(gcr_buf_open(&p->out_buf, device, GCR_PLACE_DEVICE, p->square_bytes));
    GCR_TRY(gcr_buf_open(&p->minor_buf, device, GCR_PLACE_DEVICE, minors * sizeof(int32_t)));
    for (int set = 0; set < p->sets; set++)
        GCR_TRY(gcr_buf_open(&p->matrices_buf[set], device, GCR_PLACE_DEVICE, p->matrices_bytes));
    GCR_TRY(gcr_memory_create((void **)&p->minor, minors, sizeof(int32_t), "verdicts"));
out:
    return status;
}

static gcr_status upload_squares(problem *p)
{
    gcr_status status = GCR_OK;
    char *squares = NULL;

    GCR_TRY(gcr_memory_create((void **)&squares, p->square_bytes, 1, "matrices"));
    for (int g = 0; g < p->group_count; g++)
        describe_group(p, &p->groups[0][g], squares + (uintptr_t)p->groups[0][g].square);
    GCR_TRY(gcr_upload(p->s->on.queue, p->square_buf, 0, squares, GCR_PLACE_HOST, p->square_bytes));
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
out:
    gcr_memory_destroy(squares);
    return status;
}

static void close_problem(problem *p)
{
    for (int set = 0; set < p->sets; set++)
        gcr_buf_close(p->matrices_buf[set]);
    gcr_buf_close(p->minor_buf);
    gcr_buf_close(p->out_buf);
    gcr_buf_close(p->square_buf);
    gcr_memory_destroy(p->minor);
    for (int k = 0; k < KINDS; k++)
        gcr_memory_destroy(p->kinds[k]);
}

/* A set that is many times as large as any cache needs no others beside it. */
static uint64_t sets_least(const problem *p, uint64_t bytes)
{
    return bytes > p->s->all_bytes / 8 ? 1 : SETS_LEAST;
}

/* n and count of the groups are there. The caller closes it, where it fails too. */
static gcr_status open_problem(problem *p)
{
    gcr_status status = GCR_OK;
    uint64_t sets, least;

    GCR_TRY(lay_out(p));
    sets = p->s->all_bytes / p->matrices_bytes;
    least = sets_least(p, p->matrices_bytes);
    p->sets = (int)(sets < least ? least : sets > SETS_MAX ? SETS_MAX : sets);
    GCR_TRY(draw_kinds(p));
    GCR_TRY(open_buffers(p));
    GCR_TRY(upload_squares(p));
    place_sets(p);
out:
    return status;
}

/* ---- a run ---------------------------------------------------------------------------------- */

/* Factors go to another place than the matrices come from. */
static gcr_status step(problem *p, int set, gcr_factor_step what)
{
    gcr_factor_group groups[GROUPS_MAX];

    for (int g = 0; g < p->group_count; g++) {
        groups[g] = p->groups[set][g];
        if (what == GCR_FACTOR_UNPACK)
            groups[g].square =
                (char *)p->out_buf->base + ((char *)groups[g].square - (char *)p->square_buf->base);
    }
    return gcr_factor(p->s->on.queue,
                      &(gcr_factor_args){ .step = what,
                                          .scalar = p->s->scalar,
                                          .groups = groups,
                                          .group_count = (uint64_t)p->group_count });
}

static gcr_status restore(problem *p)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = (uint64_t)p->sets * p->matrix_count * sizeof *p->minor;

    for (int set = 0; set < p->sets; set++)
        GCR_TRY(step(p, set, GCR_FACTOR_PACK));
    memset(p->minor, 0xa5, bytes);
    GCR_TRY(gcr_upload(p->s->on.queue, p->minor_buf, 0, p->minor, GCR_PLACE_HOST, bytes));
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
out:
    return status;
}

static gcr_status check_minors(problem *p)
{
    gcr_status status = GCR_OK;
    const uint64_t count = (uint64_t)p->sets * p->matrix_count;

    GCR_TRY(gcr_download(p->s->on.queue, p->minor, GCR_PLACE_HOST, p->minor_buf, 0,
                         count * sizeof *p->minor));
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
    for (uint64_t k = 0; k < count; k++)
        if (p->minor[k] != 0)
            GCR_FAIL(GCR_EDEVICE, "matrix %" PRIu64 " of %" PRIu64 ": the verdict is %d", k, count,
                     (int)p->minor[k]);
out:
    return status;
}

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    problem *const p = arg;
    double begin;

    GCR_TRY(restore(p));
    begin = gcr_clock_seconds();
    for (int set = 0; set < p->sets; set++)
        GCR_TRY(step(p, set, GCR_FACTOR_IN_PLACE));
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
    *seconds_out = (gcr_clock_seconds() - begin) / ((double)p->sets * (double)p->matrix_count);
    GCR_TRY(check_minors(p));
out:
    return status;
}

/* From columns to columns. */
static gcr_status run_by_columns(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    problem *const p = arg;
    double begin;

    GCR_TRY(restore(p));
    begin = gcr_clock_seconds();
    for (int set = 0; set < p->sets; set++) {
        GCR_TRY(step(p, set, GCR_FACTOR_PACK));
        GCR_TRY(step(p, set, GCR_FACTOR_IN_PLACE));
        GCR_TRY(step(p, set, GCR_FACTOR_UNPACK));
    }
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
    *seconds_out = (gcr_clock_seconds() - begin) / ((double)p->sets * (double)p->matrix_count);
    GCR_TRY(check_minors(p));
out:
    return status;
}

/* ---- is it right? --------------------------------------------------------------------------- */

/* From an entry that is looked at to the next: all, or 8 x 64 of a large matrix. */
static int row_step(int n)
{
    return n <= 256 ? 1 : n / 8;
}

static int column_step(int n)
{
    return n <= 256 ? 1 : n / 64;
}

static double residual(const problem *p, const gcr_factor_group *g, uint64_t k, const void *factor)
{
    const int n = g->n;
    double off = 0, norm = 0;

    for (int i = n - 1; i >= 0; i -= row_step(n))
        for (int j = i; j >= 0; j -= column_step(n)) {
            const double a = rounded(p, entry_of(p, n, k, i, j)), weight = i == j ? 1 : 2;
            double rest = a;

            for (int c = 0; c <= j; c++)
                rest -= get(p, factor, i + (int64_t)c * n) * get(p, factor, j + (int64_t)c * n);
            off += weight * rest * rest;
            norm += weight * a * a;
        }
    return sqrt(off / norm);
}

static gcr_status check_matrix(problem *p, const gcr_factor_group *g, uint64_t k, double *worst)
{
    gcr_status status = GCR_OK;
    const double eps = p->s->scalar == GCR_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    const uint64_t bytes = (uint64_t)g->n * (uint64_t)g->n * scalar_bytes(p->s);
    const uint64_t offset = (uint64_t)((char *)g->square - (char *)p->square_buf->base) + k * bytes;
    void *factor = NULL;
    double off;

    GCR_TRY(gcr_memory_create(&factor, bytes, 1, "a factor"));
    GCR_TRY(gcr_download(p->s->on.queue, factor, GCR_PLACE_HOST, p->out_buf, offset, bytes));
    GCR_TRY(gcr_queue_sync(p->s->on.queue));
    off = residual(p, g, k, factor) / (g->n * eps);
    *worst = fmax(*worst, off);
    if (!(off <= 1))
        GCR_FAIL(GCR_EDEVICE, "n = %d: factor %" PRIu64 " is off by %.3g n eps of its matrix",
                 (int)g->n, k, off);
out:
    gcr_memory_destroy(factor);
    return status;
}

/* The sets are unpacked one after the other to the same place. */
static gcr_status check_set(problem *p, int set, double *worst)
{
    gcr_status status = GCR_OK;
    const int group_step = 1 + p->group_count / 16;

    GCR_TRY(step(p, set, GCR_FACTOR_UNPACK));
    for (int g = 0; g < p->group_count; g += group_step) {
        const gcr_factor_group *group = &p->groups[set][g];

        const uint64_t looks = group->count < LOOKED_AT ? group->count : LOOKED_AT;

        for (uint64_t look = 0; look < looks; look++)
            GCR_TRY(check_matrix(p, group, look * (group->count - 1) / LOOKED_AT, worst));
        if (looks < group->count)
            GCR_TRY(check_matrix(p, group, group->count - 1, worst));
    }
out:
    return status;
}

static gcr_status check(problem *p, const char *where)
{
    gcr_status status = GCR_OK;
    double worst = 0;

    for (int set = 0; set < p->sets; set++)
        GCR_TRY(check_set(p, set, &worst));
    bench_row(p->s->bench, where, "backward error", "n eps", (bench_spread){ worst, worst, worst });
out:
    return status;
}

/* ---- floors --------------------------------------------------------------------------------- */

/* Bytes of the lower triangles, read and written, of one matrix in the mean. */
static double packed_bytes(const problem *p)
{
    double bytes = 0;

    for (int g = 0; g < p->group_count; g++) {
        const double n = p->groups[0][g].n;

        bytes += (double)p->groups[0][g].count * n * (n + 1) * (double)scalar_bytes(p->s);
    }
    return bytes / (double)p->matrix_count;
}

static double flops(const problem *p)
{
    double sum = 0;

    for (int g = 0; g < p->group_count; g++) {
        const double n = p->groups[0][g].n;

        sum += (double)p->groups[0][g].count * (n * n * n / 3 + n * n / 2 + n / 6);
    }
    return sum / (double)p->matrix_count;
}

static void say_floors(const problem *p, const char *where, const bench_side *ours)
{
    bench *b = p->s->bench;
    const double floor = p->s->copy_rate > 0 ? packed_bytes(p) / p->s->copy_rate : 0;
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

static gcr_status compare(problem *p, const char *where)
{
    gcr_status status = GCR_OK;
    static bench_side sides[3]; /* too large for a stack */
    char by_columns[96];
    const factor_task task = { .scalar = p->s->scalar,
                               .groups = p->groups[0],
                               .group_count = p->group_count,
                               .square_bytes = p->square_bytes,
                               .sets = (int)sets_least(p, p->square_bytes) };
    rival_arg rival = { .way = 0 };

    GCR_TRY(factor_rival_open(&rival.rival, &p->s->on, &task));
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_ours, .arg = p };
    sides[1] = (bench_side){ .what = "gridcrunch by columns", .run = run_by_columns, .arg = p };
    if (rival.rival != NULL) {
        GCR_TRY(choose_way(&rival));
        sides[2] = (bench_side){ .what = factor_rival_way(rival.rival, rival.way),
                                 .run = run_rival,
                                 .arg = &rival };
    }
    GCR_TRY(bench_alternate(p->s->bench, where, sides, rival.rival != NULL ? 3 : 2));
    say_floors(p, where, &sides[0]);
    GCR_TRY(check(p, where));
    if (rival.rival != NULL) {
        snprintf(by_columns, sizeof by_columns, "%s by columns", where);
        bench_ratio_sides(p->s->bench, by_columns, &sides[2], &sides[1]);
        bench_ratio_sides(p->s->bench, where, &sides[2], &sides[0]);
    }
out:
    factor_rival_close(rival.rival);
    return status;
}

static gcr_status measure(problem *p, const char *name)
{
    gcr_status status = GCR_OK;
    char where[80];

    GCR_TRY(open_problem(p));
    snprintf(where, sizeof where, "%s %s batch=%" PRIu64, gcr_scalar_name(p->s->scalar), name,
             p->matrix_count);
    GCR_TRY(compare(p, where));
out:
    close_problem(p);
    return status;
}

static gcr_status measure_size(state *s, int n, uint64_t count)
{
    static problem p; /* too large for a stack */
    char name[32];

    p = (problem){ .s = s, .group_count = 1 };
    p.groups[0][0] = (gcr_factor_group){ .n = n, .count = count };
    snprintf(name, sizeof name, "n=%d", n);
    return measure(&p, name);
}

/* Equally many in each octave: a size has matrices in proportion to 1 / n, and at least one. */
static gcr_status measure_mixed(state *s, int most, uint64_t count)
{
    static problem p;
    const double octaves = log((double)most / MIXED_LEAST);

    p = (problem){ .s = s };
    for (int n = MIXED_LEAST; n <= most; n++) {
        const double share = log((n + 0.5) / (n - 0.5)) / octaves;

        p.groups[0][p.group_count++] =
            (gcr_factor_group){ .n = n, .count = 1 + (uint64_t)((double)count * share) };
    }
    return measure(&p, "mixed");
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
