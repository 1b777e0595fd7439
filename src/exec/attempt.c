/* exec/attempt.c -- see attempt.h. */
#include "exec/attempt.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>

enum { TRIALS = 2 }; /* that count, after one that does not */

/* What a rank says. */
typedef struct answer {
    gcr_verdict verdict;
    double seconds;
} answer;

/* The first rank that failed; one that only waited for others in vain comes last. -1: none. */
static int find_failure(const answer *all, int size)
{
    int found = -1;

    for (int r = 0; r < size; r++)
        if (all[r].verdict.status != GCR_OK && all[r].verdict.status != GCR_ETIMEOUT)
            return r;
        else if (all[r].verdict.status != GCR_OK && found < 0)
            found = r;
    return found;
}

/* *Collective*. *seconds is this rank's, and then the slowest's. */
static gcr_status hear(double *seconds, gcr_verdict *out, gcr_comm *comm, gcr_status mine)
{
    gcr_status status = GCR_OK;
    const int size = gcr_comm_info_of(comm)->size;
    answer said = { .verdict.status = mine, .seconds = *seconds }, *all = NULL;
    int failed;

    if (mine != GCR_OK)
        snprintf(said.verdict.why, sizeof said.verdict.why, "%s", gcr_last_error());
    *out = (gcr_verdict){ .status = GCR_OK };
    GCR_TRY(gcr_comm_gather_new((void **)&all, comm, &said, sizeof said, "an answer"));
    failed = find_failure(all, size);
    if (failed >= 0)
        *out = all[failed].verdict;
    for (int r = 0; r < size; r++)
        *seconds = all[r].seconds > *seconds ? all[r].seconds : *seconds;
out:
    gcr_memory_destroy(all);
    return status;
}

gcr_status gcr_attempt_hear(gcr_verdict *out, gcr_comm *comm, gcr_status mine)
{
    double none = 0;

    return hear(&none, out, comm, mine);
}

gcr_status gcr_attempt_time(double *seconds_out, gcr_verdict *out, gcr_comm *comm,
                            gcr_status (*attempt)(void *arg), void *arg)
{
    gcr_status status = GCR_OK;

    *seconds_out = 0;
    for (int i = 0; i <= TRIALS; i++) {
        const double begin = gcr_clock_seconds();
        const gcr_status mine = attempt(arg);
        double seconds = gcr_clock_seconds() - begin;

        GCR_TRY(hear(&seconds, out, comm, mine));
        if (out->status != GCR_OK) {
            *seconds_out = 0;
            break;
        }
        if (i > 0 && (*seconds_out <= 0 || seconds < *seconds_out))
            *seconds_out = seconds;
    }
out:
    return status;
}
