/* cli/cmd_try.c -- gridcrunch try: one cell of a job, computed, printed and timed. */
#include "cli/cell_key.h"
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/job_args.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "gridcrunch/cell.h"
#include "gridcrunch/run.h"
#include "kernels/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct try_args {
    gcr_job_args job;
    const char *cell;
} try_args;

enum { KEY_CELL = 0x200 };

static const struct argp_option options[] = {
    { "cell", KEY_CELL, "KEY", 0, "The cell: DATASET,AXIS=VALUE,... with every axis", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    try_args *args = state->input;

    if (key == ARGP_KEY_INIT)
        state->child_inputs[0] = &args->job;
    else if (key == KEY_CELL)
        args->cell = arg;
    else if (key == ARGP_KEY_SUCCESS && args->cell == NULL)
        argp_error(state, "which cell? --cell DATASET,AXIS=VALUE,... names one");
    else if (key != ARGP_KEY_SUCCESS)
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp_child children[] = { { &gcr_job_argp, 0, NULL, 0 }, { 0 } };

static const struct argp try_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "JOB",
    .doc = "Computes one cell of JOB, prints and times it, and saves nothing.\v"
           "As in: gridcrunch try fertility.yaml --cell 'Aruba,lengthscale=60,noise=1,variance=1'\n"
           "The key is read from its end, so the name of a dataset may have commas. "
           "A value has to be one of its axis; six digits are enough.",
    .children = children,
};

typedef struct trial_place {
    uint64_t dataset, point;
} trial_place;

static gcr_status find_cell(trial_place *out, const char *cell, const gcr_run *run,
                            const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = gcr_run_points(run);
    const char **keys = NULL;
    void *block = NULL;

    GCR_TRY(gcr_memory_create(&block, datasets->count, sizeof *keys, "the names of the datasets"));
    keys = block;
    for (uint64_t i = 0; i < datasets->count; i++)
        keys[i] = datasets->items[i].key;
    GCR_TRY(gcr_key_find_cell(&out->dataset, &out->point, cell, points, keys, datasets->count));
    if (!gcr_point_is_live(points, out->point))
        GCR_FAIL(GCR_EINVAL, "'%s' is a point that 'where' leaves out", cell);
out:
    gcr_memory_destroy(block);
    return status;
}

static int64_t output_width(const gcr_kernel_output *output, const gcr_dataset *dataset)
{
    if (output->width == GCR_WIDTH_ROWS)
        return dataset->rows;
    return output->width == GCR_WIDTH_FEATURES ? dataset->features : output->width;
}

static void print_outputs(const gcr_kernel *kernel, const gcr_dataset *dataset,
                          const gcr_trial *trial)
{
    for (int o = 0; o < gcr_kernel_output_count(kernel); o++) {
        const gcr_kernel_output *output = &kernel->outputs[o];
        const int64_t width = output_width(output, dataset);

        for (int64_t i = 0; i < width; i++) {
            char text[32];

            gcr_screen_note(stdout, i == 0 ? output->name : "", "%s",
                            gcr_format_number(text, trial->values[o][i]));
        }
    }
}

static void print_trial(const gcr_run *run, const gcr_dataset *dataset, uint64_t point,
                        const gcr_trial *trial)
{
    char key[1024], prepare[32], cell[32];

    gcr_screen_note(stdout, "dataset", "%s", dataset->key);
    gcr_screen_note(stdout, "point", "%s",
                    gcr_key_text(key, sizeof key, gcr_run_points(run), point));
    gcr_screen_note(stdout, "status", "%s", gcr_cell_state_name(trial->state));
    print_outputs(gcr_run_kernel(run), dataset, trial);
    gcr_screen_note(stdout, "time", "%s, and %s once per dataset",
                    gcr_format_seconds(cell, trial->seconds),
                    gcr_format_seconds(prepare, trial->prepare_seconds));
}

/* A cell is tried on the CPU: where the job leaves the device open, that is the one. */
static gcr_status choose_device(gcr_job *job)
{
    gcr_status status = GCR_OK;
    static const char word[] = "cpu";

    if (strcmp(job->device, "auto") != 0 && strcmp(job->device, "any") != 0)
        goto out;
    free(job->device);
    job->device = NULL;
    GCR_TRY(gcr_text_copy(&job->device, word, strlen(word)));
out:
    return status;
}

gcr_status gcr_command_try(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    try_args args = { 0 };
    gcr_job job = { 0 };
    gcr_datasets datasets = { 0 };
    gcr_run *run = NULL;
    const gcr_run_spec spec = { .job = &job, .datasets = &datasets };
    trial_place place;
    gcr_trial trial;

    argp_parse(&try_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_job_args_load(&job, &args.job));
    GCR_TRY(choose_device(&job));
    GCR_TRY(gcr_crash_watch(&job));
    GCR_TRY(gcr_datasets_load(&datasets, &job));
    GCR_TRY(gcr_run_create(&run, &spec));
    GCR_TRY(find_cell(&place, args.cell, run, &datasets));
    gcr_crash_watch_cell(args.cell);
    GCR_TRY(gcr_run_try(run, &trial, place.dataset, place.point));
    print_trial(run, &datasets.items[place.dataset], place.point, &trial);
    *exit_out = gcr_cell_is_failed(trial.state) ? GCR_EXIT_FAILED : GCR_EXIT_OK;
out:
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
    gcr_job_args_clear(&args.job);
    return status;
}
