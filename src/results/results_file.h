/* results/results_file.h -- an open results.h5, as results_read.c fills it in. */
#ifndef GCR_RESULTS_RESULTS_FILE_H
#define GCR_RESULTS_RESULTS_FILE_H

#include "results/h5_read.h"

#include "gridcrunch/kernel.h"
#include "gridcrunch/results.h"

/* A summary, or `top`, as it stands in the file. */
typedef struct gcr_results_column {
    double *value;    /* [count] */
    int64_t *point;   /* [count], or NULL */
    int64_t *skipped; /* [count], or NULL */
} gcr_results_column;

struct gcr_results_file {
    char *path;
    int keeps_cells;      /* else there are: */
    int64_t *counts;      /* [datasets][GCR_CELL_STATE_COUNT] */
    int64_t *failures[3]; /* [datasets][GCR_PARTIAL_FAILURES] points, -1: none; states, details */
    gcr_h5_source source;
    gcr_point_table points;
    gcr_h5_texts keys;
    gcr_h5_texts outputs;
    int64_t width[GCR_OUTPUTS_MAX];
    char *kernel;
    gcr_h5_texts job; /* one text */
    gcr_fact *facts;  /* [fact_count] */
    int fact_count;
    gcr_h5_texts skipped_keys, skipped_reasons, faults;
    gcr_h5_texts summaries, summary_texts;
    gcr_results_column *columns; /* [summaries.count] */
    gcr_results_column top;
    int top_count, top_of;
    int kind_count; /* 1, or as many as the facts name */
};

#endif /* GCR_RESULTS_RESULTS_FILE_H */
