/* exec/busy.c -- see busy.h. */
#include "exec/busy.h"

#include "base/sort.h"

gcr_busy gcr_busy_of(double *shares, int count)
{
    gcr_busy busy = { 0 };

    for (int r = 0; r < count; r++) {
        busy.least_rank = shares[r] < shares[busy.least_rank] ? (uint64_t)r : busy.least_rank;
        busy.idle_ranks += shares[r] > 0.0 ? 0 : 1;
    }
    gcr_sort_numbers(shares, (uint64_t)count);
    busy.least = shares[0];
    busy.median = shares[count / 2];
    return busy;
}
