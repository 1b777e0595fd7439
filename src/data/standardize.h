/* data/standardize.h -- columns with mean 0 and standard deviation 1. */
#ifndef GCR_DATA_STANDARDIZE_H
#define GCR_DATA_STANDARDIZE_H

#include "gridcrunch/dataset.h"

/*
 * Standardises `which` (GCR_STANDARDIZE_* or-ed) of every dataset by its own mean and standard
 * deviation (of n, not n - 1) and records both, as scikit-learn's StandardScaler does. A column
 * that is constant up to rounding is divided by 1; one whose moments are not finite (it holds an
 * infinity, or its squares overflow) is left as it is, with mean 0 and scale 1. GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_standardize(gcr_datasets *datasets, int which);

#endif /* GCR_DATA_STANDARDIZE_H */
