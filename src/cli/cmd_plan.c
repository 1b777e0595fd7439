/* cli/cmd_plan.c -- gridcrunch plan: what a run would do and need. Computes nothing. */
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/describe.h"
#include "cli/job_args.h"
#include "cli/json.h"
#include "cli/run_report.h"
#include "cli/screen.h"
#include "cli/simulate_args.h"

#include "base/check.h"
#include "base/text.h"
#include "gridcrunch/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { TEXT_BYTES = 1024, ORDER_SHOWN = 5 };

typedef struct plan_args {
    gcr_job_args job;
    gcr_simulate_args simulate;
    int is_json;
} plan_args;

enum { KEY_JSON = 0x200 };

static const struct argp_option options[] = {
    { "json", KEY_JSON, NULL, 0, "Print a JSON document", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    plan_args *args = state->input;

    (void)arg;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &args->job;
        state->child_inputs[1] = &args->simulate;
    } else if (key == KEY_JSON)
        args->is_json = 1;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp_child children[] = { { &gcr_job_argp, 0, NULL, 0 },
                                              { &gcr_simulate_argp, 0, NULL, 0 },
                                              { 0 } };

static const struct argp plan_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "JOB",
    .doc = "Says what `gridcrunch run JOB' would do, and how much memory it needs.",
    .children = children,
};

/* What is said about a plan. */
typedef struct planned {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
    const gcr_simulate_options *options; /* NULL: nothing was simulated */
    gcr_simulation simulation;
} planned;

/* ---- for people ------------------------------------------------------------------------------ */

static void print_memory(const gcr_plan_bytes *bytes)
{
    char data[32], outputs[32], states[32], prepared[32], scratch[32], points[32], total[32];

    gcr_screen_note(
        stdout, "memory", "%s: data %s, outputs %s, states %s, prepared %s, scratch %s, grid %s",
        gcr_format_bytes(total, bytes->total), gcr_format_bytes(data, bytes->data),
        gcr_format_bytes(outputs, bytes->outputs), gcr_format_bytes(states, bytes->states),
        gcr_format_bytes(prepared, bytes->prepared), gcr_format_bytes(scratch, bytes->scratch),
        gcr_format_bytes(points, bytes->points));
}

/* For each device with memory of its own: how much of the data goes there, and how. */
static void print_uploads(const gcr_run *run)
{
    const char *label = "uploads";

    for (int d = 0; d < gcr_run_device_count(run); d++) {
        const gcr_device_plan *plan = gcr_run_device_plan(run, d);
        char bytes[32], budget[32], waves[64] = "";

        if (plan->waves == 0)
            continue;
        if (plan->budget_bytes > 0)
            snprintf(waves, sizeof waves, " in %" PRIu64 " wave%s through %s", plan->waves,
                     gcr_plural(plan->waves), gcr_format_bytes(budget, plan->budget_bytes));
        gcr_screen_note(stdout, label, "%s: %s of datasets%s", gcr_run_device_word(run, d),
                        gcr_format_bytes(bytes, plan->up_bytes), waves);
        label = "";
    }
}

static void print_order(const gcr_plan *plan, const gcr_datasets *datasets)
{
    char text[TEXT_BYTES] = "";
    size_t used = 0;

    for (uint64_t i = 0; i < datasets->count && i < ORDER_SHOWN && used < sizeof text; i++)
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s%s (%.3g %%)", i > 0 ? ", " : "",
            datasets->items[gcr_plan_dataset_at(plan, i)].key, 100 * gcr_plan_cost_share(plan, i));
    gcr_screen_note(stdout, "order", "%s%s", text, datasets->count > ORDER_SHOWN ? ", ..." : "");
}

static void print_plan(const planned *p)
{
    const gcr_plan *plan = gcr_run_plan(p->run);
    char text[TEXT_BYTES];

    gcr_screen_note(stdout, "job", "%s", gcr_describe_job(text, sizeof text, &p->job));
    gcr_screen_note(stdout, "datasets", "%s",
                    gcr_describe_datasets(text, sizeof text, &p->datasets));
    if (p->datasets.skipped_count > 0)
        gcr_screen_note(stdout, "skipped", "%s",
                        gcr_describe_skipped(text, sizeof text, &p->datasets));
    gcr_describe_axes(stdout, gcr_run_points(p->run));
    gcr_screen_note(stdout, "grid", "%s",
                    gcr_describe_grid(text, sizeof text, gcr_run_points(p->run)));
    gcr_screen_note(stdout, "cells", "%s", gcr_format_count(text, gcr_plan_live_count(plan)));
    gcr_screen_note(stdout, "device", "%s", gcr_describe_devices(text, sizeof text, p->run));
    gcr_describe_kinds(stdout, p->run);
    gcr_screen_note(stdout, "compute", "%s", gcr_describe_schedule(text, sizeof text, p->run));
    if (p->job.keep == GCR_KEEP_SUMMARY)
        gcr_screen_note(stdout, "kept", "summaries, and how many cells ended how; no outputs");
    print_memory(gcr_plan_memory(plan));
    print_uploads(p->run);
    print_order(plan, &p->datasets);
    if (p->options != NULL)
        gcr_simulation_print(&p->simulation, p->options);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static json_t *datasets_json(const gcr_datasets *datasets)
{
    const gcr_row_range rows = gcr_describe_rows(datasets);

    return json_pack("{s:o, s:o, s:I, s:I, s:I}", "count", gcr_json_count(datasets->count),
                     "skipped", gcr_json_count(datasets->skipped_count), "least_rows",
                     (json_int_t)rows.least, "median_rows", (json_int_t)rows.median, "most_rows",
                     (json_int_t)rows.most);
}

static json_t *axes_json(const gcr_point_table *points)
{
    json_t *axes = json_array();

    for (int a = 0; a < points->axis_count; a++) {
        const gcr_axis *axis = &points->axes[a];

        json_array_append_new(
            axes, json_pack("{s:o, s:o, s:o, s:o}", "name", gcr_json_text(axis->name), "count",
                            gcr_json_count(axis->count), "first", gcr_json_number(axis->values[0]),
                            "last", gcr_json_number(axis->values[axis->count - 1])));
    }
    return axes;
}

static json_t *memory_json(const gcr_plan_bytes *bytes)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "total", gcr_json_count(bytes->total),
                     "data", gcr_json_count(bytes->data), "outputs", gcr_json_count(bytes->outputs),
                     "states", gcr_json_count(bytes->states), "prepared",
                     gcr_json_count(bytes->prepared), "scratch", gcr_json_count(bytes->scratch),
                     "points", gcr_json_count(bytes->points));
}

static json_t *plan_json(const planned *p)
{
    const gcr_plan *plan = gcr_run_plan(p->run);
    const gcr_point_table *points = gcr_run_points(p->run);
    json_t *document = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:o, s:s, s:o}",
        "job", gcr_json_text(p->job.name), "kernel", gcr_json_text(p->job.kernel), "datasets",
        datasets_json(&p->datasets), "axes", axes_json(points), "points",
        gcr_json_count(points->point_count), "live_points", gcr_json_count(points->live_count),
        "cells", gcr_json_count(gcr_plan_cell_count(plan)), "live_cells",
        gcr_json_count(gcr_plan_live_count(plan)), "device",
        gcr_json_text(gcr_run_device_name(p->run, 0)), "kind",
        gcr_json_text(gcr_run_kind(p->run, 0)), "devices", gcr_run_devices_json(p->run), "kinds",
        gcr_run_kinds_json(p->run), "threads", gcr_run_thread_count(p->run), "schedule",
        gcr_schedule_name(gcr_run_schedule(p->run)), "batch", gcr_json_count(gcr_run_batch(p->run)),
        "keep", gcr_keep_name(p->job.keep), "memory_bytes", memory_json(gcr_plan_memory(plan)));

    if (p->options != NULL)
        json_object_set_new(document, "simulation",
                            gcr_simulation_json(&p->simulation, p->options));
    return document;
}

gcr_status gcr_command_plan(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    plan_args args = { 0 };
    planned p = { 0 };
    const gcr_run_spec spec = { .job = &p.job, .datasets = &p.datasets };

    (void)exit_out;
    argp_parse(&plan_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_job_args_load(&p.job, &args.job));
    GCR_TRY(gcr_crash_watch(&p.job));
    GCR_TRY(gcr_datasets_load(&p.datasets, &p.job));
    GCR_TRY(gcr_run_create(&p.run, &spec));
    if (args.simulate.is_wanted) {
        p.options = &args.simulate.options;
        GCR_TRY(gcr_run_simulate(&p.simulation, p.run, p.options));
    }
    if (args.is_json)
        GCR_TRY(gcr_json_print(plan_json(&p)));
    else
        print_plan(&p);
out:
    gcr_run_destroy(p.run);
    gcr_datasets_clear(&p.datasets);
    gcr_job_clear(&p.job);
    gcr_job_args_clear(&args.job);
    return status;
}
