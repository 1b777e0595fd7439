/* kernels/own/description.c -- see description.h. */
#include "kernels/own/description.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

/* They are keys of job files, words of `where`, names in results.h5. */
static int is_identifier(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return name[0] != '\0' && strchr(letters, name[0]) != NULL && name[strspn(name, all)] == '\0';
}

static gcr_status check_name(const char *file, const char *what, const char *name)
{
    gcr_status status = GCR_OK;

    if (!is_identifier(name))
        GCR_FAIL(GCR_EINVAL,
                 "%s: '%s' cannot be the name of %s: it is made of letters, digits and '_', and "
                 "begins with a letter",
                 file, name, what);
out:
    return status;
}

/* Names stand `stride` bytes apart, `room` of them and one that ends the list. */
typedef struct name_list {
    const char *what; /* "a parameter" */
    const char *first;
    size_t stride;
    int room;
} name_list;

static const char *name_at(const name_list *list, int i)
{
    const char *name;

    memcpy(&name, list->first + (size_t)i * list->stride, sizeof name);
    return name;
}

static gcr_status check_names(const char *file, const name_list *list)
{
    gcr_status status = GCR_OK;
    int count = 0;

    while (count <= list->room && name_at(list, count) != NULL)
        count++;
    if (count > list->room)
        GCR_FAIL(GCR_EINVAL, "%s: the description has more than %d%ss", file, list->room,
                 strchr(list->what, ' '));
    for (int i = count + 1; i <= list->room; i++)
        if (name_at(list, i) != NULL)
            GCR_FAIL(GCR_EINVAL, "%s: %s before '%s' has no name", file, list->what,
                     name_at(list, i));
    for (int i = 0; i < count; i++) {
        GCR_TRY(check_name(file, list->what, name_at(list, i)));
        for (int j = 0; j < i; j++)
            if (strcmp(name_at(list, i), name_at(list, j)) == 0)
                GCR_FAIL(GCR_EINVAL, "%s: %s '%s' is described twice", file, list->what,
                         name_at(list, i));
    }
out:
    return status;
}

static gcr_status check_all_names(const char *file, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;
    const name_list lists[] = {
        { "a parameter", (const char *)&kernel->parameters[0].name, sizeof kernel->parameters[0],
          GCR_PARAMETERS_MAX },
        { "an option", (const char *)&kernel->options[0].name, sizeof kernel->options[0],
          GCR_OPTIONS_MAX },
        { "an output", (const char *)&kernel->outputs[0].name, sizeof kernel->outputs[0],
          GCR_OUTPUTS_MAX },
    };

    if (kernel->name == NULL)
        GCR_FAIL(GCR_EINVAL, "%s: the description has no name", file);
    GCR_TRY(check_name(file, "a kernel", kernel->name));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        GCR_TRY(check_names(file, &lists[i]));
    if (kernel->faults[GCR_FAULTS_MAX] != NULL)
        GCR_FAIL(GCR_EINVAL, "%s: the description has more than %d faults", file, GCR_FAULTS_MAX);
out:
    return status;
}

/* ---- what they stand for --------------------------------------------------------------------- */

static gcr_status check_parameters(const char *file, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;

    for (int p = 0; kernel->parameters[p].name != NULL; p++)
        if (!kernel->parameters[p].is_free && !isfinite(kernel->parameters[p].least))
            GCR_FAIL(GCR_EINVAL, "%s: the least value of parameter '%s' is not a number", file,
                     kernel->parameters[p].name);
out:
    return status;
}

static gcr_status check_option(const char *file, const gcr_kernel_option *option)
{
    gcr_status status = GCR_OK;
    int64_t least = option->least, most = option->most;
    int count = 0;

    while (count < GCR_CHOICES_MAX && option->choices[count] != NULL)
        count++;
    if (count > 0) {
        least = 0;
        most = count - 1;
    }
    if (option->standard < least || option->standard > most)
        GCR_FAIL(GCR_EINVAL,
                 "%s: the standard value of option '%s' is %" PRId64 ", which is not from %" PRId64
                 " to %" PRId64,
                 file, option->name, option->standard, least, most);
out:
    return status;
}

static gcr_status check_outputs(const char *file, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;

    if (kernel->outputs[0].name == NULL)
        GCR_FAIL(GCR_EINVAL, "%s: the description has no outputs", file);
    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        const gcr_kernel_output *output = &kernel->outputs[o];

        if (output->width < 1 && output->width != GCR_WIDTH_ROWS &&
            output->width != GCR_WIDTH_FEATURES)
            GCR_FAIL(GCR_EINVAL,
                     "%s: the width of output '%s' is %d; it is 1 or more, GCR_WIDTH_ROWS or "
                     "GCR_WIDTH_FEATURES",
                     file, output->name, output->width);
        if (output->width == GCR_WIDTH_FEATURES && (kernel->uses & GCR_USES_X) == 0)
            GCR_FAIL(GCR_EINVAL,
                     "%s: output '%s' has a value per feature, and '.uses' has no GCR_USES_X", file,
                     output->name);
    }
out:
    return status;
}

static gcr_status check_form(const char *file, const gcr_described *described)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = described->kernel;
    const int is_spd = described->form == GCR_FORM_SPD;

    if ((int)kernel->form != described->form)
        GCR_FAIL(GCR_EINVAL, "%s: a file with %s describes itself with .form = %s", file,
                 is_spd ? "GCR_SPD_KERNEL" : "GCR_CELL_KERNEL",
                 is_spd ? "GCR_FORM_SPD" : "GCR_FORM_CELL");
    if (is_spd && kernel->size == NULL)
        GCR_FAIL(GCR_EINVAL, "%s: the description has no .size, the rows of each matrix", file);
    if (is_spd && kernel->scratch_count != NULL)
        GCR_FAIL(GCR_EINVAL, "%s: .scratch_count is for cell kernels", file);
    if (described->has_prepare && kernel->prepared_count == NULL)
        GCR_FAIL(GCR_EINVAL,
                 "%s: there is a prepare(), and .prepared_count does not say for how "
                 "many values",
                 file);
    if (!described->has_prepare && kernel->prepared_count != NULL)
        GCR_FAIL(GCR_EINVAL,
                 "%s: .prepared_count is for a prepare(), which is there with GCR_HAS_PREPARE "
                 "above the include",
                 file);
    if ((kernel->uses & ~(unsigned)(GCR_USES_X | GCR_USES_Y)) != 0)
        GCR_FAIL(GCR_EINVAL, "%s: .uses is made of GCR_USES_X and GCR_USES_Y", file);
out:
    return status;
}

gcr_status gcr_description_check(const gcr_described *described, const char *file)
{
    static const gcr_kernel nothing;
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = described->kernel;

    if (described->form == GCR_FORM_NONE)
        GCR_FAIL(GCR_EINVAL,
                 "%s is not a kernel: there is no '#define GCR_CELL_KERNEL' or '#define "
                 "GCR_SPD_KERNEL' above an include of gridcrunch/kernel.h",
                 file);
    if (memcmp(kernel, &nothing, sizeof nothing) == 0)
        GCR_FAIL(GCR_EINVAL, "%s has no GCR_DESCRIBE(...), which says what the kernel is", file);
    GCR_TRY(check_all_names(file, kernel));
    GCR_TRY(check_form(file, described));
    GCR_TRY(check_parameters(file, kernel));
    for (int o = 0; kernel->options[o].name != NULL; o++)
        GCR_TRY(check_option(file, &kernel->options[o]));
    GCR_TRY(check_outputs(file, kernel));
out:
    return status;
}

/* ---- what may be left out -------------------------------------------------------------------- */

static void complete(const char **text, const char *standard)
{
    if (*text == NULL)
        *text = standard;
}

gcr_kernel gcr_description_complete(const gcr_kernel *kernel)
{
    gcr_kernel out = *kernel;

    complete(&out.help, "");
    for (int p = 0; out.parameters[p].name != NULL; p++)
        complete(&out.parameters[p].help, "");
    for (int o = 0; out.options[o].name != NULL; o++)
        complete(&out.options[o].help, "");
    for (int o = 0; out.outputs[o].name != NULL; o++) {
        complete(&out.outputs[o].help, "");
        complete(&out.outputs[o].unit, "1");
    }
    return out;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* Of values: more than any machine has, and their bytes and a little more can be counted. */
static const int64_t count_most = INT64_MAX / 64;

static gcr_status check_size(const gcr_kernel *kernel, const gcr_shape *shape, const char *name,
                             int64_t (*count)(const gcr_shape *shape), int64_t least, int64_t most)
{
    gcr_status status = GCR_OK;
    int64_t value;

    if (count == NULL)
        goto out;
    value = count(shape);
    if (value < least || value > most)
        GCR_FAIL(GCR_EINVAL,
                 "kernel '%s' says that its %s is %" PRId64 " for a dataset of %" PRId64
                 " row%s and %" PRId64 " feature%s; possible is %" PRId64 " to %" PRId64,
                 kernel->name, name, value, shape->rows, gcr_plural((uint64_t)shape->rows),
                 shape->features, gcr_plural((uint64_t)shape->features), least, most);
out:
    return status;
}

gcr_status gcr_kernel_check_sizes(const gcr_kernel *kernel, const gcr_shape *shape)
{
    gcr_status status = GCR_OK;

    if (kernel->form == GCR_FORM_SPD) {
        GCR_TRY(check_size(kernel, shape, "size", kernel->size, 1, INT_MAX));
        GCR_TRY(check_size(kernel, shape, "systems", kernel->systems, 1, INT_MAX));
        GCR_TRY(check_size(kernel, shape, "right_sides", kernel->right_sides, 1, INT_MAX));
    }
    GCR_TRY(check_size(kernel, shape, "prepared_count", kernel->prepared_count, 0, count_most));
    GCR_TRY(check_size(kernel, shape, "scratch_count", kernel->scratch_count, 0, count_most));
out:
    return status;
}
