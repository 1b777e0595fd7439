/*
 * exec/workload.h -- what cells will have cost in truth, for simulations: nothing is computed.
 *
 * A cell takes the seconds of its dataset times a factor of its own that no scheduler is told. In
 * words:
 *
 *     declared            the factor is 1: the kernel's cost is the truth
 *     pareto:ALPHA[:SEED] at least 1, above x with probability x^-ALPHA: a few cells cost very much
 *     1,1,1,10            point p of each dataset has factor number p, and so on from the first
 *                         again
 */
#ifndef GCR_EXEC_WORKLOAD_H
#define GCR_EXEC_WORKLOAD_H

#include "exec/costs.h"

typedef struct gcr_workload gcr_workload;

enum { GCR_WORKLOAD_DRAWN_MAX = 1 << 24 }; /* cells whose factors are drawn, at most */

/* `positions` points of each of so many datasets, of which a cell takes cell_seconds[place] > 0.
 * `form` is one of the words above. GCR_EINVAL: it is not, or there are more cells than factors are
 * drawn for. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_workload_create(gcr_workload **out, const char *form,
                                              const double *cell_seconds, uint64_t datasets,
                                              uint64_t positions);
void gcr_workload_destroy(gcr_workload *workload);

/* Of one worker, for the cells of a span. */
double gcr_workload_seconds(const gcr_workload *workload, gcr_span span);

/* Of one worker for all cells, and of the longest cell. */
double gcr_workload_total(const gcr_workload *workload);
double gcr_workload_longest(const gcr_workload *workload);

uint64_t gcr_workload_datasets(const gcr_workload *workload);
uint64_t gcr_workload_positions(const gcr_workload *workload);

#endif /* GCR_EXEC_WORKLOAD_H */
