/* cuda/cuda_program.c -- see cuda_program.h. */
#include "cuda/cuda_program.h"

#include "cuda/cuda_compile.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATIC_SHARED_MOST = 48 << 10 }; /* dynamic shared memory that every kernel may have */

/* ---- shapes ---------------------------------------------------------------------------------- */

static gcr_shape shape_of(const cuda_program *program, const gcr_view *data)
{
    return (gcr_shape){ .rows = data->rows,
                        .features = data->features,
                        .option = program->spec.setup->option };
}

static int64_t ask(int64_t (*function)(const gcr_shape *shape), const gcr_shape *shape,
                   int64_t otherwise)
{
    return function != NULL ? function(shape) : otherwise;
}

/* The values of all outputs of a cell. */
static int64_t output_width(const gcr_kernel *kernel, const gcr_view *data)
{
    int64_t width = 0;

    for (int o = 0; kernel->outputs[o].name != NULL; o++)
        switch (kernel->outputs[o].width) {
        case GCR_WIDTH_ROWS: width += data->rows; break;
        case GCR_WIDTH_FEATURES: width += data->features; break;
        default: width += kernel->outputs[o].width;
        }
    return width;
}

static int has_wide_outputs(const gcr_kernel *kernel)
{
    for (int o = 0; kernel->outputs[o].name != NULL; o++)
        if (kernel->outputs[o].width < 0)
            return 1;
    return 0;
}

gcr_variant gcr_cuda_variant_of(const cuda_program *program, const gcr_view *data)
{
    const gcr_kernel *kernel = program->base.unit->kernel;
    const gcr_shape shape = shape_of(program, data);
    const int is_spd = kernel->form == GCR_FORM_SPD;
    const gcr_cell_shape cell = {
        .form = kernel->form,
        .n = is_spd ? kernel->size(&shape) : 0,
        .systems = is_spd ? ask(kernel->systems, &shape, 1) : 0,
        .right_sides = is_spd ? ask(kernel->right_sides, &shape, 1) : 0,
        .scratch_count = is_spd ? 0 : ask(kernel->scratch_count, &shape, 0),
        .output_width = output_width(kernel, data),
        .has_wide_outputs = has_wide_outputs(kernel),
        .flops = kernel->cost != NULL ? kernel->cost(&shape)
                                      : (double)shape.rows * (double)(shape.features + 1),
        .scalar_bytes = sizeof(gcr_real),
    };

    return gcr_variant_of(&cuda_device_of(program->base.device)->crossovers, &cell);
}

gcr_variant gcr_cuda_variant_of_prepare(const cuda_program *program, const gcr_view *data)
{
    const gcr_kernel *kernel = program->base.unit->kernel;
    const gcr_shape shape = shape_of(program, data);

    return gcr_variant_of_prepare(&cuda_device_of(program->base.device)->crossovers,
                                  ask(kernel->scratch_count, &shape, 0), sizeof(gcr_real));
}

void gcr_cuda_describe_tile(gcr_launch_tile *out, const cuda_program *program,
                            const gcr_unit_tile *tile)
{
    const gcr_kernel *kernel = program->base.unit->kernel;
    const gcr_shape shape = shape_of(program, &tile->data);

    *out = (gcr_launch_tile){ .tile = *tile };
    if (kernel->form == GCR_FORM_SPD) {
        out->n = (int32_t)kernel->size(&shape);
        out->systems = (int32_t)ask(kernel->systems, &shape, 1);
        out->right_sides = (int32_t)ask(kernel->right_sides, &shape, 1);
    }
}

/* ---- code ------------------------------------------------------------------------------------ */

static gcr_status define_options(cuda_source *source, const cuda_program *program)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;

    for (int o = 0; kernel->options[o].name != NULL; o++)
        GCR_TRY(gcr_cuda_define(source, "GCR_OPTION_%s ((int64_t)%" PRId64 ")",
                                kernel->options[o].name, program->spec.setup->option[o]));
out:
    return status;
}

/* "GCR_OUTPUT_WIDTHS 1,1,-1" and their sum, 0 where it depends on the dataset. */
static gcr_status define_outputs(cuda_source *source, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;
    char widths[16 * GCR_OUTPUTS_MAX] = "";
    size_t used = 0;
    int64_t sum = 0;

    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        used += (size_t)snprintf(widths + used, sizeof widths - used, "%s%" PRId32,
                                 o > 0 ? "," : "", kernel->outputs[o].width);
        sum += kernel->outputs[o].width;
    }
    GCR_TRY(gcr_cuda_define(source, "GCR_OUTPUT_WIDTHS %s", widths));
    GCR_TRY(
        gcr_cuda_define(source, "GCR_OUTPUTS_FIXED %" PRId64, has_wide_outputs(kernel) ? 0 : sum));
out:
    return status;
}

static gcr_status define(cuda_source *source, const cuda_program *program,
                         const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;
    int parameters = 0;

    while (kernel->parameters[parameters].name != NULL)
        parameters++;
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM %d", (int)variant->team));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_BOUND %d", (int)variant->bound));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_SINGLE %d", (int)variant->is_single));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_THREADS %d", (int)variant->threads));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_MIN_BLOCKS %d", (int)variant->min_blocks));
    GCR_TRY(gcr_cuda_define(source, "GCR_PARAMETER_COUNT %d", parameters));
    GCR_TRY(define_outputs(source, kernel));
    GCR_TRY(define_options(source, program));
out:
    return status;
}

static int is_variant(const cuda_code *code, const gcr_variant *variant)
{
    return code->variant.team == variant->team && code->variant.bound == variant->bound &&
           code->variant.is_single == variant->is_single &&
           code->variant.threads == variant->threads &&
           code->variant.min_blocks == variant->min_blocks;
}

static gcr_status load(cuda_code *code, const cuda_image *image)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("load the code of a kernel",
             cudaLibraryLoadData(&code->library, image->bytes, NULL, NULL, 0, NULL, NULL, 0));
    if (code->variant.team == GCR_TEAM_PREPARE) {
        GCR_CUDA("find the code of a kernel",
                 cudaLibraryGetKernel(&code->prepare, code->library, "gcr_prepare"));
        goto out;
    }
    GCR_CUDA("find the code of a kernel",
             cudaLibraryGetKernel(&code->crunch, code->library, "gcr_crunch"));
    GCR_CUDA("find the code of a kernel",
             cudaLibraryGetKernel(&code->retry, code->library, "gcr_retry"));
out:
    return status;
}

static void unload(cuda_code *code)
{
    if (code->library != NULL)
        GCR_CUDA_CLOSE(cudaLibraryUnload(code->library));
    *code = (cuda_code){ 0 };
}

static gcr_status make_code(cuda_code *code, const cuda_program *program,
                            const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;
    cuda_source source = { .name = kernel->name, .path = program->path, .text = program->text };
    cuda_image image = { 0 };

    *code = (cuda_code){ .variant = *variant, .shared_allowed = STATIC_SHARED_MOST };
    GCR_TRY(define(&source, program, variant));
    GCR_TRY(
        gcr_cuda_compile_cached(&image, &source, cuda_device_of(program->base.device)->capability));
    GCR_TRY(load(code, &image));
out:
    if (status != GCR_OK)
        unload(code);
    gcr_cuda_undefine(&source);
    free(image.log);
    free(image.bytes);
    return status;
}

gcr_status gcr_cuda_code_find(cuda_code **out, cuda_program *program, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;

    pthread_mutex_lock(&program->lock);
    for (int c = 0; c < program->code_count; c++)
        if (is_variant(&program->codes[c], variant)) {
            *out = &program->codes[c];
            goto out;
        }
    if (program->code_count == GCR_CUDA_CODES_MAX)
        GCR_FAIL(GCR_EDEVICE, "kernel '%s' needs more than %d variants",
                 program->base.unit->kernel->name, GCR_CUDA_CODES_MAX);
    *out = &program->codes[program->code_count];
    GCR_TRY(make_code(*out, program, variant));
    program->code_count++;
out:
    pthread_mutex_unlock(&program->lock);
    return status;
}

gcr_status gcr_cuda_code_blocks(int *out, cuda_code *code, const cuda_device *device,
                                uint64_t shared_bytes)
{
    gcr_status status = GCR_OK;
    const cudaKernel_t kernel = code->crunch != NULL ? code->crunch : code->prepare;

    *out = code->blocks;
    if (code->blocks > 0 && code->shared_asked == shared_bytes)
        goto out;
    if (shared_bytes > code->shared_allowed) {
        const int bytes = (int)shared_bytes;

        GCR_CUDA("give a block its shared memory",
                 cudaKernelSetAttributeForDevice(
                     kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes, device->index));
        if (code->retry != NULL)
            GCR_CUDA("give a block its shared memory",
                     cudaKernelSetAttributeForDevice(code->retry,
                                                     cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                     bytes, device->index));
        code->shared_allowed = shared_bytes;
    }
    GCR_CUDA("ask how many blocks fit",
             cudaOccupancyMaxActiveBlocksPerMultiprocessor(&code->blocks, (const void *)kernel,
                                                           code->variant.threads, shared_bytes));
    if (code->blocks < 1)
        GCR_FAIL(
            GCR_EDEVICE,
            "a block of %d threads needs more registers or shared memory than a multiprocessor "
            "of %s has",
            (int)code->variant.threads, device->base.info.name);
    code->shared_asked = shared_bytes;
    *out = code->blocks;
out:
    return status;
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

/* Before the first batch, and waited for: nothing else is under way. */
static gcr_status send_tables(const cuda_program *program, const uint64_t *words, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(program->base.device);

    pthread_mutex_lock(&device->lock);
    GCR_CUDA("copy to the GPU", cudaMemcpyAsync(program->tables, words, bytes,
                                                cudaMemcpyHostToDevice, device->memory.stream));
    device->memory.issued++;
    GCR_CUDA("copy to the GPU", cudaStreamSynchronize(device->memory.stream));
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}

static gcr_status open_tables(cuda_program *program)
{
    gcr_status status = GCR_OK;
    const gcr_unit_setup *setup = program->spec.setup;
    const uint64_t bytes = count_table_bytes(setup);
    uint64_t *words = NULL;

    GCR_TRY(gcr_memory_create((void **)&words, bytes, 1, "the tables of the axes"));
    if (bytes > 0)
        GCR_TRY(gcr_cuda_allocate(&program->tables, cuda_device_of(program->base.device), bytes,
                                  "allocate the tables of the axes on the GPU"));
    lay_out_tables(&program->common, words, setup, program->tables);
    if (bytes > 0)
        GCR_TRY(send_tables(program, words, bytes));
out:
    gcr_memory_destroy(words);
    return status;
}

/* ---- programs -------------------------------------------------------------------------------- */

static gcr_status find_text(cuda_program *program)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = program->base.unit->kernel;

    program->path = program->spec.path;
    program->text = program->spec.text;
    if (program->text != NULL) {
        GCR_TRY(gcr_cuda_check_includes(program->path, program->text));
        goto out;
    }
    program->path = kernel->name;
    program->text = gcr_cuda_kernel_text(kernel->name);
    if (program->text == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "kernel '%s' has no text that could be compiled for a GPU",
                 kernel->name);
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
    if (unit->scalar != GCR_F64)
        GCR_FAIL(GCR_EUNSUPPORTED, "GPUs compute in f64 here, not in %s",
                 gcr_scalar_name(unit->scalar));
out:
    return status;
}

gcr_status gcr_cuda_program_open(gcr_program **out, gcr_device *device,
                                 const gcr_program_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_program *program = NULL;

    GCR_TRY(gcr_cuda_enter(device));
    GCR_TRY(check_unit(spec->unit));
    program = calloc(1, sizeof *program);
    if (program == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a program");
    program->base.device = device;
    program->base.unit = spec->unit;
    program->spec = *spec;
    pthread_mutex_init(&program->lock, NULL);
    GCR_TRY(find_text(program));
    GCR_TRY(open_tables(program));
    *out = &program->base;
    program = NULL;
out:
    if (program != NULL)
        gcr_cuda_program_close(&program->base);
    return status;
}

void gcr_cuda_program_close(gcr_program *base)
{
    cuda_program *program = (cuda_program *)base;

    for (int c = 0; c < program->code_count; c++)
        unload(&program->codes[c]);
    gcr_cuda_free(cuda_device_of(base->device), program->tables);
    pthread_mutex_destroy(&program->lock);
    free(program);
}
