/* cuda/cuda_program.c -- see cuda_program.h. */
#include "cuda/cuda_program.h"

#include "cuda/cuda_kernel.h"
#include "cuda/cuda_large.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const gcr_crossovers *gcr_cuda_crossovers_of(const cuda_program *program)
{
    return &cuda_device_of(program->base.device)->crossovers[program->base.unit->scalar];
}

gcr_shape gcr_cuda_shape_of(const cuda_program *program, const gcr_view *data)
{
    return (gcr_shape){ .rows = data->rows,
                        .features = data->features,
                        .option = program->spec.setup->option };
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Axes, live points and jitter, one after the other, as they stand on the device. */
static uint64_t count_table_bytes(const gcr_unit_setup *setup)
{
    const gcr_point_table *points = setup->points;
    uint64_t values = (uint64_t)setup->jitter_count;

    for (int a = 0; a < points->axis_count; a++)
        values += points->axes[a].count;
    if (points->live != NULL)
        values += (points->point_count + 63) / 64;
    return values * sizeof(uint64_t);
}

/* Copies `count` words behind those that are there. Returns where they will be on the device. */
static const void *append(uint64_t *words, uint64_t *used, const void *from, uint64_t count,
                          const void *base_dev)
{
    const void *to = (const uint64_t *)base_dev + *used;

    memcpy(words + *used, from, count * sizeof *words);
    *used += count;
    return to;
}

static void lay_out_tables(gcr_launch *launch, uint64_t *words, const gcr_unit_setup *setup,
                           const void *base_dev)
{
    const gcr_point_table *points = setup->points;
    uint64_t used = 0;

    launch->axis_count = points->axis_count;
    for (int a = 0; a < points->axis_count; a++) {
        launch->axes[a].count = points->axes[a].count;
        launch->axes[a].values =
            append(words, &used, points->axes[a].values, points->axes[a].count, base_dev);
        launch->parameter_of_axis[a] = setup->parameter_of_axis[a];
    }
    if (points->live != NULL)
        launch->live =
            append(words, &used, points->live, (points->point_count + 63) / 64, base_dev);
    if (setup->jitter_count > 0)
        launch->jitter =
            append(words, &used, setup->jitter, (uint64_t)setup->jitter_count, base_dev);
    launch->jitter_count = setup->jitter_count;
    memcpy(launch->option, setup->option, sizeof launch->option);
    launch->seed = setup->seed;
    launch->ns_per_tick = 1.0; /* of the timer of all multiprocessors */
}

/* Whatever a queue is given next comes after it. */
static gcr_status send_tables(const cuda_program *program, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(program->base.device);

    pthread_mutex_lock(&device->lock);
    GCR_CUDA("copy to the GPU", cudaMemcpyAsync(program->tables, program->words, bytes,
                                                cudaMemcpyHostToDevice, device->memory.stream));
    device->memory.issued++;
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}

static gcr_status open_tables(cuda_program *program)
{
    gcr_status status = GCR_OK;
    const gcr_unit_setup *setup = program->spec.setup;
    const uint64_t bytes = count_table_bytes(setup);

    GCR_TRY(gcr_memory_create((void **)&program->words, bytes, 1, "the tables of the axes"));
    if (bytes > 0)
        GCR_TRY(gcr_cuda_allocate(&program->tables, cuda_device_of(program->base.device), bytes,
                                  "allocate the tables of the axes on the GPU"));
    lay_out_tables(&program->common, program->words, setup, program->tables);
    if (bytes > 0)
        GCR_TRY(send_tables(program, bytes));
out:
    return status;
}

/* The copy may still read the words. */
static void close_tables(cuda_program *program)
{
    cuda_device *device = cuda_device_of(program->base.device);

    GCR_CUDA_CLOSE(cudaStreamSynchronize(device->memory.stream));
    gcr_memory_destroy(program->words);
    gcr_cuda_free(device, program->tables);
}

/* ---- programs -------------------------------------------------------------------------------- */

static gcr_status find_text(cuda_program *program)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;
    const gcr_text_file *file;

    program->path = program->spec.path;
    program->text = program->spec.text;
    if (program->text != NULL) {
        GCR_TRY(gcr_cuda_check_includes(program->path, program->text));
        goto out;
    }
    file = gcr_cuda_kernel_file(kernel->name);
    if (file == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "kernel '%s' has no text that could be compiled for a GPU",
                 kernel->name);
    program->path = file->path;
    program->text = file->text;
out:
    return status;
}

static gcr_status check_unit(const gcr_unit *unit)
{
    gcr_status status = GCR_OK;

    if (unit->algorithm != GCR_DIRECT)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "the algorithm '%s' is not there for GPUs; leave it out, or use 'device: cpu'",
                 gcr_algorithm_name(unit->algorithm));
out:
    return status;
}

/* Of one block, or of a sub-batch of cells that the whole GPU factors: the least that can be
 * launched. */
gcr_status gcr_cuda_cell_bytes(uint64_t *out, const gcr_device *device,
                               const gcr_program_spec *spec, const gcr_shape *shape)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = spec->unit->kernel;
    const gcr_variant variant = gcr_cuda_variant_of(
        &((const cuda_device *)device)->crossovers[spec->unit->scalar], kernel, shape);
    const gcr_unit_tile tile = { .data = { .rows = shape->rows, .features = shape->features } };
    const gcr_launch_tile launched = gcr_cuda_describe_tile(kernel, shape, &tile);
    const uint64_t most =
        device->info.total_bytes /
        (variant.team == GCR_TEAM_GRID ? GCR_CUDA_LARGE_SHARE : GCR_CUDA_SCRATCH_SHARE);
    cuda_program program = { .base = { .device = (gcr_device *)device, .unit = spec->unit },
                             .spec = *spec };

    GCR_TRY(check_unit(spec->unit));
    GCR_TRY(find_text(&program));
    if (variant.team == GCR_TEAM_GRID)
        *out = gcr_cuda_large_bytes(&(cuda_large_args){ .program = &program,
                                                        .n = launched.n,
                                                        .right_sides = launched.right_sides,
                                                        .answer_bytes = variant.scratch_bytes });
    else if (!gcr_multiply(out, variant.scratch_bytes, (uint64_t)variant.teams_of_block))
        *out = UINT64_MAX;
    if (*out > most)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "a cell of a dataset with %" PRId64 " rows needs %" PRIu64
                 " bytes to be computed, and %s has %" PRIu64 " for that",
                 shape->rows, *out, device->info.name, most);
out:
    return status;
}

/* On a multiprocessor are as many blocks as registers are limited for, or as shared memory has room
 * for. Matrices that all blocks factor together are as many as a sub-batch has; a cell that all
 * blocks have is alone. */
uint64_t gcr_cuda_cells_at_once(const gcr_device *device, const gcr_unit *unit,
                                const gcr_shape *shape)
{
    const gcr_crossovers *crossovers = &((const cuda_device *)device)->crossovers[unit->scalar];
    const gcr_variant variant = gcr_cuda_variant_of(crossovers, unit->kernel, shape);
    const uint64_t fit =
        crossovers->shared_bytes / (variant.shared_bytes + GCR_STATIC_SHARED_BYTES);
    const uint64_t blocks = fit < (uint64_t)variant.min_blocks ? fit : (uint64_t)variant.min_blocks;

    if (variant.team == GCR_TEAM_WHOLE)
        return 1;
    if (variant.team == GCR_TEAM_GRID) {
        const gcr_launch_tile tile =
            gcr_cuda_describe_tile(unit->kernel, shape, &(gcr_unit_tile){ 0 });

        return (uint64_t)gcr_grid_of(crossovers, tile.n, tile.right_sides).slots;
    }
    return (uint64_t)device->info.units * (blocks > 1 ? blocks : 1) *
           (uint64_t)variant.teams_of_block;
}

gcr_status gcr_cuda_program_open(gcr_program **out, gcr_device *device,
                                 const gcr_program_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_program *program = NULL;

    GCR_TRY(gcr_cuda_turn(device));
    GCR_TRY(check_unit(spec->unit));
    program = calloc(1, sizeof *program);
    if (program == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a program");
    program->base.device = device;
    program->base.unit = spec->unit;
    program->spec = *spec;
    pthread_mutex_init(&program->lock, NULL);
    GCR_TRY(find_text(program));
    GCR_TRY(gcr_cuda_codes_make_for(program, spec->shapes, spec->shape_count));
    GCR_TRY(open_tables(program));
    *out = &program->base;
    program = NULL;
out:
    if (program != NULL)
        gcr_cuda_program_close(&program->base);
    return status;
}

/* Datasets that nobody has asked for since they were to be prepared are left as they are. */
static void forget_datasets(const cuda_program *program)
{
    cuda_device *device = cuda_device_of(program->base.device);

    pthread_mutex_lock(&device->lock);
    for (cuda_queue *q = device->queues; q != NULL; q = q->next)
        gcr_cuda_prepare_forget(q, program);
    pthread_mutex_unlock(&device->lock);
}

void gcr_cuda_program_close(gcr_program *base)
{
    cuda_program *program = (cuda_program *)base;

    forget_datasets(program);
    (void)gcr_cuda_enter_to_close(base->device);
    gcr_cuda_large_forget(program);
    gcr_cuda_codes_close(program);
    gcr_cuda_unit_close(&program->reduce);
    close_tables(program);
    pthread_mutex_destroy(&program->lock);
    free(program);
}
