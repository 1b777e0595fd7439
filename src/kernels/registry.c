/*
 * kernels/registry.c -- the list of compiled units, and the way from a job to one of them.
 * kernels/gcr_units.def is written by CMakeLists.txt.
 */
#include "kernels/registry.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The build lists its units, those of one kernel together and kernels in alphabetical order. */
#define GCR_UNIT(name) extern const gcr_unit name;
#include "kernels/gcr_units.def"
#undef GCR_UNIT

#define GCR_UNIT(name) &name,
static const gcr_unit *const units[] = {
#include "kernels/gcr_units.def"
};
#undef GCR_UNIT

enum { UNIT_COUNT = sizeof units / sizeof units[0] };

/* The distinct kernels of `units`, and their names. Addresses in other objects are no constants
 * for C, so the list is made at the first question. */
static const gcr_kernel *kernels[UNIT_COUNT];
static const char *kernel_names[UNIT_COUNT];
static int kernel_count;
static pthread_once_t kernels_listed = PTHREAD_ONCE_INIT;

static void list_kernels(void)
{
    for (int u = 0; u < UNIT_COUNT; u++) {
        const gcr_kernel *kernel = units[u]->kernel;

        if (kernel_count > 0 && strcmp(kernel->name, kernel_names[kernel_count - 1]) == 0)
            continue;
        kernels[kernel_count] = kernel;
        kernel_names[kernel_count] = kernel->name;
        kernel_count++;
    }
}

const gcr_kernel *const *gcr_kernels(int *count_out)
{
    pthread_once(&kernels_listed, list_kernels);
    *count_out = kernel_count;
    return kernels;
}

int gcr_kernel_parameter_count(const gcr_kernel *kernel)
{
    int count = 0;

    while (kernel->parameters[count].name != NULL)
        count++;
    return count;
}

int gcr_kernel_option_count(const gcr_kernel *kernel)
{
    int count = 0;

    while (kernel->options[count].name != NULL)
        count++;
    return count;
}

int gcr_kernel_output_count(const gcr_kernel *kernel)
{
    int count = 0;

    while (kernel->outputs[count].name != NULL)
        count++;
    return count;
}

const gcr_kernel *gcr_kernel_named(char hint[GCR_KERNEL_HINT_BYTES], const char *name)
{
    int count;
    const gcr_kernel *const *list = gcr_kernels(&count);

    for (int k = 0; k < count; k++)
        if (strcmp(list[k]->name, name) == 0)
            return list[k];
    gcr_suggest(hint, GCR_KERNEL_HINT_BYTES, name, kernel_names, count);
    return NULL;
}

static gcr_status find_kernel(const gcr_kernel **out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], hint[GCR_KERNEL_HINT_BYTES];

    *out = gcr_kernel_named(hint, job->kernel);
    if (*out == NULL)
        GCR_FAIL(GCR_EINVAL, "%sthere is no kernel '%s'%s",
                 gcr_format_mark(place, job->kernel_mark), job->kernel, hint);
out:
    return status;
}

/* The index of the option that `spec` names. */
static gcr_status find_option(int *out, const gcr_kernel *kernel, const gcr_option_spec *spec)
{
    gcr_status status = GCR_OK;
    const char *names[GCR_OPTIONS_MAX];
    const int count = gcr_kernel_option_count(kernel);
    char place[GCR_MARK_BYTES], hint[GCR_KERNEL_HINT_BYTES];

    for (*out = 0; *out < count; ++*out) {
        names[*out] = kernel->options[*out].name;
        if (strcmp(names[*out], spec->name) == 0)
            goto out;
    }
    gcr_suggest(hint, sizeof hint, spec->name, names, count);
    GCR_FAIL(GCR_EINVAL, "%skernel '%s' has no option '%s'%s", gcr_format_mark(place, spec->mark),
             kernel->name, spec->name, hint);
out:
    return status;
}

static gcr_status read_choice(int64_t *out, const gcr_kernel_option *option,
                              const gcr_option_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], hint[GCR_KERNEL_HINT_BYTES];
    int count = 0;

    for (; count < GCR_CHOICES_MAX && option->choices[count] != NULL; count++)
        if (strcmp(option->choices[count], spec->value) == 0) {
            *out = count;
            goto out;
        }
    gcr_suggest(hint, sizeof hint, spec->value, option->choices, count);
    GCR_FAIL(GCR_EINVAL, "%soption '%s' cannot be '%s'%s", gcr_format_mark(place, spec->value_mark),
             option->name, spec->value, hint);
out:
    return status;
}

static gcr_status read_integer(int64_t *out, const gcr_kernel_option *option,
                               const gcr_option_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];
    double number;

    if (!gcr_parse_number(&number, spec->value, strlen(spec->value)) || number != floor(number) ||
        number < (double)option->least || number > (double)option->most)
        GCR_FAIL(GCR_EINVAL,
                 "%soption '%s' is a whole number from %" PRId64 " to %" PRId64 ", not '%s'",
                 gcr_format_mark(place, spec->value_mark), option->name, option->least,
                 option->most, spec->value);
    *out = (int64_t)number;
out:
    return status;
}

gcr_status gcr_kernel_read_options(int64_t option[GCR_OPTIONS_MAX], const gcr_kernel *kernel,
                                   const gcr_job *job)
{
    gcr_status status = GCR_OK;

    memset(option, 0, GCR_OPTIONS_MAX * sizeof option[0]);
    for (int o = 0; o < gcr_kernel_option_count(kernel); o++)
        option[o] = kernel->options[o].standard;
    for (int i = 0; i < job->option_count; i++) {
        const gcr_option_spec *spec = &job->options[i];
        const gcr_kernel_option *found;
        int o;

        GCR_TRY(find_option(&o, kernel, spec));
        found = &kernel->options[o];
        if (found->choices[0] != NULL)
            GCR_TRY(read_choice(&option[o], found, spec));
        else
            GCR_TRY(read_integer(&option[o], found, spec));
    }
out:
    return status;
}

static int unit_serves(const gcr_unit *unit, const gcr_kernel *kernel,
                       const int64_t option[GCR_OPTIONS_MAX])
{
    if (strcmp(unit->kernel->name, kernel->name) != 0)
        return 0;
    for (int o = 0; o < GCR_OPTIONS_MAX; o++)
        if (unit->choice[o] != GCR_UNIT_ANY && unit->choice[o] != option[o])
            return 0;
    return 1;
}

/* "gp, kernel_ridge": the kernels that have units of this algorithm. */
static void list_kernels_with(char *out, size_t bytes, gcr_algorithm algorithm)
{
    const char *last = NULL;
    size_t used = 0;

    for (int u = 0; u < UNIT_COUNT && used < bytes; u++)
        if (units[u]->algorithm == algorithm &&
            (last == NULL || strcmp(units[u]->kernel->name, last) != 0)) {
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", last == NULL ? "" : ", ",
                                     units[u]->kernel->name);
            last = units[u]->kernel->name;
        }
}

static gcr_status check_algorithm(const gcr_kernel *kernel, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], others[GCR_KERNEL_HINT_BYTES] = "none";

    for (int u = 0; u < UNIT_COUNT; u++)
        if (units[u]->algorithm == job->algorithm &&
            strcmp(units[u]->kernel->name, kernel->name) == 0)
            goto out;
    list_kernels_with(others, sizeof others, job->algorithm);
    GCR_FAIL(GCR_EINVAL, "%skernel '%s' has no algorithm '%s'; kernels that have it: %s",
             gcr_format_mark(place, job->algorithm_mark), kernel->name,
             gcr_algorithm_name(job->algorithm), others);
out:
    return status;
}

/* Whatever the kernel is: the reduction is written for doubles. */
static gcr_status check_precision(const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    if (job->precision != GCR_F64 && job->algorithm == GCR_TRIDIAGONAL)
        GCR_FAIL(GCR_EINVAL,
                 "%sthe algorithm 'tridiagonal' has no precision '%s': leave out one of the two",
                 gcr_format_mark(place, job->precision_mark), gcr_precision_name(job->precision));
out:
    return status;
}

gcr_status gcr_unit_find(const gcr_unit **out, int64_t option[GCR_OPTIONS_MAX], const gcr_job *job,
                         gcr_code_path path)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel;

    *out = NULL;
    GCR_TRY(find_kernel(&kernel, job));
    GCR_TRY(check_algorithm(kernel, job));
    GCR_TRY(check_precision(job));
    GCR_TRY(gcr_kernel_read_options(option, kernel, job));
    for (int u = 0; u < UNIT_COUNT; u++)
        if (units[u]->path == path && units[u]->algorithm == job->algorithm &&
            units[u]->scalar == job->precision && unit_serves(units[u], kernel, option)) {
            *out = units[u];
            goto out;
        }
    GCR_FAIL(GCR_EUNSUPPORTED,
             "this build has no kernel '%s' with these options for the code path '%s' in %s "
             "precision",
             kernel->name, gcr_code_path_name(path), gcr_precision_name(job->precision));
out:
    return status;
}

gcr_status gcr_unit_load(const gcr_unit **out, gcr_own **own_out, int64_t option[GCR_OPTIONS_MAX],
                         const gcr_job *job, gcr_code_path path)
{
    gcr_status status = GCR_OK;
    char file[PATH_MAX], place[GCR_MARK_BYTES];
    gcr_own *own = NULL;

    *out = NULL;
    *own_out = NULL;
    GCR_TRY(gcr_own_locate(file, sizeof file, job));
    GCR_TRY(gcr_own_open(&own, file));
    GCR_TRY(gcr_kernel_read_options(option, gcr_own_kernel(own), job));
    if (!gcr_own_has(own, job->algorithm))
        GCR_FAIL(GCR_EINVAL,
                 "%sthe kernel %s has no algorithm '%s': that takes base(), scale() and shift() in "
                 "place of element()",
                 gcr_format_mark(place, job->algorithm_mark), file,
                 gcr_algorithm_name(job->algorithm));
    GCR_TRY(check_precision(job));
    GCR_TRY(gcr_own_load(out, own, option, path, job->algorithm, job->precision));
    *own_out = own;
    own = NULL;
out:
    gcr_own_close(own);
    return status;
}
