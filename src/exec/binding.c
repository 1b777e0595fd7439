/* exec/binding.c -- see exec/binding.h. One function per promise that the job makes. */
#include "exec/binding.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "kernels/own/description.h"
#include "kernels/registry.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- grid against parameters ----------------------------------------------------------------- */

static int list_parameters(const gcr_kernel *kernel, const char *names[GCR_PARAMETERS_MAX])
{
    const int count = gcr_kernel_parameter_count(kernel);

    for (int p = 0; p < count; p++)
        names[p] = kernel->parameters[p].name;
    return count;
}

static int find_parameter(const gcr_kernel *kernel, const char *name)
{
    const int count = gcr_kernel_parameter_count(kernel);

    for (int p = 0; p < count; p++)
        if (strcmp(kernel->parameters[p].name, name) == 0)
            return p;
    return -1;
}

static int is_in_domain(const gcr_kernel_parameter *parameter, double value)
{
    if (parameter->is_free)
        return 1;
    return parameter->is_open ? value > parameter->least : value >= parameter->least;
}

/* A unit of single precision computes with the float that is nearest to a value. */
static gcr_status check_single(const gcr_kernel_parameter *parameter, const gcr_axis_spec *spec,
                               double value)
{
    gcr_status status = GCR_OK;
    const double single = (double)(float)value;
    char at[GCR_MARK_BYTES], text[32], there[32];

    if (!isfinite(single) || !is_in_domain(parameter, single) ||
        (parameter->is_integer && single != value))
        GCR_FAIL(GCR_EINVAL, "%s%s = %s is not possible in single precision, where it is %s",
                 gcr_format_mark(at, spec->values_mark), spec->name, gcr_format_number(text, value),
                 gcr_format_number(there, single));
out:
    return status;
}

static gcr_status check_value(const gcr_kernel *kernel, const gcr_kernel_parameter *parameter,
                              const gcr_axis_spec *spec, double value)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], text[32], least[32];

    if (!is_in_domain(parameter, value))
        GCR_FAIL(GCR_EINVAL, "%s%s = %s is not possible: kernel '%s' needs %s %s %s",
                 gcr_format_mark(at, spec->values_mark), spec->name, gcr_format_number(text, value),
                 kernel->name, spec->name,
                 parameter->is_open ? ">" : ">=", gcr_format_number(least, parameter->least));
    if (parameter->is_integer && value != floor(value))
        GCR_FAIL(GCR_EINVAL, "%s%s = %s is not possible: kernel '%s' needs whole numbers",
                 gcr_format_mark(at, spec->values_mark), spec->name, gcr_format_number(text, value),
                 kernel->name);
out:
    return status;
}

/* Axis `a` gives the values of one parameter, all inside its domain. */
static gcr_status bind_axis(gcr_binding *binding, const gcr_job *job, int a)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const gcr_kernel *kernel = binding->unit->kernel;
    const gcr_axis_spec *spec = &job->axes[a];
    const gcr_axis *axis = &binding->setup.points->axes[a];
    const char *names[GCR_PARAMETERS_MAX];
    const int count = list_parameters(kernel, names);
    const int parameter = find_parameter(kernel, spec->name);
    char hint[256];

    if (parameter < 0) {
        gcr_suggest(hint, sizeof hint, spec->name, names, count);
        GCR_FAIL(GCR_EINVAL, "%s'%s' is not a parameter of kernel '%s'%s",
                 gcr_format_mark(at, spec->mark), spec->name, kernel->name, hint);
    }
    binding->setup.parameter_of_axis[a] = parameter;
    for (uint64_t i = 0; i < axis->count; i++) {
        GCR_TRY(check_value(kernel, &kernel->parameters[parameter], spec, axis->values[i]));
        if (binding->unit->scalar == GCR_F32)
            GCR_TRY(check_single(&kernel->parameters[parameter], spec, axis->values[i]));
    }
out:
    return status;
}

/* Every parameter has an axis. */
static gcr_status check_parameters(const gcr_binding *binding, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const gcr_kernel *kernel = binding->unit->kernel;
    const int count = gcr_kernel_parameter_count(kernel);

    for (int p = 0; p < count; p++) {
        int is_given = 0;

        for (int a = 0; a < job->axis_count; a++)
            is_given |= binding->setup.parameter_of_axis[a] == p;
        if (!is_given)
            GCR_FAIL(GCR_EINVAL,
                     "%skernel '%s' needs '%s' (%s), which the grid does not give; "
                     "add it with a list of values, or with one",
                     gcr_format_mark(at, job->kernel_mark), kernel->name,
                     kernel->parameters[p].name, kernel->parameters[p].help);
    }
out:
    return status;
}

/* ---- outputs and summaries ------------------------------------------------------------------- */

/* Stored is what the widest dataset has. */
static int64_t widest(const gcr_datasets *datasets, int32_t width)
{
    int64_t most = 0;

    if (width != GCR_WIDTH_ROWS && width != GCR_WIDTH_FEATURES)
        return width;
    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_dataset *dataset = &datasets->items[d];
        const int64_t count = width == GCR_WIDTH_ROWS ? dataset->rows : dataset->features;

        most = count > most ? count : most;
    }
    return most;
}

static gcr_status measure_outputs(gcr_binding *binding, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = binding->unit->kernel;

    binding->output_count = gcr_kernel_output_count(kernel);
    for (int o = 0; o < binding->output_count; o++) {
        binding->width[o] = widest(datasets, kernel->outputs[o].width);
        if (binding->width[o] < 1)
            GCR_FAIL(GCR_EINVAL, "output '%s' of kernel '%s' would be empty for these datasets",
                     kernel->outputs[o].name, kernel->name);
    }
out:
    return status;
}

static gcr_status bind_summary(gcr_binding *binding, const gcr_summary_spec *spec, int *out)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const gcr_kernel *kernel = binding->unit->kernel;
    const char *names[GCR_OUTPUTS_MAX];
    char hint[256];

    for (int o = 0; o < binding->output_count; o++) {
        names[o] = kernel->outputs[o].name;
        if (strcmp(names[o], spec->output) != 0)
            continue;
        if (binding->width[o] != 1)
            GCR_FAIL(GCR_EINVAL, "%s'%s' has %" PRId64 " values per cell; a summary needs one",
                     gcr_format_mark(at, spec->output_mark), spec->output, binding->width[o]);
        *out = o;
        goto out;
    }
    gcr_suggest(hint, sizeof hint, spec->output, names, binding->output_count);
    GCR_FAIL(GCR_EINVAL, "%s'%s' is not an output of kernel '%s'%s",
             gcr_format_mark(at, spec->output_mark), spec->output, kernel->name, hint);
out:
    return status;
}

/* ---- data ------------------------------------------------------------------------------------ */

/* The sizes of a kernel are functions of its own, which need not grow with the rows. */
static void find_largest(gcr_binding *binding, const gcr_datasets *datasets)
{
    const gcr_kernel *kernel = binding->unit->kernel;
    uint64_t most = 0;

    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_shape shape = gcr_binding_shape(binding, &datasets->items[d]);
        const uint64_t bytes = binding->unit->scratch_bytes(&shape);
        const int64_t rows = kernel->form == GCR_FORM_SPD ? kernel->size(&shape) : 0;

        if (rows > binding->matrix_rows)
            binding->matrix_rows = rows;
        if (d == 0 || bytes > most) {
            binding->largest = shape;
            most = bytes;
        }
    }
}

static int compare_shapes(const void *a, const void *b)
{
    const gcr_shape *x = a, *y = b;

    if (x->rows != y->rows)
        return x->rows < y->rows ? -1 : 1;
    return (x->features > y->features) - (x->features < y->features);
}

static gcr_status list_shapes(gcr_binding *binding, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    gcr_shape *shapes;

    GCR_TRY(gcr_memory_create((void **)&binding->shapes, datasets->count, sizeof *shapes,
                              "the shapes of datasets"));
    shapes = binding->shapes;
    for (uint64_t d = 0; d < datasets->count; d++)
        shapes[d] =
            (gcr_shape){ .rows = datasets->items[d].rows, .features = datasets->items[d].features };
    qsort(shapes, datasets->count, sizeof *shapes, compare_shapes);
    for (uint64_t d = 0; d < datasets->count; d++)
        if (d == 0 || compare_shapes(&shapes[d], &shapes[binding->shape_count - 1]) != 0)
            shapes[binding->shape_count++] = shapes[d];
out:
    return status;
}

static gcr_status check_datasets(const gcr_binding *binding, const gcr_job *job,
                                 const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const gcr_kernel *kernel = binding->unit->kernel;

    if (datasets->count == 0)
        GCR_FAIL(GCR_EINVAL, "%sthere is no dataset with values (%" PRIu64 " were skipped)",
                 gcr_format_mark(at, job->data.mark), datasets->skipped_count);
    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_dataset *dataset = &datasets->items[d];
        gcr_shape shape;

        if ((kernel->uses & GCR_USES_Y) != 0 && dataset->y == NULL)
            GCR_FAIL(GCR_EINVAL, "%skernel '%s' needs a target: name its column with 'y: COLUMN'",
                     gcr_format_mark(at, job->data.mark), kernel->name);
        if ((kernel->uses & GCR_USES_X) != 0 && dataset->features == 0)
            GCR_FAIL(GCR_EINVAL,
                     "%skernel '%s' needs features: name their columns with 'x: COLUMN'",
                     gcr_format_mark(at, job->data.mark), kernel->name);
        shape = gcr_binding_shape(binding, dataset);
        GCR_TRY(gcr_kernel_check_sizes(kernel, &shape));
    }
out:
    return status;
}

/* ---- the unit -------------------------------------------------------------------------------- */

/* The last that the device has, or the one that the job asks for. */
static gcr_status choose_code_path(gcr_code_path *out, const gcr_job *job, const gcr_device *device)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const gcr_code_path last = device->info.code_path;

    *out = job->code_path == GCR_PATH_BEST ? last : job->code_path;
    if (*out > last)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s%s does not have the instructions of code path '%s': its best is '%s'",
                 gcr_format_mark(at, job->code_path_mark), device->info.name,
                 gcr_code_path_name(*out), gcr_code_path_name(last));
out:
    return status;
}

/* A built-in one, or one of the user's file. */
static gcr_status find_unit(gcr_binding *binding, const gcr_job *job, const gcr_device *device)
{
    gcr_status status = GCR_OK;
    int64_t *const option = binding->setup.option;
    gcr_code_path path;

    GCR_TRY(choose_code_path(&path, job, device));
    if (gcr_own_is_path(job->kernel))
        GCR_TRY(gcr_unit_load(&binding->unit, &binding->own, option, job, path));
    else
        GCR_TRY(gcr_unit_find(&binding->unit, option, job, path));
out:
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

gcr_status gcr_binding_create(gcr_binding *out, const gcr_job *job, const gcr_points *points,
                              const gcr_datasets *datasets, const gcr_device *device)
{
    gcr_status status = GCR_OK;
    gcr_binding binding = { 0 };

    *out = (gcr_binding){ 0 };
    GCR_TRY(find_unit(&binding, job, device));
    binding.setup.points = gcr_points_table(points);
    binding.setup.seed = job->seed;
    binding.setup.jitter = job->jitter;
    binding.setup.jitter_count = job->jitter_count;
    for (int a = 0; a < job->axis_count; a++)
        GCR_TRY(bind_axis(&binding, job, a));
    GCR_TRY(check_parameters(&binding, job));
    GCR_TRY(check_datasets(&binding, job, datasets));
    find_largest(&binding, datasets);
    GCR_TRY(list_shapes(&binding, datasets));
    GCR_TRY(measure_outputs(&binding, datasets));
    GCR_TRY(gcr_memory_create((void **)&binding.summary_output, (uint64_t)job->summary_count,
                              sizeof(int), "the summaries"));
    for (int s = 0; s < job->summary_count; s++)
        GCR_TRY(bind_summary(&binding, &job->summaries[s], &binding.summary_output[s]));
    *out = binding;
    out->largest.option = out->setup.option;
    binding.summary_output = NULL;
    binding.shapes = NULL;
    binding.own = NULL;
out:
    gcr_binding_clear(&binding);
    return status;
}

void gcr_binding_clear(gcr_binding *binding)
{
    gcr_memory_destroy(binding->summary_output);
    gcr_memory_destroy(binding->shapes);
    gcr_own_close(binding->own);
    *binding = (gcr_binding){ 0 };
}

gcr_program_spec gcr_binding_program_spec(const gcr_binding *binding)
{
    return (gcr_program_spec){ .unit = binding->unit,
                               .setup = &binding->setup,
                               .largest = binding->largest,
                               .path = gcr_own_path(binding->own),
                               .text = gcr_own_text(binding->own),
                               .shapes = binding->shapes,
                               .shape_count = binding->shape_count };
}

gcr_status gcr_binding_open_program(gcr_program **out, const gcr_binding *binding,
                                    gcr_device *device)
{
    const gcr_program_spec spec = gcr_binding_program_spec(binding);

    return gcr_program_open(out, device, &spec);
}

gcr_shape gcr_binding_shape(const gcr_binding *binding, const gcr_dataset *dataset)
{
    return (gcr_shape){ .rows = dataset->rows,
                        .features = dataset->features,
                        .option = binding->setup.option };
}

double gcr_binding_cost(const gcr_binding *binding, const gcr_shape *shape)
{
    const gcr_kernel *kernel = binding->unit->kernel;
    double n, systems;

    if (kernel->cost != NULL)
        return fmax(1.0, kernel->cost(shape));
    if (kernel->form == GCR_FORM_CELL)
        return fmax(1.0, (double)shape->rows * (double)(shape->features + 1));
    n = (double)kernel->size(shape);
    systems = kernel->systems != NULL ? (double)kernel->systems(shape) : 1.0;
    return fmax(1.0,
                systems * n * n * (n / 3.0 + 20.0)); /* factor, and about 20 flops an element */
}
