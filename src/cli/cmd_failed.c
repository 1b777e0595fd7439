/*
 * cli/cmd_failed.c -- gridcrunch failed: the cells of a run that failed, and why.
 *
 * Cells of one dataset that failed alike are one line: the first of them and how many there are. Of
 * a run whose cells were not kept there are the first few of each dataset, and the counts.
 */
#include "cli/cell_key.h"
#include "cli/command.h"
#include "cli/run_args.h"
#include "cli/run_file.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/text.h"
#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <stdlib.h>

enum { USUAL_LIMIT = 20 };

typedef struct failed_args {
    const char *path;
    uint64_t limit;
} failed_args;

enum { KEY_LIMIT = 0x200 };

static const struct argp_option options[] = {
    { "limit", KEY_LIMIT, "N", 0, "Show N lines (default: 20; 0: all)", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    failed_args *args = state->input;

    if (key != KEY_LIMIT)
        return gcr_run_args_path(&args->path, key, arg, state);
    args->limit = gcr_run_args_number("--limit", arg, state);
    return 0;
}

static const struct argp failed_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN",
    .doc = "Names the cells of the run in folder RUN that failed, and why.",
};

/* Cells of one dataset that failed alike. */
typedef struct cell_group {
    uint8_t state;
    uint32_t detail;
    uint64_t first; /* point */
    uint64_t count;
} cell_group;

typedef struct group_list {
    cell_group *items; /* [count] */
    size_t count, capacity;
} group_list;

/* What has been seen of a run so far. */
typedef struct run_tally {
    uint64_t datasets; /* that have cells that failed */
    uint64_t lines;    /* printed or not              */
    uint64_t states[GCR_CELL_STATE_COUNT];
} run_tally;

static uint32_t detail_of(const gcr_file_row *row, uint64_t point, uint64_t width)
{
    const uint8_t state = row->states[point];

    if (state != GCR_CELL_NOT_SPD && state != GCR_CELL_KERNEL_ERROR)
        return 0; /* the first output may be any number */
    return gcr_cell_detail(row->values[0][point * width]);
}

static gcr_status add_cell(group_list *groups, uint8_t state, uint32_t detail, uint64_t point)
{
    gcr_status status = GCR_OK;
    size_t g = 0;

    while (g < groups->count &&
           (groups->items[g].state != state || groups->items[g].detail != detail))
        g++;
    if (g == groups->capacity) {
        const size_t capacity = 2 * groups->capacity + 16;
        cell_group *items = reallocarray(groups->items, capacity, sizeof *items);

        if (items == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for a list of %zu failures", capacity);
        groups->items = items;
        groups->capacity = capacity;
    }
    if (g == groups->count)
        groups->items[groups->count++] = (cell_group){ state, detail, point, 0 };
    groups->items[g].count++;
out:
    return status;
}

static gcr_status gather(group_list *groups, const gcr_file_row *row, const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    const uint64_t width = (uint64_t)gcr_results_output_width(file, 0);

    groups->count = 0;
    for (uint64_t point = 0; point < gcr_results_points(file)->point_count; point++)
        if (gcr_cell_is_failed(row->states[point]))
            GCR_TRY(add_cell(groups, row->states[point], detail_of(row, point, width), point));
out:
    return status;
}

static void print_group(const gcr_results_file *file, uint64_t dataset, const cell_group *group)
{
    char key[1024], reason[512], count[32];

    gcr_screen_put(stdout, gcr_results_dataset_key(file, dataset), -1);
    gcr_key_text(key, sizeof key, gcr_results_points(file), group->first);
    gcr_run_file_describe(reason, sizeof reason, file, group->state, gcr_cell_nan(group->detail));
    printf("%s%s: %s", key[0] != '\0' ? ", " : "", key, reason);
    if (group->count > 1)
        printf(" (%s cells alike, first shown)", gcr_format_count(count, group->count));
    putchar('\n');
}

static void print_groups(run_tally *tally, const group_list *groups, const gcr_results_file *file,
                         uint64_t dataset, uint64_t limit)
{
    tally->datasets += groups->count > 0;
    for (size_t g = 0; g < groups->count; g++) {
        if (limit == 0 || tally->lines < limit)
            print_group(file, dataset, &groups->items[g]);
        tally->lines++;
    }
}

static gcr_status gather_row(group_list *groups, run_tally *tally, gcr_file_row *row,
                             gcr_results_file *file, uint64_t dataset)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_file_row_read(row, file, dataset, 1));
    GCR_TRY(gather(groups, row, file));
    for (size_t g = 0; g < groups->count; g++)
        tally->states[groups->items[g].state] += groups->items[g].count;
out:
    return status;
}

/* The same of a run whose cells were not kept. */
static gcr_status gather_remains(group_list *groups, run_tally *tally, const gcr_results_file *file,
                                 uint64_t dataset)
{
    gcr_status status = GCR_OK;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    gcr_failed_cell cell;

    groups->count = 0;
    for (int i = 0; gcr_results_failed(file, dataset, i, &cell); i++)
        GCR_TRY(add_cell(groups, cell.state, cell.detail, cell.point));
    gcr_results_count(file, dataset, counts);
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        tally->states[s] += gcr_cell_is_failed((uint8_t)s) ? counts[s] : 0;
out:
    return status;
}

static void print_tally(const run_tally *tally, uint64_t limit)
{
    uint64_t failed = 0;
    char cells[32];

    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        failed += tally->states[s];
    if (failed == 0) {
        puts("no cell failed");
        return;
    }
    if (limit > 0 && tally->lines > limit)
        printf("and %" PRIu64 " line%s more: --limit 0 shows all\n", tally->lines - limit,
               gcr_plural(tally->lines - limit));
    printf("%s cell%s of %" PRIu64 " dataset%s failed:", gcr_format_count(cells, failed),
           gcr_plural(failed), tally->datasets, gcr_plural(tally->datasets));
    for (int s = 0, named = 0; s < GCR_CELL_STATE_COUNT; s++)
        if (tally->states[s] > 0)
            printf("%s %s %s", named++ > 0 ? "," : "", gcr_format_count(cells, tally->states[s]),
                   gcr_cell_state_name((gcr_cell_state)s));
    putchar('\n');
}

gcr_status gcr_command_failed(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    failed_args args = { .limit = USUAL_LIMIT };
    gcr_results_file *file = NULL;
    gcr_file_row row = { 0 };
    group_list groups = { 0 };
    run_tally tally = { 0 };

    (void)exit_out;
    argp_parse(&failed_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_results_open(&file, args.path));
    for (uint64_t d = 0; d < gcr_results_dataset_count(file); d++) {
        if (gcr_results_keeps_cells(file))
            GCR_TRY(gather_row(&groups, &tally, &row, file, d));
        else
            GCR_TRY(gather_remains(&groups, &tally, file, d));
        print_groups(&tally, &groups, file, d, args.limit);
    }
    print_tally(&tally, args.limit);
    if (!gcr_results_keeps_cells(file) && tally.lines > 0)
        puts("named are the first to fail of each dataset: the job says `keep: summary`");
out:
    free(groups.items);
    gcr_file_row_clear(&row);
    gcr_results_close(file);
    return status;
}
