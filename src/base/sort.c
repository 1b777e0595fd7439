/* base/sort.c -- see base/sort.h. */
#include "base/sort.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void gcr_sort_numbers(double *numbers, uint64_t count)
{
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, by_value);
}
