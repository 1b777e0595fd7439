/*
 * exec/split.h -- which cells are whose, where devices of several kinds compute a job.
 *
 * The kind decides a cell's bits. So that a job has the same bits on the same machine, cells are
 * dealt to kinds before anything runs, from what the job, the data and the devices are and never
 * from how fast something went:
 *
 *     rate of a kind    sum over its devices of units * unit_flops[scalar] (gcr_device_info)
 *     share of a kind   its rate / the sum of all rates
 *
 * The unit of a rate is the operation that kernels declare (gcr_binding_cost()). Cells stand in the
 * order of the plan; the fastest kind has the front, where cells are dearest, the next one what
 * follows, and so on. A cut is moved to the nearest end of a dataset where that costs neither side
 * a tenth of its share: a dataset that two kinds compute goes up twice. Inside a dataset it is
 * moved to the nearest block of points (gridcrunch/partial.h) where there are enough of them, so
 * that it is the same one whether cells are kept or only added to summaries: plan_run.c.
 *
 * Transfers, launches and how well a kernel fits a device are not in the model. It is for a
 * machine's devices to end at about the same time, and for nothing else.
 */
#ifndef GCR_EXEC_SPLIT_H
#define GCR_EXEC_SPLIT_H

#include "backend/backend.h"
#include "exec/crew.h"
#include "exec/schedule.h"

#include "gridcrunch/plan.h"

/* Operations per second of a device of which so many units are used: > 0. */
double gcr_split_rate(const gcr_device_info *info, gcr_scalar scalar, int units);

/* True where so many operations are over before other devices have been started. */
int gcr_split_is_small(double flops, double rate);

/* True where a device of that rate is not worth a kind of its own beside the others. */
int gcr_split_is_slow(double rate, double total);

/* Deals all positions of a plan (schedule.h), so many for each of its datasets, to `count` <=
 * GCR_CREW_KINDS_MAX kinds by their rates. */
void gcr_split_positions(gcr_span *out, const double *rates, int count, const gcr_plan *plan,
                         uint64_t dataset_count, uint64_t positions);

#endif /* GCR_EXEC_SPLIT_H */
