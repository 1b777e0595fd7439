/* cli/simulate_args.c -- see simulate_args.h. */
#include "cli/simulate_args.h"

#include "base/text.h"
#include "cli/describe.h"
#include "cli/json.h"
#include "cli/run_args.h"
#include "cli/screen.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    KEY_SIMULATE = 0x300,
    KEY_NODES,
    KEY_GPUS,
    KEY_RANKS,
    KEY_WORKERS,
    KEY_COSTS,
    KEY_CELL_TIME,
    KEY_STRATEGY
};

static const struct argp_option options[] = {
    { "simulate", KEY_SIMULATE, NULL, 0, "Say how long it would take, by simulation:", 1 },
    { "nodes", KEY_NODES, "N", 0, "on N nodes (default: 1)", 1 },
    { "gpus", KEY_GPUS, "G", 0, "with G ranks on each, that drive one GPU each", 1 },
    { "ranks", KEY_RANKS, "R", 0, "with R ranks on each (default: 1)", 1 },
    { "workers", KEY_WORKERS, "W", 0, "of W workers each (default: 1)", 1 },
    { "costs", KEY_COSTS, "C", 0, "declared, pareto:ALPHA[:SEED], 1,1,10, FILE.csv", 1 },
    { "cell-time", KEY_CELL_TIME, "S", 0, "where the average cell takes S seconds", 1 },
    { "strategy", KEY_STRATEGY, "X", 0, "linear; to compare: outer, inner, split:A,B", 1 },
    { 0 },
};

static void read_count(int *out, const char *flag, const char *text, struct argp_state *state)
{
    const uint64_t count = gcr_run_args_number(flag, text, state);

    if (count < 1 || count > GCR_SIMULATION_WORKERS_MAX)
        argp_error(state, "%s takes 1 .. %d, not %s", flag, GCR_SIMULATION_WORKERS_MAX, text);
    *out = (int)count;
}

static void read_seconds(double *out, const char *text, struct argp_state *state)
{
    if (!gcr_parse_number(out, text, strlen(text)) || !(*out > 0.0) || !isfinite(*out))
        argp_error(state, "--cell-time takes seconds > 0, not '%s'", text);
}

/* Takes the ranks of a node by either of two names. */
static void read_ranks(gcr_simulate_args *args, int key, const char *text, struct argp_state *state)
{
    args->has_gpus |= key == KEY_GPUS;
    args->has_ranks |= key == KEY_RANKS;
    if (args->has_gpus && args->has_ranks)
        argp_error(state, "--gpus and --ranks both say how many ranks a node has: give one");
    read_count(&args->options.ranks, key == KEY_GPUS ? "--gpus" : "--ranks", text, state);
}

static void begin(gcr_simulate_args *args)
{
    *args = (gcr_simulate_args){
        .options = { 1, 1, 1, .costs = "declared", .strategy = "linear" },
    };
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    gcr_simulate_args *args = state->input;
    gcr_simulate_options *o = &args->options;

    switch (key) {
    case ARGP_KEY_INIT: begin(args); return 0;
    case KEY_SIMULATE: args->is_wanted = 1; return 0;
    case KEY_NODES: read_count(&o->nodes, "--nodes", arg, state); break;
    case KEY_GPUS:
    case KEY_RANKS: read_ranks(args, key, arg, state); break;
    case KEY_WORKERS: read_count(&o->workers, "--workers", arg, state); break;
    case KEY_COSTS: o->costs = arg; break;
    case KEY_CELL_TIME: read_seconds(&o->cell_seconds, arg, state); break;
    case KEY_STRATEGY: o->strategy = arg; break;
    case ARGP_KEY_END:
        if (args->has_flags && !args->is_wanted)
            argp_error(state, "--nodes, --gpus, --ranks, --workers, --costs, --cell-time and "
                              "--strategy are for --simulate");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
    args->has_flags = 1;
    return 0;
}

const struct argp gcr_simulate_argp = { .options = options, .parser = parse };

/* ---- what was found out ---------------------------------------------------------------------- */

static uint64_t count_workers(const gcr_simulate_options *o)
{
    return (uint64_t)o->nodes * (uint64_t)o->ranks * (uint64_t)o->workers;
}

static int is_nested(const gcr_simulate_options *o)
{
    return strcmp(o->strategy, "linear") != 0;
}

static double efficiency(const gcr_simulation *s, const gcr_simulate_options *o)
{
    return s->makespan > 0.0 ? s->total / (s->makespan * (double)count_workers(o)) : 1.0;
}

static double ratio(const gcr_simulation *s)
{
    return s->ideal > 0.0 ? s->makespan / s->ideal : 1.0;
}

void gcr_simulation_print(const gcr_simulation *s, const gcr_simulate_options *o)
{
    char first[32], second[32], third[32], text[160];

    gcr_screen_note(stdout, "simulated", "%d node%s x %d rank%s x %d worker%s, costs %s%s%s",
                    o->nodes, gcr_plural((uint64_t)o->nodes), o->ranks,
                    gcr_plural((uint64_t)o->ranks), o->workers, gcr_plural((uint64_t)o->workers),
                    o->costs, is_nested(o) ? ", strategy " : "", is_nested(o) ? o->strategy : "");
    gcr_screen_note(stdout, "makespan", "%s, %.3f of the ideal %s; the longest cell %s",
                    gcr_format_seconds(first, s->makespan), ratio(s),
                    gcr_format_seconds(second, s->ideal), gcr_format_seconds(third, s->longest));
    gcr_screen_note(stdout, "efficiency", "%.1f %%", 100 * efficiency(s, o));
    if (is_nested(o))
        return;
    gcr_screen_note(stdout, "ranks", "%s", gcr_describe_busy(text, sizeof text, &s->busy, NULL));
    gcr_screen_note(stdout, "messages", "%s between nodes, %s grants, %s batches",
                    gcr_format_count(first, s->messages), gcr_format_count(second, s->grants),
                    gcr_format_count(third, s->batches));
}

json_t *gcr_simulation_json(const gcr_simulation *s, const gcr_simulate_options *o)
{
    json_t *out = json_pack(
        "{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "nodes", o->nodes, "ranks",
        o->ranks, "workers", o->workers, "costs", gcr_json_text(o->costs), "strategy",
        gcr_json_text(o->strategy), "makespan_seconds", gcr_json_number(s->makespan),
        "ideal_seconds", gcr_json_number(s->ideal), "ratio", gcr_json_number(ratio(s)),
        "total_seconds", gcr_json_number(s->total), "longest_seconds", gcr_json_number(s->longest),
        "efficiency", gcr_json_number(efficiency(s, o)));

    if (!is_nested(o))
        json_object_update_new(out, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "busy_median",
                                              gcr_json_number(s->busy.median), "busy_least",
                                              gcr_json_number(s->busy.least), "idle_ranks",
                                              gcr_json_count(s->busy.idle_ranks), "messages",
                                              gcr_json_count(s->messages), "grants",
                                              gcr_json_count(s->grants), "batches",
                                              gcr_json_count(s->batches)));
    return out;
}
