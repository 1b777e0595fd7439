/*
 * exec/spread.h -- datasets with which the GPUs of several ranks begin: each rank uploads a part of
 * them and has the others over the bridge (spread_line.h), before the first batch.
 *
 * Which they are is decided when the run is created. A rank begins with the datasets of the block
 * that its schedule gives it; what it steals later it uploads by itself. A dataset with which k of
 * R ranks begin keeps their buses busy for k / R of the time in which all upload it: it is spread
 * if the bridge is faster than that. Both are timed, with what is to be spread as a measure; where
 * the job asks for the bridge they are not, and two ranks are enough.
 *
 * What fails while it is tried is a reason, and no failure: then each rank uploads for itself.
 */
#ifndef GCR_EXEC_SPREAD_H
#define GCR_EXEC_SPREAD_H

#include "exec/gather_way.h"

#include <stdint.h>

struct gcr_residency;
struct gcr_run;

typedef struct gcr_spread {
    uint64_t *datasets; /* [count] in the order of the plan; the same on all ranks */
    uint64_t count, bytes;
    int has_failed;                   /* while the run began                                 */
    char text[GCR_GATHER_TEXT_BYTES]; /* which, and why; "": there is nothing to be said of it */
} gcr_spread;

void gcr_spread_clear(gcr_spread *spread);

/* None is spread, and why. */
void gcr_spread_call_off(gcr_spread *spread, const char *why);

/* ---- which datasets (spread_choice.c) -------------------------------------------------------- */

/* A dataset that may be spread. */
typedef struct gcr_spread_dataset {
    uint64_t dataset, place; /* of the plan */
    uint64_t up_bytes, device_bytes;
    int ranks; /* that begin with it */
} gcr_spread_dataset;

typedef struct gcr_spread_facts {
    const gcr_spread_dataset *datasets; /* [count] in the order of the plan */
    uint64_t count;
    uint64_t budget_bytes; /* of the GPU that has least of it; 0: no limit */
    int ranks;
    const char *bridge;           /* what it is made of */
    double by_uploads, by_bridge; /* bytes per second into each GPU, all at once; 0: not timed */
    char obstacle[GCR_ATTEMPT_WHY_BYTES]; /* why none can be spread; "": nothing is in the way */
} gcr_spread_facts;

/* GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_spread_choose(gcr_spread *out, const gcr_spread_facts *facts);

/* ---- finding out (spread_trial.c) ------------------------------------------------------------ */

enum { GCR_SPREAD_DATASET_BYTES_LEAST = 1 << 20 };

/* *Collective*, of a run that has a bridge and its plan: fills in run->spread. *out: whether the
 * bridge broke over it. With less than bytes_least to be spread none is, where the job leaves it
 * open. GCR_ENOMEM, and what messages between ranks fail with. */
GCR_MUST_CHECK gcr_status gcr_spread_decide(gcr_verdict *out, struct gcr_run *run,
                                            uint64_t bytes_least);

/* ---- doing it (spread.c) --------------------------------------------------------------------- */

/* *Collective*, before the first batch: places what was chosen, on the device of the bridge. *out
 * as above; what has not come is not there. */
GCR_MUST_CHECK gcr_status gcr_spread_run(gcr_verdict *out, struct gcr_run *run,
                                         struct gcr_residency *residency);

#endif /* GCR_EXEC_SPREAD_H */
