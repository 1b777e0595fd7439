/*
 * cuda/cuda_prepare.c -- datasets that are prepared, many by one launch: each by a block, or where
 * that would take long, one after the other by all of them.
 *
 * prepare() writes a descriptor into pinned memory and launches nothing: what was collected goes to
 * the GPU in front of whatever may ask for it, which is all that `work` or `down` are given next,
 * and the freeing of memory. So a batch that begins with a hundred new datasets has one launch in
 * front of it. A queue is one thread's, but another that frees memory may be the one that launches:
 * what is collected is under the lock of the device, and has its scratch before it is, as nothing
 * can be allocated there.
 */
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_program.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
    SLOTS = 4,
    DATASETS = 256, /* of one launch */
};

/* Descriptors on both sides, and the end of the launch that reads them. */
typedef struct slot {
    gcr_launch_dataset *datasets, *datasets_dev; /* [DATASETS] */
    cudaEvent_t done;
    int is_used;
} slot;

typedef struct cuda_preparer {
    slot slots[SLOTS];
    int slot; /* that is being filled */
    /* What is collected: */
    const cuda_program *program;
    gcr_variant variant; /* the most scratch */
    cudaKernel_t kernel;
    uint64_t count;
    /* Of all blocks of a launch: */
    void *scratch;
    uint64_t scratch_bytes;
} cuda_preparer;

/* ---- what a queue keeps ---------------------------------------------------------------------- */

gcr_status gcr_cuda_preparer_open(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = DATASETS * sizeof(gcr_launch_dataset);

    queue->preparer = calloc(1, sizeof *queue->preparer);
    if (queue->preparer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a queue");
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &queue->preparer->slots[i];

        GCR_CUDA("allocate pinned memory",
                 cudaHostAlloc((void **)&s->datasets, bytes, cudaHostAllocDefault));
        GCR_TRY(gcr_cuda_host_event_open(&s->done));
        GCR_TRY(gcr_cuda_allocate((void **)&s->datasets_dev, cuda_device_of(queue->base.device),
                                  bytes, "allocate the descriptors of datasets on the GPU"));
    }
out:
    return status;
}

void gcr_cuda_preparer_close(cuda_queue *queue)
{
    cuda_preparer *preparer = queue->preparer;
    cuda_device *device = cuda_device_of(queue->base.device);

    if (preparer == NULL)
        return;
    gcr_cuda_free(device, preparer->scratch);
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &preparer->slots[i];

        gcr_cuda_free(device, s->datasets_dev);
        if (s->done != NULL)
            GCR_CUDA_CLOSE(cudaEventDestroy(s->done));
        if (s->datasets != NULL)
            GCR_CUDA_CLOSE(cudaFreeHost(s->datasets));
    }
    free(preparer);
    queue->preparer = NULL;
}

/* ---- to the GPU ------------------------------------------------------------------------------ */

static gcr_prepare_launch describe(const cuda_preparer *preparer, const slot *s, uint64_t count)
{
    const gcr_launch *common = &preparer->program->common;
    const gcr_scalar scalar = preparer->program->base.unit->scalar;
    gcr_prepare_launch launch = { .datasets = s->datasets_dev,
                                  .dataset_count = count,
                                  .seed = common->seed,
                                  .ns_per_tick = common->ns_per_tick,
                                  .scratch = preparer->scratch,
                                  .scratch_stride =
                                      preparer->variant.scratch_bytes / gcr_scalar_bytes(scalar) };

    for (int o = 0; o < GCR_OPTIONS_MAX; o++)
        launch.option[o] = common->option[o];
    return launch;
}

/* Whether all blocks prepare each dataset. */
static int is_whole(const gcr_variant *variant)
{
    return variant->team == GCR_TEAM_PREPARE_WHOLE;
}

/* As many blocks as have scratch; a block that is done goes on to the next dataset. */
static uint64_t count_blocks(const cuda_preparer *preparer, uint64_t count)
{
    const uint64_t bytes = preparer->variant.scratch_bytes;

    if (is_whole(&preparer->variant))
        return (uint64_t)gcr_cuda_crossovers_of(preparer->program)->whole_blocks;
    if (bytes > 0 && preparer->scratch_bytes / bytes < count)
        return preparer->scratch_bytes / bytes;
    return count;
}

static gcr_status enqueue(cuda_queue *queue, slot *s, uint64_t count)
{
    gcr_status status = GCR_OK;
    const cuda_preparer *preparer = queue->preparer;
    gcr_prepare_launch launch = describe(preparer, s, count);

    GCR_TRY(gcr_cuda_turn(queue->base.device));
    GCR_TRY(
        gcr_cuda_upload_pinned(queue, s->datasets_dev, s->datasets, count * sizeof *s->datasets));
    GCR_TRY(gcr_cuda_queue_turn_work(queue));
    if (is_whole(&preparer->variant))
        GCR_TRY(gcr_cuda_lane_clear_meeting(&queue->work, preparer->scratch));
    GCR_TRY(gcr_cuda_lane_launch(&queue->work, preparer->kernel,
                                 (unsigned)count_blocks(preparer, count), &preparer->variant,
                                 &launch));
    GCR_CUDA("record an event", cudaEventRecord(s->done, queue->work.stream));
out:
    return status;
}

/* Nothing is collected while it is enqueued: `work` is turned to for that, too. */
gcr_status gcr_cuda_prepare_collected(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_preparer *preparer = queue->preparer;
    const uint64_t count = preparer != NULL ? preparer->count : 0;
    slot *s;

    if (count == 0)
        goto out;
    s = &preparer->slots[preparer->slot];
    preparer->count = 0;
    status = enqueue(queue, s, count);
    if (status != GCR_OK) {
        preparer->count = count; /* whoever is next is told, too */
        goto out;
    }
    s->is_used = 1;
    preparer->slot = (preparer->slot + 1) % SLOTS;
out:
    return status;
}

void gcr_cuda_prepare_forget(cuda_queue *queue, const cuda_program *program)
{
    cuda_preparer *preparer = queue->preparer;

    if (preparer != NULL && (program == NULL || preparer->program == program))
        preparer->count = 0;
}

/* ---- collecting ------------------------------------------------------------------------------ */

/* Scratch for twice the blocks that there were, up to all that one launch can use at once; where
 * there is no memory for them, one block prepares all. */
static gcr_status reserve_scratch(cuda_preparer *preparer, cuda_device *device,
                                  const gcr_variant *variant, uint64_t blocks)
{
    static const char doing[] = "allocate the scratch of datasets on the GPU";
    gcr_status status = GCR_OK;
    uint64_t bytes;

    if (blocks > 1)
        status = gcr_multiply(&bytes, variant->scratch_bytes, blocks)
                     ? gcr_cuda_reserve(&preparer->scratch, &preparer->scratch_bytes, device, bytes,
                                        doing)
                     : GCR_ENOMEM;
    if (blocks == 1 || status == GCR_ENOMEM)
        status = gcr_cuda_reserve(&preparer->scratch, &preparer->scratch_bytes, device,
                                  variant->scratch_bytes, doing);
    return status;
}

/* How many blocks with scratch of their own the dataset that comes next may be one of. */
static gcr_status choose_blocks(uint64_t *out, cuda_queue *queue, cuda_program *program,
                                cuda_code *code, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    uint64_t count, most;
    int resident;

    GCR_TRY(gcr_cuda_code_blocks(&resident, program, code, variant->shared_bytes));
    most = is_whole(variant) ? 1 : (uint64_t)resident * (uint64_t)device->base.info.units;
    pthread_mutex_lock(&device->lock);
    count = queue->preparer->count + 1;
    pthread_mutex_unlock(&device->lock);
    *out = 1;
    while (*out < count && *out < most)
        *out *= 2;
out:
    return status;
}

/* What was collected for other code, or fills a slot, goes first. The lock is held. */
static gcr_status make_room(cuda_queue *queue, const cuda_program *program, cudaKernel_t kernel)
{
    gcr_status status = GCR_OK;
    const cuda_preparer *preparer = queue->preparer;

    if (preparer->count == DATASETS || preparer->program != program || preparer->kernel != kernel)
        GCR_TRY(gcr_cuda_prepare_collected(queue));
out:
    return status;
}

/* Where it is GCR_OK, the lock is held and *out may be written to. */
static gcr_status lock_slot(slot **out, cuda_queue *queue, const cuda_program *program,
                            cudaKernel_t kernel)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    cuda_preparer *preparer = queue->preparer;

    for (;;) {
        pthread_mutex_lock(&device->lock);
        status = make_room(queue, program, kernel);
        *out = &preparer->slots[preparer->slot];
        if (status == GCR_OK && !(*out)->is_used)
            return GCR_OK;
        pthread_mutex_unlock(&device->lock);
        GCR_TRY(status);
        GCR_CUDA("prepare a dataset", cudaEventSynchronize((*out)->done));
        (*out)->is_used = 0; /* it is empty, so no other thread is at it */
    }
out:
    return status;
}

gcr_status gcr_cuda_prepare(gcr_queue *base, gcr_program *base_program,
                            const gcr_prepare_args *args)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_preparer *preparer = queue->preparer;
    cuda_program *program = (cuda_program *)base_program;
    cuda_device *device = cuda_device_of(base->device);
    const gcr_shape shape = gcr_cuda_shape_of(program, &args->data);
    const gcr_variant variant = gcr_cuda_variant_of_prepare(gcr_cuda_crossovers_of(program),
                                                            program->base.unit->kernel, &shape);
    cuda_code *code;
    uint64_t blocks;
    slot *s;

    GCR_TRY(gcr_cuda_enter(base->device));
    GCR_TRY(gcr_cuda_code_find(&code, program, &variant));
    if (variant.scratch_bytes == UINT64_MAX)
        GCR_FAIL(GCR_ENOMEM, "preparing a dataset needs more scratch than can be counted");
    GCR_TRY(choose_blocks(&blocks, queue, program, code, &variant));
    GCR_TRY(reserve_scratch(preparer, device, &variant, blocks));
    GCR_TRY(lock_slot(&s, queue, program, code->prepare));
    if (preparer->count == 0 || variant.scratch_bytes > preparer->variant.scratch_bytes)
        preparer->variant = variant;
    preparer->program = program;
    preparer->kernel = code->prepare;
    s->datasets[preparer->count++] = (gcr_launch_dataset){ .data = args->data,
                                                           .prepared = args->prepared,
                                                           .fault = args->fault };
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}
