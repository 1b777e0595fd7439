/*
 * cli/sheet.h -- rows of text and numbers, and the ways to print them.
 *
 * Filled like a stream: name the columns, then put cell after cell, row by row. Putting cannot
 * fail; when memory ran out on the way, the next print says so (as ferror() does for stdio).
 * For people: aligned columns that fit the terminal. For programs: CSV, JSON, JSON lines, with each
 * number as the shortest text that reads back as exactly it.
 */
#ifndef GCR_CLI_SHEET_H
#define GCR_CLI_SHEET_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum gcr_sheet_kind {
    GCR_SHEET_NONE, /* nothing to say: "-", an empty field, null */
    GCR_SHEET_TEXT,
    GCR_SHEET_NUMBER,
    GCR_SHEET_COUNT,
} gcr_sheet_kind;

typedef struct gcr_sheet_cell {
    gcr_sheet_kind kind;
    const char *text;
    char *owned; /* what must be freed of `text`, or NULL */
    double number;
    uint64_t count;
} gcr_sheet_cell;

/* Zeroed is empty. */
typedef struct gcr_sheet {
    gcr_sheet_cell *cells; /* [cell_count] the names of the columns, then the rows */
    size_t cell_count, capacity;
    size_t columns;
    int is_out_of_memory;
} gcr_sheet;

/* One call per column, before the first row. */
void gcr_sheet_name(gcr_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void gcr_sheet_none(gcr_sheet *sheet);
void gcr_sheet_text(gcr_sheet *sheet, const char *text); /* borrowed until the rows are cleared */
void gcr_sheet_format(gcr_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void gcr_sheet_number(gcr_sheet *sheet, double number);
void gcr_sheet_count(gcr_sheet *sheet, uint64_t count);

size_t gcr_sheet_row_count(const gcr_sheet *sheet);
void gcr_sheet_clear_rows(gcr_sheet *sheet); /* keeps the columns */
void gcr_sheet_clear(gcr_sheet *sheet);

/* GCR_ENOMEM: some cells could not be kept, and nothing was printed. A stream that does not take
 * the text is seen by whoever closes it. */
GCR_MUST_CHECK gcr_status gcr_sheet_print(const gcr_sheet *sheet, FILE *stream);
GCR_MUST_CHECK gcr_status gcr_sheet_print_csv(const gcr_sheet *sheet, FILE *stream, int with_names);
GCR_MUST_CHECK gcr_status gcr_sheet_print_json(const gcr_sheet *sheet, FILE *stream);
GCR_MUST_CHECK gcr_status gcr_sheet_print_jsonl(const gcr_sheet *sheet, FILE *stream);

#endif /* GCR_CLI_SHEET_H */
