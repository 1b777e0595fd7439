/* Crossovers follow what was measured, and are kept; a file that is not what it should be is
 * refused. */
#include "support/cuda_stage.h"

#include "cuda/crossovers.h"
#include "cuda/cuda_calibration.h"

#include <dirent.h>

enum { POINTS = 4096 };

/* ---- a GPU of one's own ---------------------------------------------------------------------- */

enum { CELL_PARAMETERS = 1, WHOLE_PARAMETERS = 3 }; /* of the kernels below: the others have 2 */

/* What a cell takes, in seconds: the teams are equally fast but for what a test says. */
static struct script {
    int thread_rows, warp_rows; /* up to so many rows they are the fastest */
    int memory_threads;
    int grid_slots, grid_threads;
    int blocked_rows; /* from so many on all blocks together are */
    int solver_rows;  /* ... and from so many a library with one matrix at a time */
    double cell_rows;
    int cell_threads;
    int whole_size; /* from which on all blocks win a cell */
    int whole_threads;
    int prepare_threads;
    int prepare_whole_rows;             /* from which on all blocks win a dataset */
    int (*block_threads)(int64_t rows); /* of the fastest block */
    int slower_floats;                  /* of a table of its own: nothing but blocks of 512 */
} script;

/* 1 with the threads that are the fastest, else 2. */
static double by_threads(const fake_launch *launch, int fastest)
{
    return launch->threads == (unsigned)fastest ? 1 : 2;
}

/* A sub-batch of one is a library's. */
static double time_of_grid(const fake_launch *launch, int64_t rows)
{
    const double cells = (double)launch->cell_count;

    if (launch->cell_count == 1)
        return rows >= script.solver_rows ? 0.1 : 3;
    if (rows == 1024) /* where slots are chosen */
        return cells * (launch->cell_count == (uint64_t)script.grid_slots ? 0.25 : 0.5);
    return cells * (rows >= script.blocked_rows ? 0.5 : 3) *
           by_threads(launch, script.grid_threads);
}

/* Of a kernel without matrices. */
static double time_of_cells(const fake_launch *launch, int64_t rows)
{
    const double cells = (double)launch->cell_count;

    if (launch->team == GCR_TEAM_THREAD)
        return cells * ((double)rows <= script.cell_rows ? 1 : 9);
    return cells * 2 * by_threads(launch, script.cell_threads);
}

/* All blocks have 8 cells while each has one: what they take grows more slowly with the size. */
static double time_of_whole(const fake_launch *launch)
{
    const double cells = (double)launch->cell_count;

    if (launch->team != GCR_TEAM_WHOLE)
        return cells * launch->option / 8;
    return cells * (launch->option >= script.whole_size ? 1 : 1000) *
           by_threads(launch, script.whole_threads);
}

static double time_of_team(const fake_launch *launch, int64_t rows)
{
    const double cells = (double)launch->cell_count;

    switch (launch->team) {
    case GCR_TEAM_THREAD: return cells * (rows <= script.thread_rows ? 1 : 3);
    case GCR_TEAM_WARP: return cells * (rows <= script.warp_rows ? 1.5 : 4);
    case GCR_TEAM_MEMORY: return cells * by_threads(launch, script.memory_threads);
    case GCR_TEAM_GRID: return time_of_grid(launch, rows);
    case GCR_TEAM_PREPARE_WHOLE:
        return (double)launch->dataset_count * (rows >= script.prepare_whole_rows ? 0.5 : 3);
    case GCR_TEAM_PREPARE:
        return (double)launch->dataset_count * by_threads(launch, script.prepare_threads);
    default:
        return cells *
               (rows > 40 && launch->threads == (unsigned)script.block_threads(rows) ? 1 : 2);
    }
}

static double seconds_of(const fake_launch *launch, int64_t rows)
{
    if (launch->is_of_floats && script.slower_floats)
        return (double)launch->cell_count *
               (launch->team >= GCR_TEAM_BLOCK && launch->threads == 512 ? 1 : 2);
    switch (launch->parameters) {
    case CELL_PARAMETERS: return time_of_cells(launch, rows);
    case WHOLE_PARAMETERS: return time_of_whole(launch);
    default: return time_of_team(launch, rows);
    }
}

/* So long that nothing needs to be measured twice. */
static double time_of(const fake_launch *launch, int64_t rows)
{
    return 1e3 * seconds_of(launch, rows);
}

static int always_256(int64_t rows)
{
    (void)rows;
    return 256;
}

static int more_for_more_rows(int64_t rows)
{
    return rows <= 64 ? 128 : rows <= 160 ? 192 : 512;
}

static int another_for_each(int64_t rows)
{
    static const int threads[] = { 128, 192, 256, 384, 512 };

    return threads[rows / 32 % 5];
}

static const struct script plain = { .thread_rows = 8,
                                     .warp_rows = 24,
                                     .memory_threads = 512,
                                     .grid_slots = 8,
                                     .grid_threads = 256,
                                     .blocked_rows = 384,
                                     .solver_rows = 2048,
                                     .cell_rows = 64,
                                     .cell_threads = 256,
                                     .whole_size = 200,
                                     .whole_threads = 256,
                                     .prepare_threads = 128,
                                     .prepare_whole_rows = 1024,
                                     .block_threads = more_for_more_rows };

static int begin(void **state)
{
    const int failed = stage_begin(state);

    script = plain;
    fake_cuda.launch_ms = time_of;
    return failed;
}

/* So that a batch is not many of them. */
static double matrix_cost(const gcr_shape *shape)
{
    return 1e6 * (double)shape->rows;
}

static double prepare_cost(const gcr_shape *shape)
{
    return 1e6 * (double)shape->rows;
}

static double cost(const gcr_shape *shape)
{
    return 100 * (double)shape->rows;
}

static const gcr_kernel cell_kernel = { .name = "logistic",
                                        .form = GCR_FORM_CELL,
                                        .uses = GCR_USES_X | GCR_USES_Y,
                                        .parameters = { { .name = "penalty" } },
                                        .outputs = { { .name = "one", .width = 1 } },
                                        .cost = cost };

static int64_t whole_scratch(const gcr_shape *shape)
{
    return shape->option[0] * shape->option[0];
}

static double whole_cost(const gcr_shape *shape)
{
    return 1e8 * (double)shape->option[0];
}

static const gcr_kernel whole_kernel = {
    .name = "cholesky",
    .form = GCR_FORM_CELL,
    .parameters = { { .name = "a" }, { .name = "b" }, { .name = "c" } },
    .options = { { .name = "n", .standard = 100, .least = 1, .most = 1000 } },
    .outputs = { { .name = "one", .width = 1 } },
    .scratch_count = whole_scratch,
    .cost = whole_cost
};

static char said[1 << 16];

static void note(void *context, const char *line)
{
    (void)context;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

static gcr_status calibrate(gcr_device *device)
{
    static const double values[POINTS] = { 1 };
    static const gcr_point_table points = { .axes = { { "a", values, POINTS } },
                                            .axis_count = 1,
                                            .point_count = POINTS,
                                            .live_count = POINTS };
    static const gcr_unit_setup setup = { .points = &points };
    static gcr_unit_setup whole_setup[GCR_CALIBRATION_WHOLE];
    static gcr_unit matrix[GCR_SCALAR_COUNT], cell[GCR_SCALAR_COUNT], whole[GCR_SCALAR_COUNT];
    gcr_calibration_spec spec = { .note = note };
    gcr_kernel matrix_kernel = stage_kernel;

    said[0] = '\0';
    matrix_kernel.cost = matrix_cost;
    matrix_kernel.prepare_cost = prepare_cost;
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++) {
        matrix[scalar] = stage_unit;
        matrix[scalar].kernel = &matrix_kernel;
        matrix[scalar].scalar = scalar;
        cell[scalar] = (gcr_unit){ .kernel = &cell_kernel, .scalar = scalar };
        spec.matrix[scalar] = (gcr_program_spec){ .unit = &matrix[scalar], .setup = &setup };
        spec.cell[scalar] = (gcr_program_spec){ .unit = &cell[scalar], .setup = &setup };
        whole[scalar] = (gcr_unit){ .kernel = &whole_kernel, .scalar = scalar };
        for (int k = 0; k < GCR_CALIBRATION_WHOLE; k++) {
            whole_setup[k] = (gcr_unit_setup){ .points = &points, .option = { 100 * (k + 1) } };
            spec.whole[scalar][k] =
                (gcr_program_spec){ .unit = &whole[scalar], .setup = &whole_setup[k] };
        }
    }
    return gcr_device_calibrate(device, &spec);
}

static gcr_device *open_device(void)
{
    gcr_device *device = NULL;

    assert_ok(gcr_device_open(&device, &gcr_cuda_backend, 0));
    return device;
}

/* In each number; what is between them may be anything. */
static int is_same(const gcr_crossovers *a, const gcr_crossovers *b)
{
    for (const gcr_crossover_field *f = gcr_crossover_fields; f->name != NULL; f++)
        if (gcr_crossover_get(a, f) != gcr_crossover_get(b, f))
            return 0;
    return a->scalar == b->scalar;
}

/* That of a build, on the GPU of the fake. */
static gcr_crossovers built_in_of(gcr_scalar scalar)
{
    gcr_crossovers table = gcr_crossovers_default(90, scalar);

    table.whole_blocks = 4;
    return table;
}

static gcr_crossovers table_of(gcr_device *device, gcr_scalar scalar)
{
    return cuda_device_of(device)->crossovers[scalar];
}

/* What is measured now, on a GPU of so many multiprocessors that has not done anything else. */
static gcr_crossovers measured_on(int units, gcr_scalar scalar)
{
    gcr_device *device;
    gcr_crossovers table;

    fake_cuda_reset();
    fake_cuda.launch_ms = time_of;
    fake_cuda.units = units;
    device = open_device();
    assert_ok(calibrate(device));
    table = table_of(device, scalar);
    gcr_device_close(device);
    assert_clean();
    assert_null(gcr_crossovers_wrong(&table));
    return table;
}

static gcr_crossovers measured(gcr_scalar scalar)
{
    return measured_on(4, scalar);
}

/* ---- what is found --------------------------------------------------------------------------- */

static void check_rows(int thread_rows, int warp_rows)
{
    gcr_crossovers table;

    script.thread_rows = thread_rows;
    script.warp_rows = warp_rows;
    table = measured(GCR_F32);
    assert_int_equal(table.thread_rows, thread_rows);
    assert_int_equal(table.warp_rows, warp_rows > thread_rows ? warp_rows : 0);
}

static void test_thread_and_warp_have_the_rows_that_they_win(void **state)
{
    (void)state;
    for (int rows = 0; rows <= 16; rows += 4)
        check_rows(rows, rows == 4 ? 16 : 40);
    check_rows(8, 24);
    check_rows(16, 16);
}

static void test_no_more_rows_than_registers_have_room_for(void **state)
{
    gcr_crossovers table;

    (void)state;
    script.thread_rows = script.warp_rows = 1000;
    table = measured(GCR_F64);
    assert_int_equal(table.thread_rows, GCR_THREAD_ROWS_MAX);
    assert_int_equal(table.warp_rows, GCR_WARP_ROWS_MAX);
}

static void assert_class(const gcr_block_class *class, int rows, int threads)
{
    assert_int_equal(class->rows, rows);
    assert_int_equal(class->threads, threads);
}

static void test_blocks_are_cut_where_the_fastest_changes(void **state)
{
    gcr_crossovers table = measured(GCR_F64);

    (void)state;
    assert_class(&table.block[0], 1, 128);
    assert_class(&table.block[1], 65, 192);
    assert_class(&table.block[2], 161, 512);
    assert_int_equal(table.block[3].rows, 0);
    script.block_threads = always_256;
    table = measured(GCR_F64);
    assert_class(&table.block[0], 1, 256);
    assert_int_equal(table.block[1].rows, 0);
}

static void test_blocks_of_many_shapes_have_as_many_classes_as_there_are(void **state)
{
    gcr_crossovers table;
    int classes = 0;

    (void)state;
    script.block_threads = another_for_each;
    table = measured(GCR_F64);
    while (classes < GCR_BLOCK_CLASSES && table.block[classes].rows > 0)
        classes++;
    assert_int_equal(classes, GCR_BLOCK_CLASSES);
}

static void test_what_is_beside_the_chip_has_the_threads_that_win(void **state)
{
    (void)state;
    for (int threads = 256; threads <= 512; threads += 256) {
        script.memory_threads = threads;
        assert_int_equal(measured(GCR_F64).memory_threads, threads);
    }
}

static void test_all_blocks_together_have_the_rows_that_they_win(void **state)
{
    (void)state;
    assert_int_equal(measured(GCR_F64).blocked_rows, 384);
    script.blocked_rows = 0;
    assert_int_equal(measured(GCR_F64).blocked_rows, 256); /* the first beside the chip */
    assert_int_equal(measured(GCR_F32).blocked_rows, 384);
}

/* What lost is a block's; what was not measured, as 1 GiB is too little, is as the table has it. */
static void test_all_blocks_together_have_what_was_not_measured(void **state)
{
    gcr_crossovers table;

    (void)state;
    script.blocked_rows = 450; /* 512 are too many */
    table = measured_on(132, GCR_F64);
    assert_int_equal(table.blocked_rows, 385);
    assert_int_equal(table.grid_slots, 132);
}

static void test_sub_batches_have_the_matrices_and_threads_that_win(void **state)
{
    (void)state;
    for (int slots = 2; slots <= 8; slots *= 2) {
        gcr_crossovers table;

        script.grid_slots = slots;
        script.grid_threads = 64 * slots;
        table = measured(GCR_F64);
        assert_int_equal(table.grid_slots, slots);
        assert_int_equal(table.grid_threads, 64 * slots);
    }
}

static void test_a_library_has_the_matrices_that_it_wins(void **state)
{
    (void)state;
    assert_int_equal(measured(GCR_F64).solver_rows, 2048);
    script.solver_rows = 0;
    assert_int_equal(measured(GCR_F32).solver_rows, 1024);
    script.solver_rows = 1 << 20;
    assert_int_equal(measured(GCR_F64).solver_rows, 4097);
}

static void test_sub_batches_have_the_matrices_of_a_library_that_is_not_there(void **state)
{
    gcr_device *device = open_device();

    (void)state;
    fake_cuda.has_no_solver = 1;
    assert_ok(calibrate(device));
    assert_int_equal(table_of(device, GCR_F64).blocked_rows, 384);
    assert_int_equal(table_of(device, GCR_F64).solver_rows, 1 << 20);
    assert_non_null(
        strstr(said, "f64: sub-batches of the largest matrices, too, as cuSOLVER is not found"));
    gcr_device_close(device);
    assert_clean();
}

static void test_a_machine_without_the_library_is_calibrated_for_blocks(void **state)
{
    gcr_device *device = open_device();

    (void)state;
    fake_cuda.has_no_blas = 1;
    assert_ok(calibrate(device));
    assert_int_equal(table_of(device, GCR_F64).blocked_rows, 0);
    assert_int_equal(table_of(device, GCR_F32).blocked_rows, 0);
    assert_int_equal(table_of(device, GCR_F64).warp_rows, 24);
    assert_non_null(strstr(said, "f64: one block for each large matrix, as cuBLAS is not found"));
    gcr_device_close(device);
    assert_clean();
}

static void test_cells_have_a_thread_up_to_the_cost_that_it_wins(void **state)
{
    (void)state;
    assert_near(measured(GCR_F64).cell_thread_flops, 6400, 0);
    script.cell_rows = 0;
    assert_near(measured(GCR_F64).cell_thread_flops, 0, 0);
    script.cell_rows = INFINITY;
    assert_near(measured(GCR_F64).cell_thread_flops, 204800, 0);
}

static void test_cells_and_datasets_have_the_threads_that_win(void **state)
{
    (void)state;
    for (int threads = 64; threads <= 512; threads *= 2) {
        gcr_crossovers table;

        script.cell_threads = script.prepare_threads = threads;
        table = measured(GCR_F32);
        assert_int_equal(table.cell_threads, threads);
        assert_int_equal(table.prepare_threads, threads);
    }
}

static void check_whole(int size, double flops, int count)
{
    gcr_crossovers table;

    script.whole_size = size;
    table = measured(GCR_F64);
    assert_near(table.cell_whole_flops, flops, 1e-3);
    assert_int_equal(table.cell_whole_count, count);
}

/* The smallest that they win; where that is none, what is dearer than all, as far as the table
 * goes. */
static void test_all_blocks_have_the_cells_that_they_win(void **state)
{
    (void)state;
    check_whole(100, 1e10, 10000);
    check_whole(200, 2e10, 40000);
    check_whole(300, 3e10, 90000);
    check_whole(1000, 3e10, 1 << 20);
    assert_true(measured(GCR_F64).cell_whole_flops > 3e10);
    script.whole_threads = 512;
    assert_int_equal(measured(GCR_F64).whole_threads, 512);
}

static void test_all_blocks_have_the_datasets_that_they_win(void **state)
{
    (void)state;
    assert_near(measured(GCR_F32).prepare_whole_flops, 1.024e9, 0);
    script.prepare_whole_rows = 0;
    assert_near(measured(GCR_F64).prepare_whole_flops, 5.12e8, 0);
    script.prepare_whole_rows = 1 << 20;
    assert_near(measured(GCR_F64).prepare_whole_flops, nextafter(2.048e9, INFINITY), 0);
}

static void test_each_precision_has_a_table_of_its_own(void **state)
{
    gcr_crossovers table;

    (void)state;
    script.slower_floats = 1;
    assert_int_equal(measured(GCR_F64).thread_rows, 8);
    table = measured(GCR_F32);
    assert_int_equal(table.thread_rows, 0);
    assert_int_equal(table.block[0].threads, 512);
}

static void test_what_was_measured_is_told(void **state)
{
    (void)state;
    measured(GCR_F64);
    assert_non_null(strstr(said, "f64, 8 rows: thread 1e+09 ns, warp 1.5e+09 ns\n"));
    assert_non_null(strstr(said, "f32, 16 rows: warp 1.5e+09 ns, block 2e+09 ns\n"));
}

/* ---- what is kept ---------------------------------------------------------------------------- */

/* The path of the one file with a calibration. */
static void find_file(char out[512])
{
    const char *folder = getenv("GRIDCRUNCH_CACHE");
    DIR *entries = opendir(folder);
    int count = 0;

    assert_non_null(entries);
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (strncmp(e->d_name, "crossovers-", strlen("crossovers-")) == 0) {
            snprintf(out, 512, "%s/%s", folder, e->d_name);
            count++;
        }
    closedir(entries);
    assert_int_equal(count, 1);
}

static void test_without_a_file_the_built_in_table_holds(void **state)
{
    gcr_device *device = open_device();

    (void)state;
    assert_string_equal(device->info.tuning, "crossovers built in, not measured on this GPU");
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++) {
        const gcr_crossovers built_in = built_in_of(scalar);
        const gcr_crossovers table = table_of(device, scalar);

        assert_true(is_same(&table, &built_in));
    }
    gcr_device_close(device);
}

/* Another device, or process, of the same model finds the same table, and so is of the same
 * kind. */
static void test_a_table_is_kept_for_all_later_runs(void **state)
{
    char path[512], kind[2][GCR_KIND_BYTES], built_in[GCR_KIND_BYTES];
    gcr_device *device = open_device();
    gcr_crossovers before, after;

    (void)state;
    gcr_device_kind(built_in, sizeof built_in, device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    assert_ok(calibrate(device));
    before = table_of(device, GCR_F32);
    gcr_device_kind(kind[0], sizeof kind[0], device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    gcr_device_close(device);
    device = open_device();
    after = table_of(device, GCR_F32);
    gcr_device_kind(kind[1], sizeof kind[1], device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    assert_true(is_same(&before, &after));
    assert_string_equal(kind[0], kind[1]);
    assert_string_not_equal(kind[0], built_in);
    assert_memory_equal(device->info.tuning, "crossovers measured 20",
                        strlen("crossovers measured 20"));
    gcr_device_close(device);
    find_file(path);
    assert_int_equal(remove(path), 0);
    device = open_device();
    gcr_device_kind(kind[1], sizeof kind[1], device, GCR_PATH_PLAIN, GCR_F64, GCR_DIRECT, 0);
    assert_string_equal(kind[1], built_in);
    gcr_device_close(device);
}

static void test_another_model_has_a_file_of_its_own(void **state)
{
    gcr_device *device;

    (void)state;
    measured(GCR_F64);
    fake_cuda.capability = 80;
    device = open_device();
    assert_string_equal(device->info.tuning, "crossovers built in, not measured on this GPU");
    gcr_device_close(device);
}

static void read_file(char out[8192], const char *path)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    out[fread(out, 1, 8191, file)] = '\0';
    fclose(file);
}

/* The text with `after` in the place of `before`, once. */
static void write_changed(const char *path, const char *text, const char *before, const char *after)
{
    const char *const at = strstr(text, before);
    FILE *file = fopen(path, "w");

    assert_non_null(at);
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, after, at + strlen(before));
    fclose(file);
}

static void test_a_file_that_is_wrong_is_told_of_and_not_used(void **state)
{
    static const struct {
        const char *before, *after, *sentence;
    } cases[] = {
        { "version 1", "version 7", "does not begin with 'gridcrunch crossovers, version 1'" },
        { "model NVIDIA Fake 0", "model NVIDIA Fake 9", "it is of another model NVIDIA Fake 9" },
        { "f64 warp_rows 24\n", "", "has no f64 warp_rows" },
        { "f64 warp_rows 24", "f64 warp_rows 24.5", "warp_rows cannot be 24.5" },
        { "f64 warp_rows 24", "f64 warp_rows 1e9", "warp_rows cannot be 1e9" },
        { "f64 warp_rows 24", "f64 warp_rows many", "'many' is no number" },
        { "f64 warp_rows 24", "f64 worp_rows 24", "not a precision, a name and a number" },
        { "f64 warp_rows 24", "f64 warp_rows 40", "no GPU could compute with f64 warp_rows" },
        { "f64 block.1.rows 65", "f64 block.1.rows 1", "no GPU could compute with f64 block" },
        { "f32 block.0.threads 128", "f32 block.0.threads 130", "f32 block" },
        { "f64 cell_threads 256", "f64 shared_bytes 128", "shared_bytes cannot be 128" },
        { "measured 20", "f64 20", "not a precision, a name and a number" },
    };

    const gcr_crossovers built_in = built_in_of(GCR_F64);
    gcr_crossovers table = measured(GCR_F64);
    char path[512], text[8192];

    (void)state;
    assert_false(is_same(&table, &built_in));
    find_file(path);
    read_file(text, path);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        gcr_device *device;

        write_changed(path, text, cases[k].before, cases[k].after);
        device = open_device();
        if (strstr(device->info.tuning, cases[k].sentence) == NULL)
            fail_msg("\"%s\" does not mention \"%s\"", device->info.tuning, cases[k].sentence);
        table = table_of(device, GCR_F64);
        assert_true(is_same(&table, &built_in));
        gcr_device_close(device);
    }
}

static void test_a_calibration_that_fails_changes_nothing(void **state)
{
    const gcr_crossovers built_in = built_in_of(GCR_F64);
    static const char *const calls[] = { "cudaEventElapsedTime", "cudaEventSynchronize",
                                         "cudaLaunchKernelExC",  "cudaEventCreateWithFlags",
                                         "cudaLibraryLoadData",  "cudaMallocFromPoolAsync" };

    (void)state;
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        gcr_device *device = open_device();
        gcr_crossovers table;

        fake_cuda_let_fail(calls[c], 3, cudaErrorMemoryAllocation);
        assert_status(calibrate(device), GCR_ENOMEM);
        table = table_of(device, GCR_F64);
        assert_true(is_same(&table, &built_in));
        gcr_device_close(device);
        fake_cuda.fail_call = NULL;
        device = open_device();
        assert_string_equal(device->info.tuning, "crossovers built in, not measured on this GPU");
        gcr_device_close(device);
        assert_clean();
    }
}

static void test_every_number_has_its_part_in_the_name_of_a_table(void **state)
{
    const gcr_crossovers table = gcr_crossovers_default(90, GCR_F64);
    char name[GCR_CROSSOVERS_NAME_BYTES], other[GCR_CROSSOVERS_NAME_BYTES];

    (void)state;
    gcr_crossovers_name(name, &table);
    for (const gcr_crossover_field *f = gcr_crossover_fields; f->name != NULL; f++) {
        gcr_crossovers changed = table;

        gcr_crossover_set(&changed, f, gcr_crossover_get(&table, f) + 32);
        assert_near(gcr_crossover_get(&changed, f), gcr_crossover_get(&table, f) + 32, 0);
        gcr_crossovers_name(other, &changed);
        assert_string_not_equal(name, other);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_thread_and_warp_have_the_rows_that_they_win),
        test(test_no_more_rows_than_registers_have_room_for),
        test(test_blocks_are_cut_where_the_fastest_changes),
        test(test_blocks_of_many_shapes_have_as_many_classes_as_there_are),
        test(test_what_is_beside_the_chip_has_the_threads_that_win),
        test(test_all_blocks_together_have_the_rows_that_they_win),
        test(test_all_blocks_together_have_what_was_not_measured),
        test(test_sub_batches_have_the_matrices_and_threads_that_win),
        test(test_a_library_has_the_matrices_that_it_wins),
        test(test_sub_batches_have_the_matrices_of_a_library_that_is_not_there),
        test(test_a_machine_without_the_library_is_calibrated_for_blocks),
        test(test_cells_have_a_thread_up_to_the_cost_that_it_wins),
        test(test_cells_and_datasets_have_the_threads_that_win),
        test(test_all_blocks_have_the_cells_that_they_win),
        test(test_all_blocks_have_the_datasets_that_they_win),
        test(test_each_precision_has_a_table_of_its_own),
        test(test_what_was_measured_is_told),
        test(test_without_a_file_the_built_in_table_holds),
        test(test_a_table_is_kept_for_all_later_runs),
        test(test_another_model_has_a_file_of_its_own),
        test(test_a_file_that_is_wrong_is_told_of_and_not_used),
        test(test_a_calibration_that_fails_changes_nothing),
        test(test_every_number_has_its_part_in_the_name_of_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
