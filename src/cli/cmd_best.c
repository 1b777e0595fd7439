/* cli/cmd_best.c -- gridcrunch best: where each dataset of a run is at its best. */
#include "cli/best_points.h"
#include "cli/command.h"
#include "cli/run_args.h"

#include "base/check.h"

#include <limits.h>

typedef struct best_args {
    const char *path;
    const char *summary;
    uint64_t top, limit;
    gcr_format format;
} best_args;

enum { KEY_SUMMARY = 0x200, KEY_TOP, KEY_LIMIT, KEY_CSV, KEY_JSON };

static const struct argp_option options[] = {
    { "summary", KEY_SUMMARY, "NAME", 0, "Of this argmax or argmin (default: the first)", 0 },
    { "top", KEY_TOP, "K", 0, "The K best of each dataset (default: 1)", 0 },
    { "limit", KEY_LIMIT, "N", 0, "The first N datasets (default: all)", 0 },
    { "csv", KEY_CSV, NULL, 0, "Print CSV, numbers with all their digits", 0 },
    { "json", KEY_JSON, NULL, 0, "Print JSON, the same", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    best_args *args = state->input;

    switch (key) {
    case KEY_SUMMARY: args->summary = arg; break;
    case KEY_TOP: args->top = gcr_run_args_number("--top", arg, state); break;
    case KEY_LIMIT: args->limit = gcr_run_args_number("--limit", arg, state); break;
    case KEY_CSV: args->format = GCR_FORMAT_CSV; break;
    case KEY_JSON: args->format = GCR_FORMAT_JSON; break;
    default: return gcr_run_args_path(&args->path, key, arg, state);
    }
    return 0;
}

static const struct argp best_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN",
    .doc = "Prints the best point of each dataset of the run in folder RUN.",
};

static gcr_status print(const gcr_sheet *sheet, gcr_format format)
{
    switch (format) {
    case GCR_FORMAT_CSV: return gcr_sheet_print_csv(sheet, stdout, 1);
    case GCR_FORMAT_JSON: return gcr_sheet_print_json(sheet, stdout);
    default: return gcr_sheet_print(sheet, stdout);
    }
}

gcr_status gcr_command_best(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    best_args args = { .top = 1 };
    gcr_best_spec spec;
    gcr_results_file *file = NULL;
    gcr_sheet sheet = { 0 };

    (void)exit_out;
    argp_parse(&best_argp, argc, argv, 0, NULL, &args);
    spec.limit = args.limit;
    spec.top = args.top > INT_MAX ? INT_MAX : args.top < 1 ? 1 : (int)args.top;
    GCR_TRY(gcr_results_open(&file, args.path));
    if (gcr_results_summary_count(file) == 0)
        GCR_FAIL(GCR_EINVAL, "%s has no summary, so nothing says what is best", args.path);
    GCR_TRY(gcr_best_find(&spec.summary, file, args.summary));
    GCR_TRY(gcr_best_put(&sheet, file, &spec));
    GCR_TRY(print(&sheet, args.format));
out:
    gcr_sheet_clear(&sheet);
    gcr_results_close(file);
    return status;
}
