/*
 * Cells whose matrices the whole GPU factors, with libraries: the host side of the backend over the
 * stand-in for CUDA, its kernels run by the twin, the BLAS of the host in place of cuBLAS; against
 * the CPU's own engine.
 */
#include "support/cuda_stage.h"
#include "support/device_run.h"
#include "support/matrix_problem.h"

/* ---- the kernels of a launch ----------------------------------------------------------------- */

static const device_variant *variant; /* of the program in hand */
static twin_order order;

static void (*entry_named(const char *name))(const void *)
{
    const struct {
        const char *name;
        void (*entry)(const void *);
    } entries[] = {
        { "gcr_list", variant->list },         { "gcr_fill", variant->fill },
        { "gcr_diagonal", variant->diagonal }, { "gcr_answer", variant->answer },
        { "gcr_invert", variant->invert },     { "gcr_finish", variant->finish },
    };

    for (size_t e = 0; e < sizeof entries / sizeof *entries; e++)
        if (strcmp(entries[e].name, name) == 0)
            return entries[e].entry;
    fail_msg("there is no %s", name);
    return NULL;
}

static const char *run(const char *name, const fake_launch *launch, const void *argument)
{
    const twin_grid grid = { .entry = entry_named(name),
                             .argument = argument,
                             .blocks = (int)launch->blocks,
                             .threads = (int)launch->threads,
                             .shared_bytes = launch->shared_bytes,
                             .order = order };

    return twin_run(&grid);
}

/* ---- a GPU with cells ------------------------------------------------------------------------ */

typedef struct gpu {
    gcr_device *device;
    gcr_queue *queue;
    gcr_event *event;
} gpu;

/* Sub-batches of at most 2 `slots` matrices, all from one row on; from `solver_rows` on
 * cuSOLVER's. */
static gpu gpu_open(int slots, int solver_rows)
{
    gpu g = { 0 };
    gcr_crossovers *crossovers;

    assert_ok(gcr_device_open(&g.device, &gcr_cuda_backend, 0));
    crossovers = &cuda_device_of(g.device)->crossovers[unit_scalar()];
    *crossovers = (device_run_of(DEVICE_MEMORY)).crossovers;
    crossovers->blocked_rows = 1;
    crossovers->solver_rows = solver_rows;
    crossovers->grid_slots = slots;
    crossovers->grid_threads = 128;
    assert_ok(gcr_queue_open(&g.queue, g.device));
    assert_ok(gcr_event_open(&g.event, g.device));
    fake_cuda.run = run;
    return g;
}

static void gpu_close(gpu *g)
{
    gcr_event_close(g->event);
    gcr_queue_close(g->queue);
    gcr_device_close(g->device);
    assert_clean();
}

static gcr_program *open_program(const gpu *g, const tile *t)
{
    const gcr_program_spec spec = {
        .unit = t->unit, .setup = &t->setup, .path = "kernel.c", .text = "/* run by the twin */\n"
    };
    gcr_program *program = NULL;

    variant = device_variant_for(t->unit->kernel->name, GCR_TEAM_GRID,
                                 strcmp(t->unit->kernel->name, "matrix") == 0);
    assert_ok(gcr_program_open(&program, g->device, &spec));
    return program;
}

/* What a tile has is host memory, which the fake's kernels can see. */
static void crunch(const gpu *g, tile *const *tiles, int count)
{
    gcr_program *program = open_program(g, tiles[0]);
    gcr_unit_tile parts[8];

    for (int t = 0; t < count; t++)
        parts[t] = tiles[t]->args;
    assert_ok(
        gcr_crunch(g->queue, program,
                   &(const gcr_crunch_args){ .tiles = parts, .tile_count = (uint64_t)count }));
    assert_ok(gcr_event_record(g->event, g->queue));
    assert_ok(gcr_event_sync(g->event, -1));
    gcr_program_close(program);
}

static int count_launches(const char *kernel)
{
    int count = 0;

    for (int l = 0; l < fake_cuda.launch_count; l++)
        count += strcmp(fake_cuda.launches[l].kernel, kernel) == 0;
    return count;
}

/* ---- any matrix ------------------------------------------------------------------------------ */

static void check(const gpu *g, int n, unsigned needs)
{
    matrix_problem *p = matrix_problem_open(n, needs);
    tile *got = &p->got;
    char what[80];

    order = n % 2 == 0 ? TWIN_UPWARDS : TWIN_DOWNWARDS;
    crunch(g, &got, 1);
    snprintf(what, sizeof what, "n = %d, needs %u", n, needs);
    assert_tiles_agree(&p->got, &p->expected, device_tolerance(1), what);
    matrix_problem_close(p);
}

/* On both sides of each place where a block, or an eighth of a tile, begins. */
static const int sizes[] = { 1, 7, 8, 9, 127, 128, 129, 136, 137, 255, 256, 257, 385 };

static void test_blocked_factors_agree_with_the_cpu(void **state)
{
    gpu g = gpu_open(1, INT32_MAX);

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check(&g, sizes[k], MATRIX_NEEDS_ALL);
    gpu_close(&g);
}

static void test_factors_of_the_solver_agree_with_the_cpu(void **state)
{
    gpu g = gpu_open(4, 1);

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check(&g, sizes[k], MATRIX_NEEDS_ALL);
    gpu_close(&g);
}

static void test_each_need_alone_is_answered(void **state)
{
    gpu g = gpu_open(2, 200);

    (void)state;
    for (unsigned need = 0; need <= 8; need = need == 0 ? 1 : 2 * need) {
        check(&g, 150, need);
        check(&g, 201, need);
    }
    gpu_close(&g);
}

/* Datasets of one size share sub-batches: 9 cells of three and 3 of another. */
static void test_cells_of_many_datasets_fill_a_sub_batch(void **state)
{
    static const int rows[] = { 131, 140, 131, 131 };
    matrix_problem *problems[4];
    tile *tiles[4];
    gpu g = gpu_open(2, INT32_MAX); /* 4 slots */

    (void)state;
    for (int k = 0; k < 4; k++) {
        problems[k] = matrix_problem_open(rows[k], MATRIX_NEEDS_ALL);
        tiles[k] = &problems[k]->got;
    }
    crunch(&g, tiles, 4);
    assert_int_equal(count_launches("gcr_fill"), 3 + 1);
    assert_int_equal(count_launches("gcr_finish"), 3 + 1);
    for (int k = 0; k < 4; k++) {
        assert_tiles_agree(&problems[k]->got, &problems[k]->expected, device_tolerance(1),
                           "one of four");
        matrix_problem_close(problems[k]);
    }
    gpu_close(&g);
}

/* All is reserved before the first is factored. The library has memory of the host, and so each
 * matrix waits for the one before; nothing else does. */
static void test_the_solver_has_matrices_of_many_sizes_in_a_batch(void **state)
{
    static const int rows[] = { 40, 23, 56, 9 };
    matrix_problem *problems[4];
    gcr_unit_tile tiles[4];
    const gcr_crunch_args args = { .tiles = tiles, .tile_count = 4 };
    gpu g = gpu_open(4, 1);
    gcr_program *program;
    int waits;

    (void)state;
    for (int k = 0; k < 4; k++) {
        problems[k] = matrix_problem_open(rows[k], MATRIX_NEEDS_ALL);
        tiles[k] = problems[k]->got.args;
    }
    program = open_program(&g, &problems[0]->got);
    assert_ok(gcr_crunch(g.queue, program, &args));
    waits = fake_cuda.waits;
    assert_ok(gcr_crunch(g.queue, program, &args));
    assert_int_equal(fake_cuda.waits - waits, 4 * MATRIX_POINTS);
    assert_ok(gcr_queue_sync(g.queue));
    for (int k = 0; k < 4; k++) {
        assert_tiles_agree(&problems[k]->got, &problems[k]->expected, device_tolerance(1),
                           "one of four sizes");
        matrix_problem_close(problems[k]);
    }
    gcr_program_close(program);
    gpu_close(&g);
}

/* Whatever else is in the sub-batch, and in whichever slot. */
static void test_bits_depend_on_no_mates_and_no_place(void **state)
{
    gpu g = gpu_open(2, INT32_MAX);
    matrix_problem *p = matrix_problem_open(141, MATRIX_NEEDS_ALL);
    matrix_problem *mate = matrix_problem_open(141, MATRIX_NEEDS_ALL);
    tile *alone = &p->got, *together[] = { &mate->expected, &mate->got };

    (void)state;
    order = TWIN_UPWARDS;
    crunch(&g, &alone, 1);
    order = TWIN_DOWNWARDS;
    crunch(&g, together, 2);
    assert_tiles_equal(&p->got, &mate->got);
    assert_tiles_equal(&p->got, &mate->expected);
    matrix_problem_close(p);
    matrix_problem_close(mate);
    gpu_close(&g);
}

static void test_products_are_recorded_once_for_a_shape(void **state)
{
    gpu g = gpu_open(1, INT32_MAX);
    matrix_problem *p = matrix_problem_open(140, MATRIX_NEEDS_ALL);
    gcr_program *program = open_program(&g, &p->got);
    const gcr_crunch_args args = { .tiles = &p->got.args, .tile_count = 1 };
    int allocations;

    (void)state;
    assert_ok(gcr_crunch(g.queue, program, &args));
    allocations = fake_cuda.allocations;
    for (int batch = 0; batch < 3; batch++)
        assert_ok(gcr_crunch(g.queue, program, &args));
    assert_int_equal(fake_cuda.graphs, 1);
    assert_int_equal(fake_cuda.allocations, allocations);
    assert_ok(gcr_queue_sync(g.queue));
    assert_tiles_agree(&p->got, &p->expected, device_tolerance(1), "the last of four");
    gcr_program_close(program);
    matrix_problem_close(p);
    gpu_close(&g);
}

/* One more than there is room for. */
static void test_shapes_that_come_in_turns_keep_most_of_their_graphs(void **state)
{
    enum { SHAPES = 17 };
    gpu g = gpu_open(1, INT32_MAX);
    matrix_problem *problems[SHAPES];
    gcr_program *program;

    (void)state;
    for (int k = 0; k < SHAPES; k++)
        problems[k] = matrix_problem_open(8 * (SHAPES - k), MATRIX_NEEDS_ALL);
    program = open_program(&g, &problems[0]->got);
    for (int turn = 0; turn < 2; turn++)
        for (int k = 0; k < SHAPES; k++)
            assert_ok(
                gcr_crunch(g.queue, program,
                           &(gcr_crunch_args){ .tiles = &problems[k]->got.args, .tile_count = 1 }));
    assert_in_range(fake_cuda.graphs, SHAPES + 1, SHAPES + SHAPES / 2);
    assert_ok(gcr_queue_sync(g.queue));
    for (int k = 0; k < SHAPES; k++) {
        assert_tiles_agree(&problems[k]->got, &problems[k]->expected, device_tolerance(1),
                           "the second turn");
        matrix_problem_close(problems[k]);
    }
    gcr_program_close(program);
    gpu_close(&g);
}

static void test_a_matrix_beyond_the_gpu_is_refused_with_its_bytes(void **state)
{
    gpu g = gpu_open(1, 1);
    matrix_problem *p = matrix_problem_open(8, MATRIX_NEEDS_ALL);
    gcr_program *program = open_program(&g, &p->got);
    const gcr_crunch_args args = { .tiles = &p->got.args, .tile_count = 1 };

    (void)state;
    p->got.args.data.rows = 16000; /* 1 GB of floats, of which the fake has half */
    assert_int_equal(gcr_crunch(g.queue, program, &args), GCR_ENOMEM);
    assert_error_mentions("cells of 16000 rows need ");
    assert_error_mentions("NVIDIA Fake 0 has 536870912");
    gcr_program_close(program);
    matrix_problem_close(p);
    gpu_close(&g);
}

/* ---- bad cells ------------------------------------------------------------------------------- */

enum { PLACES = 4, VALUES = 3, SYSTEMS = 3 };

static const double needs[] = { MATRIX_NEEDS_ALL }, no_fault[] = { 0 }, one[] = { 1 };
static const double systems[SYSTEMS] = { 0, 1, 7 }; /* there is no system 7 */
static const double values[VALUES] = { NAN, -INFINITY, -1000 };
static const double ladder[] = { 1e-9, 5000 };

/* One entry of one system is bad, at the corners and beside the edge of a block; or a right-hand
 * side, where the column is -1. */
typedef struct subject {
    int n;
    double rows[PLACES], columns[PLACES];
    double *y;
    uint64_t live[8];
    tile expected, got;
} subject;

static void open_subject_tile(tile *t, const subject *s, int jitter_count, int has_holes)
{
    *t = (tile){ .unit = unit_named("probe"),
                 .data = { .rows = s->n, .y = s->y },
                 .setup = { .jitter = ladder, .jitter_count = jitter_count },
                 .padding = 2 };
    tile_axis(t, "bad_row", s->rows, PLACES);
    tile_axis(t, "scale", one, 1);
    tile_axis(t, "bad_column", s->columns, PLACES);
    tile_axis(t, "bad_value", values, VALUES);
    tile_axis(t, "bad_system", systems, SYSTEMS);
    tile_axis(t, "needs", needs, 1);
    tile_axis(t, "fault", no_fault, 1);
    tile_open(t);
    if (has_holes)
        t->points.live = s->live;
}

/* Bad entries are among the first `bad_rows` rows. */
static subject *subject_open(int n, int bad_rows, int jitter_count, int has_holes)
{
    const double places[PLACES] = { 0, bad_rows / 2, bad_rows > 128 ? 128 : 3, bad_rows - 1 };
    subject *s = tile_memory(1, sizeof *s);

    s->n = n;
    s->y = tile_memory((uint64_t)n, sizeof *s->y);
    for (int i = 0; i < n; i++)
        s->y[i] = 1 + i % 3;
    for (int k = 0; k < PLACES; k++) {
        s->rows[k] = places[k];
        s->columns[k] = k == 1 ? -1 : places[k];
    }
    for (int w = 0; w < 8; w++)
        s->live[w] = UINT64_C(0x9e3779b97f4a7c15) << w;
    open_subject_tile(&s->expected, s, jitter_count, has_holes);
    open_subject_tile(&s->got, s, jitter_count, has_holes);
    tile_crunch(&s->expected);
    return s;
}

static void subject_close(subject *s)
{
    tile_close(&s->expected);
    tile_close(&s->got);
    free(s->y);
    free(s);
}

static void check_subject(const gpu *g, int n, int jitter_count, int has_holes)
{
    subject *s = subject_open(n, n, jitter_count, has_holes);
    tile *got = &s->got;
    char what[80];

    crunch(g, &got, 1);
    snprintf(what, sizeof what, "n = %d, %d rungs", n, jitter_count);
    assert_tiles_agree(&s->got, &s->expected, device_tolerance(n),
                       what); /* n + 1 is its condition */
    subject_close(s);
}

static void test_each_verdict_and_its_detail_are_the_cpus(void **state)
{
    gpu blocked = gpu_open(8, INT32_MAX);

    (void)state;
    check_subject(&blocked, 20, 0, 0);
    check_subject(&blocked, 132, 0, 0);
    gpu_close(&blocked);
}

/* In one batch, each as if it were alone. */
static void check_four_sizes(const int rows[4], int solver_rows, int graphs)
{
    gpu g = gpu_open(8, solver_rows);
    subject *subjects[4];
    tile *tiles[4];

    for (int k = 0; k < 4; k++) {
        subjects[k] = subject_open(rows[k], 25, 0, 0);
        tiles[k] = &subjects[k]->got;
    }
    crunch(&g, tiles, 4);
    assert_int_equal(fake_cuda.graphs, graphs);
    for (int k = 0; k < 4; k++) {
        assert_tiles_agree(&subjects[k]->got, &subjects[k]->expected, device_tolerance(rows[k]),
                           "one of four sizes");
        subject_close(subjects[k]);
    }
    gpu_close(&g);
}

/* All are padded to 32 rows, but the first and the third have more memory for their answers. */
static void test_sizes_that_share_a_graph_share_no_more(void **state)
{
    static const int rows[] = { 32, 25, 31, 26 };

    (void)state;
    check_four_sizes(rows, INT32_MAX, 1);
}

static void test_matrices_of_the_solver_share_no_graph_with_others_as_large(void **state)
{
    static const int rows[] = { 32, 25, 31, 28 };

    (void)state;
    check_four_sizes(rows, 30, 2);
}

/* The library says that NaN is a success. */
static void test_each_verdict_of_the_solver_is_the_cpus(void **state)
{
    gpu solver = gpu_open(8, 1);

    (void)state;
    check_subject(&solver, 20, 0, 0);
    gpu_close(&solver);
}

static void test_cells_that_are_not_spd_go_up_the_ladder(void **state)
{
    gpu g = gpu_open(8, INT32_MAX);

    (void)state;
    check_subject(&g, 20, 2, 0);
    check_subject(&g, 21, 1, 0);
    gpu_close(&g);
}

static void test_points_that_are_not_live_are_left_as_they_are(void **state)
{
    gpu g = gpu_open(8, INT32_MAX);

    (void)state;
    check_subject(&g, 20, 0, 1);
    check_subject(&g, 20, 2, 1);
    gpu_close(&g);
}

static void test_what_prepare_could_not_do_is_the_fault_of_every_cell(void **state)
{
    gpu g = gpu_open(8, INT32_MAX);

    (void)state;
    check_subject(&g, 13, 2, 1);
    gpu_close(&g);
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        test(test_blocked_factors_agree_with_the_cpu),
        test(test_factors_of_the_solver_agree_with_the_cpu),
        test(test_each_need_alone_is_answered),
        test(test_cells_of_many_datasets_fill_a_sub_batch),
        test(test_the_solver_has_matrices_of_many_sizes_in_a_batch),
        test(test_bits_depend_on_no_mates_and_no_place),
        test(test_products_are_recorded_once_for_a_shape),
        test(test_shapes_that_come_in_turns_keep_most_of_their_graphs),
        test(test_a_matrix_beyond_the_gpu_is_refused_with_its_bytes),
        test(test_each_verdict_and_its_detail_are_the_cpus),
        test(test_sizes_that_share_a_graph_share_no_more),
        test(test_matrices_of_the_solver_share_no_graph_with_others_as_large),
        test(test_each_verdict_of_the_solver_is_the_cpus),
        test(test_cells_that_are_not_spd_go_up_the_ladder),
        test(test_points_that_are_not_live_are_left_as_they_are),
        test(test_what_prepare_could_not_do_is_the_fault_of_every_cell),
    };
    const int status = unit_path_select(argc, argv);

    return status != 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
