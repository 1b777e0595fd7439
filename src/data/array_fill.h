/* data/array_fill.h -- the numbers of arrays go from the file to the columns they are for. */
#ifndef GCR_DATA_ARRAY_FILL_H
#define GCR_DATA_ARRAY_FILL_H

#include "data/array_file.h"

/* Reads all numbers of all arrays to where gcr_array.to says; *has_nan is set if one that goes
 * anywhere is NaN. Integers beyond 2^53 are rounded, as they are when they stand in a table of
 * text. GCR_EFORMAT, GCR_EUNREADABLE, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_array_file_fill(gcr_array_file *file, int *has_nan);

#endif /* GCR_DATA_ARRAY_FILL_H */
