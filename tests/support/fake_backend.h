/*
 * tests/support/fake_backend.h -- a device that writes down what it was asked to do.
 *
 * Memory of its own, and a queue that does nothing before it is synced: whoever reads a result too
 * early reads poison. There may be several devices, of several kinds. A "crunch" computes no
 * kernel; output o of a point is point + 1000 * o, the state is ok, so a test can tell whether
 * everything landed where its key says.
 */
#ifndef GCR_FAKE_BACKEND_H
#define GCR_FAKE_BACKEND_H

#include "backend/backend.h"

#include <stdatomic.h>

typedef enum fake_call {
    FAKE_UPLOAD,
    FAKE_PREPARE,
    FAKE_CRUNCH,
    FAKE_REDUCE,
    FAKE_GENERATE,
    FAKE_DOWNLOAD,
    FAKE_RECORD,
    FAKE_SYNC,
    FAKE_BUF_OPEN,
    FAKE_BUF_CLOSE,
    FAKE_BUF_CLOSE_IDLE, /* and then FAKE_BUF_CLOSE */
    FAKE_QUEUE_CLOSE,
} fake_call;

enum { FAKE_LOG_MAX = 65536, FAKE_DEVICES_MAX = 8 };

/* What there is, what happened, and what shall go wrong. Devices log from threads of their own. */
typedef struct fake_state {
    int device_count;               /* 0 is 1; < 0: none                               */
    int first_device;               /* that this process sees, of those there are      */
    int kind_of[FAKE_DEVICES_MAX];  /* devices of one number are of one kind           */
    double flops[FAKE_DEVICES_MAX]; /* per unit and second                             */
    uint64_t total_bytes;           /* of a device's memory; 0: as much as is asked for */
    uint64_t free_bytes;            /* of that, at the moment; 0: all of it            */
    uint64_t cells_at_once;         /* that it computes; 0: one                        */
    uint64_t cell_bytes;            /* that a cell needs of it                         */
    const char *unsupported;        /* NULL, or why devices cannot compute any job     */
    int crunch_has_no_memory;       /* for any                                         */
    uint64_t crunch_points_most;    /* a larger crunch has no memory; 0: none          */

    fake_call log[FAKE_LOG_MAX];
    int log_device[FAKE_LOG_MAX];
    int log_count;
    _Atomic int open_handles; /* devices, buffers, queues, events, programs */
    int crunch_that_fails;    /* the how-manyth, from 1; 0: none            */
    int buf_that_fails;       /* the same for memory                        */
    int program_that_fails;   /* the same for programs                      */
    int sync_that_fails;      /* the same for events                        */
    int sync_that_hangs;      /* the same: what it waits for does not end   */
    int reduce_that_lies;     /* the same: no cells have its last record   */
    _Atomic int crunches, bufs, programs, syncs, reductions;
    void (*on_crunch)(void); /* called at each crunch; may be NULL         */
    void (*on_crunch_of)(int device);
} fake_state;

extern fake_state fake;
extern const gcr_backend fake_backend;
extern const gcr_backend *const fake_backends[]; /* it alone */
extern const gcr_backend fake_rich_backend; /* leaves records of blocks and makes datasets, too */
extern const gcr_backend *const fake_rich_backends[]; /* it alone */

/* Forgets everything. */
void fake_reset(void);

/* How often `call` stands in the log, and where the nth (from 1) stands; -1: nowhere. */
int fake_count(fake_call call);
int fake_find(fake_call call, int nth);

/* How often one device was asked. */
int fake_count_on(fake_call call, int device);

#endif /* GCR_FAKE_BACKEND_H */
