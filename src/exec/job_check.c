/* exec/job_check.c -- see job_check.h. One function per part of a job. */
#include "exec/job_check.h"

#include "base/check.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>

static int is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static gcr_status check_lists(const gcr_job *job)
{
    gcr_status status = GCR_OK;

    if (job->axis_count < 0 || job->option_count < 0 || job->summary_count < 0 ||
        job->jitter_count < 0 || job->override_count < 0)
        GCR_FAIL(GCR_EINVAL, "a list of the job has fewer than 0 items");
    if ((job->axis_count > 0 && job->axes == NULL) ||
        (job->option_count > 0 && job->options == NULL) ||
        (job->summary_count > 0 && job->summaries == NULL) ||
        (job->jitter_count > 0 && job->jitter == NULL) ||
        (job->override_count > 0 && job->overrides == NULL))
        GCR_FAIL(GCR_EINVAL, "a list of the job has items and is NULL");
out:
    return status;
}

static gcr_status check_axes(const gcr_job *job)
{
    gcr_status status = GCR_OK;

    for (int a = 0; a < job->axis_count; a++) {
        const gcr_axis_spec *axis = &job->axes[a];

        if (is_empty(axis->name))
            GCR_FAIL(GCR_EINVAL, "axis %d of the grid, counted from 0, has no name", a);
        if ((unsigned)axis->form > GCR_AXIS_LOGSPACE)
            GCR_FAIL(GCR_EINVAL, "axis '%s' has the form %d, which there is not", axis->name,
                     (int)axis->form);
        if (axis->number_count == 0 || axis->numbers == NULL)
            GCR_FAIL(GCR_EINVAL, "axis '%s' has no numbers", axis->name);
    }
out:
    return status;
}

static gcr_status check_options(const gcr_job *job)
{
    gcr_status status = GCR_OK;

    for (int o = 0; o < job->option_count; o++)
        if (is_empty(job->options[o].name) || job->options[o].value == NULL)
            GCR_FAIL(GCR_EINVAL, "option %d, counted from 0, has no name or no value", o);
out:
    return status;
}

/* A quantile needs all values at once. */
static gcr_status check_keep(const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];

    if ((unsigned)job->keep >= GCR_KEEP_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no way %d to keep results", (int)job->keep);
    for (int s = 0; s < job->summary_count && job->keep == GCR_KEEP_SUMMARY; s++)
        if (job->summaries[s].op == GCR_SUMMARY_QUANTILE)
            GCR_FAIL(GCR_EINVAL,
                     "%sthe summary '%s' is a quantile, which needs all outputs, and `keep: "
                     "summary` keeps none: leave it out, or write `keep: all`",
                     gcr_format_mark(at, job->summaries[s].mark), job->summaries[s].name);
out:
    return status;
}

static gcr_status check_summaries(const gcr_job *job)
{
    gcr_status status = GCR_OK;

    for (int s = 0; s < job->summary_count; s++) {
        const gcr_summary_spec *summary = &job->summaries[s];

        if (is_empty(summary->name) || is_empty(summary->output))
            GCR_FAIL(GCR_EINVAL, "summary %d, counted from 0, has no name or no output", s);
        if ((unsigned)summary->op >= GCR_SUMMARY_OP_COUNT)
            GCR_FAIL(GCR_EINVAL, "summary '%s' has the operation %d, which there is not",
                     summary->name, (int)summary->op);
        if (!(summary->q >= 0 && summary->q <= 1))
            GCR_FAIL(GCR_EINVAL, "the q of summary '%s' is not in 0 .. 1", summary->name);
    }
    GCR_TRY(check_keep(job));
    if (job->top < 0)
        GCR_FAIL(GCR_EINVAL, "`top` cannot be %d", job->top);
out:
    return status;
}

static gcr_status check_jitter(const gcr_job *job)
{
    gcr_status status = GCR_OK;
    double least = 0;

    if (job->jitter_count > GCR_JITTER_MAX)
        GCR_FAIL(GCR_EINVAL, "jitter has %d steps; at most %d", job->jitter_count, GCR_JITTER_MAX);
    for (int i = 0; i < job->jitter_count; least = job->jitter[i++])
        if (!(job->jitter[i] > least && isfinite(job->jitter[i])))
            GCR_FAIL(
                GCR_EINVAL,
                "the steps of jitter are positive and finite, each larger than the one before");
out:
    return status;
}

static gcr_status check_way(const gcr_job *job)
{
    gcr_status status = GCR_OK;

    if ((unsigned)job->code_path >= GCR_PATH_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no code path %d", (int)job->code_path);
    if ((unsigned)job->algorithm >= GCR_ALGORITHM_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no algorithm %d", (int)job->algorithm);
    if ((unsigned)job->schedule >= GCR_SCHEDULE_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no schedule %d", (int)job->schedule);
    if ((unsigned)job->gather >= GCR_GATHER_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no gather %d", (int)job->gather);
    if ((unsigned)job->precision >= GCR_SCALAR_COUNT)
        GCR_FAIL(GCR_EINVAL, "there is no precision %d", (int)job->precision);
    if (job->threads < 0 || job->threads > GCR_THREADS_MAX)
        GCR_FAIL(GCR_EINVAL, "a run has 1 to %d threads, or 0 for automatic, not %d",
                 GCR_THREADS_MAX, job->threads);
    if (job->batch > INT64_MAX)
        GCR_FAIL(GCR_EINVAL, "a batch has fewer than 2^63 cells");
    if (!(job->max_seconds >= 0))
        GCR_FAIL(GCR_EINVAL, "max_seconds is 0 (no limit) or more");
    if (!(job->kernel_seconds >= 0))
        GCR_FAIL(GCR_EINVAL, "kernel_seconds is 0 (no limit) or more");
    GCR_TRY(check_jitter(job));
out:
    return status;
}

/* What loads datasets has standardised them; whoever borrows them must have seen to it. */
static gcr_status check_standardized(const gcr_job *job, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];

    if ((job->data.standardize & ~datasets->standardized) != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%sthe job has `standardize`, and these datasets have not been: call "
                 "gcr_datasets_standardize(), or leave it out of the job",
                 gcr_format_mark(at, job->data.mark));
out:
    return status;
}

gcr_status gcr_run_spec_check(const gcr_run_spec *spec)
{
    gcr_status status = GCR_OK;
    const gcr_job *job;

    if (spec == NULL || spec->job == NULL || spec->datasets == NULL)
        GCR_FAIL(GCR_EINVAL, "a run needs a job and datasets, and one of them is NULL");
    job = spec->job;
    if (is_empty(job->kernel))
        GCR_FAIL(GCR_EINVAL, "the job names no kernel");
    GCR_TRY(check_lists(job));
    GCR_TRY(check_axes(job));
    GCR_TRY(check_options(job));
    GCR_TRY(check_summaries(job));
    GCR_TRY(check_way(job));
    GCR_TRY(check_standardized(job, spec->datasets));
out:
    return status;
}
