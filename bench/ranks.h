/*
 * bench/ranks.h -- a bench program that is several ranks: it starts itself by mpirun.
 *
 * All of them run the same rounds, and what is timed begins and ends at rank 0, which alone speaks.
 */
#ifndef GCR_BENCH_RANKS_H
#define GCR_BENCH_RANKS_H

#include "gridcrunch/ranks.h"

/* Becomes `count` ranks on this machine: returns in each of them. The last one believes to be on another
 * machine if `has_away` and a process may (root's may); `options` of mpirun end with NULL.
 * GCR_ENOENT: there is no mpirun of Open MPI. GCR_EIO. */
GCR_MUST_CHECK gcr_status bench_ranks_become(int count, int has_away, const char *const *options,
                                             int argc, char **argv);

#endif /* GCR_BENCH_RANKS_H */
