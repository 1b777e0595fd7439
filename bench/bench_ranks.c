/*
 * bench/bench_ranks.c -- what does it cost that cells are computed by several processes?
 *
 * METG (metg.h) with two ranks of one thread each, schedule dynamic, batches as long as they turn
 * out to be best: on one node, beside joblib and StarPU with as many workers, and on two nodes,
 * where messages go over TCP and results have to come back (ranks.h says which nodes). The
 * wall is that of the execute phase at rank 0, which checks each output. Then what a rank's thread
 * takes that looks for messages and computes nothing: its share of a core while both nodes sleep in
 * their cells, without what it took to begin the run.
 */
#include "metg.h"
#include "ranks.h"
#include "rival.h"
#include "work.h"

#include "base/check.h"
#include "comm/comm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RANKS = 2, ROUNDS_MOST = 7 }; /* joblib would take minutes */

/* Ranks 0 and another. */
typedef struct pair {
    gcr_comm *comm;
    int leads;
    bench_rival rival;
    bench_metg ours, theirs;
} pair;

/* ---- ours ------------------------------------------------------------------------------------ */

static gcr_status check_outputs(const gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_axis *axis = &gcr_run_points(run)->axes[0];
    const double *outputs = gcr_run_slots(run)->values[0];

    for (uint64_t p = 0; p < axis->count; p++)
        if (outputs[p] != axis->values[p])
            GCR_FAIL(GCR_EDEVICE, "cell %" PRIu64 " gave %g, not %g", p, outputs[p],
                     axis->values[p]);
out:
    return status;
}

/* What the thread that looks takes, between the first report of a run and the last. */
typedef struct looking {
    double since, core_then; /* seconds of the run, and of a core */
    double until, core;
} looking;

static void note_looking(void *arg, const gcr_progress *progress)
{
    looking *of = arg;
    struct timespec taken;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &taken);
    of->until = progress->seconds;
    of->core = (double)taken.tv_sec + 1e-9 * (double)taken.tv_nsec;
    if (of->since == 0.0) {
        of->since = of->until;
        of->core_then = of->core;
    }
}

/* `count` cells of a kernel that gives its parameter, with values around `middle`; seconds of rank
 * 0, and what looking takes there, if that is asked. */
static gcr_status run_cells(const pair *p, const char *kernel, const char *axis, double middle,
                            uint64_t count, double *seconds_out, looking *looking_out)
{
    gcr_status status = GCR_OK;
    gcr_run_spec spec = { .comm = p->comm };
    bench_work work;
    char text[512];

    snprintf(text, sizeof text,
             "name: ranks\n"
             "data: {synthetic: {datasets: 1, rows: 1}}\n"
             "kernel: %s\n"
             "grid: {%s: {linspace: [%.17g, %.17g, %" PRIu64 "]}}\n"
             "run: {device: cpu, threads: 1, schedule: dynamic}\n",
             kernel, axis, middle * 0.9999, middle * 1.0001, count);
    GCR_TRY(gcr_comm_agree(p->comm, bench_work_open(&work, "ranks.yaml", text)));
    spec.job = &work.job;
    spec.datasets = &work.datasets;
    if (looking_out != NULL) {
        spec.on_progress = note_looking;
        spec.progress_seconds = 0.02;
        spec.arg = looking_out;
    }
    GCR_TRY(gcr_run_create(&work.run, &spec));
    GCR_TRY(gcr_run_execute(work.run));
    GCR_TRY(gcr_comm_agree(p->comm, p->leads ? check_outputs(work.run) : GCR_OK));
    *seconds_out = gcr_run_progress(work.run)->seconds;
    GCR_TRY(gcr_comm_broadcast(p->comm, seconds_out, sizeof *seconds_out, 0));
out:
    bench_work_close(&work);
    return status;
}

static gcr_status spin_ours(void *arg, double *seconds_out, double ns, uint64_t count)
{
    return run_cells(arg, "spin", "ns", ns, count, seconds_out, NULL);
}

/* ---- a rival: rank 0 asks it, and others sleep ----------------------------------------------- */

static gcr_status spin_rival(void *arg, double *seconds_out, double ns, uint64_t count)
{
    gcr_status status = GCR_OK;
    pair *p = arg;

    if (p->leads)
        status = bench_metg_spin_rival(&p->rival, seconds_out, ns, count);
    GCR_TRY(gcr_comm_agree(p->comm, status));
    GCR_TRY(gcr_comm_broadcast(p->comm, seconds_out, sizeof *seconds_out, 0));
out:
    return status;
}

/* The ranks decide alike whether it is there. */
static gcr_status has_rival(int *out, pair *p, gcr_status opened)
{
    gcr_status status = GCR_OK;

    *out = p->rival.process != 0;
    GCR_TRY(gcr_comm_agree(p->comm, opened));
    GCR_TRY(gcr_comm_broadcast(p->comm, out, sizeof *out, 0));
out:
    return status;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static gcr_status measure_metg(bench *b, pair *p, const char *where, const char *rival,
                               int has_rival)
{
    gcr_status status = GCR_OK;
    char label[64];
    bench_side sides[] = {
        { .what = "gridcrunch", .run = bench_metg_run, .arg = &p->ours },
        { .what = rival, .run = bench_metg_run, .arg = &p->theirs },
    };

    p->ours = bench_metg_ours(b, spin_ours, p, RANKS);
    p->ours.budget_s = 0.05;
    snprintf(label, sizeof label, "%s, metg50", where);
    GCR_TRY(bench_alternate(b, label, sides, has_rival ? 2 : 1));
    snprintf(label, sizeof label, "%s, metg90", where);
    bench_row(b, label, "gridcrunch", "s", bench_spread_of(p->ours.metg90, b->rounds));
    if (has_rival) {
        snprintf(label, sizeof label, "%s_over_ours", rival);
        bench_ratio_sides(b, label, &sides[1], &sides[0]);
    } else {
        snprintf(label, sizeof label, "%s_metg50_us", where);
        bench_ratio(b, label, bench_metg_us(b, sides[0].seconds));
    }
out:
    return status;
}

static gcr_status measure_beside_starpu(bench *b, pair *p)
{
    gcr_status status = GCR_OK;
    char home[BENCH_PATH_MAX] = "";
    int is_there;

    if (p->leads)
        status = bench_folder_open(home);
    if (p->leads && status == GCR_OK)
        status = bench_rival_open_starpu(&p->rival, home, RANKS);
    GCR_TRY(has_rival(&is_there, p, status));
    p->theirs = bench_metg_ours(b, spin_rival, p, RANKS);
    p->theirs.guess_ns = 2000;
    if (is_there)
        GCR_TRY(measure_metg(b, p, "beside starpu", "starpu", 1));
    else
        bench_absent(b, "starpu", "install libstarpu-dev and build again");
out:
    bench_rival_close(&p->rival);
    bench_folder_close(home);
    return status;
}

static gcr_status measure_beside_joblib(bench *b, pair *p)
{
    gcr_status status = GCR_OK;
    const int rounds = b->rounds;
    int is_there;

    if (p->leads)
        status = bench_rival_open_joblib(&p->rival, "auto");
    GCR_TRY(has_rival(&is_there, p, status));
    p->theirs = bench_metg_joblib(b, spin_rival, p);
    b->rounds = rounds < ROUNDS_MOST ? rounds : ROUNDS_MOST;
    if (is_there)
        GCR_TRY(measure_metg(b, p, "beside joblib", "joblib", 1));
    else
        bench_absent(b, "joblib", "install python3-joblib");
out:
    b->rounds = rounds;
    bench_rival_close(&p->rival);
    return status;
}

/* Seconds of a core in a second, of the thread of rank 0 that looks. */
static gcr_status run_looking(void *arg, double *share_out)
{
    gcr_status status = GCR_OK;
    looking of = { 0 };
    double seconds;

    GCR_TRY(run_cells(arg, "sleep", "ms", 2.0, 500, &seconds, &of));
    *share_out = of.until > of.since ? (of.core - of.core_then) / (of.until - of.since) : 0.0;
out:
    return status;
}

static gcr_status measure_looking(bench *b, pair *p, const char *where)
{
    gcr_status status = GCR_OK;
    bench_side side = { .what = "core of the thread that looks", .run = run_looking, .arg = p };
    char label[64];

    GCR_TRY(bench_alternate(b, where, &side, 1));
    snprintf(label, sizeof label, "%s_looking", where);
    bench_ratio(b, label, bench_spread_of(side.seconds, b->rounds).median);
out:
    return status;
}

static gcr_status measure(bench *b, gcr_comm *all, int other, const char *where)
{
    gcr_status status = GCR_OK;
    const int members[] = { 0, other };
    static pair p;

    p = (pair){ .leads = gcr_comm_info_of(all)->rank == 0 };
    GCR_TRY(gcr_comm_select(&p.comm, all, members, 2));
    if (p.comm == NULL)
        goto out; /* not one of the two */
    GCR_TRY(measure_metg(b, &p, where, NULL, 0));
    GCR_TRY(measure_looking(b, &p, where));
    if (gcr_comm_info_of(p.comm)->node_count == 1) {
        GCR_TRY(measure_beside_starpu(b, &p));
        GCR_TRY(measure_beside_joblib(b, &p));
    }
out:
    gcr_comm_close(p.comm);
    return status;
}

int main(int argc, char **argv)
{
    const char *const over_tcp[] = { "--mca", "btl", "self,tcp", NULL };

    return bench_ranks_main("ranks", measure, over_tcp, argc, argv);
}
