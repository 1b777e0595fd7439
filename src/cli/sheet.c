/* cli/sheet.c -- keeps the cells of a sheet; see sheet_text.c and sheet_data.c for the printing. */
#include "cli/sheet.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void put(gcr_sheet *sheet, gcr_sheet_cell cell)
{
    if (sheet->cell_count == sheet->capacity) {
        const size_t capacity = sheet->capacity == 0 ? 64 : 2 * sheet->capacity;
        gcr_sheet_cell *cells = reallocarray(sheet->cells, capacity, sizeof *cells);

        if (cells == NULL) {
            sheet->is_out_of_memory = 1;
            free(cell.owned);
            return;
        }
        sheet->cells = cells;
        sheet->capacity = capacity;
    }
    sheet->cells[sheet->cell_count++] = cell;
}

static void put_owned(gcr_sheet *sheet, const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        sheet->is_out_of_memory = 1;
    else
        put(sheet, (gcr_sheet_cell){ .kind = GCR_SHEET_TEXT, .text = text, .owned = text });
}

void gcr_sheet_name(gcr_sheet *sheet, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_owned(sheet, format, args);
    va_end(args);
    sheet->columns++;
}

void gcr_sheet_none(gcr_sheet *sheet)
{
    put(sheet, (gcr_sheet_cell){ .kind = GCR_SHEET_NONE });
}

void gcr_sheet_text(gcr_sheet *sheet, const char *text)
{
    put(sheet, (gcr_sheet_cell){ .kind = GCR_SHEET_TEXT, .text = text });
}

void gcr_sheet_format(gcr_sheet *sheet, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_owned(sheet, format, args);
    va_end(args);
}

void gcr_sheet_number(gcr_sheet *sheet, double number)
{
    put(sheet, (gcr_sheet_cell){ .kind = GCR_SHEET_NUMBER, .number = number });
}

void gcr_sheet_count(gcr_sheet *sheet, uint64_t count)
{
    put(sheet, (gcr_sheet_cell){ .kind = GCR_SHEET_COUNT, .count = count });
}

size_t gcr_sheet_row_count(const gcr_sheet *sheet)
{
    return sheet->columns == 0 ? 0 : sheet->cell_count / sheet->columns - 1;
}

static void drop_cells(gcr_sheet *sheet, size_t first)
{
    for (size_t i = first; i < sheet->cell_count; i++)
        free(sheet->cells[i].owned);
    if (first < sheet->cell_count)
        sheet->cell_count = first;
}

void gcr_sheet_clear_rows(gcr_sheet *sheet)
{
    drop_cells(sheet, sheet->columns);
}

void gcr_sheet_clear(gcr_sheet *sheet)
{
    drop_cells(sheet, 0);
    free(sheet->cells);
    *sheet = (gcr_sheet){ 0 };
}
