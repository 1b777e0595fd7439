/*
 * cli/sheet_text.c -- a sheet for people.
 *
 * A NaN is a missing value and shown as such. Columns of numbers are aligned to the right and shown
 * with six digits. Where the lines are too long for the terminal, the widest column of text is cut;
 * where that does not help either, each row becomes a block with one line per column, so that no
 * number is ever cut.
 */
#include "cli/screen.h"
#include "cli/sheet.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { GAP = 2, LEAST_TEXT = 8 };

typedef struct table_layout {
    int *widths;     /* [columns] */
    int *is_number;  /* [columns] */
    int label_width; /* of the longest name */
} table_layout;

static const char *text_of(const gcr_sheet_cell *cell, char scratch[32])
{
    switch (cell->kind) {
    case GCR_SHEET_TEXT: return cell->text;
    case GCR_SHEET_COUNT: return gcr_format_count(scratch, cell->count);
    case GCR_SHEET_NUMBER:
        if (isnan(cell->number))
            return "-";
        snprintf(scratch, 32, "%.6g", cell->number);
        return scratch;
    default: return "-";
    }
}

static int width_of(const gcr_sheet_cell *cell)
{
    char scratch[32];

    return gcr_screen_width(text_of(cell, scratch));
}

static void measure(table_layout *layout, const gcr_sheet *sheet)
{
    for (size_t i = 0; i < sheet->cell_count; i++) {
        const size_t column = i % sheet->columns;
        const int width = width_of(&sheet->cells[i]);

        if (width > layout->widths[column])
            layout->widths[column] = width;
        if (i < sheet->columns)
            layout->label_width = width > layout->label_width ? width : layout->label_width;
        else if (sheet->cells[i].kind == GCR_SHEET_NUMBER ||
                 sheet->cells[i].kind == GCR_SHEET_COUNT)
            layout->is_number[column] = 1;
    }
}

static int line_width(const table_layout *layout, size_t columns)
{
    int sum = -GAP;

    for (size_t c = 0; c < columns; c++)
        sum += layout->widths[c] + GAP;
    return sum;
}

/* Cuts the widest column of text until a line has at most `limit` columns. False if it cannot. */
static int squeeze(table_layout *layout, size_t columns, int limit)
{
    const int excess = line_width(layout, columns) - limit;
    size_t widest = columns;

    if (excess <= 0)
        return 1;
    for (size_t c = 0; c < columns; c++)
        if (!layout->is_number[c] &&
            (widest == columns || layout->widths[c] > layout->widths[widest]))
            widest = c;
    if (widest == columns || layout->widths[widest] - excess < LEAST_TEXT)
        return 0;
    layout->widths[widest] -= excess;
    return 1;
}

static void put_line(FILE *stream, const gcr_sheet_cell *row, const table_layout *layout,
                     size_t columns)
{
    for (size_t c = 0; c < columns; c++) {
        char scratch[32];
        const char *text = text_of(&row[c], scratch);
        const int padding = layout->widths[c] - gcr_screen_width(text);

        if (layout->is_number[c] && padding > 0)
            fprintf(stream, "%*s", padding, "");
        gcr_screen_put(stream, text, layout->widths[c]);
        if (c + 1 < columns)
            fprintf(stream, "%*s", layout->is_number[c] || padding < 0 ? GAP : padding + GAP, "");
    }
    fputc('\n', stream);
}

static void put_block(FILE *stream, const gcr_sheet *sheet, const gcr_sheet_cell *row,
                      const table_layout *layout, int limit)
{
    for (size_t c = 0; c < sheet->columns; c++) {
        char scratch[32];
        const int used = gcr_screen_put(stream, sheet->cells[c].text, limit);
        const int padding = layout->label_width + GAP - used;

        fprintf(stream, "%*s", padding, "");
        gcr_screen_put(stream, text_of(&row[c], scratch), limit - used - padding);
        fputc('\n', stream);
    }
}

gcr_status gcr_sheet_print(const gcr_sheet *sheet, FILE *stream)
{
    gcr_status status = GCR_OK;
    const int limit = gcr_screen_columns(stream);
    table_layout layout = { .widths = calloc(sheet->columns + 1, sizeof(int)),
                            .is_number = calloc(sheet->columns + 1, sizeof(int)) };
    int fits;

    if (sheet->is_out_of_memory || layout.widths == NULL || layout.is_number == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a table of %zu cells", sheet->cell_count);
    measure(&layout, sheet);
    fits = limit == 0 || squeeze(&layout, sheet->columns, limit);
    for (size_t i = fits ? 0 : sheet->columns; i < sheet->cell_count; i += sheet->columns) {
        if (fits) {
            put_line(stream, &sheet->cells[i], &layout, sheet->columns);
            continue;
        }
        if (i > sheet->columns)
            fputc('\n', stream); /* between the blocks */
        put_block(stream, sheet, &sheet->cells[i], &layout, limit);
    }
out:
    free(layout.is_number);
    free(layout.widths);
    return status;
}
