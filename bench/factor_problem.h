/*
 * bench/factor_problem.h -- the matrices that bench_factor.c factors: how they are made, where they
 * stand on the device, and whether their factors are right.
 *
 * Matrices are G G' / n + d I, each with a d of its own. The device has them twice: by columns,
 * once, and in its own layout, as many sets of them as no cache holds. A set is factored in place,
 * and put back from the columns; the verdicts are poisoned then.
 */
#ifndef GCR_BENCH_FACTOR_PROBLEM_H
#define GCR_BENCH_FACTOR_PROBLEM_H

#include "device.h"

enum {
    FACTOR_SETS_MAX = 16,
    FACTOR_GROUPS_MAX = 256,
    FACTOR_KINDS = 16, /* matrices that differ by more than their diagonal */
};

typedef struct factor_problem_spec {
    const bench_device *on; /* borrowed until close */
    gcr_scalar scalar;
    uint64_t all_bytes;             /* of all sets, about                           */
    const gcr_factor_group *groups; /* [group_count] n and count, the rest is zeroed */
    int group_count;                /* at most FACTOR_GROUPS_MAX                    */
} factor_problem_spec;

/* Each set has all groups. */
typedef struct factor_problem {
    const bench_device *on;
    gcr_scalar scalar;
    uint64_t all_bytes;
    int group_count, sets, largest; /* the largest n */
    gcr_factor_group groups[FACTOR_SETS_MAX][FACTOR_GROUPS_MAX];
    uint64_t square_bytes, matrices_bytes, matrix_count; /* of a set */
    gcr_buf *square_buf, *minor_buf, *matrices_buf[FACTOR_SETS_MAX];
    gcr_buf *out_buf;            /* factors by columns              */
    int32_t *minor;              /* of all sets, on the host        */
    double *kinds[FACTOR_KINDS]; /* of the largest n: see entry_of() */
} factor_problem;

/* The caller closes it, where it fails too. GCR_ENOMEM, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status factor_problem_open(factor_problem *out, const factor_problem_spec *spec);
void factor_problem_close(factor_problem *problem);

/* How many sets of so many bytes are more than a cache holds. */
uint64_t factor_problem_sets_least(const factor_problem *problem, uint64_t bytes);

/* Enqueues a step for a set. What is unpacked goes to another place than the matrices come from. */
GCR_MUST_CHECK gcr_status factor_problem_step(factor_problem *problem, int set,
                                              gcr_factor_step step);

/* Puts all sets back, poisons the verdicts, and waits. */
GCR_MUST_CHECK gcr_status factor_problem_restore(factor_problem *problem);

/* GCR_EDEVICE: the verdict of some matrix is not that it has a factor. */
GCR_MUST_CHECK gcr_status factor_problem_check_verdicts(factor_problem *problem);

/* Multiplies some factors of each set out. *worst_out: the largest ||A - L L'|| / ||A||, in n eps.
 * GCR_EDEVICE: it is more than one. */
GCR_MUST_CHECK gcr_status factor_problem_check_factors(factor_problem *problem, double *worst_out);

#endif /* GCR_BENCH_FACTOR_PROBLEM_H */
