/* cuda/cuda_kernel.c -- see cuda_kernel.h. */
#include "cuda/cuda_kernel.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t ask(int64_t (*function)(const gcr_shape *shape), const gcr_shape *shape,
                   int64_t otherwise)
{
    return function != NULL ? function(shape) : otherwise;
}

/* The values of all outputs of a cell. */
static int64_t output_width(const gcr_kernel *kernel, const gcr_shape *shape)
{
    int64_t width = 0;

    for (int o = 0; kernel->outputs[o].name != NULL; o++)
        switch (kernel->outputs[o].width) {
        case GCR_WIDTH_ROWS: width += shape->rows; break;
        case GCR_WIDTH_FEATURES: width += shape->features; break;
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

double gcr_cuda_flops_of(const gcr_kernel *kernel, const gcr_shape *shape)
{
    return kernel->cost != NULL ? kernel->cost(shape)
                                : (double)shape->rows * (double)(shape->features + 1);
}

gcr_variant gcr_cuda_variant_of(const gcr_crossovers *crossovers, const gcr_kernel *kernel,
                                const gcr_shape *shape)
{
    const int is_spd = kernel->form == GCR_FORM_SPD;
    const gcr_cell_shape cell = {
        .form = kernel->form,
        .n = is_spd ? kernel->size(shape) : 0,
        .systems = is_spd ? ask(kernel->systems, shape, 1) : 0,
        .right_sides = is_spd ? ask(kernel->right_sides, shape, 1) : 0,
        .scratch_count = is_spd ? 0 : ask(kernel->scratch_count, shape, 0),
        .output_width = output_width(kernel, shape),
        .has_wide_outputs = has_wide_outputs(kernel),
        .flops = gcr_cuda_flops_of(kernel, shape),
    };

    return gcr_variant_of(crossovers, &cell);
}

gcr_variant gcr_cuda_variant_of_prepare(const gcr_crossovers *crossovers, const gcr_kernel *kernel,
                                        const gcr_shape *shape)
{
    return gcr_variant_of_prepare(crossovers, ask(kernel->scratch_count, shape, 0),
                                  kernel->prepare_cost != NULL ? kernel->prepare_cost(shape) : 0);
}

gcr_launch_tile gcr_cuda_describe_tile(const gcr_kernel *kernel, const gcr_shape *shape,
                                       const gcr_unit_tile *tile)
{
    gcr_launch_tile out = { .tile = *tile };

    if (kernel->form == GCR_FORM_SPD) {
        out.n = (int32_t)kernel->size(shape);
        out.systems = (int32_t)ask(kernel->systems, shape, 1);
        out.right_sides = (int32_t)ask(kernel->right_sides, shape, 1);
    }
    return out;
}

static gcr_status define_options(cuda_source *source, const gcr_kernel *kernel,
                                 const int64_t option[GCR_OPTIONS_MAX])
{
    gcr_status status = GCR_OK;

    for (int o = 0; kernel->options[o].name != NULL; o++)
        GCR_TRY(gcr_cuda_define(source, "GCR_OPTION_%s ((int64_t)%" PRId64 ")",
                                kernel->options[o].name, option[o]));
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

static gcr_status define_team(cuda_source *source, gcr_scalar scalar, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;

    source->scalar = scalar;
    if (scalar == GCR_F32)
        GCR_TRY(gcr_cuda_define(source, "GCR_SINGLE"));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM %d", (int)variant->team));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_BOUND %d", (int)variant->bound));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_SINGLE %d", (int)variant->is_single));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_THREADS %d", (int)variant->threads));
    GCR_TRY(gcr_cuda_define(source, "GCR_TEAM_MIN_BLOCKS %d", (int)variant->min_blocks));
out:
    return status;
}

gcr_status gcr_cuda_define_factor(cuda_source *source, const gcr_variant *variant,
                                  gcr_scalar scalar)
{
    gcr_status status = GCR_OK;

    *source = (cuda_source){
        .name = "factor", .path = "factor", .text = "", .unit = "cuda/device/factor_unit.h"
    };
    GCR_TRY(define_team(source, scalar, variant));
out:
    return status;
}

gcr_status gcr_cuda_define_variant(cuda_source *source, const gcr_kernel *kernel,
                                   const int64_t option[GCR_OPTIONS_MAX], gcr_scalar scalar,
                                   const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    int parameters = 0;

    while (kernel->parameters[parameters].name != NULL)
        parameters++;
    GCR_TRY(define_team(source, scalar, variant));
    GCR_TRY(gcr_cuda_define(source, "GCR_PARAMETER_COUNT %d", parameters));
    GCR_TRY(define_outputs(source, kernel));
    GCR_TRY(define_options(source, kernel, option));
out:
    return status;
}
