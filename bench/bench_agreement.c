/*
 * bench/bench_agreement.c -- does a device compute what the CPU computes, and how much faster is
 * the same job on it?
 *
 * Jobs of every kernel that computes with a dataset, and a user's own, with matrices of 2 to 4100
 * rows (420 with
 * --quick), so that each way to compute a cell is taken, those of libraries and of the whole GPU
 * among them, run on the CPU and on the device that is asked for (--device, else the first with
 * memory of its own). States must be the same, and values within 1e-12, or within 8 n eps times the
 * condition number where that is more than 1e4, of what they are sums of; floats within 2^29 times
 * that. Rows `off` have the largest difference, in units of what is allowed.
 *
 * Then the fertility job, from data in memory to a results file on either, in turns: seconds, cells
 * per second and `ratio agreement end_to_end`.
 */
#include "bench.h"
#include "device.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"

#include "gridcrunch/cell.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of matrices with `rows` rows, the largest condition number is `condition` or less. */
typedef struct agreement_job {
    const char *name, *text;
    double rows, condition;
    /* Or-ed. COSTLY: left out with --quick; SUMMARIES: cells are not kept; OWN: of the kernel
     * examples/ewma.c. */
    enum { DOUBLES = 0, FLOATS = 1, COSTLY = 2, SUMMARIES = 4, OWN = 8 } what;
} agreement_job;

static const agreement_job jobs[] = {
    { "gp",
      "data: {synthetic: {datasets: 40, rows: [2, 265], features: 4}}\n"
      "kernel: gp\n"
      "options: {covariance: matern52}\n"
      "grid: {lengthscale: [0.5, 1, 2], noise: [0.05, 0.3], variance: 1}\n",
      265, 265 / 0.05, DOUBLES },
    { "gp of floats",
      "data: {synthetic: {datasets: 40, rows: [2, 265], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: [0.5, 1], noise: 0.3, variance: 1}\n"
      "run: {precision: single}\n",
      265, 265 / 0.3, FLOATS },
    { "gp of 256 and of 420 rows",
      "data: {synthetic: {datasets: 2, rows: [256, 420], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: [0.5, 1, 2], noise: [0.05, 0.3], variance: 1}\n",
      420, 420 / 0.05, DOUBLES },
    { "gp of floats of 400 and of 420 rows",
      "data: {synthetic: {datasets: 2, rows: [400, 420], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: [0.5, 1], noise: 0.3, variance: 1}\n"
      "run: {precision: single}\n",
      420, 420 / 0.3, FLOATS },
    { "gp that is not spd",
      "data: {synthetic: {datasets: 3, rows: [298, 302], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 500, noise: [0, 0.05], variance: 1}\n"
      "run: {jitter: [1.0e-18, 1.0e-17]}\n", /* rounding swallows them */
      302, 302 / 0.05, DOUBLES },
    { "gp that becomes spd",
      "data: {synthetic: {datasets: 3, rows: [298, 302], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 500, noise: [0, 0.05], variance: 1}\n"
      "run: {jitter: [1.0e-18, 1.0e-5]}\n",
      302, 302 / 1e-5, DOUBLES },
    { "gp of few rows that becomes spd", /* ones, and nothing else: the second pivot is 0 exactly */
      "data: {synthetic: {datasets: 16, rows: [2, 250], features: 2}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 1.0e+12, noise: [0, 0.05], variance: 1}\n"
      "run: {jitter: [1.0e-18, 0.01]}\n",
      250, 250 / 0.01, DOUBLES },
    { "gp of points that are wanted",
      "data: {synthetic: {datasets: 10, rows: [3, 260], features: 2}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: [0.5, 1, 2], noise: [0.05, 0.1, 0.3], variance: [1, 2]}\n"
      "where: lengthscale * variance + noise > 1.2\n",
      260, 2 * 260 / 0.05, DOUBLES },
    { "gp of floats of 330 to 382 rows",
      "data: {synthetic: {datasets: 3, rows: [330, 382], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: [0.5, 1], noise: 0.3, variance: 1}\n"
      "run: {precision: single}\n",
      382, 382 / 0.3, FLOATS },
    { "gp of floats of 2100 rows",
      "data: {synthetic: {datasets: 1, rows: 2100, features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 1, noise: [0.3, 0.5], variance: 1}\n"
      "run: {precision: single}\n",
      2100, 2100 / 0.3, FLOATS | COSTLY },
    { "gp of 4100 rows",
      "data: {synthetic: {datasets: 1, rows: 4100, features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 1, noise: 0.5, variance: 1}\n",
      4100, 4100 / 0.5, COSTLY },
    { "gp of floats of 4100 rows",
      "data: {synthetic: {datasets: 1, rows: 4100, features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 1, noise: 0.5, variance: 1}\n"
      "run: {precision: single}\n",
      4100, 4100 / 0.5, FLOATS | COSTLY },
    { "gp in short",
      "data: {synthetic: {datasets: 8, rows: [3, 40], features: 2}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: {geomspace: [0.3, 3, 40]}, noise: {geomspace: [0.05, 1, 40]}, variance: "
      "1}\n"
      "summary: {best: argmax(lml), worst: min(lml), mean: mean(lml)}\n"
      "output: {keep: summary}\n",
      40, 40 / 0.05, SUMMARIES },
    { "gp of 2100 and of 2300 rows",
      "data: {synthetic: {datasets: 2, rows: [2100, 2300], features: 4}}\n"
      "kernel: gp\n"
      "grid: {lengthscale: 1, noise: [0.3, 0.5], variance: 1}\n",
      2300, 2300 / 0.3, COSTLY },
    { "gp_profile",
      "data: {synthetic: {datasets: 10, rows: [4, 100], features: 2}}\n"
      "kernel: gp_profile\n"
      "grid: {lengthscale: [0.5, 1], noise_ratio: 0.1}\n",
      100, 1e3, DOUBLES },
    { "kernel_ridge",
      "data: {synthetic: {datasets: 10, rows: [4, 100], features: 2}}\n"
      "kernel: kernel_ridge\n"
      "grid: {lengthscale: [0.5, 1], alpha: 0.1}\n",
      100, 1e3, DOUBLES },
    { "ridge",
      "data: {synthetic: {datasets: 10, rows: [60, 200], features: 12}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [0.1, 1, 10]}\n",
      200, 1e4, DOUBLES },
    { "ridge of 30 features",
      "data: {synthetic: {datasets: 3, rows: [60, 90], features: 30}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n",
      90, 1e4, DOUBLES },
    { "ridge of 70 features",
      "data: {synthetic: {datasets: 3, rows: [100, 180], features: 70}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n",
      180, 1e4, DOUBLES },
    { "ridge of 190 features",
      "data: {synthetic: {datasets: 2, rows: [250, 280], features: 190}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n",
      280, 1e4, DOUBLES },
    { "ridge of floats of 100 features",
      "data: {synthetic: {datasets: 2, rows: 200, features: 100}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n"
      "run: {precision: single}\n",
      200, 1e4, FLOATS },
    { "ridge of 300 features",
      "data: {synthetic: {datasets: 2, rows: 400, features: 300}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n",
      400, 1e4, DOUBLES },
    { "ridge of 302 features",
      "data: {synthetic: {datasets: 2, rows: 400, features: 302}}\n"
      "kernel: ridge\n"
      "grid: {alpha: [1, 10]}\n",
      400, 1e4, DOUBLES },
    { "cholesky",
      "data: {synthetic: {datasets: 1, rows: 1}}\n"
      "kernel: cholesky\n"
      "options: {n: 24}\n"
      "grid: {replicate: {range: [0, 20]}}\n",
      24, 1e7, DOUBLES },
    { "cholesky of 1500 rows", /* floats have no factor of it */
      "data: {synthetic: {datasets: 1, rows: 1}}\n"
      "kernel: cholesky\n"
      "options: {n: 1500}\n"
      "grid: {replicate: [0, 1]}\n",
      1500, 1e7, COSTLY },
    { "a kernel in a file",
      "data: {synthetic: {datasets: 12, rows: [2, 300]}}\n"
      "grid: {alpha: {linspace: [0, 1, 21]}}\n",
      300, 1, OWN },
    { "outer",
      "data: {synthetic: {datasets: 2, rows: 50, features: 40}}\n"
      "kernel: outer\n"
      "grid: {row: {range: [0, 20]}}\n",
      4000, 1, DOUBLES },
    { "scale",
      "data: {synthetic: {datasets: 20, rows: [1, 100]}}\n"
      "kernel: scale\n"
      "grid: {factor: {linspace: [-1, 1, 100]}}\n",
      100, 1, DOUBLES },
};

typedef struct side_arg {
    bench_work work;
    const char *folder;
} side_arg;

/* Gives the job another device. The caller closes the work, also after a failure. */
static gcr_status open_on(bench_work *out, const char *path, const char *text, const char *device)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_work_open(out, path, text));
    free(out->job.device);
    out->job.device = strdup(device);
    if (out->job.device == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the name of a device");
out:
    return status;
}

/* ---- does it agree? -------------------------------------------------------------------------- */

/* What one value may be off by, in units of itself and of the rows it is summed over. */
static double allowed(const agreement_job *job)
{
    const double bound =
        job->condition <= 1e4 ? 1e-12 : 8 * job->rows * DBL_EPSILON * job->condition;

    return (job->what & FLOATS) != 0 ? bound * 0x1p29 : bound;
}

/* How far `b` is off, as a part of what is allowed; NaN agrees with itself. */
static double off_by(const agreement_job *job, double a, double b)
{
    return isnan(a) && isnan(b) ? 0 : fabs(a - b) / (allowed(job) * (job->rows + fabs(a)));
}

/* The largest difference as a part of what is allowed. */
static gcr_status compare(double *worst_out, const agreement_job *job, const gcr_slots *cpu,
                          const gcr_slots *device)
{
    gcr_status status = GCR_OK;
    const uint64_t cells = cpu->dataset_count * cpu->point_count;

    *worst_out = 0;
    for (uint64_t c = 0; c < cells; c++)
        if (cpu->state[c] != device->state[c])
            GCR_FAIL(GCR_EDEVICE, "%s: the state of cell %llu is %d, and %d on the CPU", job->name,
                     (unsigned long long)c, device->state[c], cpu->state[c]);
    for (int o = 0; o < cpu->output_count; o++)
        for (uint64_t i = 0; i < cells * (uint64_t)cpu->width[o]; i++) {
            const double a = cpu->values[o][i], b = device->values[o][i];
            const double off = off_by(job, a, b);

            if (!(off <= 1))
                GCR_FAIL(GCR_EDEVICE, "%s: value %llu of output %d is %.17g, and %.17g on the CPU",
                         job->name, (unsigned long long)i, o, b, a);
            *worst_out = fmax(*worst_out, off);
        }
out:
    return status;
}

/* The same of what is left of cells that are not kept. Points that are named are the same. */
static gcr_status compare_summaries(double *worst_out, const agreement_job *job,
                                    const bench_work works[2])
{
    gcr_status status = GCR_OK;

    *worst_out = 0;
    for (uint64_t d = 0; d < works[0].datasets.count; d++)
        for (int s = 0; s < works[0].job.summary_count; s++) {
            gcr_summary_value of[2];

            for (int i = 0; i < 2; i++)
                of[i] = gcr_summaries_get(gcr_run_summaries(works[i].run), d, s);
            if (of[0].point != of[1].point || of[0].skipped != of[1].skipped ||
                !(off_by(job, of[0].value, of[1].value) <= 1))
                GCR_FAIL(GCR_EDEVICE,
                         "%s: summary %d of dataset %llu is %.17g at point %lld, and %.17g at %lld "
                         "on the CPU",
                         job->name, s, (unsigned long long)d, of[1].value, (long long)of[1].point,
                         of[0].value, (long long)of[0].point);
            *worst_out = fmax(*worst_out, off_by(job, of[0].value, of[1].value));
        }
out:
    return status;
}

static gcr_status write_job(char *out, size_t bytes, const agreement_job *job)
{
    gcr_status status = GCR_OK;
    char kernel[BENCH_PATH_MAX];
    size_t used = (size_t)snprintf(out, bytes, "name: agreement\n%s", job->text);

    if ((job->what & OWN) != 0) {
        GCR_TRY(bench_example(kernel, "ewma.c"));
        used += (size_t)snprintf(out + used, bytes - used, "kernel: \"%s\"\n", kernel);
    }
    if (used >= bytes)
        GCR_FAIL(GCR_EINVAL, "%s: the job is longer than %zu bytes", job->name, bytes);
out:
    return status;
}

static gcr_status run_on(bench_work *out, const char *text, const char *device)
{
    gcr_status status = GCR_OK;

    GCR_TRY(open_on(out, "agreement.yaml", text, device));
    GCR_TRY(bench_work_try(out));
out:
    return status;
}

static gcr_status check_job(bench *b, const agreement_job *job, const char *device)
{
    gcr_status status = GCR_OK;
    bench_work works[2] = { 0 };
    char text[2 * BENCH_PATH_MAX];
    double worst;

    GCR_TRY(write_job(text, sizeof text, job));
    status = run_on(&works[0], text, "cpu");
    if ((job->what & OWN) != 0 && status == GCR_EUNSUPPORTED) { /* the device needs none */
        bench_absent(b, job->name, gcr_last_error());
        status = GCR_OK;
        goto out;
    }
    GCR_TRY(status);
    GCR_TRY(run_on(&works[1], text, device));
    if ((job->what & SUMMARIES) != 0)
        GCR_TRY(compare_summaries(&worst, job, works));
    else
        GCR_TRY(compare(&worst, job, gcr_run_slots(works[0].run), gcr_run_slots(works[1].run)));
    bench_row(b, job->name, "off", "1", (bench_spread){ worst, worst, worst });
out:
    for (int i = 0; i < 2; i++)
        bench_work_close(&works[i]);
    return status;
}

/* A kernel that does not agree keeps the others from being looked at no more than the time does. */
static gcr_status check_jobs(bench *b, const char *device)
{
    gcr_status status = GCR_OK;

    for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++) {
        const int is_left_out = b->quick && (jobs[j].what & COSTLY) != 0;
        const gcr_status checked = is_left_out ? GCR_OK : check_job(b, &jobs[j], device);

        if (checked != GCR_OK) {
            bench_say("FAILED: %s", gcr_last_error());
            status = checked;
        }
    }
    return status;
}

/* ---- how much faster is it? ------------------------------------------------------------------ */

static gcr_status run_side(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    side_arg *const a = arg;
    const double begin = gcr_clock_seconds();

    GCR_TRY(bench_work_execute(&a->work));
    GCR_TRY(bench_work_write(&a->work, a->folder, 0));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status measure(bench *b, const char *device)
{
    static const agreement_job fertility = { .name = "fertility", .rows = 65, .condition = 2.6e5 };
    static bench_side sides[2];
    gcr_status status = GCR_OK;
    side_arg args[2] = { 0 };
    char path[BENCH_PATH_MAX], folder[BENCH_PATH_MAX] = "";
    double worst, rate[BENCH_ROUNDS_MAX];

    GCR_TRY(bench_example(path, "fertility.yaml"));
    GCR_TRY(bench_folder_open(folder));
    for (int i = 0; i < 2; i++) {
        args[i].folder = folder;
        GCR_TRY(open_on(&args[i].work, path, NULL, i == 0 ? "cpu" : device));
        sides[i] =
            (bench_side){ .what = i == 0 ? "cpu" : "device", .run = run_side, .arg = &args[i] };
    }
    GCR_TRY(bench_alternate(b, "fertility", sides, 2));
    for (int i = 0; i < 2; i++) {
        const gcr_plan *plan = gcr_run_plan(args[i].work.run);

        for (int r = 0; r < b->rounds; r++)
            rate[r] = (double)gcr_plan_live_count(plan) / sides[i].seconds[r];
        bench_row(b, "fertility", sides[i].what, "cells/s", bench_spread_of(rate, b->rounds));
    }
    bench_ratio_sides(b, "end_to_end", &sides[0], &sides[1]);
    GCR_TRY(compare(&worst, &fertility, gcr_run_slots(args[0].work.run),
                    gcr_run_slots(args[1].work.run)));
    bench_row(b, "fertility", "off", "1", (bench_spread){ worst, worst, worst });
out:
    for (int i = 0; i < 2; i++)
        bench_work_close(&args[i].work);
    bench_folder_close(folder);
    return status;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK, agreed;
    const char *words = NULL;
    bench_device device = { 0 };
    char label[sizeof device.label];
    bench b;

    GCR_TRY(bench_begin_with(&b, "agreement", argc, argv,
                             (const bench_flag[]){ { "device", "NAME", &words }, { 0 } }));
    GCR_TRY(bench_device_open(&device, words));
    memcpy(label, device.label, sizeof label);
    bench_device_close(&device);
    agreed = check_jobs(&b, label);
    GCR_TRY(measure(&b, label));
    status = agreed;
out:
    return bench_end(&b, status);
}
