/*
 * data/array.h -- an array of numbers as files hold it: of several types, in two orders.
 *
 * What .npy, .npz and HDF5 files have in common. Only arrays of one and two dimensions are made;
 * whoever makes one has checked that its numbers are there.
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
    char *name;           /* its path inside the file, "a/X"; NULL: it is the file */
    const uint8_t *bytes; /* little-endian, not aligned                            */
    gcr_number_type type;
    int64_t rows, columns;
    int is_by_column; /* the numbers of a column lie side by side */
} gcr_array;

static inline uint64_t gcr_number_bytes(gcr_number_type type)
{
    return type == GCR_NUMBER_F4 || type == GCR_NUMBER_I4 ? 4 : 8;
}

/* Integers beyond 2^53 are rounded, as they are when they stand in a table of text. */
static inline double gcr_array_number(const gcr_array *array, int64_t row, int64_t column)
{
    const int64_t at =
        array->is_by_column ? column * array->rows + row : row * array->columns + column;
    const uint8_t *from = array->bytes + (uint64_t)at * gcr_number_bytes(array->type);
    union {
        float f4;
        double f8;
        int32_t i4;
        int64_t i8;
    } number;

    memcpy(&number, from, gcr_number_bytes(array->type));
    switch (array->type) {
    case GCR_NUMBER_F4: return (double)number.f4;
    case GCR_NUMBER_I4: return number.i4;
    case GCR_NUMBER_I8: return (double)number.i8;
    case GCR_NUMBER_F8: break;
    }
    return number.f8;
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
