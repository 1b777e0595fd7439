/* bench/work.c -- one run after another of a job in memory. */
#include "work.h"

#include "base/check.h"
#include "base/memory.h"

#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

gcr_status bench_work_open(bench_work *out, const char *path, const char *text)
{
    gcr_status status = GCR_OK;

    *out = (bench_work){ 0 };
    if (text != NULL)
        GCR_TRY(gcr_job_parse(&out->job, path, text, NULL, 0));
    else
        GCR_TRY(gcr_job_load(&out->job, path, NULL, 0));
    GCR_TRY(gcr_datasets_load(&out->datasets, &out->job));
out:
    return status;
}

void bench_work_close(bench_work *work)
{
    gcr_run_destroy(work->run);
    gcr_datasets_clear(&work->datasets);
    gcr_job_clear(&work->job);
    work->run = NULL;
}

static gcr_status check_complete(const gcr_run *run)
{
    gcr_status status = GCR_OK;
    const uint64_t live = gcr_plan_live_count(gcr_run_plan(run));
    uint64_t counts[GCR_CELL_STATE_COUNT];

    gcr_run_count(run, counts);
    if (counts[GCR_CELL_OK] != live)
        GCR_FAIL(GCR_EDEVICE, "only %" PRIu64 " of %" PRIu64 " cells have a result",
                 counts[GCR_CELL_OK], live);
out:
    return status;
}

gcr_status bench_work_try(bench_work *work)
{
    gcr_status status = GCR_OK;

    gcr_run_destroy(work->run);
    GCR_TRY(gcr_run_create(&work->run,
                           &(gcr_run_spec){ .job = &work->job, .datasets = &work->datasets }));
    GCR_TRY(gcr_run_execute(work->run));
out:
    return status;
}

gcr_status bench_work_execute(bench_work *work)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_work_try(work));
    GCR_TRY(check_complete(work->run));
out:
    return status;
}

gcr_status bench_work_write(bench_work *work, const char *folder, int syncs)
{
    return gcr_results_write(gcr_run_results(work->run), folder, syncs ? 0 : GCR_WRITE_UNSYNCED);
}

static gcr_status compare(const double *ours, const double *theirs, uint64_t count, const char *who)
{
    gcr_status status = GCR_OK;

    for (uint64_t i = 0; i < count; i++)
        if (!(fabs(ours[i] - theirs[i]) <= 1e-8 * fmax(1, fabs(ours[i]))))
            GCR_FAIL(GCR_EDEVICE, "%s: cell %" PRIu64 " is %.17g, ours %.17g", who, i, theirs[i],
                     ours[i]);
out:
    return status;
}

gcr_status bench_work_compare(const bench_work *work, const char *path, const char *who)
{
    gcr_status status = GCR_OK;
    const uint64_t count = work->datasets.count * gcr_run_points(work->run)->point_count;
    double *theirs = NULL;
    FILE *file = fopen(path, "rb");
    uint64_t found;

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "%s left no results", who);
    GCR_TRY(
        gcr_memory_create((void **)&theirs, count + 1, sizeof *theirs, "results to compare with"));
    found = fread(theirs, sizeof *theirs, count + 1, file);
    if (found != count)
        GCR_FAIL(GCR_EDEVICE, "%s left %" PRIu64 " results, not %" PRIu64, who, found, count);
    GCR_TRY(compare(gcr_run_slots(work->run)->values[0], theirs, count, who));
out:
    if (file != NULL)
        fclose(file);
    gcr_memory_destroy(theirs);
    return status;
}
