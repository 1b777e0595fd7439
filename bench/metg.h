/*
 * bench/metg.h -- how long must a cell be for a system not to be in its way?
 *
 * METG(x%) of Task Bench: the smallest mean duration of a cell at which useful work / (workers x
 * wall) is at least x%. Durations rise by a factor, and the crossing is interpolated between its
 * two neighbours.
 */
#ifndef GCR_BENCH_METG_H
#define GCR_BENCH_METG_H

#include "bench.h"

#include <stdint.h>

/* Runs `count` spins of `ns` and says how long all took. */
typedef gcr_status bench_spin_fn(void *arg, double *seconds_out, double ns, uint64_t count);

/* One system and the durations it is asked for. */
typedef struct bench_metg {
    const bench *bench;
    bench_spin_fn *spin;
    void *arg;
    int workers;
    double first_ns, factor; /* the durations ...                                   */
    double enough;           /* ... up to the first at which the efficiency is this */
    double last_ns;          /* ... or to this one: others may have the cores       */
    double budget_s;         /* about how long one duration may take ...            */
    double guess_ns;         /* ... if a cell costs this beside its own work        */
    double metg90[BENCH_ROUNDS_MAX];
} bench_metg;

/* The run of a bench_side, `arg` a bench_metg: METG(50%) in seconds; METG(90%) is kept aside. */
GCR_MUST_CHECK gcr_status bench_metg_run(void *arg, double *seconds_out);

/* The spin of a rival, `arg` a bench_rival. */
GCR_MUST_CHECK gcr_status bench_metg_spin_rival(void *arg, double *seconds_out, double ns,
                                                uint64_t count);

/* Ours: no duration is shorter than 20 ns. */
bench_metg bench_metg_ours(const bench *b, bench_spin_fn *spin, void *arg, int workers);

/* joblib by its two processes: it is slower by a factor of hundreds. */
bench_metg bench_metg_joblib(const bench *b, bench_spin_fn *spin, void *arg);

/* Microseconds, the median of the rounds. */
double bench_metg_us(const bench *b, const double *seconds);

#endif /* GCR_BENCH_METG_H */
