/* exec/start.c -- a run on a thread of its own: a pool of one, which waits as pools do. */
#include "base/check.h"
#include "exec/nesting.h"
#include "exec/run_private.h"

#include <stdio.h>

static void execute(void *arg, int worker)
{
    gcr_run *run = arg;

    (void)worker;
    run->end.status = gcr_run_execute(run);
    if (run->end.status != GCR_OK)
        snprintf(run->end.sentence, sizeof run->end.sentence, "%s", gcr_last_error());
}

gcr_status gcr_run_start(gcr_run *run)
{
    gcr_status status = GCR_OK;

    if (gcr_nesting_is_inside())
        GCR_FAIL(GCR_ENESTED, "a run cannot be started from inside a run, in a cell or a callback");
    if (run->starter != NULL || atomic_load(&run->phase) != GCR_PHASE_PLANNED)
        GCR_FAIL(GCR_EINVAL, "this run has been executed already");
    GCR_TRY(gcr_pool_create(&run->starter, 1));
    gcr_pool_start(run->starter, execute, run);
out:
    return status;
}

gcr_status gcr_run_finish(gcr_run *run, double seconds)
{
    gcr_status status = GCR_OK;

    if (gcr_nesting_is_inside())
        GCR_FAIL(GCR_ENESTED, "the end of a run cannot be waited for from inside a run");
    if (run->starter == NULL)
        GCR_FAIL(GCR_EINVAL, "this run has not been started");
    if (!gcr_pool_wait(run->starter, seconds))
        GCR_FAIL(GCR_ETIMEOUT, "the run has not ended yet, after %.3g s", seconds);
    if (run->end.status != GCR_OK)
        GCR_FAIL(run->end.status, "%s", run->end.sentence);
out:
    return status;
}
