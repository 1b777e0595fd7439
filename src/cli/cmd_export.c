/*
 * cli/cmd_export.c -- gridcrunch export: all cells of a run as one long table.
 *
 * A row for each cell that was wanted: what `where` left out has none, what failed or was not
 * reached has one, whose status says so. Printed in pieces, so that a large run needs no large
 * memory.
 */
#include "cli/command.h"
#include "cli/run_args.h"
#include "cli/run_file.h"

#include "base/check.h"
#include "gridcrunch/cell.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_ROWS = 4096 };

typedef struct export_args {
    const char *path;
    const char *file;
    gcr_format format;
} export_args;

enum { KEY_CSV = 0x200, KEY_JSONL, KEY_OUTPUT };

static const struct argp_option options[] = {
    { "csv", KEY_CSV, NULL, 0, "CSV (default): an empty field is a missing value", 0 },
    { "jsonl", KEY_JSONL, NULL, 0, "JSON lines: an object for each cell", 0 },
    { "output", KEY_OUTPUT, "FILE", 0, "Write FILE, which must not be there yet", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    export_args *args = state->input;

    switch (key) {
    case KEY_CSV: args->format = GCR_FORMAT_CSV; break;
    case KEY_JSONL: args->format = GCR_FORMAT_JSON; break;
    case KEY_OUTPUT: args->file = arg; break;
    default: return gcr_run_args_path(&args->path, key, arg, state);
    }
    return 0;
}

static const struct argp export_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN",
    .doc = "Prints all cells of the run in folder RUN: dataset, axes, status, outputs.",
};

static gcr_status print_piece(gcr_sheet *sheet, FILE *stream, gcr_format format)
{
    gcr_status status = GCR_OK;

    if (format == GCR_FORMAT_JSON)
        GCR_TRY(gcr_sheet_print_jsonl(sheet, stream));
    else
        GCR_TRY(gcr_sheet_print_csv(sheet, stream, 0));
    gcr_sheet_clear_rows(sheet);
out:
    return status;
}

static gcr_status print_dataset(gcr_sheet *sheet, FILE *stream, const gcr_results_file *file,
                                const gcr_file_row *row, gcr_format format)
{
    gcr_status status = GCR_OK;

    for (uint64_t point = 0; point < gcr_results_points(file)->point_count; point++) {
        if (row->states[point] == GCR_CELL_EXCLUDED)
            continue;
        gcr_run_file_put_cell(sheet, file, row, point);
        if (gcr_sheet_row_count(sheet) == PIECE_ROWS)
            GCR_TRY(print_piece(sheet, stream, format));
    }
    GCR_TRY(print_piece(sheet, stream, format));
out:
    return status;
}

static gcr_status print_run(FILE *stream, gcr_results_file *file, gcr_format format)
{
    gcr_status status = GCR_OK;
    gcr_file_row row = { 0 };
    gcr_sheet sheet = { 0 };

    gcr_run_file_name_cells(&sheet, file);
    if (format == GCR_FORMAT_CSV)
        GCR_TRY(gcr_sheet_print_csv(&sheet, stream, 1));
    for (uint64_t d = 0; d < gcr_results_dataset_count(file) && !ferror(stream); d++) {
        GCR_TRY(gcr_file_row_read(&row, file, d, gcr_results_output_count(file)));
        GCR_TRY(print_dataset(&sheet, stream, file, &row, format));
    }
out:
    gcr_sheet_clear(&sheet);
    gcr_file_row_clear(&row);
    return status;
}

/* A new file, whole or not there at all. */
static gcr_status write_file(const char *path, gcr_results_file *file, gcr_format format)
{
    gcr_status status = GCR_OK;
    FILE *stream = fopen(path, "wxe");

    if (stream == NULL)
        GCR_FAIL(errno == EEXIST ? GCR_EEXIST : GCR_EIO, "cannot write %s: %s", path,
                 strerror(errno));
    GCR_TRY(print_run(stream, file, format));
    errno = 0;
    if (fflush(stream) != 0 || ferror(stream))
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (stream != NULL && status != GCR_OK)
        unlink(path);
    if (stream != NULL)
        fclose(stream);
    return status;
}

gcr_status gcr_command_export(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    export_args args = { .format = GCR_FORMAT_CSV };
    gcr_results_file *file = NULL;

    (void)exit_out;
    argp_parse(&export_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_results_open(&file, args.path));
    GCR_TRY(gcr_results_check_cells(file)); /* before a line is printed */
    if (args.file != NULL)
        GCR_TRY(write_file(args.file, file, args.format));
    else
        GCR_TRY(print_run(stdout, file, args.format));
out:
    gcr_results_close(file);
    return status;
}
