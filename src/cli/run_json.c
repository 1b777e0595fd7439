/* cli/run_json.c -- a run as a document, for `run --json`. */
#include "cli/run_report.h"

#include "cli/best_points.h"
#include "cli/describe.h"
#include "cli/json.h"

#include "base/memory.h"
#include "exec/busy.h"
#include "gridcrunch/cell.h"

static json_t *cells_json(const gcr_run *run)
{
    uint64_t counts[GCR_CELL_STATE_COUNT];
    json_t *cells = json_object();

    gcr_run_count(run, counts);
    json_object_set_new(cells, "total", gcr_json_count(gcr_plan_cell_count(gcr_run_plan(run))));
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        json_object_set_new(cells, gcr_cell_state_name((gcr_cell_state)s),
                            gcr_json_count(counts[s]));
    return cells;
}

static json_t *skipped_json(const gcr_datasets *datasets)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < datasets->skipped_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "dataset",
                                              gcr_json_text(datasets->skipped[i].key), "reason",
                                              gcr_json_text(datasets->skipped[i].reason)));
    return list;
}

static json_t *ledger_json(const gcr_ledger *ledger)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "up_bytes",
        gcr_json_count(ledger->up_bytes), "up_calls", gcr_json_count(ledger->up_calls),
        "down_bytes", gcr_json_count(ledger->down_bytes), "down_calls",
        gcr_json_count(ledger->down_calls), "shared_bytes", gcr_json_count(ledger->shared_bytes),
        "shared_calls", gcr_json_count(ledger->shared_calls), "received_bytes",
        gcr_json_count(ledger->received_bytes), "spread_bytes",
        gcr_json_count(ledger->spread_bytes), "spread_calls", gcr_json_count(ledger->spread_calls),
        "prepare_calls", gcr_json_count(ledger->prepare_calls), "crunch_calls",
        gcr_json_count(ledger->crunch_calls), "tiles", gcr_json_count(ledger->tiles));
}

/* Null where it is not known. */
static json_t *work_json(const gcr_run *run)
{
    const gcr_rank_work *work = gcr_run_rank_work(run);
    const gcr_busy busy = gcr_run_busy(run);
    json_t *ranks;

    if (work == NULL)
        return json_null();
    ranks = json_array();
    for (int r = 0; r < gcr_run_rank_count(run); r++)
        json_array_append_new(ranks,
                              json_pack("{s:i, s:o, s:i, s:o, s:o, s:o}", "rank", r, "host",
                                        gcr_json_text(gcr_run_host(run, r)), "workers",
                                        work[r].workers, "cells", gcr_json_count(work[r].cells),
                                        "busy_seconds", gcr_json_number(work[r].busy_seconds),
                                        "busy", gcr_json_number(work[r].busy)));
    return json_pack("{s:o, s:o, s:o, s:o}", "busy_median", gcr_json_number(busy.median),
                     "busy_least", gcr_json_number(busy.least), "idle_ranks",
                     gcr_json_count(busy.idle_ranks), "ranks", ranks);
}

static json_t *edges_of(const gcr_results_file *file, int summary)
{
    const gcr_point_table *points = gcr_results_points(file);
    const gcr_edges edges = gcr_best_edges(file, summary);
    json_t *axes = json_object();

    for (int a = 0; a < points->axis_count; a++)
        if (gcr_edges_count(&points->axes[a]))
            json_object_set_new(axes, points->axes[a].name,
                                json_pack("{s:o, s:o}", "low", gcr_json_count(edges.low[a]), "high",
                                          gcr_json_count(edges.high[a])));
    return json_pack("{s:o, s:o}", "datasets", gcr_json_count(edges.datasets), "axes", axes);
}

static json_t *edges_json(const gcr_results_file *file)
{
    json_t *edges = json_object();

    for (int s = 0; s < gcr_results_summary_count(file); s++)
        if (gcr_best_is_ranking(file, s))
            json_object_set_new(edges, gcr_results_summary_name(file, s), edges_of(file, s));
    return edges;
}

static json_t *seconds_json(const gcr_run_report *report)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "load", gcr_json_number(report->load_seconds),
                     "compute", gcr_json_number(gcr_run_progress(report->run)->seconds), "write",
                     gcr_json_number(report->write_seconds), "total",
                     gcr_json_number(report->total_seconds));
}

json_t *gcr_run_devices_json(const gcr_run *run)
{
    json_t *list = json_array();

    for (int d = 0; d < gcr_run_device_count(run); d++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:i, s:o, s:o, s:o}", "device",
                            gcr_json_text(gcr_run_device_word(run, d)), "name",
                            gcr_json_text(gcr_run_device_name(run, d)), "kind",
                            gcr_run_device_kind(run, d) + 1, "planned_up_bytes",
                            gcr_json_count(gcr_run_device_plan(run, d)->up_bytes), "waves",
                            gcr_json_count(gcr_run_device_plan(run, d)->waves), "budget_bytes",
                            gcr_json_count(gcr_run_device_plan(run, d)->budget_bytes)));
    return list;
}

json_t *gcr_run_kinds_json(const gcr_run *run)
{
    json_t *list = json_array();

    for (int k = 0; k < gcr_run_kind_count(run); k++)
        json_array_append_new(list, gcr_json_text(gcr_run_kind(run, k)));
    return list;
}

static json_t *data_json(const gcr_data_ledger *data)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "bytes", gcr_json_count(data->table_bytes),
                     "read_bytes", gcr_json_count(data->read_bytes), "shared_bytes",
                     gcr_json_count(data->shared_bytes), "sent_bytes",
                     gcr_json_count(data->sent_bytes), "reading_nodes",
                     gcr_json_count(data->reading_nodes), "receiving_nodes",
                     gcr_json_count(data->receiving_nodes));
}

static json_t *spread_json(const gcr_run *run)
{
    return gcr_run_spread(run)[0] != '\0' ? gcr_json_text(gcr_run_spread(run)) : json_null();
}

/* Null where one rank has all results. */
static json_t *gather_json(const gcr_run *run)
{
    const gcr_gather_ledger *ledger = gcr_run_gather_ledger(run);
    const char *why = gcr_run_gather(run);
    const double rate = ledger->bytes_per_second;
    const double under_way = ledger->under_way_bytes_per_second;

    if (gcr_run_rank_count(run) == 1)
        return json_null();
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "way", gcr_gather_name(ledger->way), "why",
        why[0] != '\0' ? gcr_json_text(why) : json_null(), "bytes_per_second",
        rate > 0 ? gcr_json_number(rate) : json_null(), "messages",
        gcr_json_count(ledger->messages), "bytes", gcr_json_count(ledger->bytes), "device_bytes",
        gcr_json_count(ledger->device_bytes), "duplicates", gcr_json_count(ledger->duplicates),
        "under_way_seconds", gcr_json_number(ledger->under_way_seconds),
        "under_way_bytes_per_second", under_way > 0 ? gcr_json_number(under_way) : json_null());
}

json_t *gcr_run_report_json(const gcr_run_report *report)
{
    const gcr_run *run = report->run;

    return json_pack(
        "{s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, "
        "s:i, s:s, s:o, s:i, s:o, s:o, s:o, s:o}",
        "job", gcr_json_text(report->job->name), "folder", gcr_json_text(report->folder),
        "moved_aside", gcr_json_text(report->old_folder), "ending",
        gcr_run_ending_name(gcr_run_ending_of(run)), "exit", gcr_run_report_exit(report),
        "datasets", gcr_json_count(report->datasets->count), "skipped",
        skipped_json(report->datasets), "cells", cells_json(run), "seconds", seconds_json(report),
        "ledger", ledger_json(gcr_run_ledger(run)), "memory", "predicted_bytes",
        gcr_json_count(gcr_plan_memory(gcr_run_plan(run))->total), "measured_bytes",
        gcr_json_count(gcr_memory_peak_bytes()), "edges", edges_json(report->file), "device",
        gcr_json_text(gcr_run_device_name(run, 0)), "kind", gcr_json_text(gcr_run_kind(run, 0)),
        "devices", gcr_run_devices_json(run), "kinds", gcr_run_kinds_json(run), "threads",
        gcr_run_thread_count(run), "schedule", gcr_schedule_name(gcr_run_schedule(run)), "batch",
        gcr_json_count(gcr_run_batch(run)), "ranks", gcr_run_rank_count(run), "work",
        work_json(run), "data", data_json(report->data), "gather", gather_json(run), "spread",
        spread_json(run));
}
