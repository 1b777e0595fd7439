/*
 * backend/backend.h -- the seam between orchestration and arithmetic.
 *
 * Everything above this line (results, exec, cli) is written once, in C, and never asks which
 * backend it runs on. Everything below is one gcr_backend per kind of device: src/backend/cpu
 * and, as a module, cuda/. A backend fills the table; the gcr_device_*, gcr_buf_*, gcr_queue_* ...
 * functions of backend.c are the only callers of the table. They check arguments and count bytes
 * and calls in the ledger, so that no backend has to and all are measured the same way.
 *
 * Threads: a queue belongs to one host thread at a time; different queues of a device may be used
 * at once. A GPU is driven by one host thread with a queue or more, the CPU device by one queue for
 * each thread that computes: there the work is done before crunch() returns.
 *
 * Time: operations on a queue happen in order and may return before they have happened. Their
 * inputs must stay valid until the queue is synced or an event recorded after them is synced; but
 * for memory of the host that is not staging: what is uploaded from there has been read on return.
 * Copies run beside work: an upload may happen before work, and work before downloads, that were
 * asked for earlier. Whoever writes over what those still read syncs an event first.
 *
 * Failure: an operation that fails leaves its outputs unchanged, returns a status and has used
 * GCR_FAIL. An asynchronous failure surfaces at the next sync as GCR_EDEVICE.
 */
#ifndef GCR_BACKEND_H
#define GCR_BACKEND_H

#include "backend/bridge.h"
#include "backend/measure.h"
#include "base/check.h"

#include "gridcrunch/factor.h"
#include "gridcrunch/ledger.h"
#include "gridcrunch/partial.h"
#include "gridcrunch/recipe.h"
#include "gridcrunch/status.h"
#include "gridcrunch/unit.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gcr_backend gcr_backend;

typedef enum gcr_place {
    GCR_PLACE_HOST,    /* ordinary memory; the caller's own, never allocated by a backend */
    GCR_PLACE_STAGING, /* host memory the device can reach directly (pinned)              */
    GCR_PLACE_DEVICE,  /* memory the device computes on                                   */
} gcr_place;

enum { GCR_TUNING_BYTES = 320, GCR_UUID_BYTES = 48, GCR_DEVICE_NAME_BYTES = 96 };

/* Filled by device_open and constant afterwards, but for what a calibration changes. */
typedef struct gcr_device_info {
    char name[GCR_DEVICE_NAME_BYTES]; /* "NVIDIA H200", "Intel(R) Xeon(R) Processor"       */
    /* "GPU-8b0f...", the same in each process that sees this device, as tools of its vendor
     * print it; "": it is no device beside the processors. */
    char uuid[GCR_UUID_BYTES];
    uint64_t total_bytes;    /* memory for GCR_PLACE_DEVICE                                */
    uint64_t free_bytes;     /* of that, when it was opened; 0: not known                  */
    uint64_t alignment;      /* every buffer starts on a multiple                          */
    gcr_code_path code_path; /* the last that it has                                       */
    int units;               /* what computes side by side: CPUs, multiprocessors          */
    int batches_in_flight;   /* that keep a queue busy; 1: work is done before crunch() returns */
    int shares_memory;       /* device memory is host memory: nothing needs to be copied   */
    /* About how many operations, as kernels declare them, a unit computes in a second: what work is
     * dealt by between kinds of devices. The same at each start; 0: not known. */
    double unit_flops[GCR_SCALAR_COUNT];
    /* Not NULL: only one thread may factor at a time, and why. */
    const char *lone_thread_reason;
    /* Where the numbers come from that choose its algorithms, where they can be measured; or "". */
    char tuning[GCR_TUNING_BYTES];
} gcr_device_info;

/* Which piece of hardware a device is: the same to all processes that see it, whatever number they
 * see it under. */
typedef struct gcr_pci_address {
    int32_t domain, bus, device;
} gcr_pci_address;

typedef struct gcr_device_identity {
    char name[GCR_DEVICE_NAME_BYTES]; /* as in gcr_device_info                              */
    char uuid[GCR_UUID_BYTES];        /* the same; "": it is no piece of hardware of its own */
    gcr_pci_address pci;              /* of one that is                                     */
    gcr_code_path code_path;          /* the last that it has                               */
} gcr_device_identity;

enum { GCR_KIND_BYTES = 160 }; /* that gcr_device_kind() needs */

/* The handles. A backend embeds one as the first member of its own struct. */
typedef struct gcr_device {
    const gcr_backend *backend;
    gcr_device_info info;
    gcr_ledger ledger;       /* of queues that are closed; guarded by ... */
    atomic_flag ledger_busy; /* ... this                                  */
    _Atomic uint64_t buf_bytes, buf_bytes_peak;
} gcr_device;

typedef struct gcr_queue {
    gcr_device *device;
    gcr_ledger ledger;
} gcr_queue;

typedef struct gcr_event {
    gcr_device *device;
} gcr_event;

typedef struct gcr_buf {
    gcr_device *device;
    gcr_place place; /* GCR_PLACE_STAGING or GCR_PLACE_DEVICE         */
    uint64_t bytes;
    void *base; /* a device address if place is GCR_PLACE_DEVICE */
} gcr_buf;

/* A kernel made ready for one run on one device: its code, options and axis tables. */
typedef struct gcr_program {
    gcr_device *device;
    const gcr_unit *unit;
} gcr_program;

typedef struct gcr_program_spec {
    const gcr_unit *unit;
    const gcr_unit_setup *setup;
    gcr_shape largest; /* of that dataset of the run which needs the most scratch */
    /* For a backend that compiles for itself: the file of a user's kernel, as messages name it,
     * and its text. NULL: the kernel is a built-in one. */
    const char *path, *text;
    /* For the same: of the datasets of the run, each shape once, with the options of the setup.
     * What they need is compiled before program_open() returns. NULL: when the first of them
     * comes. */
    const gcr_shape *shapes; /* [shape_count] */
    uint64_t shape_count;
} gcr_program_spec;

/* The prepared block of one dataset. All addresses are the device's. */
typedef struct gcr_prepare_args {
    gcr_view data;
    void *prepared; /* [prepared_count] of the unit's scalar, written completely */
    int32_t *fault; /* written: 0, or what the kernel returned */
} gcr_prepare_args;

/* The tiles of one batch. The array is read before crunch() returns; addresses in it are the
 * device's. Tiles of a batch do not overlap. */
typedef struct gcr_crunch_args {
    const gcr_unit_tile *tiles; /* [tile_count] */
    uint64_t tile_count;
} gcr_crunch_args;

enum { GCR_CALIBRATION_WHOLE = 3 };

/* What a device is calibrated with: on made data of one feature, y of 0 and 1, points of each setup
 * from the first on, as many as are needed. */
typedef struct gcr_calibration_spec {
    gcr_program_spec matrix[GCR_SCALAR_COUNT]; /* SPD: of as many rows as a dataset has     */
    gcr_program_spec cell[GCR_SCALAR_COUNT];   /* no SPD: costs more for more rows          */
    /* Cells that the whole device may be for, the dearer the later, with no use for data. */
    gcr_program_spec whole[GCR_SCALAR_COUNT][GCR_CALIBRATION_WHOLE];
    void (*note)(void *context, const char *line); /* what was measured; NULL: nobody asks */
    void *context;
} gcr_calibration_spec;

/* ---- factors of matrices as they are ----------------------------------------------------------
 *
 * Matrices that stand on the device are replaced by their Cholesky factors, A = L L', whole groups
 * of them at once and any number of groups, each of matrices of its own size. How they stand is the
 * device's own affair, because what it can read side by side decides how fast that is:
 *
 *     cpu    up to 512 rows as many matrices as a vector has lanes, entry by entry side by side, in
 *            squares of 4 x 4 (backend/cpu/spd_squares.h); above, by columns, as LAPACK has them
 *     cuda   few rows 32 matrices entry by entry side by side; more, the lower triangle as tiles of
 *            8 x 8; many, by columns and in whole sub-batches (cuda/device/factor_layout.h)
 *
 * So matrices enter by GCR_FACTOR_PACK and leave by GCR_FACTOR_UNPACK, which know columns: entry
 * (i, j) at i + j n, of which the lower triangle is read or written and nothing else. Whoever opens
 * a buffer of gcr_factor_bytes() owns it; a group begins on a multiple of the device's alignment.
 *
 * A matrix without a factor says so in `minor`, and what is left in its place is not defined. It
 * changes no bit of the others: a factor depends on its matrix, its size and the kind. */
enum { GCR_FACTOR_ROWS_MAX = 1 << 17 };

typedef enum gcr_factor_step {
    GCR_FACTOR_PACK,     /* square -> matrices                                   */
    GCR_FACTOR_IN_PLACE, /* matrices -> matrices, minor                        */
    GCR_FACTOR_UNPACK,   /* matrices -> square; may be asked for more than once  */
} gcr_factor_step;

/* The array is read before gcr_factor() returns; addresses in it are the device's. */
typedef struct gcr_factor_args {
    gcr_factor_step step;
    gcr_scalar scalar;
    const gcr_factor_group *groups; /* [group_count] */
    uint64_t group_count;
} gcr_factor_args;

/* ---- datasets that a device makes ------------------------------------------------------------ */

/* In place of an upload, and in its order. Addresses are the device's. */
typedef struct gcr_generate_args {
    gcr_recipe recipe;
    gcr_standard standard;
    gcr_scalar scalar; /* what x and y are; numbers are made as doubles and converted */
    void *x;           /* [features][rows], by feature */
    void *y;           /* [rows] */
} gcr_generate_args;

/* ---- records in place of cells ---------------------------------------------------------------
 *
 * Where cells are not kept, a device may leave records of blocks of points (gridcrunch/partial.h),
 * so that those come down in place of outputs. Tiles begin at the edge of a block and end at one,
 * or with their dataset. Both arrays are read before gcr_reduce() returns; addresses are the
 * device's. */
typedef struct gcr_reduce_args {
    const gcr_unit_tile *tiles; /* [tile_count] crunched before on the same queue */
    uint64_t tile_count;
    const gcr_reduction *reduction;
    void
        *records; /* of each block of each tile in their order, gcr_partial_bytes(reduction) each */
} gcr_reduce_args;

/* ---- the table ------------------------------------------------------------------------------ */

struct gcr_backend {
    const char *name; /* "cpu", "cuda" */

    /* Devices. No device is a count of 0 and a sentence that says so and why, not a failure. */
    gcr_status (*device_count)(int *out, char *why, size_t why_bytes);
    gcr_status (*device_open)(gcr_device **out, int index);
    /* (optional) Asked without starting the device. NULL: nothing is known of it before. */
    gcr_status (*device_identify)(gcr_device_identity *out, int index);
    void (*device_close)(gcr_device *device); /* everything opened on it is already closed */

    /* What decides a cell's bits on this device, units of such a kind in use, and matrices of up to
     * so many rows, where a library may be what computes the largest of them. */
    void (*device_kind)(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                        gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows);

    /* Memory. Fresh buffers hold anything: every operation writes its outputs completely. */
    gcr_status (*buf_open)(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes);
    void (*buf_close)(gcr_buf *buf); /* waits for work that uses it */
    /* (optional) The same where the caller has seen all of that end: nothing has to wait for it. */
    void (*buf_close_idle)(gcr_buf *buf);
    gcr_status (*copy)(gcr_queue *queue, void *to, gcr_place to_place, const void *from,
                       gcr_place from_place, uint64_t bytes);

    /* Queues, and events: marks in a queue that the host can wait for. */
    gcr_status (*queue_open)(gcr_queue **out, gcr_device *device);
    void (*queue_close)(gcr_queue *queue);
    gcr_status (*queue_sync)(gcr_queue *queue);
    gcr_status (*event_open)(gcr_event **out, gcr_device *device);
    void (*event_close)(gcr_event *event);
    gcr_status (*event_record)(gcr_event *event, gcr_queue *queue);
    /* The host waits for what came before it; seconds < 0: no limit. GCR_ETIMEOUT: it did not come
     * within that time; the device is lost to this process, as after GCR_EDEVICE. */
    gcr_status (*event_sync)(gcr_event *event, double seconds);

    /* What a cell of a dataset of this shape needs of the device's memory beside its data, its
     * prepared block and its outputs. GCR_EUNSUPPORTED: it computes no such cells. (optional: it
     * needs nothing) */
    gcr_status (*cell_bytes)(uint64_t *out, const gcr_device *device, const gcr_program_spec *spec,
                             const gcr_shape *shape);

    /* About how many cells of a dataset of this shape are computed side by side, from sizes alone:
     * fewer leave a part of the device idle. (optional: one) */
    uint64_t (*cells_at_once)(const gcr_device *device, const gcr_unit *unit,
                              const gcr_shape *shape);

    /* Kernels. What `spec` points to is borrowed until program_close. */
    gcr_status (*program_open)(gcr_program **out, gcr_device *device, const gcr_program_spec *spec);
    void (*program_close)(gcr_program *program);
    gcr_status (*prepare)(gcr_queue *queue, gcr_program *program, const gcr_prepare_args *args);
    gcr_status (*crunch)(gcr_queue *queue, gcr_program *program, const gcr_crunch_args *args);

    /* (optional) Datasets that are made. NULL: they go up like others. */
    gcr_status (*generate)(gcr_queue *queue, const gcr_generate_args *args);

    /* (optional) Records. NULL: outputs come down, and the host makes them. */
    gcr_status (*reduce)(gcr_queue *queue, gcr_program *program, const gcr_reduce_args *args);

    /* Factors (optional: both or neither; without them gcr_factor() answers GCR_EUNSUPPORTED). The
     * bytes are UINT64_MAX where they are more than can be counted. Groups have matrices. */
    uint64_t (*factor_bytes)(const gcr_device *device, gcr_scalar scalar, int32_t n,
                             uint64_t count);
    gcr_status (*factor)(gcr_queue *queue, const gcr_factor_args *args);

    /* (optional) Measures which algorithm is the fastest for which size, and keeps it for all
     * devices of this model in all later runs: it is in the kind. NULL: there is nothing to
     * choose. */
    gcr_status (*calibrate)(gcr_device *device, const gcr_calibration_spec *spec);

    /* (optional) Copies that are timed. NULL: nobody can measure them. */
    const gcr_measure_ops *measure;

    /* (optional) Ways to devices of other processes. NULL: bytes go through the host. */
    const gcr_bridge_ops *bridge;
};

/* The backends of this build, NULL-terminated, in the order in which one is looked for that has a
 * device. Before a device is opened only name, device_count, device_open and device_identify may be
 * used. */
extern const gcr_backend *const gcr_backends[];

/* ---- the callers of the table (backend.c) ---------------------------------------------------- */

/* The backend called `name`, or NULL. */
const gcr_backend *gcr_backend_find(const char *name);

GCR_MUST_CHECK gcr_status gcr_device_open(gcr_device **out, const gcr_backend *backend, int index);
void gcr_device_close(gcr_device *device);

/* Which it is of what several processes see. The device need not be open, and is not started. */
GCR_MUST_CHECK gcr_status gcr_device_identify(gcr_device_identity *out, const gcr_backend *backend,
                                              int index);

/* Writes one line, "cpu, f64, AVX-512 lanes, ...", cut off where it does not fit. matrix_rows: of
 * the largest SPD matrix that is computed with; 0: there is none, or it is not known. */
void gcr_device_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                     gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows);

/* Nothing else is open on the device. GCR_EUNSUPPORTED: there is nothing to calibrate. */
GCR_MUST_CHECK gcr_status gcr_device_calibrate(gcr_device *device,
                                               const gcr_calibration_spec *spec);

GCR_MUST_CHECK gcr_status gcr_buf_open(gcr_buf **out, gcr_device *device, gcr_place place,
                                       uint64_t bytes);
void gcr_buf_close(gcr_buf *buf);

/* For a buffer whose last use was before an event that has been synced, in each queue that it was
 * used in: on a device whose queues run ahead, closing it holds up nothing that they were given
 * since. */
void gcr_buf_close_idle(gcr_buf *buf);

GCR_MUST_CHECK gcr_status gcr_queue_open(gcr_queue **out, gcr_device *device);
void gcr_queue_close(gcr_queue *queue); /* adds its ledger to the device's */
GCR_MUST_CHECK gcr_status gcr_queue_sync(gcr_queue *queue);

GCR_MUST_CHECK gcr_status gcr_event_open(gcr_event **out, gcr_device *device);
void gcr_event_close(gcr_event *event);
GCR_MUST_CHECK gcr_status gcr_event_record(gcr_event *event, gcr_queue *queue);
GCR_MUST_CHECK gcr_status gcr_event_sync(gcr_event *event, double seconds);

/* GCR_EINVAL: not all of `bytes` at `offset` are inside the buffer. */
GCR_MUST_CHECK gcr_status gcr_buf_check_range(const gcr_buf *buf, uint64_t offset, uint64_t bytes);

/* Moves `bytes` between host memory and `buf` at `offset`. `place` says what the host side is. */
GCR_MUST_CHECK gcr_status gcr_upload(gcr_queue *queue, gcr_buf *to, uint64_t offset,
                                     const void *from, gcr_place place, uint64_t bytes);
GCR_MUST_CHECK gcr_status gcr_download(gcr_queue *queue, void *to, gcr_place place,
                                       const gcr_buf *from, uint64_t offset, uint64_t bytes);

/* Adds all but peak_bytes: whether peaks of parts come at once, the caller knows. */
void gcr_ledger_add(gcr_ledger *sum, const gcr_ledger *part);

/* What was counted of a device so far was a trial's, and nothing is open on it any more. */
void gcr_ledger_forget(gcr_device *device);

/* Notes that `bytes` of host memory are used by the device where they are. */
void gcr_share(gcr_queue *queue, uint64_t bytes);

GCR_MUST_CHECK gcr_status gcr_cell_bytes(uint64_t *out, const gcr_device *device,
                                         const gcr_program_spec *spec, const gcr_shape *shape);
uint64_t gcr_cells_at_once(const gcr_device *device, const gcr_unit *unit, const gcr_shape *shape);
GCR_MUST_CHECK gcr_status gcr_program_open(gcr_program **out, gcr_device *device,
                                           const gcr_program_spec *spec);
void gcr_program_close(gcr_program *program);
GCR_MUST_CHECK gcr_status gcr_prepare(gcr_queue *queue, gcr_program *program,
                                      const gcr_prepare_args *args);
GCR_MUST_CHECK gcr_status gcr_crunch(gcr_queue *queue, gcr_program *program,
                                     const gcr_crunch_args *args);

/* Whether the device makes datasets; if not, gcr_generate() is not for it. */
int gcr_can_generate(const gcr_device *device);
GCR_MUST_CHECK gcr_status gcr_generate(gcr_queue *queue, const gcr_generate_args *args);

/* Whether the device leaves records for such a reduction; if not, gcr_reduce() is not for it. */
int gcr_can_reduce(const gcr_device *device, const gcr_reduction *reduction);
GCR_MUST_CHECK gcr_status gcr_reduce(gcr_queue *queue, gcr_program *program,
                                     const gcr_reduce_args *args);

/* What `count` matrices of n rows take on the device. GCR_EUNSUPPORTED: it factors none.
 * GCR_EINVAL: n is not in 1 .. GCR_FACTOR_ROWS_MAX. GCR_ENOMEM: more than can be counted. */
GCR_MUST_CHECK gcr_status gcr_factor_bytes(uint64_t *out, const gcr_device *device,
                                           gcr_scalar scalar, int32_t n, uint64_t count);
GCR_MUST_CHECK gcr_status gcr_factor(gcr_queue *queue, const gcr_factor_args *args);

#endif /* GCR_BACKEND_H */
