/* bench/table_file.c -- .npy is of version 1, its header padded to 128 bytes. */
#include "table_file.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 128 };

static void write_header(FILE *file, int64_t rows, int64_t columns)
{
    char text[HEADER_BYTES - 10];
    const int bytes =
        snprintf(text, sizeof text,
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
                 rows, columns);

    memset(text + bytes, ' ', sizeof text - (size_t)bytes);
    text[sizeof text - 1] = '\n';
    fwrite("\x93NUMPY\x01\x00", 1, 8, file);
    fputc(HEADER_BYTES - 10, file);
    fputc(0, file);
    fwrite(text, 1, sizeof text, file);
}

static void write_rows(FILE *file, const gcr_dataset *dataset, double *row)
{
    const int64_t rows = dataset->rows, features = dataset->features;

    for (int64_t i = 0; i < rows; i++) {
        for (int64_t f = 0; f < features; f++)
            row[f] = dataset->x[f * rows + i];
        row[features] = dataset->y[i];
        fwrite(row, sizeof *row, (size_t)features + 1, file);
    }
}

gcr_status bench_write_npy(const char *path, const gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;
    FILE *file = fopen(path, "wb");
    double *row = calloc((size_t)dataset->features + 1, sizeof *row);

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
    if (row == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a row of %s", path);
    write_header(file, dataset->rows, dataset->features + 1);
    write_rows(file, dataset, row);
    if (ferror(file) || fflush(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    free(row);
    if (file != NULL)
        fclose(file);
    return status;
}

static void write_csv_rows(FILE *file, const gcr_dataset *dataset, int digits)
{
    const int64_t rows = dataset->rows, features = dataset->features;

    for (int64_t f = 0; f < features; f++)
        fprintf(file, "x%" PRId64 ",", f);
    fputs("y\n", file);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t f = 0; f < features; f++)
            fprintf(file, "%.*g,", digits, dataset->x[f * rows + i]);
        fprintf(file, "%.*g\n", digits, dataset->y[i]);
    }
}

gcr_status bench_write_csv(const char *path, const gcr_dataset *dataset, int digits)
{
    gcr_status status = GCR_OK;
    FILE *file = fopen(path, "wb");

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
    write_csv_rows(file, dataset, digits);
    if (ferror(file) || fflush(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (file != NULL)
        fclose(file);
    return status;
}
