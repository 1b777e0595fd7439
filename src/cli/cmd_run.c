/*
 * cli/cmd_run.c -- gridcrunch run: a job, computed and saved.
 *
 * The order is what keeps old results safe: everything that can be wrong with the request is found
 * out first, then an earlier run is moved aside, then comes what takes time.
 *
 * Under mpirun or srun all ranks go through the same steps, each of which ends in an agreement. The
 * first one, which leads, alone has a folder, prints and saves.
 */
#include "cli/best_points.h"
#include "cli/cell_key.h"
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/interrupt.h"
#include "cli/job_args.h"
#include "cli/json.h"
#include "cli/progress_line.h"
#include "cli/run_folder.h"
#include "cli/run_ranks.h"
#include "cli/run_report.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/clock.h"
#include "comm/comm.h"
#include "comm/started.h"
#include "exec/share_data.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

enum { ROWS_SHOWN = 10 };

typedef struct run_args {
    gcr_job_args job;
    const char *folder, *ranks;
    int is_fresh, is_json, is_quiet, skips_sync;
} run_args;

/* What a run needs on its way, in the order in which it comes to be. */
typedef struct run_work {
    gcr_ranks ranks;
    gcr_job job;
    gcr_run_folder folder;
    gcr_shared_datasets data;
    gcr_run *run;
    gcr_results_file *file;
    double begin, load_seconds, write_seconds;
} run_work;

/* ---- arguments ------------------------------------------------------------------------------- */

enum { KEY_OUT = 0x200, KEY_FRESH, KEY_MAX_TIME, KEY_JSON, KEY_QUIET, KEY_NO_SYNC, KEY_RANKS };

static const struct argp_option options[] = {
    { "out", KEY_OUT, "DIR", 0, "Put the results into DIR (default: runs/NAME)", 0 },
    { "fresh", KEY_FRESH, NULL, 0, "Move a run that DIR holds aside to DIR.old-1, ...", 0 },
    { "max-time", KEY_MAX_TIME, "T", 0, "Stop after T (90, 10m, 1h30m), save what is done", 0 },
    { "json", KEY_JSON, NULL, 0, "Print a JSON document in place of the best points", 0 },
    { "quiet", KEY_QUIET, NULL, 0, "Say nothing on stderr but errors", 0 },
    { "ranks", KEY_RANKS, "LIST", 0, "Of those started only these ranks (1,2 or 0-3)", 0 },
    { "no-sync", KEY_NO_SYNC, NULL, 0, "Do not wait until the disk has the results", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    run_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->job; break;
    case KEY_OUT: args->folder = arg; break;
    case KEY_RANKS: args->ranks = arg; break;
    case KEY_FRESH: args->is_fresh = 1; break;
    case KEY_JSON: args->is_json = 1; break;
    case KEY_QUIET: args->is_quiet = 1; break;
    case KEY_NO_SYNC: args->skips_sync = 1; break;
    case KEY_MAX_TIME:
        return gcr_job_args_put(&args->job, "run.max_time", arg) == GCR_OK ? 0 : ENOMEM;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = { { &gcr_job_argp, 0, NULL, 0 }, { 0 } };

static const struct argp run_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "JOB",
    .doc = "Computes every cell of the job file JOB and saves them.\v"
           "Exit: 0 all ok, 2 wrong job, 3 some cells failed, 4 interrupted, 1 else.",
    .children = children,
};

/* ---- steps ----------------------------------------------------------------------------------- */

/* What can be told from the job and the folder alone. */
static gcr_status look_at_request(run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_job_args_load(&work->job, &args->job));
    if (gcr_ranks_lead(&work->ranks)) {
        GCR_TRY(gcr_run_folder_choose(&work->folder, &work->job, args->folder));
        GCR_TRY(gcr_run_folder_check(&work->folder, args->is_fresh));
    }
    GCR_TRY(gcr_crash_watch(&work->job));
out:
    return status;
}

/* Finds out everything that can be wrong with the request. Changes nothing. */
static gcr_status prepare(run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;
    gcr_run_spec spec = { .job = &work->job,
                          .datasets = &work->data.datasets,
                          .comm = work->ranks.selected,
                          .has_same_datasets = 1 }; /* they have been shared */

    GCR_TRY(gcr_comm_agree(work->ranks.selected, look_at_request(work, args)));
    GCR_TRY(gcr_datasets_share(&work->data, work->ranks.selected, &work->job));
    spec.on_progress =
        args->is_quiet || !gcr_ranks_lead(&work->ranks) ? NULL : gcr_progress_line_show;
    spec.progress_seconds = gcr_progress_line_seconds();
    GCR_TRY(gcr_run_create(&work->run, &spec));
    gcr_run_tell_data(work->run, &work->data.ledger);
    gcr_interrupt_watch(work->run);
    gcr_crash_watch_run(work->run, &work->data.datasets);
    work->load_seconds = gcr_clock_seconds() - work->begin;
out:
    return status;
}

static gcr_status save(run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    const unsigned flags = args->skips_sync ? GCR_WRITE_UNSYNCED : 0;

    GCR_TRY(gcr_results_write(gcr_run_results(work->run), work->folder.path, flags));
    work->write_seconds = gcr_clock_seconds() - begin;
    GCR_TRY(gcr_results_open(&work->file, work->folder.path));
out:
    return status;
}

/* What has failed, and what comes of it. */
static void tell_failure(const char *where, const char *consequence)
{
    fputs("gridcrunch: ", stderr);
    gcr_screen_put(stderr, gcr_last_error(), -1);
    gcr_screen_put(stderr, where, -1);
    fprintf(stderr, "; %s\n", consequence);
}

/* A device that fails, or a message, is not the end of what has landed: that is saved, as after
 * Ctrl-C. Says which batch it was. */
static int survives(run_work *work, gcr_status status)
{
    gcr_in_flight flight;
    char key[1536] = "", where[1600] = "";

    if (status != GCR_EDEVICE || gcr_run_progress(work->run)->landed == 0)
        return 0;
    if (gcr_run_failed_at(&flight, work->run))
        gcr_key_flight_text(key, sizeof key, &flight, work->run, &work->data.datasets);
    if (key[0] != '\0') /* else it was another rank's */
        snprintf(where, sizeof where, "; it happened%s", key);
    tell_failure(where, "what has landed before is saved");
    return 1;
}

/* A node may be lost when nothing is to come from it any more. */
static void tell_of_loss(const run_work *work)
{
    if (gcr_comm_check(work->ranks.selected) != GCR_OK)
        tell_failure("", "nothing is missing, as all cells have landed");
}

/* The folder is the run's from now on. */
static gcr_status take_folder(run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;

    gcr_interrupt_guard(&work->folder);
    GCR_TRY(gcr_run_folder_take(&work->folder, args->is_fresh));
    gcr_crash_watch_folder(&work->folder);
out:
    return status;
}

static gcr_status execute(run_work *work)
{
    const gcr_status status = gcr_run_execute(work->run);

    gcr_command_leaves_at_once = status == GCR_EDEVICE || gcr_comm_is_broken(work->ranks.selected);
    return status;
}

/* The steps of the rank that leads. */
static gcr_status compute_leading(run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_agree(work->ranks.selected, take_folder(work, args)));
    status = execute(work);
    gcr_crash_watch_folder(NULL);
    if (!args->is_quiet)
        gcr_progress_line_end();
    if (status == GCR_OK)
        tell_of_loss(work);
    else if (!survives(work, status))
        GCR_TRY(status);
    GCR_TRY(save(work, args));
out:
    return status == GCR_OK ? GCR_OK : gcr_run_folder_restore(&work->folder, status);
}

/* Where a node is lost ranks cannot leave together, and mpirun ends all when one has left: so they
 * wait to be ended while the first saves what has landed. Those who miss the first do so, too: it
 * may be they who were cut off, or stood still, and what takes them for lost saves. But they say
 * so, as nobody else may be there. */
static void leave_alone(const run_work *work)
{
    const double silence = gcr_run_silence(work->run);
    const double seconds = isfinite(silence) ? 10.0 * silence : 600.0; /* for saving */
    const double end = gcr_clock_seconds() + seconds;
    const int may_be_first = gcr_run_lost_node(work->run) <= 0; /* or nobody knows which */
    char consequence[120];

    snprintf(consequence, sizeof consequence,
             "this rank ends in %.3g s, as rank 0 may still be saving", seconds);
    if (may_be_first && gcr_comm_info_of(work->ranks.selected)->node_rank == 0)
        tell_failure("", consequence);
    gcr_command_is_mute = 1;
    while (gcr_clock_seconds() < end)
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
}

/* And of all others: what is lost with a device is no failure where the first rank saves the
 * rest. */
static gcr_status compute_along(run_work *work)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_agree(work->ranks.selected, GCR_OK)); /* on the folder */
    status = execute(work);
    if (gcr_comm_is_broken(work->ranks.selected))
        leave_alone(work);
    else if (status == GCR_EDEVICE)
        status = GCR_OK;
out:
    return status;
}

static gcr_status print_best(const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    gcr_best_spec spec = { .top = 1, .limit = ROWS_SHOWN };
    gcr_sheet sheet = { 0 };

    if (gcr_results_summary_count(file) == 0)
        goto out;
    GCR_TRY(gcr_best_find(&spec.summary, file, NULL));
    GCR_TRY(gcr_best_put(&sheet, file, &spec));
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
out:
    gcr_sheet_clear(&sheet);
    return status;
}

static gcr_run_report report_of(const run_work *work)
{
    return (gcr_run_report){ .job = &work->job,
                             .datasets = &work->data.datasets,
                             .run = work->run,
                             .folder = work->folder.path,
                             .old_folder = work->folder.old_path,
                             .file = work->file,
                             .data = &work->data.ledger,
                             .load_seconds = work->load_seconds,
                             .write_seconds = work->write_seconds,
                             .total_seconds = gcr_clock_seconds() - work->begin };
}

static gcr_status tell(int *exit_out, const run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;
    const gcr_run_report report = report_of(work);

    *exit_out = gcr_run_report_exit(&report);
    if (!args->is_quiet)
        gcr_run_report_end(&report);
    if (args->is_json)
        GCR_TRY(gcr_json_print(gcr_run_report_json(&report)));
    else
        GCR_TRY(print_best(work->file));
out:
    return status;
}

static void clear(run_work *work)
{
    gcr_crash_watch_run(NULL, NULL);
    gcr_interrupt_watch(NULL);
    gcr_interrupt_guard(NULL);
    gcr_results_close(work->file);
    gcr_run_destroy(work->run);
    gcr_shared_datasets_clear(&work->data);
    gcr_run_folder_clear(&work->folder);
    gcr_job_clear(&work->job);
    gcr_interrupt_end();
    gcr_ranks_close(&work->ranks);
}

/* True on all ranks where the one that leads has seen a signal by now. */
static gcr_status look_for_signal(int *is_wanted, gcr_comm *comm)
{
    *is_wanted = gcr_interrupt_is_wanted();
    return gcr_comm_broadcast(comm, is_wanted, sizeof *is_wanted, 0);
}

static gcr_status lead(int *exit_out, run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;

    GCR_TRY(compute_leading(work, args));
    GCR_TRY(tell(exit_out, work, args));
out:
    return status;
}

static gcr_status run_on_ranks(int *exit_out, run_work *work, const run_args *args)
{
    gcr_status status = GCR_OK;
    int is_interrupted;

    GCR_TRY(prepare(work, args));
    if (!args->is_quiet && gcr_ranks_lead(&work->ranks)) {
        const gcr_run_report report = report_of(work);

        gcr_run_report_begin(&report);
    }
    GCR_TRY(look_for_signal(&is_interrupted, work->ranks.selected));
    if (is_interrupted) {
        *exit_out = GCR_EXIT_INTERRUPTED; /* nothing has been touched, and so it stays */
        goto out;
    }
    GCR_TRY(gcr_ranks_lead(&work->ranks) ? lead(exit_out, work, args) : compute_along(work));
out:
    return status;
}

/* While the first saves the others are there already, so that it need not wait for them for long.
 */
static gcr_status end_on_ranks(run_work *work, gcr_status status, int *exit_out)
{
    const int was_broken = gcr_ranks_are_broken(&work->ranks);

    if (gcr_ranks_lead(&work->ranks) && work->run != NULL)
        gcr_comm_limit(work->ranks.all, gcr_run_silence(work->run));
    status = gcr_ranks_end(&work->ranks, status, exit_out);
    if (was_broken || !gcr_ranks_are_broken(&work->ranks))
        return status;
    gcr_command_leaves_at_once = 1;
    if (status == GCR_OK)
        tell_failure("", "the results are saved");
    return status;
}

gcr_status gcr_command_run(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    run_args args = { 0 };
    run_work work = { .begin = gcr_clock_seconds() };

    argp_parse(&run_argp, argc, argv, 0, NULL, &args);
    gcr_ranks_speak();
    gcr_command_is_mute = gcr_started_behind_first(); /* a signal now is told by one */
    status = gcr_ranks_open(&work.ranks, args.ranks);
    gcr_command_is_mute = !gcr_ranks_lead(&work.ranks);
    GCR_TRY(status);
    status = work.ranks.selected != NULL ? run_on_ranks(exit_out, &work, &args) : GCR_OK;
    GCR_TRY(end_on_ranks(&work, status, exit_out));
out:
    clear(&work);
    gcr_job_args_clear(&args.job);
    return status;
}
