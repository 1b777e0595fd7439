/* cli/cmd_show.c -- gridcrunch show: what a run holds; with a dataset, its cells. */
#include "cli/best_points.h"
#include "cli/cell_key.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/run_args.h"
#include "cli/run_file.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { USUAL_LIMIT = 20, SKIPPED_SHOWN = 4 };

typedef struct show_args {
    const char *path;
    const char *dataset;              /* NULL: the run as a whole                    */
    const char *values[GCR_AXES_MAX]; /* [value_count] "noise=0.1"                   */
    int value_count;
    uint64_t limit; /* cells; 0: all                               */
} show_args;

enum { KEY_LIMIT = 0x200 };

static const struct argp_option options[] = {
    { "limit", KEY_LIMIT, "N", 0, "Show N cells (default: 20; 0: all)", 0 },
    { 0 },
};

static void take_word(show_args *args, char *word, struct argp_state *state)
{
    if (args->path == NULL)
        args->path = word;
    else if (args->dataset == NULL)
        args->dataset = word;
    else if (args->value_count < GCR_AXES_MAX)
        args->values[args->value_count++] = word;
    else
        argp_error(state, "there are at most %d axes", GCR_AXES_MAX);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    show_args *args = state->input;

    if (key == KEY_LIMIT)
        args->limit = gcr_run_args_number("--limit", arg, state);
    else if (key == ARGP_KEY_ARG)
        take_word(args, arg, state);
    else
        return gcr_run_args_path(&args->path, key, arg, state);
    return 0;
}

static const struct argp show_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN [DATASET [AXIS=VALUE...]]",
    .doc = "Shows what the run in folder RUN holds, or the cells of one of its datasets.\v"
           "A part of a dataset's name is enough if no other has it. "
           "As in: gridcrunch show runs/fertility Aruba noise=1 variance=1",
};

/* ---- the run --------------------------------------------------------------------------------- */

static void show_skipped(const gcr_results_file *file)
{
    const uint64_t count = gcr_results_skipped_count(file);

    for (uint64_t i = 0; i < count && i < SKIPPED_SHOWN; i++)
        gcr_screen_note(stdout, i == 0 ? "skipped" : "", "%s: %s", gcr_results_skipped_key(file, i),
                        gcr_results_skipped_reason(file, i));
    if (count > SKIPPED_SHOWN)
        gcr_screen_note(stdout, "", "and %" PRIu64 " more", count - SKIPPED_SHOWN);
}

static void show_summaries(const gcr_results_file *file)
{
    char text[1024];

    for (int s = 0; s < gcr_results_summary_count(file); s++) {
        gcr_screen_note(stdout, s == 0 ? "summary" : "", "%s: %s",
                        gcr_results_summary_name(file, s), gcr_results_summary_text(file, s));
        if (gcr_best_is_ranking(file, s)) {
            const gcr_edges edges = gcr_best_edges(file, s);

            gcr_screen_note(stdout, "", "%s",
                            gcr_edges_text(text, sizeof text, &edges, gcr_results_points(file)));
        }
    }
}

static gcr_status show_facts(const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    gcr_sheet sheet = { 0 };

    gcr_sheet_name(&sheet, "fact");
    gcr_sheet_name(&sheet, "value");
    for (int f = 0; f < gcr_results_fact_count(file); f++) {
        const gcr_fact fact = gcr_results_fact(file, f);
        char number[32];

        gcr_sheet_text(&sheet, fact.name);
        gcr_sheet_format(&sheet, "%s",
                         fact.text != NULL ? fact.text : gcr_format_number(number, fact.number));
    }
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
out:
    gcr_sheet_clear(&sheet);
    return status;
}

static gcr_status show_run(const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    char count[32];

    gcr_screen_note(stdout, "kernel", "%s", gcr_results_kernel_name(file));
    gcr_screen_note(stdout, "datasets", "%s",
                    gcr_format_count(count, gcr_results_dataset_count(file)));
    show_skipped(file);
    gcr_describe_axes(stdout, gcr_results_points(file));
    for (int o = 0; o < gcr_results_output_count(file); o++)
        gcr_screen_note(stdout, o == 0 ? "outputs" : "", "%s", gcr_results_output_name(file, o));
    if (!gcr_results_keeps_cells(file))
        gcr_screen_note(stdout, "kept", "summaries; no cells, as the job says `keep: summary`");
    show_summaries(file);
    putchar('\n');
    GCR_TRY(show_facts(file));
out:
    return status;
}

/* ---- a dataset ------------------------------------------------------------------------------- */

/* What is left out of a summary; "" if nothing is. */
static const char *missing_text(char out[80], const gcr_summary_value *value)
{
    char count[32];

    out[0] = '\0';
    if (value->skipped > 0)
        snprintf(out, 80, " (%s point%s no value)", gcr_format_count(count, value->skipped),
                 value->skipped == 1 ? " has" : "s have");
    return out;
}

static void show_summary(const gcr_results_file *file, uint64_t dataset)
{
    char key[1024], number[32], missing[80];

    gcr_screen_note(stdout, "dataset", "%s", gcr_results_dataset_key(file, dataset));
    for (int s = 0; s < gcr_results_summary_count(file); s++) {
        const gcr_summary_value value = gcr_results_summary(file, dataset, s);

        snprintf(number, sizeof number, "%.6g", value.value);
        gcr_screen_note(stdout, gcr_results_summary_name(file, s), "%s = %s%s%s%s",
                        gcr_results_summary_text(file, s), isnan(value.value) ? "-" : number,
                        value.point >= 0 ? " at " : "",
                        value.point >= 0 ? gcr_key_text(key, sizeof key, gcr_results_points(file),
                                                        (uint64_t)value.point)
                                         : "",
                        missing_text(missing, &value));
    }
    putchar('\n');
}

/* Which value of each axis is wanted. */
typedef struct choice {
    int is_given[GCR_AXES_MAX];
    uint64_t index[GCR_AXES_MAX];
} choice;

static gcr_status choose(choice *out, const show_args *args, const gcr_point_table *points)
{
    gcr_status status = GCR_OK;

    *out = (choice){ 0 };
    for (int i = 0; i < args->value_count; i++) {
        uint64_t index = 0;
        int axis = 0;

        GCR_TRY(
            gcr_key_find_value(&axis, &index, args->values[i], strlen(args->values[i]), points));
        if (out->is_given[axis])
            GCR_FAIL(GCR_EINVAL, "axis '%s' is given twice", points->axes[axis].name);
        out->is_given[axis] = 1;
        out->index[axis] = index;
    }
out:
    return status;
}

static int is_chosen(const choice *wanted, const gcr_point_table *points, uint64_t point)
{
    uint64_t coords[GCR_AXES_MAX];

    gcr_point_coords(points, point, coords);
    for (int a = 0; a < points->axis_count; a++)
        if (wanted->is_given[a] && wanted->index[a] != coords[a])
            return 0;
    return 1;
}

static gcr_status show_cells(gcr_results_file *file, const show_args *args, const choice *wanted,
                             uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = gcr_results_points(file);
    gcr_file_row row = { 0 };
    gcr_sheet sheet = { 0 };
    uint64_t found = 0;

    GCR_TRY(gcr_file_row_read(&row, file, dataset, gcr_results_output_count(file)));
    gcr_run_file_name_cells(&sheet, file);
    for (uint64_t point = 0; point < points->point_count; point++)
        if (is_chosen(wanted, points, point) && (found++ < args->limit || args->limit == 0))
            gcr_run_file_put_cell(&sheet, file, &row, point);
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
    if (args->limit > 0 && found > args->limit)
        fprintf(stderr, "%" PRIu64 " cells more: AXIS=VALUE chooses, --limit 0 shows all\n",
                found - args->limit);
out:
    gcr_sheet_clear(&sheet);
    gcr_file_row_clear(&row);
    return status;
}

/* In place of cells that were not kept. */
static gcr_status show_states(const gcr_results_file *file, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    gcr_sheet sheet = { 0 };

    gcr_sheet_name(&sheet, "status");
    gcr_sheet_name(&sheet, "cells");
    gcr_results_count(file, dataset, counts);
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        if (counts[s] > 0) {
            gcr_sheet_text(&sheet, gcr_cell_state_name((gcr_cell_state)s));
            gcr_sheet_count(&sheet, counts[s]);
        }
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
    fputs("the cells were not kept, as the job says `keep: summary`\n", stderr);
out:
    gcr_sheet_clear(&sheet);
    return status;
}

static gcr_status show_dataset(gcr_results_file *file, const show_args *args)
{
    gcr_status status = GCR_OK;
    const char **keys = NULL;
    choice wanted;
    uint64_t dataset = 0;

    GCR_TRY(gcr_run_file_keys(&keys, file));
    GCR_TRY(gcr_key_find_dataset(&dataset, args->dataset, keys, gcr_results_dataset_count(file)));
    GCR_TRY(choose(&wanted, args, gcr_results_points(file)));
    show_summary(file, dataset);
    if (!gcr_results_keeps_cells(file) && args->value_count == 0)
        GCR_TRY(show_states(file, dataset));
    else
        GCR_TRY(show_cells(file, args, &wanted, dataset));
out:
    gcr_memory_destroy(keys);
    return status;
}

gcr_status gcr_command_show(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    show_args args = { .limit = USUAL_LIMIT };
    gcr_results_file *file = NULL;

    (void)exit_out;
    argp_parse(&show_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_results_open(&file, args.path));
    if (args.dataset != NULL)
        GCR_TRY(show_dataset(file, &args));
    else
        GCR_TRY(show_run(file));
out:
    gcr_results_close(file);
    return status;
}
