/*
 * data/array_groups.c -- datasets from arrays that stand together: "a/X" and "a/y" are dataset a.
 *
 * One of the wanted names, y where there is one, stands for its group; the others are looked up.
 */
#include "data/array_plan.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct gcr_array_groups {
    const gcr_array_file *file;
    const gcr_array **sorted; /* [file->count] by name */
    const char **names;       /* [name_count] of x, then y where there is one */
    int name_count, has_y;
};

const char **gcr_array_names(int *count_out, int *has_y, const gcr_data_spec *spec)
{
    const char **names = calloc((size_t)spec->x.count + 2, sizeof *names);
    int count = 0;

    if (names == NULL)
        return NULL;
    for (int i = 0; i < spec->x.count && !gcr_x_is_position(spec); i++)
        names[count++] = spec->x.names[i];
    if (count == 0 && !gcr_x_is_position(spec))
        names[count++] = "X";
    *has_y = spec->y != NULL || spec->x.count == 0 || gcr_x_is_position(spec);
    if (*has_y)
        names[count++] = spec->y != NULL ? spec->y : "y";
    *count_out = count;
    return names;
}

static int compare_arrays(const void *a, const void *b)
{
    return strcmp((*(const gcr_array *const *)a)->name, (*(const gcr_array *const *)b)->name);
}

/* The array `name` in the group that the first `bytes` of `path` say, or NULL. */
static gcr_status find_array(const gcr_array **out, const gcr_array_groups *groups,
                             const char *path, int64_t bytes, const char *name)
{
    gcr_status status = GCR_OK;
    gcr_array wanted = { .name = malloc((size_t)bytes + strlen(name) + 1) };
    const gcr_array *key = &wanted, **found;

    if (wanted.name == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the groups of %s", groups->file->path);
    memcpy(wanted.name, path, (size_t)bytes);
    strcpy(wanted.name + bytes, name);
    found =
        bsearch(&key, groups->sorted, groups->file->count, sizeof *groups->sorted, compare_arrays);
    *out = found != NULL ? *found : NULL;
out:
    free(wanted.name);
    return status;
}

static gcr_status check_group(const gcr_array_groups *groups, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    const char *name = NULL;
    int64_t bytes = -1;

    for (int i = 0; i < groups->name_count && bytes < 0; i++) {
        name = groups->names[i];
        bytes = gcr_array_group_bytes(array->name, name);
    }
    for (int i = 0; i < groups->name_count && bytes >= 0; i++) {
        const gcr_array *found;

        GCR_TRY(find_array(&found, groups, array->name, bytes, groups->names[i]));
        if (found == NULL)
            GCR_FAIL(GCR_EFORMAT, "%s: /%.*s has '%s' and no '%s'; name what it has as x and y",
                     groups->file->path, (int)bytes, array->name, name, groups->names[i]);
    }
out:
    return status;
}

static gcr_status sort_arrays(gcr_array_groups *groups)
{
    gcr_status status = GCR_OK;
    const gcr_array_file *file = groups->file;

    groups->sorted = calloc(file->count + 1, sizeof *groups->sorted);
    if (groups->sorted == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the groups of %s", file->path);
    for (uint64_t i = 0; i < file->count; i++)
        groups->sorted[i] = &file->arrays[i];
    qsort(groups->sorted, file->count, sizeof *groups->sorted, compare_arrays);
    for (uint64_t i = 1; i < file->count; i++)
        if (compare_arrays(&groups->sorted[i - 1], &groups->sorted[i]) == 0)
            GCR_FAIL(GCR_EFORMAT, "%s holds '%s' twice", file->path, groups->sorted[i]->name);
out:
    return status;
}

gcr_status gcr_array_groups_create(gcr_array_groups **out, const gcr_data_spec *spec,
                                   const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    gcr_array_groups *groups = calloc(1, sizeof *groups);

    *out = NULL;
    if (groups == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the groups of %s", file->path);
    groups->file = file;
    groups->names = gcr_array_names(&groups->name_count, &groups->has_y, spec);
    if (groups->names == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the groups of %s", file->path);
    GCR_TRY(sort_arrays(groups));
    for (uint64_t i = 0; i < file->count; i++)
        GCR_TRY(check_group(groups, &file->arrays[i]));
    *out = groups;
    groups = NULL;
out:
    gcr_array_groups_destroy(groups);
    return status;
}

void gcr_array_groups_destroy(gcr_array_groups *groups)
{
    if (groups == NULL)
        return;
    free(groups->sorted);
    free(groups->names);
    free(groups);
}

/* ---- one group ------------------------------------------------------------------------------- */

static gcr_status grow_plan(gcr_array_plan *plan, const gcr_array_file *file, int64_t more)
{
    gcr_status status = GCR_OK;
    gcr_array_column *grown =
        realloc(plan->columns, (size_t)(plan->count + more) * sizeof *plan->columns);

    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the columns of %s", file->path);
    plan->columns = grown;
out:
    return status;
}

static gcr_status add_array(gcr_array_plan *plan, const gcr_array_groups *groups,
                            const gcr_array *first, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    const gcr_array_file *file = groups->file;

    GCR_TRY(gcr_array_check_extent(file, array));
    if (array->rows != first->rows)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' has %" PRId64 " rows and '%s' has %" PRId64, file->path,
                 array->name, array->rows, first->name, first->rows);
    if (groups->has_y && array == first && array->columns != 1)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' has %" PRId64 " columns, and y is one", file->path,
                 array->name, array->columns);
    GCR_TRY(grow_plan(plan, file, array->columns));
    for (int64_t column = 0; column < array->columns; column++)
        gcr_plan_add(plan, array, column);
out:
    return status;
}

gcr_status gcr_plan_group(gcr_array_plan *out, int *is_first, const gcr_array_groups *groups,
                          const gcr_array *array)
{
    gcr_status status = GCR_OK;
    const int last = groups->name_count - 1;
    const int64_t bytes = gcr_array_group_bytes(array->name, groups->names[last]);

    *is_first = bytes >= 0;
    if (bytes < 0)
        goto out;
    if (groups->has_y && groups->name_count == 1) {
        GCR_TRY(grow_plan(out, groups->file, 1));
        gcr_plan_add(out, NULL, 0);
    }
    for (int i = 0; i < groups->name_count; i++) {
        const gcr_array *member;

        GCR_TRY(find_array(&member, groups, array->name, bytes, groups->names[i]));
        GCR_TRY(add_array(out, groups, array, member));
    }
    out->has_y = groups->has_y;
    out->rows = array->rows;
    out->key = array->name;
    out->key_bytes = bytes > 0 ? (size_t)bytes - 1 : 0;
out:
    return status;
}
