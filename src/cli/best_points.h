/*
 * cli/best_points.h -- the best points of a finished run, and whether the grid was wide enough.
 */
#ifndef GCR_CLI_BEST_POINTS_H
#define GCR_CLI_BEST_POINTS_H

#include "cli/sheet.h"

#include "gridcrunch/results.h"

/* The summary called `name` if it is an argmax or argmin, or with NULL the first that is one; -1:
 * there is none. GCR_ENOENT: `name` is not one of them. */
GCR_MUST_CHECK gcr_status gcr_best_find(int *out, const gcr_results_file *file, const char *name);

/* True of an argmax or argmin. */
int gcr_best_is_ranking(const gcr_results_file *file, int summary);

typedef struct gcr_best_spec {
    int summary;    /* whose best points; -1: none, only values of summaries   */
    int top;        /* points per dataset; > 1 only as many as the run has kept */
    uint64_t limit; /* datasets; 0: all                                         */
} gcr_best_spec;

/* Fills `sheet`: dataset, the best value, where it is, and the values of the other summaries.
 * GCR_EINVAL: the run has not kept so many points. */
GCR_MUST_CHECK gcr_status gcr_best_put(gcr_sheet *sheet, const gcr_results_file *file,
                                       const gcr_best_spec *spec);

/* In how many datasets the best point lies at the first (low) or last (high) value of each axis. */
typedef struct gcr_edges {
    uint64_t datasets; /* that have a best point */
    uint64_t low[GCR_AXES_MAX], high[GCR_AXES_MAX];
} gcr_edges;

gcr_edges gcr_best_edges(const gcr_results_file *file, int summary);

/* An axis of one or two values is nothing but edges, and that says nothing. */
static inline int gcr_edges_count(const gcr_axis *axis)
{
    return axis->count > 2;
}

/* "on the edge of lengthscale in 12 of 210 datasets (8 low, 4 high), of noise in 3 (3 low)".
 * Returns `out`. */
const char *gcr_edges_text(char *out, size_t bytes, const gcr_edges *edges,
                           const gcr_point_table *points);

#endif /* GCR_CLI_BEST_POINTS_H */
