/*
 * bench/factor_rival.h -- who else factors the matrices of bench_factor.c: LAPACK where they are in
 * the memory of the host, cuSOLVER where they are on a GPU.
 *
 * A rival gets the matrices by columns, as it wants them, in memory of its own, and puts them back
 * before each run; nothing but the factors is timed. It may have several ways, of which the best
 * counts.
 */
#ifndef GCR_BENCH_FACTOR_RIVAL_H
#define GCR_BENCH_FACTOR_RIVAL_H

#include "device.h"

/* The matrices: groups[].square is what a rival copies, both triangles filled. */
typedef struct factor_task {
    gcr_scalar scalar;
    const gcr_factor_group *groups;
    int group_count;
    uint64_t
        square_bytes; /* of all groups, which stand one after the other from groups[0].square on */
    int sets;         /* copies that a run factors in turn, so that no cache has them            */
} factor_task;

uint64_t factor_task_matrices(const factor_task *task); /* of one set */

typedef struct factor_rival factor_rival;

/* NULL in *out: there is none here, which has been said. The task is borrowed until it is
 * closed. */
GCR_MUST_CHECK gcr_status factor_rival_open(factor_rival **out, const bench_device *on,
                                            const factor_task *task);
void factor_rival_close(factor_rival *rival);

/* Its ways, "potrfBatched L" ...; NULL behind the last. */
const char *factor_rival_way(const factor_rival *rival, int way);

/* Seconds of a matrix. GCR_EDEVICE: it says that one of them has no factor. */
GCR_MUST_CHECK gcr_status factor_rival_run(factor_rival *rival, int way, double *seconds_out);

/* ---- where matrices are on a GPU ------------------------------------------------------------- */

/* The same for cuSOLVER: gpu/factor_vendor.c, or factor_no_vendor.c where there is no toolkit. */
typedef struct factor_vendor factor_vendor;
GCR_MUST_CHECK gcr_status factor_vendor_open(factor_vendor **out, const bench_device *on,
                                             const factor_task *task);
void factor_vendor_close(factor_vendor *vendor);
const char *factor_vendor_way(const factor_vendor *vendor, int way);
GCR_MUST_CHECK gcr_status factor_vendor_run(factor_vendor *vendor, int way, double *seconds_out);

#endif /* GCR_BENCH_FACTOR_RIVAL_H */
