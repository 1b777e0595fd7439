/* cli/cell_key.c -- see cell_key.h. */
#include "cli/cell_key.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_KEYS = 4 };

/* ---- naming a cell --------------------------------------------------------------------------- */

const char *gcr_key_text(char *out, size_t bytes, const gcr_point_table *points, uint64_t point)
{
    uint64_t coords[GCR_AXES_MAX];
    size_t used = 0;

    out[0] = '\0';
    gcr_point_coords(points, point, coords);
    for (int a = 0; a < points->axis_count && used < bytes; a++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s=%.6g", a > 0 ? ", " : "",
                                 points->axes[a].name, points->axes[a].values[coords[a]]);
    return out;
}

const char *gcr_key_flight_text(char *out, size_t bytes, const gcr_in_flight *flight,
                                const gcr_run *run, const gcr_datasets *datasets)
{
    const char *dataset = datasets->items[flight->dataset].key;
    char key[1024];
    size_t used;

    if (flight->cell_count == 0) {
        snprintf(out, bytes, " while it prepared dataset '%s'", dataset);
        return out;
    }
    gcr_key_text(key, sizeof key, gcr_run_points(run), flight->point);
    used = (size_t)snprintf(out, bytes, " at %s, %s", dataset, key);
    if (flight->cell_count > 1 && used < bytes)
        snprintf(out + used, bytes - used, " or one of the %llu cells behind it",
                 (unsigned long long)(flight->cell_count - 1));
    return out;
}

/* ---- datasets -------------------------------------------------------------------------------- */

static gcr_status refuse_several(const char *word, const char *const *keys, uint64_t count)
{
    gcr_status status = GCR_OK;
    char list[512] = "";
    uint64_t found = 0;

    for (uint64_t i = 0; i < count; i++) {
        const size_t used = strlen(list);

        if (strcasestr(keys[i], word) == NULL || found++ >= SHOWN_KEYS)
            continue;
        snprintf(list + used, sizeof list - used, "%s'%s'", used > 0 ? ", " : "", keys[i]);
    }
    GCR_FAIL(GCR_ENOENT, "'%s' could be %" PRIu64 " datasets: %s%s", word, found, list,
             found > SHOWN_KEYS ? ", ..." : "");
out:
    return status;
}

static gcr_status refuse_dataset(const char *word, const char *const *keys, uint64_t count)
{
    gcr_status status = GCR_OK;
    char suggestion[256];

    gcr_suggest(suggestion, sizeof suggestion, word, keys, (int)(count < INT32_MAX ? count : 0));
    GCR_FAIL(GCR_ENOENT, "there is no dataset '%s'%s", word, suggestion);
out:
    return status;
}

/* 3: the word itself; 2: but for the case; 1: it contains the word; 0: it has nothing of it. */
static int likeness(const char *key, const char *word)
{
    if (strcmp(key, word) == 0)
        return 3;
    if (strcasecmp(key, word) == 0)
        return 2;
    return strcasestr(key, word) != NULL;
}

gcr_status gcr_key_find_dataset(uint64_t *out, const char *word, const char *const *keys,
                                uint64_t count)
{
    gcr_status status = GCR_OK;
    uint64_t alike = 0;
    int best = 0;

    for (uint64_t i = 0; i < count; i++) {
        const int this = likeness(keys[i], word);

        if (this == 0 || this < best)
            continue;
        alike = this > best ? 1 : alike + 1;
        best = this;
        *out = i;
    }
    if (best == 0)
        GCR_TRY(refuse_dataset(word, keys, count));
    if (alike > 1)
        GCR_TRY(refuse_several(word, keys, count));
out:
    return status;
}

/* ---- values ---------------------------------------------------------------------------------- */

static gcr_status find_axis(int *out, const char *name, const gcr_point_table *points)
{
    gcr_status status = GCR_OK;
    const char *names[GCR_AXES_MAX];
    char suggestion[256];

    for (int a = 0; a < points->axis_count; a++) {
        names[a] = points->axes[a].name;
        *out = a;
        if (strcmp(names[a], name) == 0)
            goto out;
    }
    gcr_suggest(suggestion, sizeof suggestion, name, names, points->axis_count);
    GCR_FAIL(GCR_EINVAL, "there is no axis '%s'%s", name, suggestion);
out:
    return status;
}

static int looks_like(double value, double number)
{
    char text[32];
    double shown = 0;

    snprintf(text, sizeof text, "%.6g", value);
    return gcr_parse_number(&shown, text, strlen(text)) && shown == number;
}

/* The index of `number` on the axis: the value itself, or the only one that looks like it.
 * False if there is none; *out is the nearest then. */
static int find_number(uint64_t *out, const gcr_axis *axis, double number)
{
    uint64_t alike = 0, match = 0, nearest = 0;

    for (uint64_t i = 0; i < axis->count; i++) {
        if (axis->values[i] == number) {
            *out = i;
            return 1;
        }
        if (looks_like(axis->values[i], number)) {
            alike++;
            match = i;
        }
        if (fabs(axis->values[i] - number) < fabs(axis->values[nearest] - number))
            nearest = i;
    }
    *out = alike == 1 ? match : nearest;
    return alike == 1;
}

gcr_status gcr_key_find_value(int *axis_out, uint64_t *index_out, const char *text, size_t bytes,
                              const gcr_point_table *points)
{
    gcr_status status = GCR_OK;
    const char *equals = memchr(text, '=', bytes);
    const size_t name_bytes = equals == NULL ? bytes : (size_t)(equals - text);
    char *name = NULL;
    double number = 0;
    const gcr_axis *axis;

    if (equals == NULL)
        GCR_FAIL(GCR_EINVAL, "'%.*s' is not of the form AXIS=VALUE", (int)bytes, text);
    GCR_TRY(gcr_text_copy(&name, text, name_bytes));
    GCR_TRY(find_axis(axis_out, name, points));
    if (!gcr_parse_number(&number, equals + 1, bytes - name_bytes - 1))
        GCR_FAIL(GCR_EINVAL, "'%.*s': the value of an axis is a number", (int)bytes, text);
    axis = &points->axes[*axis_out];
    if (!find_number(index_out, axis, number))
        GCR_FAIL(GCR_ENOENT, "axis '%s' has no value %g (the nearest of its %" PRIu64 " is %.6g)",
                 name, number, axis->count, axis->values[*index_out]);
out:
    free(name);
    return status;
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* Takes ",AXIS=VALUE" off the end of text[0 .. *bytes - 1]. */
static gcr_status take_value(uint64_t coords[GCR_AXES_MAX], int is_given[GCR_AXES_MAX],
                             const char *text, size_t *bytes, const gcr_point_table *points)
{
    gcr_status status = GCR_OK;
    const char *comma = memrchr(text, ',', *bytes);
    uint64_t index = 0;
    int axis = 0;

    if (comma == NULL)
        GCR_FAIL(GCR_EINVAL,
                 "a cell is DATASET and then a value for each of the %d axes, as in "
                 "'Aruba,%s=%.6g'",
                 points->axis_count, points->axes[0].name, points->axes[0].values[0]);
    for (comma++; *comma == ' '; comma++)
        ;
    GCR_TRY(gcr_key_find_value(&axis, &index, comma, (size_t)(text + *bytes - comma), points));
    if (is_given[axis])
        GCR_FAIL(GCR_EINVAL, "axis '%s' is given twice", points->axes[axis].name);
    is_given[axis] = 1;
    coords[axis] = index;
    *bytes = (size_t)((const char *)memrchr(text, ',', *bytes) - text);
out:
    return status;
}

gcr_status gcr_key_find_cell(uint64_t *dataset_out, uint64_t *point_out, const char *text,
                             const gcr_point_table *points, const char *const *keys, uint64_t count)
{
    gcr_status status = GCR_OK;
    uint64_t coords[GCR_AXES_MAX] = { 0 };
    int is_given[GCR_AXES_MAX] = { 0 };
    size_t bytes = strlen(text);
    char *key = NULL;

    for (int left = points->axis_count; left > 0; left--)
        GCR_TRY(take_value(coords, is_given, text, &bytes, points));
    GCR_TRY(gcr_text_copy(&key, text, bytes));
    GCR_TRY(gcr_key_find_dataset(dataset_out, key, keys, count));
    *point_out = gcr_point_at(points, coords);
out:
    free(key);
    return status;
}
