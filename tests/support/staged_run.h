/* tests/support/staged_run.h -- a run from the text of its job file, with all that it borrows. */
#ifndef STAGED_RUN_H
#define STAGED_RUN_H

#include "support/gcr_test.h"

#include "gridcrunch/run.h"

typedef struct staged_run {
    gcr_job job;
    gcr_datasets datasets;
} staged_run;

/* Creates a run of what it puts into `staged`; on_dataset is called with `arg`. */
static inline gcr_run *
staged_run_open(staged_run *staged, const char *text,
                void (*on_dataset)(void *arg, gcr_run *run, uint64_t dataset), void *arg)
{
    const gcr_run_spec spec = {
        .job = &staged->job, .datasets = &staged->datasets, .on_dataset = on_dataset, .arg = arg
    };
    gcr_run *run = NULL;

    assert_ok(gcr_job_parse(&staged->job, "staged.yaml", text, NULL, 0));
    assert_ok(gcr_datasets_load(&staged->datasets, &staged->job));
    assert_ok(gcr_run_create(&run, &spec));
    return run;
}

static inline void staged_run_close(staged_run *staged, gcr_run *run)
{
    gcr_run_destroy(run);
    gcr_datasets_clear(&staged->datasets);
    gcr_job_clear(&staged->job);
}

#endif /* STAGED_RUN_H */
