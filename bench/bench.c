/* bench/bench.c -- flags, protocol, statistics and rows of the bench programs. */
#include "bench.h"

#include "base/check.h"

#include <errno.h>
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

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_json_text(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else
            putc((unsigned char)*text < ' ' ? ' ' : *text, file);
    putc('"', file);
}

static void put_json_number(FILE *file, double number)
{
    if (isfinite(number))
        fprintf(file, "%.9g", number);
    else
        fputs("null", file);
}

/* Rows are gathered in memory: a bench that fails leaves no file. */
static gcr_status begin_json(bench *b)
{
    gcr_status status = GCR_OK;

    b->json = open_memstream(&b->json_text, &b->json_bytes);
    if (b->json == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", b->json_path);
out:
    return status;
}

static void put_json_row(const bench *b, const char *where, const char *what, const char *unit,
                         bench_spread spread)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = { { "median", spread.median }, { "low", spread.low }, { "high", spread.high } };

    fputs(ftell(b->json) > 0 ? ",\n    {\"case\": " : "    {\"case\": ", b->json);
    put_json_text(b->json, where);
    fputs(", \"what\": ", b->json);
    put_json_text(b->json, what);
    fputs(", \"unit\": ", b->json);
    put_json_text(b->json, unit);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        fprintf(b->json, ", \"%s\": ", numbers[n].name);
        put_json_number(b->json, numbers[n].value);
    }
    putc('}', b->json);
}

/* The lines "ratio NAME CASE VALUE" and "absent WHAT: REMEDY" as they are printed. */
static void put_json_lines(FILE *file, const bench *b)
{
    for (int i = 0; i < b->line_count; i++) {
        fputs(i > 0 ? ",\n    " : "    ", file);
        put_json_text(file, b->lines[i]);
    }
}

static gcr_status end_json(bench *b)
{
    gcr_status status = GCR_OK;
    FILE *file;

    if (fflush(b->json) != 0)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", b->json_path);
    file = fopen(b->json_path, "w");
    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", b->json_path, strerror(errno));
    fputs("{\n  \"bench\": ", file);
    put_json_text(file, b->name);
    fprintf(file, ",\n  \"rounds\": %d,\n  \"rows\": [\n%s\n  ],\n  \"lines\": [\n", b->rounds,
            b->json_text);
    put_json_lines(file, b);
    fputs("\n  ]\n}\n", file);
    if (fclose(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", b->json_path, strerror(errno));
out:
    return status;
}

/* ---- flags ---------------------------------------------------------------------------------- */

static const struct option common_flags[] = {
    { "quick", no_argument, NULL, 'q' },
    { "full", no_argument, NULL, 'f' },
    { "json", required_argument, NULL, 'j' },
};

enum { COMMON_FLAGS = sizeof common_flags / sizeof common_flags[0], OWN_FLAG = 0x100 };

static gcr_status say_usage(const char *program, const bench_flag *flags)
{
    gcr_status status = GCR_OK;
    char own[256] = "";
    size_t used = 0;

    for (const bench_flag *f = flags; f->name != NULL && used < sizeof own; f++)
        used += (size_t)snprintf(own + used, sizeof own - used, " [--%s %s]", f->name, f->value);
    GCR_FAIL(GCR_EINVAL, "usage: %s [-i rounds] [-w warm-up] [--quick] [--full] [--json FILE]%s",
             program, own);
out:
    return status;
}

static gcr_status read_flags(bench *b, int argc, char **argv, const bench_flag *flags)
{
    gcr_status status = GCR_OK;
    struct option all[COMMON_FLAGS + BENCH_FLAGS_MAX + 1] = { 0 };
    int flag;

    memcpy(all, common_flags, sizeof common_flags);
    for (int f = 0; flags[f].name != NULL; f++)
        all[COMMON_FLAGS + f] =
            (struct option){ flags[f].name, required_argument, NULL, OWN_FLAG + f };
    while ((flag = getopt_long(argc, argv, "i:w:", all, NULL)) != -1) {
        switch (flag) {
        case 'i': b->rounds = atoi(optarg); break;
        case 'w': b->warmup = atoi(optarg); break;
        case 'q': b->quick = 1; break;
        case 'f': b->full = 1; break;
        case 'j': b->json_path = optarg; break;
        case '?': GCR_TRY(say_usage(argv[0], flags)); break;
        default: *flags[flag - OWN_FLAG].where = optarg;
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

gcr_status bench_begin_with(bench *out, const char *name, int argc, char **argv,
                            const bench_flag *flags)
{
    gcr_status status = GCR_OK;

    *out = (bench){ .name = name, .rounds = -1, .warmup = -1 };
    GCR_TRY(read_flags(out, argc, argv, flags));
    if (out->json_path != NULL)
        GCR_TRY(begin_json(out));
    setvbuf(stdout, NULL, _IOLBF, 0); /* rows are seen as they come, also through a pipe */
    puts("bench,case,what,unit,rounds,median,low,high");
    bench_say("%s: %d rounds after %d", name, out->rounds, out->warmup);
out:
    return status;
}

gcr_status bench_begin(bench *out, const char *name, int argc, char **argv)
{
    return bench_begin_with(out, name, argc, argv, &(bench_flag){ 0 });
}

int bench_end(bench *b, gcr_status status)
{
    if (status == GCR_OK && b->json != NULL)
        status = end_json(b);
    if (b->json != NULL)
        fclose(b->json);
    free(b->json_text);
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
    if (b->json != NULL)
        put_json_row(b, where, what, unit, spread);
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
