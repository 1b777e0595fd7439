/*
 * gridcrunch/gridcrunch.h -- all of the library.
 *
 *     status.h    how it says that something went wrong
 *     job.h       what is to be done: from a file, from text, or filled in
 *     dataset.h   on what: from the job's sources, or borrowed from the program's memory
 *     run.h       does it; plan.h, ledger.h: what that takes and took
 *     ranks.h     several processes that do it together
 *     spawn.h     calls from one of these on another
 *     results.h   what comes out, in memory and as files; cell.h, grid.h: where a number belongs
 *     kchan.h     a channel for what a program gathers by key itself
 *     kernel_description.h  what a kernel takes and gives;
 *                 kernel.h, for kernel files alone, is not among them
 *
 * Handles are made by create or open and given back by destroy or close, which accept NULL. A
 * function that can fail returns a gcr_status, and on failure there is a sentence for a person in
 * gcr_last_error(), kept for each thread. The library never prints, never ends the process,
 * installs no signal handler and has no state that a program could see, but for what status.h says.
 *
 * Arguments: an address that a function takes is not NULL unless its comment allows that.
 */
#ifndef GRIDCRUNCH_H
#define GRIDCRUNCH_H

#include "gridcrunch/cell.h"
#include "gridcrunch/dataset.h"
#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"
#include "gridcrunch/kchan.h"
#include "gridcrunch/kernel_description.h"
#include "gridcrunch/ledger.h"
#include "gridcrunch/plan.h"
#include "gridcrunch/ranks.h"
#include "gridcrunch/results.h"
#include "gridcrunch/run.h"
#include "gridcrunch/spawn.h"
#include "gridcrunch/status.h"

#endif /* GRIDCRUNCH_H */
