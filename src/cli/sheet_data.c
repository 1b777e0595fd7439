/*
 * cli/sheet_data.c -- a sheet for programs: CSV (RFC 4180, lines end as on Unix), JSON, JSON lines.
 *
 * Written by hand and not by jansson, whose numbers have 17 digits whether they need them or not
 * (0.10000000000000001); only the escapes of text are left to it.
 */
#include "cli/json.h"
#include "cli/sheet.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>

static gcr_status check(const gcr_sheet *sheet)
{
    gcr_status status = GCR_OK;

    if (sheet->is_out_of_memory)
        GCR_FAIL(GCR_ENOMEM, "no memory for a table of %zu cells", sheet->cell_count);
out:
    return status;
}

/* A NaN is a missing value and so an empty field. */
static void put_csv_cell(FILE *stream, const gcr_sheet_cell *cell)
{
    char text[32];

    if (cell->kind == GCR_SHEET_TEXT)
        gcr_put_csv_text(stream, cell->text);
    else if (cell->kind == GCR_SHEET_COUNT)
        fprintf(stream, "%" PRIu64, cell->count);
    else if (cell->kind == GCR_SHEET_NUMBER && !isnan(cell->number))
        fputs(gcr_format_number(text, cell->number), stream);
}

gcr_status gcr_sheet_print_csv(const gcr_sheet *sheet, FILE *stream, int with_names)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check(sheet));
    for (size_t i = with_names ? 0 : sheet->columns; i < sheet->cell_count; i++) {
        put_csv_cell(stream, &sheet->cells[i]);
        fputs((i + 1) % sheet->columns == 0 ? "\n" : ",", stream);
    }
out:
    return status;
}

/* JSON has no NaN and no infinity: both are null. */
static void put_json_cell(FILE *stream, const gcr_sheet_cell *cell)
{
    char text[32];

    if (cell->kind == GCR_SHEET_TEXT)
        gcr_json_put_text(stream, cell->text);
    else if (cell->kind == GCR_SHEET_COUNT)
        fprintf(stream, "%" PRIu64, cell->count);
    else if (cell->kind == GCR_SHEET_NUMBER && isfinite(cell->number))
        fputs(gcr_format_number(text, cell->number), stream);
    else
        fputs("null", stream);
}

static void put_object(FILE *stream, const gcr_sheet *sheet, const gcr_sheet_cell *row)
{
    for (size_t c = 0; c < sheet->columns; c++) {
        fputs(c == 0 ? "{" : ", ", stream);
        gcr_json_put_text(stream, sheet->cells[c].text);
        fputs(": ", stream);
        put_json_cell(stream, &row[c]);
    }
    fputc('}', stream);
}

gcr_status gcr_sheet_print_json(const gcr_sheet *sheet, FILE *stream)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check(sheet));
    fputc('[', stream);
    for (size_t i = sheet->columns; i < sheet->cell_count; i += sheet->columns) {
        fputs(i == sheet->columns ? "\n" : ",\n", stream);
        put_object(stream, sheet, &sheet->cells[i]);
    }
    fputs("\n]\n", stream);
out:
    return status;
}

gcr_status gcr_sheet_print_jsonl(const gcr_sheet *sheet, FILE *stream)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check(sheet));
    for (size_t i = sheet->columns; i < sheet->cell_count; i += sheet->columns) {
        put_object(stream, sheet, &sheet->cells[i]);
        fputc('\n', stream);
    }
out:
    return status;
}
