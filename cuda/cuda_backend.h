/*
 * cuda/cuda_backend.h -- what the host files of the backend share.
 *
 * Order. A queue is three streams, so that copies run beside kernels: `up` for uploads, `work` for
 * kernels, `down` for downloads. Work waits for the uploads that came before it, downloads wait for
 * both. The device has one more, `memory`, on which device memory is allocated and freed: freeing
 * waits for all that the queues were given before, unless nothing of it uses the block any more,
 * and whatever a queue is given next waits for what was allocated. All of it by events, which are
 * waited for on the GPU and never by the host. A free that waits ends the look-ahead: uploads for
 * the batch after the next come after all before. So datasets, which leave when their cells have
 * landed, go idle.
 *
 * No default stream, no managed memory; nothing is allocated between the first batch and the last
 * but the blocks of datasets, which come from a pool that keeps what was freed.
 */
#ifndef GCR_CUDA_BACKEND_H
#define GCR_CUDA_BACKEND_H

#include "backend/backend.h"

#include "base/pool.h"
#include "cuda/cuda_check.h"
#include "cuda/launch.h"

#include <pthread.h>

enum {
    GCR_CUDA_CAPABILITY_LEAST = 80,
    GCR_CUDA_IN_FLIGHT = 3,      /* batches: one computes, one comes down, one is built          */
    GCR_CUDA_LAUNCH_SLOTS = 4,   /* descriptors of so many launches wait in pinned memory        */
    GCR_CUDA_LAUNCH_TILES = 256, /* in each; a longer batch is several launches                */
    GCR_CUDA_STAGES = 4, /* blocks through which memory of the host that is not pinned ... */
    GCR_CUDA_STAGE_BYTES = 8 << 20, /* ... goes up                                              */
    GCR_CUDA_SCRATCH_SHARE =
        4,                    /* of the GPU's memory that scratch may have, at most: a fourth ... */
    GCR_CUDA_LARGE_SHARE = 2, /* ... and what matrices that it factors as a whole may: half      */
    GCR_CUDA_COPIERS = 4,     /* threads that fill a stage, at most */
    GCR_CUDA_UNIT_BLOCKS = 8, /* of 256 threads: as many as a multiprocessor has at a time */
};

/* A stream, and a mark at its end that others can wait for. */
typedef struct cuda_lane {
    cudaStream_t stream;
    cudaEvent_t mark;
    uint64_t issued; /* operations so far                     */
    uint64_t marked; /* of these, before the mark              */
} cuda_lane;

/* How far a lane has waited for another. */
typedef uint64_t cuda_seen;

typedef struct cuda_device {
    gcr_device base;
    int index;
    int capability;      /* 90 for 9.0                           */
    int toolkit, driver; /* 13000 for 13.0: this build's, and the newest that the driver knows */
    gcr_crossovers crossovers[GCR_SCALAR_COUNT];
    cudaMemPool_t pool;
    cuda_lane memory;
    struct cuda_queue *queues;
    struct cuda_measure *measure; /* of cuda_measure.c; NULL before anything is measured  */
    gcr_pool *copiers;            /* who fill stages; NULL before the first large upload */
    pthread_mutex_t copiers_lock; /* of these                                            */
    /* Of everything that is enqueued, and of the list of queues. Nobody waits for the GPU who holds
     * it, but for large matrices (cuda_large.h). */
    pthread_mutex_t lock;
} cuda_device;

/* A block of pinned memory, and the end of the copies that read it. */
typedef struct cuda_stage {
    char *block;
    uint64_t filled; /* bytes                                   */
    cudaEvent_t free;
    int is_used; /* the event was recorded, and not waited for */
} cuda_stage;

/* A text of the device that no kernel goes into (cuda_unit.h). */
typedef struct cuda_unit {
    cudaLibrary_t library; /* NULL: not loaded */
    cudaKernel_t kernel;
} cuda_unit;

typedef struct cuda_queue {
    gcr_queue base;
    struct cuda_queue *next; /* of the device */
    cuda_lane up, work, down;
    cuda_seen work_of_up, down_of_up, down_of_work;
    cuda_seen up_of_memory, work_of_memory, down_of_memory, memory_of_up, memory_of_work,
        memory_of_down;
    cuda_stage stages[GCR_CUDA_STAGES];
    int stage;                      /* that is being filled */
    struct cuda_launcher *launcher; /* of cuda_crunch.c */
    struct cuda_preparer *preparer; /* of cuda_prepare.c */
    struct cuda_factors *factors;   /* of cuda_factor.c; NULL before the first */
    struct cuda_large *large;       /* of cuda_large.c; NULL before the first  */
    struct cuda_dense *dense;       /* of cuda_dense.c; the same               */
    cuda_unit generate;             /* of cuda_generate.c */
} cuda_queue;

static inline cuda_device *cuda_device_of(gcr_device *device)
{
    return (cuda_device *)device;
}

/* cuda_module.c */
extern const gcr_backend gcr_cuda_backend;

/* cuda_device.c */
gcr_status gcr_cuda_device_count(int *out, char *why, size_t why_bytes);
gcr_status gcr_cuda_device_open(gcr_device **out, int index);
gcr_status gcr_cuda_device_identify(gcr_device_identity *out, int index);
void gcr_cuda_device_close(gcr_device *device);
void gcr_cuda_device_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                          gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows);

/* Makes the device the one that CUDA calls of this thread are for. enter() remembers where the
 * thread is; turn() does not trust that: callbacks of the user's run on threads that drive a queue,
 * and may have turned to another GPU. Launches mind, and what is opened; copies, frees and events
 * do not. */
GCR_MUST_CHECK gcr_status gcr_cuda_turn(const gcr_device *device);
GCR_MUST_CHECK gcr_status gcr_cuda_enter(const gcr_device *device);

/* The same as enter() where nothing can fail any more; false: nothing of CUDA is to be called. A
 * thread that never turned to a GPU would start one that is not this. */
int gcr_cuda_enter_to_close(const gcr_device *device);

/* cuda_lane.c. The device's lock is held. */
GCR_MUST_CHECK gcr_status gcr_cuda_lane_open(cuda_lane *lane);
void gcr_cuda_lane_close(cuda_lane *lane);

/* Lets what `lane` is given next wait for all that `other` was given so far. */
GCR_MUST_CHECK gcr_status gcr_cuda_lane_follow(cuda_lane *lane, cuda_lane *other, cuda_seen *seen);

/* Before a launch whose blocks are one team: in front of their scratch, none has come to a
 * barrier. */
GCR_MUST_CHECK gcr_status gcr_cuda_lane_clear_meeting(cuda_lane *lane, void *scratch);

/* Lets blocks of a kernel have so much dynamic shared memory, and no more than that. */
GCR_MUST_CHECK gcr_status gcr_cuda_kernel_allow_shared(cudaKernel_t kernel,
                                                       const cuda_device *device, uint64_t bytes);

/* How many of its blocks are on a multiprocessor at once, > 0. GCR_EDEVICE: none fits. */
GCR_MUST_CHECK gcr_status gcr_cuda_kernel_blocks(int *out, cudaKernel_t kernel,
                                                 const cuda_device *device, int threads,
                                                 uint64_t shared_bytes);

/* So many blocks as are wanted, but no more than all multiprocessors have at a time: a block goes
 * on with what is left. */
static inline unsigned gcr_cuda_blocks(const gcr_device *device, uint64_t wanted, int of_unit)
{
    const uint64_t most = (uint64_t)device->info.units * (uint64_t)of_unit;

    return (unsigned)(wanted < most ? wanted : most);
}

/* One grid of blocks as the variant has them. The thread has turned to the GPU. */
GCR_MUST_CHECK gcr_status gcr_cuda_lane_launch(cuda_lane *lane, cudaKernel_t kernel,
                                               unsigned blocks, const gcr_variant *variant,
                                               void *argument);

/* cuda_memory.c */
gcr_status gcr_cuda_buf_open(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes);
void gcr_cuda_buf_close(gcr_buf *buf);
void gcr_cuda_buf_close_idle(gcr_buf *buf);
gcr_status gcr_cuda_copy(gcr_queue *queue, void *to, gcr_place to_place, const void *from,
                         gcr_place from_place, uint64_t bytes);

/* Copies pinned memory to the device, after what must be before. The lock is held. */
GCR_MUST_CHECK gcr_status gcr_cuda_upload_pinned(cuda_queue *queue, void *to, const void *from,
                                                 uint64_t bytes);

/* Device memory that belongs to the queue or program itself. The lock is not held. `doing` as of
 * GCR_CUDA. */
GCR_MUST_CHECK gcr_status gcr_cuda_allocate(void **out, cuda_device *device, uint64_t bytes,
                                            const char *doing);
void gcr_cuda_free(cuda_device *device, void *block);

/* The same for a block that nothing uses which the queues were given. */
void gcr_cuda_free_idle(cuda_device *device, void *block);

/* Waits for what was freed, and gives it to those who do not take from our pool. The lock is not
 * held. */
GCR_MUST_CHECK gcr_status gcr_cuda_give_back(cuda_device *device);

/* Lets a block have at least `bytes`, *have so far; it only grows, and not often. What was in it is
 * gone. */
GCR_MUST_CHECK gcr_status gcr_cuda_reserve(void **block, uint64_t *have, cuda_device *device,
                                           uint64_t bytes, const char *doing);

/* cuda_stage.c. The lock is not held. */
GCR_MUST_CHECK gcr_status gcr_cuda_stages_open(cuda_queue *queue);
void gcr_cuda_stages_close(cuda_queue *queue);
GCR_MUST_CHECK gcr_status gcr_cuda_upload_staged(cuda_queue *queue, void *to, const void *from,
                                                 uint64_t bytes);

/* cuda_queue.c */
gcr_status gcr_cuda_queue_open(gcr_queue **out, gcr_device *device);
void gcr_cuda_queue_close(gcr_queue *queue);
gcr_status gcr_cuda_queue_sync(gcr_queue *queue);
gcr_status gcr_cuda_event_open(gcr_event **out, gcr_device *device);
void gcr_cuda_event_close(gcr_event *event);
gcr_status gcr_cuda_event_record(gcr_event *event, gcr_queue *queue);
gcr_status gcr_cuda_event_sync(gcr_event *event, double seconds);

/* Whether what came before it has ended; does not wait. One that was never recorded has. */
GCR_MUST_CHECK gcr_status gcr_cuda_event_look(int *is_over, gcr_event *event);

/* An event that the host sleeps for: a thread that spins would take a core from those who
 * compute. */
GCR_MUST_CHECK gcr_status gcr_cuda_host_event_open(cudaEvent_t *out);

/* Each lets what a lane is given next come after all that must be before it. The lock is held. */
GCR_MUST_CHECK gcr_status gcr_cuda_queue_turn_up(cuda_queue *queue);
GCR_MUST_CHECK gcr_status gcr_cuda_queue_turn_work(cuda_queue *queue);
GCR_MUST_CHECK gcr_status gcr_cuda_queue_turn_down(cuda_queue *queue);

/* Lets the next allocation come after all that the queues were given so far. The lock is held. */
GCR_MUST_CHECK gcr_status gcr_cuda_queues_finish(cuda_device *device);

/* cuda_program.c, cuda_crunch.c and cuda_prepare.c */
gcr_status gcr_cuda_cell_bytes(uint64_t *out, const gcr_device *device,
                               const gcr_program_spec *spec, const gcr_shape *shape);
uint64_t gcr_cuda_cells_at_once(const gcr_device *device, const gcr_unit *unit,
                                const gcr_shape *shape);
gcr_status gcr_cuda_program_open(gcr_program **out, gcr_device *device,
                                 const gcr_program_spec *spec);
void gcr_cuda_program_close(gcr_program *program);
gcr_status gcr_cuda_prepare(gcr_queue *queue, gcr_program *program, const gcr_prepare_args *args);
gcr_status gcr_cuda_crunch(gcr_queue *queue, gcr_program *program, const gcr_crunch_args *args);

/* cuda_generate.c and cuda_reduce.c */
gcr_status gcr_cuda_generate(gcr_queue *queue, const gcr_generate_args *args);
gcr_status gcr_cuda_reduce(gcr_queue *queue, gcr_program *program, const gcr_reduce_args *args);

/* cuda_transfer.c */
extern const gcr_measure_ops gcr_cuda_measure;

/* cuda_prepare.c. collected() enqueues what prepare() was asked for so far, and forget() drops what
 * is of `program`, NULL: of all; for both, the lock is held. */
GCR_MUST_CHECK gcr_status gcr_cuda_preparer_open(cuda_queue *queue);
void gcr_cuda_preparer_close(cuda_queue *queue);
GCR_MUST_CHECK gcr_status gcr_cuda_prepare_collected(cuda_queue *queue);
struct cuda_program;
void gcr_cuda_prepare_forget(cuda_queue *queue, const struct cuda_program *program);

/* cuda_crunch.c: what the launches of a queue need, opened with it. */
GCR_MUST_CHECK gcr_status gcr_cuda_launcher_open(cuda_queue *queue);
void gcr_cuda_launcher_close(cuda_queue *queue);

#endif /* GCR_CUDA_BACKEND_H */
