/*
 * gridcrunch/dataset.h -- datasets in memory: tables of numbers with a name.
 *
 * Sizes may differ from dataset to dataset and may be as small as one row. Rows with a missing
 * value have been dropped and counted. A dataset that had no complete row is not in the list of
 * datasets but in the list of skipped ones, by name: that is an outcome, not an error.
 */
#ifndef GCR_DATASET_H
#define GCR_DATASET_H

#include "gridcrunch/job.h"

#include <stdint.h>

GCR_API_BEGIN

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
    struct gcr_recipe
        *recipe;   /* gridcrunch/recipe.h: of numbers that were made and could be made */
                   /* again, and standardised as it says here; NULL: others         */
    int borrows_x; /* x is the program's: never written, never freed     */
    int borrows_y; /* the same for y                                     */
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

/*
 * Loads the datasets that a job names: reads all its sources, groups rows into datasets, drops rows
 * with missing values, and standardises where asked; or makes its synthetic datasets. The caller
 * clears *out; on failure it is zeroed.
 *
 * Long and wide are words of the job; `layout: auto` is decided by the first file, for all of them:
 *   - long where the job names y or columns of x (a wide table has neither),
 *   - else wide where x is by position,
 *   - else wide where most headers beside the key and the skipped ones are numbers (dates, where x
 *     has a date format): years over columns are a wide table; else long.
 * A matrix is a long table that has no y, by the job's own word.
 *
 * Files of arrays (.npy, .npz, .h5, .hdf5) have rows and columns without headers:
 *   - by column, where the job tells columns by number, or says nothing and there are no arrays
 *     called X or y: each array is a dataset. Its last column is y and the others are x unless the
 *     job says otherwise; a single column is y over its position. The key is the array's path, or
 *     the file's stem (.npy).
 *   - by name, else: arrays that stand in one group, "a/X" and "a/y", are the dataset a; those in
 *     no group are called by the file's stem. x is X and y is y unless the job names others.
 * One job has tables of text or arrays, not both.
 *
 * Order: as the files sort (glob) and as keys first appear in them; rows as in the file. In a wide
 * table without a key the key is the row's number, counted on from file to file. The feature of a
 * wide table is called x and its values y. Dates are days since 1970-01-01.
 *
 * Missing is the empty cell, NA, NaN in any spelling, and the job's own words, compared as text. A
 * row with a missing value that is needed is dropped and counted (in a wide table: a cell).
 * Infinity is a number and stays.
 *
 * Sentences name file, line and field of the table: "co2.csv:33:2: 'abc' is not a number (column
 * 'co2')". GCR_EFORMAT: a ragged row, text where a number belongs, a file that is not text, an
 * unterminated quote, a header that is no x. GCR_EINVAL: no such column, a wide table with a
 * duplicate key, no dataset at all, a pattern that matches nothing, words of the other layout.
 * GCR_EUNREADABLE, GCR_ENOMEM, GCR_EOVERFLOW. Of arrays: GCR_EFORMAT for what is damaged, or of a
 * type or shape that is no table of numbers; GCR_EINVAL for a column that is not there and words
 * that speak of text.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_load(gcr_datasets *out, const gcr_job *job);

/* A table of numbers in the memory of a program. */
typedef struct gcr_borrowed {
    const char *key; /* the dataset's name: not empty, not another table's; copied */
    int64_t rows;    /* > 0                                                        */
    const double
        *x; /* [features][rows]: the value of row i, feature f is x[i + f * rows]; NULL where
                        there are no features */
    const double *y; /* [rows]; NULL: no table has one */
} gcr_borrowed;

typedef struct gcr_borrow_spec {
    const gcr_borrowed *items;        /* [count] */
    uint64_t count;                   /* > 0     */
    int64_t features;                 /* of each; 0: none */
    const char *const *feature_names; /* [features] copied; NULL: x, or x1, x2 ... */
    const char *y_name;               /* copied; NULL: y */
} gcr_borrow_spec;

/*
 * Datasets whose numbers stay where they are, in the order of the tables; nothing but names is
 * copied. x and y must stay there, unchanged, until the datasets are cleared and the runs made from
 * them destroyed; `spec` and its arrays are borrowed for the call. Nothing is written to x and y.
 * The caller clears *out; on failure it is zeroed.
 *
 * A row of borrowed data cannot be dropped, so a missing value (NaN) is refused, with its place.
 * Infinity is a number and stays. What a job says of standardising is not done here: see below.
 * GCR_EINVAL: no table, no or no new key, no rows, no x where there are features, a y here and none
 * there, a NaN. GCR_EOVERFLOW: more numbers than 63 bits can count the bytes of. GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_borrow(gcr_datasets *out, const gcr_borrow_spec *spec);

/*
 * Standardises `which` (GCR_STANDARDIZE_* or-ed) of every dataset by its own mean and standard
 * deviation (of n, not n - 1) and records both, as scikit-learn's StandardScaler does; of borrowed
 * numbers it makes a copy first. gcr_datasets_load() does what the job asks for by itself. A column
 * that is constant up to rounding is divided by 1; one whose moments are not finite (it holds an
 * infinity, or its squares overflow) is left as it is, with mean 0 and scale 1.
 * GCR_EINVAL: there is no y, or that has been done already. GCR_ENOMEM. On failure no number has
 * changed, and it can be asked for again.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_standardize(gcr_datasets *datasets, int which);

/* Frees what is inside and zeroes it. NULL and a zeroed struct are allowed. */
void gcr_datasets_clear(gcr_datasets *datasets);

/* Bytes of x and y of one dataset. */
uint64_t gcr_dataset_bytes(const gcr_dataset *dataset);

GCR_API_END

#endif /* GCR_DATASET_H */
