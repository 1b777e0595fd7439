/*
 * tests/support/fake_nccl.h -- NCCL over the stand-in for CUDA: between processes of one machine,
 * by memory that they share.
 *
 * What a call asks for stands in its stream when the communicator is no more in progress, and not
 * before: whoever records an event too early has one that comes too early. A send is over when it
 * has been received; a group moves all of its parts side by side, and calls without one go one by
 * one, so whoever forgets the group waits for ever, and is told so. Refused are counts, types and
 * operations that differ between two ranks, a group within a group or without an end, a
 * communicator that is begun while the pool of the GPU keeps memory, used before it is ready, after
 * an error or after its end, and one that is destroyed while others may need it.
 */
#ifndef GCR_FAKE_NCCL_H
#define GCR_FAKE_NCCL_H

#include <nccl.h>
#include <stdint.h>

typedef struct fake_nccl_state {
    /* What there is, and how it behaves. */
    int is_missing;      /* the library is not on this machine              */
    int version;         /* 0: that of nccl.h                               */
    int init_looks;      /* so often it is still in progress; < 0: for ever */
    int group_looks;     /* the same after each group and broadcast         */
    int finalize_looks;  /* the same at the end                             */
    int has_no_progress; /* calls answer success, and are in progress       */
    double patience;     /* seconds for which a stream waits for another process; 0: 20 */

    /* What shall go wrong: the nth call (from 1) of the function `fail_call` answers `fail_code`;
     * the nth look at a communicator that is ready finds `async_code`. */
    const char *fail_call;
    int fail_nth;
    ncclResult_t fail_code;
    int async_nth;
    ncclResult_t async_code;

    /* What happened. */
    int inits, groups, sends, receives, broadcasts, aborts, destroys, looks;
    int live; /* communicators */
} fake_nccl_state;

extern fake_nccl_state fake_nccl;

/* Nothing has happened; communicators of the test before are forgotten. */
void fake_nccl_reset(void);

/* The nth call of `call` from now on answers `code`. */
void fake_nccl_let_fail(const char *call, int nth, ncclResult_t code);

#endif /* GCR_FAKE_NCCL_H */
