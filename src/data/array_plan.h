/*
 * data/array_plan.h -- which numbers of which arrays make one dataset.
 *
 * Two ways lead to a plan: columns of one array, told by number (data/array_columns.c), or several
 * arrays that stand together in a group, told by name (data/array_groups.c).
 */
#ifndef GCR_DATA_ARRAY_PLAN_H
#define GCR_DATA_ARRAY_PLAN_H

#include "data/array_file.h"

#include "base/text.h"

/* A column of a dataset. Without an array it is the row's position. */
typedef struct gcr_array_column {
    const gcr_array *array;
    int64_t column;
} gcr_array_column;

typedef struct gcr_array_plan {
    gcr_array_column *columns; /* [count] features, then y where there is one */
    int64_t count;
    int has_y;
    int64_t rows;
    const char *key; /* borrowed from an array's name; without bytes it is the file's stem */
    size_t key_bytes;
} gcr_array_plan;

/* The columns of one array that is a dataset. The caller frees plan->columns. GCR_EINVAL: no such
 * column, or one with two uses. GCR_EFORMAT: no columns, or too many. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_plan_columns(gcr_array_plan *out, const gcr_data_spec *spec,
                                           const gcr_array_file *file, const gcr_array *array);

/* The groups of a file by the names of their arrays. */
typedef struct gcr_array_groups gcr_array_groups;

/* `file` and `spec` are borrowed until destroy. GCR_EFORMAT: a group that lacks one of the arrays.
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_array_groups_create(gcr_array_groups **out, const gcr_data_spec *spec,
                                                  const gcr_array_file *file);

/* NULL is allowed. */
void gcr_array_groups_destroy(gcr_array_groups *groups);

/* The group that `array` stands for, in which case the caller frees plan->columns; *is_first is 0
 * where another array of the same group stands for it. GCR_EFORMAT: arrays of one group with
 * different rows, a y of several columns. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_plan_group(gcr_array_plan *out, int *is_first,
                                         const gcr_array_groups *groups, const gcr_array *array);

/* GCR_EFORMAT: no columns, or more than GCR_ARRAY_COLUMNS_MAX. */
GCR_MUST_CHECK gcr_status gcr_array_check_extent(const gcr_array_file *file,
                                                 const gcr_array *array);

/* "a.npz: 'b/X'": what sentences call an array. Returns `out`. */
const char *gcr_array_place(char out[GCR_MARK_BYTES], const gcr_array_file *file,
                            const gcr_array *array);

/* The arrays of a group that the job names: of x, then y where *has_y; or X and y where it names
 * nothing. The caller frees the list, not the names. NULL: no memory. */
const char **gcr_array_names(int *count_out, int *has_y, const gcr_data_spec *spec);

/* True where the job says that the row's position is x. */
int gcr_x_is_position(const gcr_data_spec *spec);

/* "12": a column is told by its number. */
int gcr_is_column_number(const char *text);

static inline void gcr_plan_add(gcr_array_plan *plan, const gcr_array *array, int64_t column)
{
    plan->columns[plan->count++] = (gcr_array_column){ .array = array, .column = column };
}

#endif /* GCR_DATA_ARRAY_PLAN_H */
