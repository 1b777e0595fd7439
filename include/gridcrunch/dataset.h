/*
 * gridcrunch/dataset.h -- datasets in memory: tables of numbers with a name.
 *
 * Sizes may differ from dataset to dataset and may be as small as one row. Rows with a missing
 * value have been dropped and counted. A dataset that had no complete row is not in the list of
 * datasets but in the list of skipped ones, by name: that is an outcome, not an error.
 */
#ifndef GCR_DATASET_H
#define GCR_DATASET_H

#include "gridcrunch/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcr_dataset {
    char *key;
    int64_t rows, features;
    double *x;        /* [features][rows], by feature; NULL if there are no features */
    double *y;        /* [rows]; NULL if there is none                               */
    uint64_t dropped; /* rows left out because a value was missing                   */
    double *x_mean;   /* [features] what was subtracted and divided by; NULL where x */
    double *x_scale;  /*            was not standardised                             */
    double y_mean;    /* the same for y; 0 and 1 where it was not                    */
    double y_scale;
    uint32_t identity[4]; /* made from `key` alone; random numbers depend on it */
} gcr_dataset;

typedef struct gcr_skipped {
    char *key;
    char *reason; /* "no value in any of 54 rows" */
} gcr_skipped;

typedef struct gcr_datasets {
    gcr_dataset *items; /* [count] in the order of the source */
    uint64_t count;
    gcr_skipped *skipped; /* [skipped_count] */
    uint64_t skipped_count;
    char **features; /* [feature_count] their names; the same for all datasets, NULL if none */
    int64_t feature_count;
    char *y_name;     /* NULL if there is no y */
    int standardized; /* GCR_STANDARDIZE_* of job.h, or-ed */
} gcr_datasets;

/* Frees what is inside and zeroes it. NULL and a zeroed struct are allowed. */
void gcr_datasets_clear(gcr_datasets *datasets);

/* Bytes of x and y of one dataset. */
uint64_t gcr_dataset_bytes(const gcr_dataset *dataset);

#ifdef __cplusplus
}
#endif

#endif /* GCR_DATASET_H */
