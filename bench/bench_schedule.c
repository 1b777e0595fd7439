/*
 * bench/bench_schedule.c -- how long do ranks take that share cells of very different length?
 *
 * Ranks are started by mpirun, and what is timed is the computing, as the program reports it.
 *
 * 10 datasets x 3 points of 100 ms on 8 ranks: four rounds are the best there is, and nested
 * parallel loops need 5, 6 and 10 (simulated, exec/simulate.h). These cells sleep, so that as many
 * ranks as wanted compute side by side on few processors.
 *
 * 10^4 cells of Pareto-distributed length on 2 ranks, in each round with times of its own, whose
 * seed is its number. These keep a processor busy, as a short sleep takes longer than it is told.
 * Where a kernel says how long they take (10^4 datasets of one cell, as long as they have rows) the
 * bound is the larger of half of all times and the longest one; where none does (100 datasets x 100
 * points) it is the sum of both. All times are those that cells are told to take ("nominal"), or
 * what one rank takes for all of them ("bound").
 */
#include "exec/simulate.h"

#include "bench.h"

#include "base/check.h"
#include "gridcrunch/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEED_DATASETS = 10,
    SEED_POINTS = 3,
    SEED_RANKS = 8,
    CELLS = 10000,
    POINTS = 100, /* of a dataset, where nobody says how long they take */
    ROUNDS_MOST = 15,
    TEXT_BYTES = 2048,
};

static const double seed_ms = 100, mean_ns = 200e3, alpha = 1.5, row_ns = 10e3;

/* Seconds that cells are told to take. */
typedef struct nominal {
    double all, longest;
} nominal;

typedef struct state {
    char folder[BENCH_PATH_MAX], program[BENCH_PATH_MAX];
    const bench *bench;
    double ns[CELLS]; /* of the round that is written ... */
    int written;      /* ... which is this one            */
    nominal of_round[ROUNDS_MOST];
} state;

/* One side: a job of the folder on so many ranks. */
typedef struct ranks {
    state *state;
    const char *job;
    int count;
    int is_skewed, is_declared;
} ranks;

/* ---- cells of very different length ---------------------------------------------------------- */

/* Rows last so long; a cell that nobody knows anything of is one. */
static double round_up(const ranks *r, double ns)
{
    return r->is_declared ? ceil(ns / row_ns) * row_ns : ceil(ns);
}

static void draw(const ranks *r, int seed)
{
    state *s = r->state;
    nominal *sum = &s->of_round[seed];
    double drawn = 0.0;

    for (uint32_t c = 0; c < CELLS; c++) {
        const gcr_block block = gcr_philox((gcr_block){ { c } }, (uint64_t)seed);

        s->ns[c] = pow((block.word[0] + 0.5) * 0x1p-32, -1.0 / alpha);
        drawn += s->ns[c];
    }
    *sum = (nominal){ 0 };
    for (int c = 0; c < CELLS; c++) {
        s->ns[c] = round_up(r, s->ns[c] * mean_ns * CELLS / drawn);
        sum->all += s->ns[c] * 1e-9;
        sum->longest = fmax(sum->longest, s->ns[c] * 1e-9);
    }
}

/* A dataset for each cell, with a row for each part of its time; or a row for each cell. */
static void put_rows(const ranks *r, FILE *file)
{
    const double *ns = r->state->ns;

    fputs("key,y\n", file);
    for (int c = 0; c < CELLS && !r->is_declared; c++)
        fprintf(file, "d%d,%.0f\n", c / POINTS, ns[c]);
    for (int c = 0; c < CELLS && r->is_declared; c++)
        for (double left = ns[c]; left > 0.5 * row_ns; left -= row_ns)
            fprintf(file, "d%d,%.0f\n", c, row_ns);
}

static gcr_status write_table(const ranks *r)
{
    gcr_status status = GCR_OK;
    char path[BENCH_PATH_MAX];
    FILE *file;

    snprintf(path, sizeof path, "%.4000s/%s.csv", r->state->folder, r->job);
    file = fopen(path, "w");
    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s", path);
    put_rows(r, file);
    if (fclose(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s", path);
out:
    return status;
}

/* Those of the round that runs now; a warm-up has those of the first. */
static gcr_status prepare(const ranks *r)
{
    gcr_status status = GCR_OK;
    const int seed = r->state->bench->round > 0 ? r->state->bench->round : 0;

    if (!r->is_skewed || r->state->written == seed)
        goto out;
    draw(r, seed);
    GCR_TRY(write_table(r));
    r->state->written = seed;
out:
    return status;
}

/* ---- a run over ranks ------------------------------------------------------------------------ */

/* What the program says that computing took. */
static gcr_status read_seconds(double *out, const char *path)
{
    gcr_status status = GCR_OK;
    char line[256];
    int is_found = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "%s: a run left nothing", path);
    while (!is_found && fgets(line, sizeof line, file) != NULL)
        is_found = sscanf(line, " \"compute\": %lf", out) == 1;
    if (!is_found)
        GCR_FAIL(GCR_EIO, "%s: a run did not say how long it took", path);
out:
    if (file != NULL)
        fclose(file);
    return status;
}

static gcr_status run_ranks(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const ranks *r = arg;
    char command[4 * BENCH_PATH_MAX], report[BENCH_PATH_MAX];
    bench_child child;

    GCR_TRY(prepare(r));
    snprintf(report, sizeof report, "%.4000s/report.json", r->state->folder);
    snprintf(command, sizeof command,
             "cd '%s' && mpirun --oversubscribe --bind-to none -np %d '%s' run %s.yaml --threads 1 "
             "--out run --json > report.json && rm -r run",
             r->state->folder, r->count, r->state->program, r->job);
    GCR_TRY(bench_spawn(&child, (const char *[]){ "/bin/sh", "-c", command, NULL }));
    GCR_TRY(read_seconds(seconds_out, report));
out:
    return status;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static gcr_status write_file(const state *s, const char *name, const char *text)
{
    char path[BENCH_PATH_MAX];

    snprintf(path, sizeof path, "%.4000s/%s", s->folder, name);
    return bench_write_text(path, text);
}

static gcr_status write_seed_job(const state *s)
{
    char text[TEXT_BYTES];

    snprintf(text, sizeof text,
             "name: seed\ndata: {synthetic: {datasets: %d, rows: 2}}\nkernel: sleep\n"
             "grid: {ms: {linspace: [%g, %g, %d]}}\nsummary: {most: max(asked)}\n",
             SEED_DATASETS, seed_ms, seed_ms + 0.02, SEED_POINTS);
    return write_file(s, "seed.yaml", text);
}

/* Of the y of a dataset, one of which is the time of a cell, or all together are. */
static const char head[] = "#define GCR_CELL_KERNEL\n"
                           "#include \"gridcrunch/kernel.h\"\n"
                           "GCR_FN int spin(const gcr_ctx *ctx, gcr_real ns)\n"
                           "{\n"
                           "    const gcr_real start = gcr_clock_ns(ctx);\n"
                           "    while (gcr_clock_ns(ctx) - start < ns)\n"
                           "        ;\n"
                           "    return 0;\n"
                           "}\n";

static const char untold[] =
    "GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)\n"
    "{\n"
    "    outputs[0] = gcr_y(ctx, (int64_t)gcr_param(ctx, 0));\n"
    "    return spin(ctx, outputs[0]);\n"
    "}\n"
    "GCR_DESCRIBE(.name = \"untold\", .help = \"takes as long as a row says\",\n"
    "             .form = GCR_FORM_CELL, .uses = GCR_USES_Y,\n"
    "             .parameters = { { .name = \"row\", .help = \"which\", .least = 0 } },\n"
    "             .outputs = { { .name = \"length\", .help = \"of a cell\", .unit = \"ns\",\n"
    "                            .width = 1 } })\n";

static const char declared[] =
    "GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)\n"
    "{\n"
    "    outputs[0] = (gcr_real)gcr_rows(ctx) * gcr_param(ctx, 0);\n"
    "    return spin(ctx, outputs[0]);\n"
    "}\n"
    "GCR_HOST_FN double cost(const gcr_shape *shape)\n"
    "{\n"
    "    return (double)shape->rows;\n"
    "}\n"
    "GCR_DESCRIBE(.name = \"declared\", .help = \"takes so long for each row\",\n"
    "             .form = GCR_FORM_CELL, .uses = GCR_USES_Y, .cost = cost,\n"
    "             .parameters = { { .name = \"ns\", .help = \"how long\", .least = 0 } },\n"
    "             .outputs = { { .name = \"length\", .help = \"of a cell\", .unit = \"ns\",\n"
    "                            .width = 1 } })\n";

static gcr_status write_skewed_job(const state *s, const ranks *r)
{
    gcr_status status = GCR_OK;
    char text[TEXT_BYTES], name[64], grid[64];

    snprintf(text, sizeof text, "%s%s", head, r->is_declared ? declared : untold);
    snprintf(name, sizeof name, "%s.c", r->job);
    GCR_TRY(write_file(s, name, text));
    if (r->is_declared)
        snprintf(grid, sizeof grid, "ns: [%g]", row_ns);
    else
        snprintf(grid, sizeof grid, "row: {linspace: [0, %d, %d]}", POINTS - 1, POINTS);
    snprintf(text, sizeof text,
             "name: %s\ndata: {source: %s.csv, key: key, y: y}\nkernel: %s.c\ngrid: {%s}\n"
             "summary: {most: max(length)}\n",
             r->job, r->job, r->job, grid);
    snprintf(name, sizeof name, "%s.yaml", r->job);
    GCR_TRY(write_file(s, name, text));
out:
    return status;
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* Rounds that nested loops would take on as many workers, of which some may only start others. */
static gcr_status tell_nested(bench *b, const char *what, int groups, int inner)
{
    gcr_status status = GCR_OK;
    double seconds[SEED_DATASETS], makespan, rounds = ceil(30.0 / SEED_RANKS);
    gcr_workload *workload = NULL;

    for (int d = 0; d < SEED_DATASETS; d++)
        seconds[d] = 1.0;
    GCR_TRY(gcr_workload_create(&workload, "declared", seconds, SEED_DATASETS, SEED_POINTS));
    GCR_TRY(gcr_simulate_nested(&makespan, workload, groups, inner));
    bench_ratio(b, what, makespan / rounds);
out:
    gcr_workload_destroy(workload);
    return status;
}

static gcr_status measure_seed(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    static bench_side side;
    ranks eight = { .state = s, .job = "seed", .count = SEED_RANKS };

    GCR_TRY(write_seed_job(s));
    side = (bench_side){ .what = "8 ranks", .run = run_ranks, .arg = &eight };
    GCR_TRY(bench_alternate(b, "10 x 3 of 100 ms", &side, 1));
    bench_ratio(b, "seed/rounds",
                bench_spread_of(side.seconds, b->rounds).median /
                    (ceil(30.0 / SEED_RANKS) * seed_ms * 1e-3));
    GCR_TRY(tell_nested(b, "split:2,6/rounds", 2, 3));
    GCR_TRY(tell_nested(b, "outer/rounds", SEED_RANKS, 1));
    GCR_TRY(tell_nested(b, "inner/rounds", 1, SEED_RANKS));
out:
    return status;
}

/* Beside what two ranks cannot do better, or, where they know nothing of cells, need not. */
static void tell_bound(bench *b, const ranks *r, const bench_side sides[2], int is_nominal)
{
    double bound[ROUNDS_MOST];
    char where[64];

    for (int i = 0; i < b->rounds; i++) {
        const nominal *of = &r->state->of_round[i];
        const double half = (is_nominal ? of->all : sides[0].seconds[i]) / 2;

        bound[i] = r->is_declared ? fmax(half, of->longest) : half + of->longest;
    }
    snprintf(where, sizeof where, "%s/%s", r->job, is_nominal ? "nominal" : "bound");
    bench_ratio(b, where, bench_ratio_of(sides[1].seconds, bound, b->rounds).median);
}

/* The job on one rank and on two. */
static gcr_status measure_skewed(bench *b, state *s, const char *job, int is_declared)
{
    gcr_status status = GCR_OK;
    static bench_side sides[2];
    ranks one = { .state = s, .job = job, .count = 1, .is_skewed = 1, .is_declared = is_declared };
    ranks two = one;

    two.count = 2;
    s->written = -1;
    GCR_TRY(write_skewed_job(s, &one));
    sides[0] = (bench_side){ .what = "1 rank", .run = run_ranks, .arg = &one };
    sides[1] = (bench_side){ .what = "2 ranks", .run = run_ranks, .arg = &two };
    GCR_TRY(bench_alternate(b, is_declared ? "pareto declared" : "pareto not declared", sides, 2));
    tell_bound(b, &two, sides, 1);
    tell_bound(b, &two, sides, 0);
out:
    return status;
}

static gcr_status measure(bench *b, state *s)
{
    gcr_status status = GCR_OK;

    b->rounds = b->rounds < ROUNDS_MOST ? b->rounds : ROUNDS_MOST;
    b->warmup = b->warmup < 1 ? b->warmup : 1;
    s->bench = b;
    GCR_TRY(bench_folder_open(s->folder));
    GCR_TRY(bench_program(s->program));
    GCR_TRY(measure_seed(b, s));
    GCR_TRY(measure_skewed(b, s, "untold", 0));
    GCR_TRY(measure_skewed(b, s, "declared", 1));
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    gcr_status status = GCR_OK;
    bench b;

    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0); /* in containers there is often nobody else */
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    GCR_TRY(bench_begin(&b, "schedule", argc, argv));
    GCR_TRY(measure(&b, &s));
out:
    bench_folder_close(s.folder);
    return bench_end(&b, status);
}
