/* tests/support/device_run.c -- see device_run.h. */
#include "support/device_run.h"

#include "support/units.h"

#include "gridcrunch/grid.h"

#define GCR_VARIANT(name) extern const device_variant name;
#include "support/gcr_device_variants.def"
#undef GCR_VARIANT

#define GCR_VARIANT(name) &name,
static const device_variant *const variants[] = {
#include "support/gcr_device_variants.def"
};
#undef GCR_VARIANT

device_run device_run_of(device_algorithm algorithm)
{
    const gcr_scalar scalar = unit_scalar();
    device_run run = { .crossovers = gcr_crossovers_default(90, scalar), .blocks = 2 };

    run.crossovers.thread_rows = algorithm == DEVICE_THREAD ? gcr_thread_rows_max(scalar) : 0;
    run.crossovers.warp_rows = algorithm <= DEVICE_WARP ? gcr_warp_rows_max(scalar) : 0;
    run.crossovers.shared_bytes = algorithm == DEVICE_MEMORY ? 0 : run.crossovers.shared_bytes;
    run.crossovers.cell_thread_flops = algorithm == DEVICE_THREAD ? INFINITY : 0;
    for (int k = 0; k < GCR_BLOCK_CLASSES; k++)
        run.crossovers.block[k].threads = 128;
    run.crossovers.memory_threads = 128;
    run.crossovers.blocked_rows = 0; /* tests/cuda has those */
    run.crossovers.prepare_threads = 128;
    if (algorithm == DEVICE_WHOLE) {
        run.crossovers.cell_whole_flops = run.crossovers.cell_whole_count = 0;
        run.crossovers.prepare_whole_flops = 1;
        run.crossovers.whole_threads = 128;
        run.crossovers.whole_blocks = run.blocks = 3;
    }
    return run;
}

const char *device_algorithm_name(device_algorithm algorithm)
{
    static const char *const names[] = { "thread", "warp", "block", "memory", "whole" };

    return names[algorithm];
}

/* ---- variants -------------------------------------------------------------------------------- */

static int is_same(const device_variant *one, const tile *t, const gcr_variant *wanted)
{
    return strcmp(one->kernel->name, t->unit->kernel->name) == 0 &&
           one->scalar == t->unit->scalar && one->team == wanted->team &&
           one->bound == wanted->bound && one->is_single == wanted->is_single &&
           one->threads == wanted->threads;
}

static const device_variant *find_variant(const tile *t, const gcr_variant *wanted)
{
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        if (is_same(variants[v], t, wanted))
            return variants[v];
    fail_msg("the build has no variant of %s for team %d, bound %d, single %d, %d threads",
             t->unit->kernel->name, wanted->team, wanted->bound, wanted->is_single,
             wanted->threads);
    return NULL;
}

const device_variant *device_variant_for(const char *kernel, int team, int is_single)
{
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        if (strcmp(variants[v]->kernel->name, kernel) == 0 && variants[v]->team == team &&
            variants[v]->scalar == unit_scalar() && variants[v]->is_single == is_single)
            return variants[v];
    fail_msg("the build has no variant of %s for team %d", kernel, team);
    return NULL;
}

static int64_t count_or(int64_t (*count)(const gcr_shape *shape), const gcr_shape *shape,
                        int64_t standard)
{
    return count != NULL ? count(shape) : standard;
}

static gcr_cell_shape cell_shape(const tile *t)
{
    const gcr_kernel *kernel = t->unit->kernel;
    const gcr_shape shape = { t->data.rows, t->data.features, t->setup.option };
    gcr_cell_shape cell = { .form = kernel->form,
                            .n = count_or(kernel->size, &shape, 0),
                            .systems = count_or(kernel->systems, &shape, 1),
                            .right_sides = count_or(kernel->right_sides, &shape, 1),
                            .scratch_count = count_or(kernel->scratch_count, &shape, 0),
                            .flops = 1e6 };

    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        cell.output_width += tile_width(t, o) - t->padding;
        cell.has_wide_outputs |= kernel->outputs[o].width < 0;
    }
    return cell;
}

gcr_variant device_variant_of(const device_run *run, const tile *t)
{
    const gcr_cell_shape shape = cell_shape(t);

    return gcr_variant_of(&run->crossovers, &shape);
}

/* ---- a launch -------------------------------------------------------------------------------- */

/* The host's part of a launch, and what it owns. */
typedef struct launcher {
    const device_run *run;
    const device_variant *variant;
    gcr_variant needs; /* the most of its tiles */
    gcr_launch launch;
    gcr_launch_tile *tiles;
    void *scratch;
} launcher;

static void *memory(uint64_t bytes)
{
    void *const block = malloc(bytes > 0 ? bytes : 1); /* exactly, for the address sanitizer */

    assert_non_null(block);
    memset(block, 0xff, bytes); /* NaN: must not be read */
    return block;
}

static void *open_scratch(uint64_t *stride_out, const gcr_variant *needs, int blocks)
{
    *stride_out = needs->scratch_bytes / gcr_scalar_bytes(unit_scalar());
    return memory(needs->scratch_bytes * (uint64_t)(blocks * needs->teams_of_block));
}

static void run_grid(const launcher *of, void (*entry)(const void *launch))
{
    const twin_grid grid = { .entry = entry,
                             .argument = &of->launch,
                             .blocks = of->run->blocks,
                             .together = GCR_IS_ONE_TEAM(of->needs.team),
                             .threads = of->needs.threads,
                             .shared_bytes = of->needs.shared_bytes,
                             .order = of->run->order };
    const char *wrong = twin_run(&grid);

    if (wrong != NULL)
        fail_msg("%s, variant %d of %d rows: %s", of->variant->kernel->name, of->needs.team,
                 of->needs.bound, wrong);
}

static void add_tile(launcher *to, const tile *t, const gcr_variant *needs)
{
    const gcr_cell_shape shape = cell_shape(t);
    gcr_launch_tile *one = &to->tiles[to->launch.tile_count++];

    *one = (gcr_launch_tile){ .tile = t->args,
                              .before = to->launch.cell_count,
                              .n = (int32_t)shape.n,
                              .systems = (int32_t)shape.systems,
                              .right_sides = (int32_t)shape.right_sides };
    to->launch.cell_count += t->args.count;
    if (needs->shared_bytes > to->needs.shared_bytes)
        to->needs.shared_bytes = needs->shared_bytes;
    if (needs->scratch_bytes > to->needs.scratch_bytes)
        to->needs.scratch_bytes = needs->scratch_bytes;
}

static gcr_launch launch_of(const tile *t)
{
    gcr_launch launch = { .axis_count = t->points.axis_count,
                          .live = t->points.live,
                          .seed = t->setup.seed,
                          .jitter = t->setup.jitter,
                          .jitter_count = t->setup.jitter_count };

    for (int a = 0; a < t->points.axis_count; a++) {
        launch.axes[a] = (gcr_launch_axis){ t->points.axes[a].values, t->points.axes[a].count };
        launch.parameter_of_axis[a] = t->setup.parameter_of_axis[a];
    }
    memcpy(launch.option, t->setup.option, sizeof launch.option);
    return launch;
}

static void run_launch(launcher *of)
{
    const uint64_t list_bytes = of->launch.cell_count * sizeof(uint64_t);
    uint64_t counters[2 * 256] = { 0 };

    of->launch.tiles = of->tiles;
    of->launch.counters = counters;
    of->launch.scratch = of->scratch =
        open_scratch(&of->launch.scratch_stride, &of->needs, of->run->blocks);
    for (int k = 0; k < 2; k++)
        of->launch.retry[k] = memory(list_bytes);
    run_grid(of, of->variant->crunch);
    for (of->launch.step = 1; of->launch.step <= of->launch.jitter_count; of->launch.step++)
        run_grid(of, of->variant->retry);
    for (int k = 0; k < 2; k++)
        free(of->launch.retry[k]);
    free(of->scratch);
}

void device_crunch(const device_run *run, tile *const *tiles, int count)
{
    for (int first = 0; first < count; first++) {
        const gcr_variant needs = device_variant_of(run, tiles[first]);
        launcher of = { .run = run,
                        .variant = find_variant(tiles[first], &needs),
                        .needs = needs,
                        .launch = launch_of(tiles[first]) };
        int is_done = 0;

        of.tiles = memory((uint64_t)count * sizeof *of.tiles);
        for (int t = 0; t < count; t++) {
            const gcr_variant other = device_variant_of(run, tiles[t]);

            if (!is_same(of.variant, tiles[t], &other))
                continue;
            is_done |= t < first; /* with an earlier one of its variant */
            add_tile(&of, tiles[t], &other);
        }
        if (!is_done)
            run_launch(&of);
        free(of.tiles);
    }
}

void device_prepare(const device_run *run, tile *t)
{
    const gcr_shape shape = { t->data.rows, t->data.features, t->setup.option };
    const gcr_variant needs = gcr_variant_of_prepare(
        &run->crossovers, count_or(t->unit->kernel->scratch_count, &shape, 0),
        t->unit->kernel->prepare_cost != NULL ? t->unit->kernel->prepare_cost(&shape) : 0);
    const gcr_launch_dataset dataset = { t->args.data, t->prepared, &t->fault };
    gcr_prepare_launch launch = { .datasets = &dataset, .dataset_count = 1, .seed = t->setup.seed };
    const twin_grid grid = { .entry = find_variant(t, &needs)->prepare,
                             .argument = &launch,
                             .blocks = run->blocks,
                             .together = GCR_IS_ONE_TEAM(needs.team),
                             .threads = needs.threads,
                             .shared_bytes = needs.shared_bytes,
                             .order = run->order };
    const char *wrong;

    memcpy(launch.option, t->setup.option, sizeof launch.option);
    launch.scratch = open_scratch(&launch.scratch_stride, &needs, run->blocks);
    wrong = twin_run(&grid);
    free(launch.scratch);
    if (wrong != NULL)
        fail_msg("prepare of %s: %s", t->unit->kernel->name, wrong);
}

/* ---- what came out --------------------------------------------------------------------------- */

double device_tolerance(double times)
{
    return times * (unit_scalar() == GCR_F32 ? 2e-5 : 1e-12);
}

static void agree_in_output(const tile *got, const tile *expected, int o, double tolerance,
                            const char *what)
{
    const int64_t width = expected->args.width[o];
    const int64_t count = (int64_t)expected->points.point_count * width;

    for (int64_t k = 0; k < count; k++) {
        const double a = got->args.outputs[o][k], b = expected->args.outputs[o][k];

        if (!(fabs(a - b) <= tolerance * fmax(1, fabs(b))) && memcmp(&a, &b, sizeof a) != 0)
            fail_msg("%s: output %d of point %d at %d is %.17g (%llx), not %.17g (%llx)", what, o,
                     (int)(k / width), (int)(k % width), a, (unsigned long long)gcr_bits(a), b,
                     (unsigned long long)gcr_bits(b));
    }
}

void assert_tiles_agree(const tile *got, const tile *expected, double tolerance, const char *what)
{
    for (uint64_t p = 0; p < expected->points.point_count; p++)
        if (got->args.state[p] != expected->args.state[p] ||
            got->args.jitter_step[p] != expected->args.jitter_step[p])
            fail_msg("%s: point %d is in state %d, step %d, not in state %d, step %d", what, (int)p,
                     got->args.state[p], got->args.jitter_step[p], expected->args.state[p],
                     expected->args.jitter_step[p]);
    for (int o = 0; o < GCR_OUTPUTS_MAX && expected->args.outputs[o] != NULL; o++)
        agree_in_output(got, expected, o, tolerance, what);
}
