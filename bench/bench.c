/* bench/bench.c -- flags, protocol, statistics and rows of the bench programs. */
#include "bench.h"

#include "base/check.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_STANDARD = 20, /* what the design asks of a claim */
    ROUNDS_QUICK = 3,
    RESAMPLES = 2000,
};

/* ---- flags ---------------------------------------------------------------------------------- */

static const struct option long_flags[] = {
    { "quick", no_argument, NULL, 'q' },
    { "full", no_argument, NULL, 'f' },
    { NULL, 0, NULL, 0 },
};

static gcr_status read_flags(bench *b, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    int flag;

    while ((flag = getopt_long(argc, argv, "i:w:", long_flags, NULL)) != -1) {
        switch (flag) {
        case 'i': b->rounds = atoi(optarg); break;
        case 'w': b->warmup = atoi(optarg); break;
        case 'q': b->quick = 1; break;
        case 'f': b->full = 1; break;
        default:
            GCR_FAIL(GCR_EINVAL, "usage: %s [-i rounds] [-w warm-up] [--quick] [--full]", argv[0]);
        }
    }
    if (b->rounds < 0)
        b->rounds = b->quick ? ROUNDS_QUICK : ROUNDS_STANDARD;
    if (b->warmup < 0)
        b->warmup = b->quick ? 1 : 2;
    if (b->rounds < 1 || b->rounds > BENCH_ROUNDS_MAX || optind != argc)
        GCR_FAIL(GCR_EINVAL, "-i must be in 1..%d and nothing may follow the flags",
                 BENCH_ROUNDS_MAX);
out:
    return status;
}

gcr_status bench_begin(bench *out, const char *name, int argc, char **argv)
{
    gcr_status status = GCR_OK;

    *out = (bench){ .name = name, .rounds = -1, .warmup = -1 };
    GCR_TRY(read_flags(out, argc, argv));
    setvbuf(stdout, NULL, _IOLBF, 0); /* rows are seen as they come, also through a pipe */
    puts("bench,case,what,unit,rounds,median,low,high");
    bench_say("%s: %d rounds after %d", name, out->rounds, out->warmup);
out:
    return status;
}

int bench_end(const bench *b, gcr_status status)
{
    if (status != GCR_OK) {
        fprintf(stderr, "gridcrunch-bench-%s: %s\n", b->name, gcr_last_error());
        return 1;
    }
    for (int i = 0; i < b->line_count; i++)
        puts(b->lines[i]);
    return fflush(stdout) == 0 ? 0 : 1;
}

void bench_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("# ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* ---- protocol ------------------------------------------------------------------------------- */

static gcr_status run_round(bench_side *sides, int side_count, int round)
{
    gcr_status status = GCR_OK;
    double seconds;

    for (int i = 0; i < side_count; i++) {
        bench_side *const side = &sides[round % 2 == 0 ? i : side_count - 1 - i];

        GCR_TRY(side->run(side->arg, &seconds));
        if (round >= 0)
            side->seconds[round] = seconds;
    }
out:
    return status;
}

gcr_status bench_alternate(bench *b, const char *where, bench_side *sides, int side_count)
{
    gcr_status status = GCR_OK;

    for (b->round = -b->warmup; b->round < b->rounds; b->round++)
        GCR_TRY(run_round(sides, side_count, b->round));
    for (int i = 0; i < side_count; i++)
        bench_row(b, where, sides[i].what, "s", bench_spread_of(sides[i].seconds, b->rounds));
out:
    return status;
}

/* ---- statistics ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of samples that are sorted, with linear interpolation. */
static double quantile(const double *sorted, int count, double q)
{
    const double place = q * (count - 1);
    const int below = (int)place;
    const int above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

static void sort(double *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, by_value);
}

bench_spread bench_spread_of(const double *samples, int count)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, samples, (size_t)count * sizeof *sorted);
    sort(sorted, count);
    return (bench_spread){ .median = quantile(sorted, count, 0.5),
                           .low = quantile(sorted, count, 0.1),
                           .high = quantile(sorted, count, 0.9) };
}

/* A small generator of its own (splitmix64): an interval must not change from run to run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double resampled_median(const double *samples, int count, uint64_t *random)
{
    double drawn[BENCH_ROUNDS_MAX];

    for (int i = 0; i < count; i++)
        drawn[i] = samples[next_random(random) % (uint64_t)count];
    sort(drawn, count);
    return quantile(drawn, count, 0.5);
}

bench_spread bench_ratio_of(const double *a, const double *b, int count)
{
    double ratios[BENCH_ROUNDS_MAX], medians[RESAMPLES];
    uint64_t random = 1;

    for (int i = 0; i < count; i++)
        ratios[i] = a[i] / b[i];
    for (int i = 0; i < RESAMPLES; i++)
        medians[i] = resampled_median(ratios, count, &random);
    sort(ratios, count);
    sort(medians, RESAMPLES);
    return (bench_spread){ .median = quantile(ratios, count, 0.5),
                           .low = quantile(medians, RESAMPLES, 0.025),
                           .high = quantile(medians, RESAMPLES, 0.975) };
}

/* ---- rows ----------------------------------------------------------------------------------- */

void bench_row(const bench *b, const char *where, const char *what, const char *unit,
               bench_spread spread)
{
    printf("%s,%s,%s,%s,%d,%.6g,%.6g,%.6g\n", b->name, where, what, unit, b->rounds, spread.median,
           spread.low, spread.high);
}

static char *next_line(bench *b)
{
    return b->lines[b->line_count < BENCH_LINES_MAX - 1 ? b->line_count++ : b->line_count];
}

void bench_ratio(bench *b, const char *where, double value)
{
    snprintf(next_line(b), BENCH_LINE_BYTES, "ratio %s %s %.4g", b->name, where, value);
}

void bench_ratio_sides(bench *b, const char *where, const bench_side *over, const bench_side *under)
{
    const bench_spread ratio = bench_ratio_of(over->seconds, under->seconds, b->rounds);

    bench_row(b, where, "ratio", "1", ratio);
    if (ratio.high - ratio.low > 0.1 * ratio.median)
        bench_say("%s: the interval [%.3g, %.3g] is wider than 10%%: measure again on a quieter "
                  "machine before claiming it",
                  where, ratio.low, ratio.high);
    bench_ratio(b, where, ratio.median);
}

void bench_absent(bench *b, const char *rival, const char *remedy)
{
    snprintf(next_line(b), BENCH_LINE_BYTES, "absent %s: %s", rival, remedy);
}
