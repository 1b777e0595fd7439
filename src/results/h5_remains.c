/*
 * results/h5_remains.c -- results.h5 of a run whose cells were not kept: how many of each dataset
 * ended in which state, and the first that failed.
 */
#include "results/h5_writer.h"

#include "results/layout.h"

#include <stdlib.h>

/* Writes `values` as NAME(dataset, SCALE). */
static gcr_status write_table(gcr_h5_writer *w, const char *name, const char *help, int scale,
                              const int64_t *values)
{
    const gcr_h5_array array = { .name = name,
                                 .help = help,
                                 .type = GCR_H5_INT64,
                                 .rank = 2,
                                 .dims = { GCR_H5_DATASET, scale } };

    return gcr_h5_array_add(&w->root, &array, values, NULL);
}

static gcr_status write_counts(gcr_h5_writer *w, int64_t *values)
{
    gcr_status status = GCR_OK;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    int scale;

    for (uint64_t d = 0; d < w->results->datasets->count; d++) {
        gcr_summaries_count(w->results->summaries, d, counts);
        for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
            values[d * GCR_CELL_STATE_COUNT + (uint64_t)s] = (int64_t)counts[s];
    }
    GCR_TRY(gcr_h5_write_index(w, &scale, "state", 0, GCR_CELL_STATE_COUNT));
    GCR_TRY(gcr_h5_write_flags(w, w->root.scales[scale].id));
    GCR_TRY(write_table(w, GCR_H5_STATE_COUNT, "how many cells have each state", scale, values));
out:
    return status;
}

/* What of a failed cell stands in which array. */
static int64_t part_of(const gcr_failed_cell *cell, int part)
{
    switch (part) {
    case 0: return (int64_t)cell->point;
    case 1: return cell->state;
    default: return cell->detail;
    }
}

static gcr_status write_failures(gcr_h5_writer *w, int64_t *values)
{
    static const struct {
        const char *name, *help;
    } parts[] = {
        { GCR_H5_FAILED_POINT, "number of the point, the last axis fastest; -1: none" },
        { GCR_H5_FAILED_STATE, "what became of the cell" },
        { GCR_H5_FAILED_DETAIL, "the minor that is not positive, or the kernel's fault, from 1" },
    };
    gcr_status status = GCR_OK;
    const gcr_failed_cell *cells;
    int scale;

    GCR_TRY(gcr_h5_write_index(w, &scale, "failure", 1, GCR_PARTIAL_FAILURES));
    for (int part = 0; part < 3; part++) {
        for (uint64_t d = 0; d < w->results->datasets->count; d++) {
            const int count = gcr_summaries_failed(w->results->summaries, d, &cells);
            int64_t *row = values + d * GCR_PARTIAL_FAILURES;

            for (int f = 0; f < GCR_PARTIAL_FAILURES; f++)
                row[f] = f < count ? part_of(&cells[f], part) : part == 0 ? -1 : 0;
        }
        GCR_TRY(write_table(w, parts[part].name, parts[part].help, scale, values));
    }
out:
    return status;
}

gcr_status gcr_h5_write_remains(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    int64_t *values = NULL;

    values = calloc(w->results->datasets->count + 1, GCR_CELL_STATE_COUNT * sizeof *values);
    if (values == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the states in results.h5");
    GCR_TRY(write_counts(w, values));
    GCR_TRY(write_failures(w, values));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    free(values);
    return status;
}
