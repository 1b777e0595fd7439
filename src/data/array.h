/*
 * data/array.h -- an array of numbers as files hold it: of several types, in two orders.
 *
 * What .npy, .npz and HDF5 files have in common. Only arrays of one and two dimensions are made;
 * whoever makes one has checked that a file of that size can hold its numbers. The numbers
 * themselves never stand in memory as they are in the file: see data/array_fill.h.
 */
#ifndef GCR_DATA_ARRAY_H
#define GCR_DATA_ARRAY_H

#include <stdint.h>
#include <string.h>

typedef enum gcr_number_type {
    GCR_NUMBER_F4,
    GCR_NUMBER_F8,
    GCR_NUMBER_I4,
    GCR_NUMBER_I8,
} gcr_number_type;

typedef struct gcr_array {
    char *name; /* its path inside the file, "a/X"; NULL: it is the file */
    gcr_number_type type;
    int64_t rows, columns;
    int is_by_column; /* the numbers of a column lie side by side                            */
    double **to;      /* [columns] where each column goes, or NULL; NULL: no place is known yet */
} gcr_array;

static inline uint64_t gcr_number_bytes(gcr_number_type type)
{
    return type == GCR_NUMBER_F4 || type == GCR_NUMBER_I4 ? 4 : 8;
}

/* Never too large: whoever made the array has looked. */
static inline uint64_t gcr_array_bytes(const gcr_array *array)
{
    return (uint64_t)array->rows * (uint64_t)array->columns * gcr_number_bytes(array->type);
}

/* Names of others stand in sentences and lists: a line end or another control character in one
 * becomes a blank. */
static inline void gcr_make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* The bytes in front of `name` in `path`, with their slash: 2 for "X" in "a/X", 0 for "X" in "X";
 * -1 if the path does not end in that name. */
static inline int64_t gcr_array_group_bytes(const char *path, const char *name)
{
    const size_t bytes = strlen(path), name_bytes = strlen(name);
    const char *last;

    if (bytes < name_bytes)
        return -1;
    last = path + bytes - name_bytes;
    if (strcmp(last, name) != 0 || (last > path && last[-1] != '/'))
        return -1;
    return last - path;
}

#endif /* GCR_DATA_ARRAY_H */
