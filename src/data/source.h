/*
 * data/source.h -- loads the datasets that a job names.
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
 *   - by name, else: arrays that stand in one group, "a/X" and "a/y", are the dataset a; those in no
 *     group are called by the file's stem. x is X and y is y unless the job names others.
 * One job has tables of text or arrays, not both.
 */
#ifndef GCR_DATA_SOURCE_H
#define GCR_DATA_SOURCE_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/job.h"

/*
 * Reads all sources of `job`, groups rows into datasets, drops rows with missing values, and
 * standardises where asked; or makes its synthetic datasets. The caller clears *out; on failure it
 * is zeroed.
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
 * GCR_EUNREADABLE, GCR_ENOMEM, GCR_EOVERFLOW. Of arrays: GCR_EFORMAT for what is damaged, or of a type
 * or shape that is no table of numbers; GCR_EINVAL for a column that is not there and words that
 * speak of text.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_load(gcr_datasets *out, const gcr_job *job);

#endif /* GCR_DATA_SOURCE_H */
