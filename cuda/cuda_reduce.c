/*
 * cuda/cuda_reduce.c -- records in place of cells: one launch for each few tiles, behind the batch.
 */
#include "cuda/cuda_program.h"
#include "cuda/reduce_launch.h"

_Static_assert(sizeof(gcr_reduce_launch) <= GCR_REDUCE_LAUNCH_BYTES, "it is passed by value");

enum { UNIT_BLOCKS = 6 }; /* of 33 KB of shared memory: what a multiprocessor of sm_90 holds */

static gcr_reduce_tile describe(const gcr_unit_tile *tile, uint64_t before)
{
    gcr_reduce_tile out = { .first_width = tile->width[0],
                            .state = tile->state,
                            .first = tile->first,
                            .count = tile->count,
                            .before = before };

    for (int o = 0; o < GCR_OUTPUTS_MAX; o++)
        out.outputs[o] = tile->outputs[o];
    return out;
}

/* Compiled and loaded once, when the first batch comes. The device's lock is not held. */
static gcr_status find_unit(cuda_program *program)
{
    gcr_status status = GCR_OK;

    pthread_mutex_lock(&program->lock);
    if (program->reduce.kernel == NULL)
        status = gcr_cuda_unit_open(&program->reduce, cuda_device_of(program->base.device),
                                    "reduce", "gcr_reduce");
    pthread_mutex_unlock(&program->lock);
    return status;
}

static gcr_status launch(cuda_queue *queue, const cuda_program *program,
                         gcr_reduce_launch *argument)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);

    pthread_mutex_lock(&device->lock);
    GCR_TRY(gcr_cuda_queue_turn_work(queue));
    GCR_TRY(gcr_cuda_unit_launch(&program->reduce,
                                 gcr_cuda_blocks(&device->base, argument->block_count, UNIT_BLOCKS),
                                 GCR_REDUCE_THREADS, argument, &queue->work));
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}

gcr_status gcr_cuda_reduce(gcr_queue *base, gcr_program *base_program, const gcr_reduce_args *args)
{
    gcr_status status = GCR_OK;
    cuda_program *program = (cuda_program *)base_program;
    gcr_reduce_launch argument = { .reduction = *args->reduction,
                                   .live = program->common.live,
                                   .records = args->records,
                                   .record_bytes = gcr_partial_bytes(args->reduction) };

    GCR_TRY(gcr_cuda_turn(base->device));
    GCR_TRY(find_unit(program));
    for (uint64_t t = 0; t < args->tile_count; t += (uint64_t)argument.tile_count) {
        argument.block_count = 0;
        argument.tile_count = 0;
        for (uint64_t k = t; k < args->tile_count && argument.tile_count < GCR_REDUCE_TILES; k++) {
            argument.tiles[argument.tile_count++] = describe(&args->tiles[k], argument.block_count);
            argument.block_count +=
                (args->tiles[k].count + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS;
        }
        if (argument.block_count > 0) /* CUDA has no launch of no blocks */
            GCR_TRY(launch((cuda_queue *)base, program, &argument));
        argument.records += argument.block_count * argument.record_bytes;
    }
out:
    return status;
}
