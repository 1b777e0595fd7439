/* results/results_write.c -- both files of a run, or neither. */
#include "gridcrunch/results.h"

#include "base/check.h"
#include "results/aside.h"
#include "results/h5_check.h"
#include "results/layout.h"
#include "results/outcome.h"
#include "results/results_files.h"

/* Nothing is written that would not be whole. */
static gcr_status check_whole(const gcr_results *results)
{
    gcr_status status = GCR_OK;

    if (results->slots == NULL)
        GCR_FAIL(GCR_EINVAL,
                 "there are no results to write: the run has not ended, or failed early");
    for (uint64_t d = 0; results->gate != NULL && d < results->datasets->count; d++)
        if (gcr_gate_is_taken(results->gate, d))
            GCR_FAIL(GCR_ETAKEN, "results files need every dataset, and '%s' has been taken",
                     results->datasets->items[d].key);
out:
    return status;
}

gcr_status gcr_results_write(const gcr_results *results, const char *folder, unsigned flags)
{
    gcr_status status = GCR_OK;
    const int syncs = (flags & GCR_WRITE_UNSYNCED) == 0;
    gcr_aside h5 = { 0 }, csv = { 0 };
    gcr_h5_turn turn;

    gcr_h5_turn_begin(&turn);
    GCR_TRY(check_whole(results));
    GCR_TRY(gcr_aside_open(&h5, folder, GCR_RESULTS_H5));
    GCR_TRY(gcr_aside_open(&csv, folder, GCR_RESULTS_CSV));
    GCR_TRY(gcr_results_write_h5(results, h5.fd, h5.path));
    GCR_TRY(gcr_results_write_csv(results, csv.fd, csv.path));
    GCR_TRY(gcr_aside_finish(&h5, syncs));
    GCR_TRY(gcr_aside_finish(&csv, syncs));
    GCR_TRY(gcr_aside_publish(&h5)); /* all bytes of both are there: nothing is left to fail */
    GCR_TRY(gcr_aside_publish(&csv));
    if (syncs)
        GCR_TRY(gcr_folder_sync(folder));
out:
    gcr_aside_close(&csv);
    gcr_aside_close(&h5);
    gcr_h5_turn_end(&turn);
    return status;
}

void gcr_results_sweep(const char *folder)
{
    gcr_aside_sweep(folder, GCR_RESULTS_H5);
    gcr_aside_sweep(folder, GCR_RESULTS_CSV);
}
