/*
 * grid/axis.c -- the values of an axis, computed in the order of operations that numpy 1.24 uses.
 *
 * The same formula written another way differs in the last bit, and then a point that was computed
 * here is not found again from Python by its value. So each filler below is numpy's own sequence
 * of roundings, odd as some look: arange takes its step from the difference of its first two
 * values, linspace multiplies before it adds, geomspace goes through decimal logarithms.
 */
#include "grid/axis.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/sort.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    COUNT_MAX = 1000000000, /* values of one axis: 8 GB */
    STANDARD_COUNT = 50,    /* of linspace and its kin  */
    STANDARD_BASE = 10,
};

static const struct {
    const char *name, *usage;
    uint64_t least, most; /* arguments */
} forms[] = {
    [GCR_AXIS_RANGE] = { "range", "[stop], [start, stop] or [start, stop, step]", 1, 3 },
    [GCR_AXIS_LINSPACE] = { "linspace", "[start, stop] or [start, stop, count]", 2, 3 },
    [GCR_AXIS_GEOMSPACE] = { "geomspace", "[start, stop] or [start, stop, count]", 2, 3 },
    [GCR_AXIS_LOGSPACE] = { "logspace",
                            "[start, stop], [start, stop, count] or [start, stop, count, base]", 2,
                            4 },
};

/* The arguments of a form, those that were left out filled in. */
typedef struct sequence {
    double start, stop;
    double step; /* range    */
    double base; /* logspace */
    uint64_t count;
} sequence;

static gcr_status check_arguments(const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    const uint64_t given = spec->number_count;
    char place[GCR_MARK_BYTES], text[32];

    gcr_format_mark(place, spec->values_mark);
    if (given < forms[spec->form].least || given > forms[spec->form].most)
        GCR_FAIL(GCR_EINVAL, "%saxis '%s': %s takes %s, not %" PRIu64 " numbers", place, spec->name,
                 forms[spec->form].name, forms[spec->form].usage, given);
    for (uint64_t i = 0; i < given; i++)
        if (!isfinite(spec->numbers[i]))
            GCR_FAIL(GCR_EINVAL, "%saxis '%s': %s takes finite numbers, not %s", place, spec->name,
                     forms[spec->form].name, gcr_format_number(text, spec->numbers[i]));
out:
    return status;
}

/* How many values arange has; a fraction of a step counts as one. */
static double range_count(const sequence *range)
{
    const double delta = range->stop - range->start;
    const double steps = delta / range->step;

    if (steps == 0 && delta != 0) /* underflow: numpy looks at the sign */
        return signbit(steps) ? 0 : 1;
    return ceil(steps);
}

static gcr_status read_range(sequence *range, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    const double *numbers = spec->numbers;
    char place[GCR_MARK_BYTES], start[32], stop[32], step[32];
    double count;

    gcr_format_mark(place, spec->values_mark);
    range->start = spec->number_count > 1 ? numbers[0] : 0;
    range->stop = spec->number_count > 1 ? numbers[1] : numbers[0];
    range->step = spec->number_count > 2 ? numbers[2] : 1;
    if (range->step == 0)
        GCR_FAIL(GCR_EINVAL, "%saxis '%s': the step of a range cannot be 0", place, spec->name);
    count = range_count(range);
    if (!(count >= 1))
        GCR_FAIL(GCR_EINVAL, "%saxis '%s': a range from %s to %s by %s has no values", place,
                 spec->name, gcr_format_number(start, range->start),
                 gcr_format_number(stop, range->stop), gcr_format_number(step, range->step));
    if (count > COUNT_MAX)
        GCR_FAIL(GCR_EINVAL, "%saxis '%s': this range has more than %d values", place, spec->name,
                 COUNT_MAX);
    range->count = (uint64_t)count;
out:
    return status;
}

static gcr_status read_space(sequence *space, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    const double count = spec->number_count > 2 ? spec->numbers[2] : STANDARD_COUNT;
    char place[GCR_MARK_BYTES], text[32];

    space->start = spec->numbers[0];
    space->stop = spec->numbers[1];
    space->base = spec->number_count > 3 ? spec->numbers[3] : STANDARD_BASE;
    if (!(count >= 1 && count <= COUNT_MAX && count == floor(count)))
        GCR_FAIL(GCR_EINVAL,
                 "%saxis '%s': the count of %s must be a whole number from 1 to %d, not %s",
                 gcr_format_mark(place, spec->values_mark), spec->name, forms[spec->form].name,
                 COUNT_MAX, gcr_format_number(text, count));
    space->count = (uint64_t)count;
out:
    return status;
}

static gcr_status check_geomspace(const sequence *space, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], start[32], stop[32];

    if (space->start == 0 || space->stop == 0 || (space->start < 0) != (space->stop < 0))
        GCR_FAIL(GCR_EINVAL, "%saxis '%s': geomspace from %s to %s goes through 0",
                 gcr_format_mark(place, spec->values_mark), spec->name,
                 gcr_format_number(start, space->start), gcr_format_number(stop, space->stop));
out:
    return status;
}

static gcr_status read_sequence(sequence *out, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_arguments(spec));
    if (spec->form == GCR_AXIS_RANGE)
        GCR_TRY(read_range(out, spec));
    else
        GCR_TRY(read_space(out, spec));
    if (spec->form == GCR_AXIS_GEOMSPACE)
        GCR_TRY(check_geomspace(out, spec));
out:
    return status;
}

static void fill_range(double *values, const sequence *range)
{
    const double delta = (range->start + range->step) - range->start;

    values[0] = range->start;
    if (range->count > 1)
        values[1] = range->start + range->step;
    for (uint64_t i = 2; i < range->count; i++)
        values[i] = range->start + (double)i * delta;
}

static void fill_linspace(double *values, double start, double stop, uint64_t count)
{
    const double delta = stop - start;
    const double intervals = (double)(count - 1);
    const double step = count > 1 ? delta / intervals : 0;

    for (uint64_t i = 0; i < count; i++)
        if (step != 0)
            values[i] = (double)i * step + start;
        else /* one value, or a step that is too small to be a number */
            values[i] = (count > 1 ? (double)i / intervals : 0) * delta + start;
    if (count > 1)
        values[count - 1] = stop;
}

static void fill_logspace(double *values, double start, double stop, double base, uint64_t count)
{
    fill_linspace(values, start, stop, count);
    for (uint64_t i = 0; i < count; i++)
        values[i] = pow(base, values[i]);
}

static void fill_geomspace(double *values, const sequence *space)
{
    const double sign = space->start < 0 ? -1 : 1;
    const uint64_t count = space->count;

    fill_logspace(values, log10(sign * space->start), log10(sign * space->stop), 10, count);
    for (uint64_t i = 0; i < count; i++)
        values[i] *= sign;
    if (count > 1)
        values[count - 1] = space->stop;
    values[0] = space->start;
}

static void fill(double *values, const sequence *from, const gcr_axis_spec *spec)
{
    switch (spec->form) {
    case GCR_AXIS_LIST: memcpy(values, spec->numbers, from->count * sizeof *values); break;
    case GCR_AXIS_RANGE: fill_range(values, from); break;
    case GCR_AXIS_LINSPACE: fill_linspace(values, from->start, from->stop, from->count); break;
    case GCR_AXIS_GEOMSPACE: fill_geomspace(values, from); break;
    case GCR_AXIS_LOGSPACE:
        fill_logspace(values, from->start, from->stop, from->base, from->count);
        break;
    }
}

static gcr_status check_finite(const double *values, uint64_t count, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], text[32];

    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            GCR_FAIL(GCR_EINVAL, "%saxis '%s': value %" PRIu64 " of %" PRIu64 " is %s, not finite",
                     gcr_format_mark(place, spec->values_mark), spec->name, i + 1, count,
                     gcr_format_number(text, values[i]));
out:
    return status;
}

static int is_strictly_monotonic(const double *values, uint64_t count)
{
    uint64_t rises = 0, falls = 0;

    for (uint64_t i = 1; i < count; i++) {
        rises += values[i] > values[i - 1];
        falls += values[i] < values[i - 1];
    }
    return rises + 1 == count || falls + 1 == count;
}

static gcr_status check_distinct(const double *values, uint64_t count, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    void *block = NULL;
    double *sorted;
    char place[GCR_MARK_BYTES], text[32];

    if (is_strictly_monotonic(values, count))
        goto out;
    GCR_TRY(gcr_memory_create(&block, count, sizeof *sorted, "the values of an axis"));
    sorted = memcpy(block, values, count * sizeof *sorted);
    gcr_sort_numbers(sorted, count);
    for (uint64_t i = 1; i < count; i++)
        if (sorted[i] == sorted[i - 1])
            GCR_FAIL(GCR_EINVAL, "%saxis '%s' has the value %s twice: two points would be one",
                     gcr_format_mark(place, spec->values_mark), spec->name,
                     gcr_format_number(text, sorted[i] + 0.0)); /* -0 is 0 */
out:
    gcr_memory_destroy(block);
    return status;
}

gcr_status gcr_axis_values(double **values_out, uint64_t *count_out, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    sequence from = { .count = spec->number_count };
    void *values = NULL;
    char place[GCR_MARK_BYTES];

    *values_out = NULL;
    *count_out = 0;
    if (spec->form != GCR_AXIS_LIST)
        GCR_TRY(read_sequence(&from, spec));
    if (from.count == 0)
        GCR_FAIL(GCR_EINVAL, "%saxis '%s' has no values", gcr_format_mark(place, spec->values_mark),
                 spec->name);
    GCR_TRY(gcr_memory_create(&values, from.count, sizeof(double), "the values of an axis"));
    fill(values, &from, spec);
    GCR_TRY(check_finite(values, from.count, spec));
    GCR_TRY(check_distinct(values, from.count, spec));
    *values_out = values;
    *count_out = from.count;
    values = NULL;
out:
    gcr_memory_destroy(values);
    return status;
}
