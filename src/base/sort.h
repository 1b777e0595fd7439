/*
 * base/sort.h -- numbers in ascending order.
 */
#ifndef GCR_BASE_SORT_H
#define GCR_BASE_SORT_H

#include <stdint.h>

/* In place. NaN has no place among numbers: there is none. `count` may be 0, and the numbers NULL
 * then. */
void gcr_sort_numbers(double *numbers, uint64_t count);

#endif /* GCR_BASE_SORT_H */
