/* cli/run_report.c -- a run in words. See run_json.c for the same as a document. */
#include "cli/run_report.h"

#include "cli/best_points.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/interrupt.h"
#include "cli/screen.h"

#include "base/memory.h"
#include "base/text.h"
#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_BYTES = 1024, RANKS_SHOWN = 8 };

/* ---- before ---------------------------------------------------------------------------------- */

/* Who computes, where there are several. */
static void note_ranks(const gcr_run *run)
{
    const int count = gcr_run_rank_count(run);
    char text[TEXT_BYTES];

    for (int r = 0; count > 1 && r < count && r < RANKS_SHOWN; r++)
        gcr_screen_note(stderr, r == 0 ? "ranks" : "", "%s",
                        gcr_run_describe_rank(text, sizeof text, run, r));
    if (count > RANKS_SHOWN)
        gcr_screen_note(stderr, "", "and %d more: gridcrunch devices --map", count - RANKS_SHOWN);
    for (int w = 0; w < gcr_run_warning_count(run); w++)
        gcr_screen_note(stderr, "warning", "%s", gcr_run_warning(run, w));
}

/* Datasets that go from GPU to GPU, or why they do not. */
static void note_spread(const gcr_run *run)
{
    if (gcr_run_spread(run)[0] != '\0')
        gcr_screen_note(stderr, "spread", "%s", gcr_run_spread(run));
}

void gcr_run_report_begin(const gcr_run_report *report)
{
    const gcr_plan *plan = gcr_run_plan(report->run);
    char text[TEXT_BYTES];

    gcr_screen_note(stderr, "job", "%s", gcr_describe_job(text, sizeof text, report->job));
    gcr_screen_note(stderr, "datasets", "%s",
                    gcr_describe_datasets(text, sizeof text, report->datasets));
    if (report->datasets->skipped_count > 0)
        gcr_screen_note(stderr, "skipped", "%s",
                        gcr_describe_skipped(text, sizeof text, report->datasets));
    gcr_screen_note(stderr, "grid", "%s",
                    gcr_describe_grid(text, sizeof text, gcr_run_points(report->run)));
    gcr_screen_note(stderr, "cells", "%s", gcr_format_count(text, gcr_plan_live_count(plan)));
    note_ranks(report->run);
    gcr_screen_note(stderr, "device", "%s", gcr_describe_devices(text, sizeof text, report->run));
    if (gcr_run_kind_count(report->run) > 1 || gcr_run_rank_count(report->run) > 1 ||
        gcr_run_left_out(report->run)[0] != '\0')
        gcr_describe_kinds(stderr, report->run);
    gcr_screen_note(stderr, "compute", "%s", gcr_describe_schedule(text, sizeof text, report->run));
    if (gcr_run_gather(report->run)[0] != '\0')
        gcr_screen_note(stderr, "gather", "%s", gcr_run_gather(report->run));
    note_spread(report->run);
    gcr_screen_note(stderr, "memory", "%s predicted",
                    gcr_format_bytes(text, gcr_plan_memory(plan)->total));
}

/* ---- after ----------------------------------------------------------------------------------- */

static uint64_t count_failed(const uint64_t counts[GCR_CELL_STATE_COUNT])
{
    uint64_t failed = 0;

    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        if (gcr_cell_is_failed((uint8_t)s))
            failed += counts[s];
    return failed;
}

/* Adds ", 3 WORDS" where there are any; the first is said even if it is 0. */
static void add_count(char text[TEXT_BYTES], uint64_t count, const char *words)
{
    const size_t used = strlen(text);
    char number[32];

    if (count > 0 || used == 0)
        snprintf(text + used, TEXT_BYTES - used, "%s%s %s", used > 0 ? ", " : "",
                 gcr_format_count(number, count), words);
}

/* A signal to this rank has had its sentence when it came. */
static const char *describe_stop(gcr_run_ending ending)
{
    if (ending == GCR_RUN_OUT_OF_TIME)
        return ", out of time";
    if (ending == GCR_RUN_CANCELLED && !gcr_interrupt_is_wanted())
        return ", as another rank was sent a signal";
    return "";
}

static void note_counts(const gcr_run_report *report)
{
    const gcr_run_ending ending = gcr_run_ending_of(report->run);
    uint64_t counts[GCR_CELL_STATE_COUNT];
    char text[TEXT_BYTES] = "", seconds[32];

    gcr_run_count(report->run, counts);
    add_count(text, counts[GCR_CELL_OK], "ok");
    add_count(text, counts[GCR_CELL_OK_JITTER], "ok after jitter");
    add_count(text, counts[GCR_CELL_NOT_SPD], "failed: not SPD");
    add_count(text, counts[GCR_CELL_NAN_IN], "failed: NaN or infinity in");
    add_count(text, counts[GCR_CELL_NAN_OUT], "failed: NaN or infinity out");
    add_count(text, counts[GCR_CELL_KERNEL_ERROR], "failed: kernel error");
    add_count(text, counts[GCR_CELL_EMPTY], "not computed");
    gcr_screen_note(stderr, ending == GCR_RUN_COMPLETE ? "done" : "stopped", "%s; took %s%s", text,
                    gcr_format_seconds(seconds, report->total_seconds), describe_stop(ending));
    if (count_failed(counts) > 0)
        gcr_screen_note(stderr, "failed", "'gridcrunch failed %s' names them", report->folder);
}

static void note_times(const gcr_run_report *report)
{
    const gcr_progress *progress = gcr_run_progress(report->run);
    char load[32], compute[32], write[32], rate[32];

    gcr_screen_note(stderr, "time", "%s load, %s compute (%s cells/s), %s write",
                    gcr_format_seconds(load, report->load_seconds),
                    gcr_format_seconds(compute, progress->seconds),
                    gcr_format_count(rate, (uint64_t)progress->cells_per_second),
                    gcr_format_seconds(write, report->write_seconds));
}

/* What each of several ranks made of that time. */
static void note_busy(const gcr_run *run)
{
    const gcr_busy busy = gcr_run_busy(run);
    char text[TEXT_BYTES];

    if (gcr_run_rank_count(run) > 1 && gcr_run_rank_work(run) != NULL)
        gcr_screen_note(
            stderr, "ranks", "%s",
            gcr_describe_busy(text, sizeof text, &busy, gcr_run_host(run, (int)busy.least_rank)));
}

/* ", 1.0 MiB from GPU to GPU", where there was any; ranks count what they have received. */
static const char *describe_passed(char out[64], uint64_t passed_bytes, const char *how)
{
    char bytes[32];

    out[0] = '\0';
    if (passed_bytes > 0)
        snprintf(out, 64, ", %s %s", gcr_format_bytes(bytes, passed_bytes), how);
    return out;
}

static void note_ledger(const gcr_ledger *ledger)
{
    char up[32], down[32], shared[32], passed[64], spread[64], tiles[32], calls[32];

    gcr_screen_note(
        stderr, "moved",
        "%s up in %" PRIu64 " call%s%s, %s down in %" PRIu64 ", %s shared in %" PRIu64
        "%s; %" PRIu64 " prepared, %s tile%s in %s batch%s",
        gcr_format_bytes(up, ledger->up_bytes), ledger->up_calls, gcr_plural(ledger->up_calls),
        describe_passed(spread, ledger->spread_bytes, "of datasets from GPU to GPU"),
        gcr_format_bytes(down, ledger->down_bytes), ledger->down_calls,
        gcr_format_bytes(shared, ledger->shared_bytes), ledger->shared_calls,
        describe_passed(passed, ledger->received_bytes, "from GPU to GPU"), ledger->prepare_calls,
        gcr_format_count(tiles, ledger->tiles), gcr_plural(ledger->tiles),
        gcr_format_count(calls, ledger->crunch_calls), ledger->crunch_calls == 1 ? "" : "es");
}

static void note_edges(const gcr_results_file *file)
{
    const gcr_point_table *points = gcr_results_points(file);
    char text[TEXT_BYTES];

    for (int s = 0; s < gcr_results_summary_count(file); s++) {
        gcr_edges edges;

        if (!gcr_best_is_ranking(file, s))
            continue;
        edges = gcr_best_edges(file, s);
        gcr_screen_note(stderr, gcr_results_summary_name(file, s), "%s",
                        gcr_edges_text(text, sizeof text, &edges, points));
    }
}

/* Where several ranks needed the datasets. */
static void note_data(const gcr_run_report *report)
{
    const gcr_data_ledger *data = report->data;
    char read[32], shared[32], sent[32];

    if (gcr_run_rank_count(report->run) > 1)
        gcr_screen_note(
            stderr, "data", "%s read on %" PRIu64 " node%s, %s shared by ranks, %s sent",
            gcr_format_bytes(read, data->read_bytes), data->reading_nodes,
            gcr_plural(data->reading_nodes), gcr_format_bytes(shared, data->shared_bytes),
            gcr_format_bytes(sent, data->sent_bytes));
}

/* Of a few messages it would say how often they are looked for, and nothing of the network. */
static const char *describe_under_way(char out[64], const gcr_gather_ledger *gather)
{
    const double bytes_least = 8 << 20;
    const double rate = gather->under_way_bytes_per_second;
    char bytes[32];

    out[0] = '\0';
    if (rate * gather->under_way_seconds >= bytes_least)
        snprintf(out, 64, "; %s/s while some were under way",
                 gcr_format_bytes(bytes, (uint64_t)rate));
    return out;
}

/* Where results came from other nodes. */
static void note_gather(const gcr_run *run)
{
    const gcr_gather_ledger *gather = gcr_run_gather_ledger(run);
    char bytes[32], passed[64], messages[32], rate[64];

    if (gather->bytes + gather->device_bytes > 0)
        gcr_screen_note(stderr, "gathered", "%s in %s message%s%s, by %s%s",
                        gcr_format_bytes(bytes, gather->bytes),
                        gcr_format_count(messages, gather->messages), gcr_plural(gather->messages),
                        describe_passed(passed, gather->device_bytes, "from GPU to GPU"),
                        gcr_gather_name(gather->way), describe_under_way(rate, gather));
}

void gcr_run_report_end(const gcr_run_report *report)
{
    char predicted[32], measured[32];

    note_counts(report);
    note_times(report);
    note_busy(report->run);
    note_data(report);
    note_gather(report->run);
    if (gcr_run_spread_has_failed(report->run))
        note_spread(report->run);
    note_ledger(gcr_run_ledger(report->run));
    if (gcr_run_progress(report->run)->halved > 0)
        gcr_screen_note(stderr, "short",
                        "devices had too little memory for batches, which were "
                        "halved %" PRIu64 " times",
                        gcr_run_progress(report->run)->halved);
    gcr_screen_note(stderr, "memory", "%s predicted, %s measured",
                    gcr_format_bytes(predicted, gcr_plan_memory(gcr_run_plan(report->run))->total),
                    gcr_format_bytes(measured, gcr_memory_peak_bytes()));
    if (report->old_folder != NULL)
        gcr_screen_note(stderr, "aside", "the earlier run is now %s", report->old_folder);
    gcr_screen_note(stderr, "results", "%s/results.h5 and summary.csv", report->folder);
    note_edges(report->file);
}

int gcr_run_report_exit(const gcr_run_report *report)
{
    uint64_t counts[GCR_CELL_STATE_COUNT];

    if (gcr_run_ending_of(report->run) != GCR_RUN_COMPLETE)
        return GCR_EXIT_INTERRUPTED;
    gcr_run_count(report->run, counts);
    return count_failed(counts) > 0 ? GCR_EXIT_FAILED : GCR_EXIT_OK;
}
