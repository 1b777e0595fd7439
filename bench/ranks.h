/*
 * bench/ranks.h -- a bench program that is several ranks: those that it was started as, or three
 * that it starts itself by mpirun.
 *
 * All of them run the same rounds, and what is timed begins and ends at rank 0, which alone speaks.
 */
#ifndef GCR_BENCH_RANKS_H
#define GCR_BENCH_RANKS_H

#include "bench.h"

#include "gridcrunch/ranks.h"

/* Measures what rank 0 and the rank `other` do, as the case `where`. All ranks call it. */
typedef gcr_status bench_pair_fn(bench *b, gcr_comm *all, int other, const char *where);

/* The main() of the bench `name`: measures two ranks on "one_node" and two on "two_nodes". Started
 * alone, it becomes three ranks of this machine, with `options` of mpirun (which end with NULL), of
 * which the last believes to be on another where a process may (root's may). Returns the exit
 * code. */
int bench_ranks_main(const char *name, bench_pair_fn *measure, const char *const *options, int argc,
                     char **argv);

#endif /* GCR_BENCH_RANKS_H */
