/* A kernel of a file: compiled, loaded, kept, and the same as one of the build. */
#include "support/gcr_test.h"
#include "support/test_folder.h"
#include "support/tile.h"
#include "support/units.h"

#include "backend/cpu/code_path.h"
#include "kernels/own/own_kernel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The smallest kernel with `statement` in its cell() and `more` in its description. */
static const char *write_kernel(const char *name, const char *statement, const char *more)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    fprintf(file,
            "#define GCR_CELL_KERNEL\n"
            "#include \"gridcrunch/kernel.h\"\n"
            "GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)\n"
            "{\n"
            "    %s;\n"
            "    return 0;\n"
            "}\n"
            "GCR_DESCRIBE(.name = \"fit\", .form = GCR_FORM_CELL, .uses = GCR_USES_Y,\n"
            "             .parameters = { { .name = \"a\", .is_free = 1 } }, %s\n"
            "             .outputs = { { .name = \"v\", .width = 1 } })\n",
            statement, more);
    fclose(file);
    return in_folder(name);
}

/* The value that the one cell of parameter 3 has. */
static double value_of(const gcr_unit *unit, const int64_t option[GCR_OPTIONS_MAX])
{
    const double y[] = { 5 }, a[] = { 3 };
    tile t = { .unit = unit, .data = { .rows = 1, .y = y } };
    double value;

    memcpy(t.setup.option, option, sizeof t.setup.option);
    tile_axis(&t, "a", a, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    value = tile_value(&t, 0, 0, 0);
    tile_close(&t);
    return value;
}

static void test_a_path_is_told_from_a_name(void **state)
{
    (void)state;
    assert_true(gcr_own_is_path("fit.c"));
    assert_true(gcr_own_is_path("./fit"));
    assert_false(gcr_own_is_path("gp"));
    assert_false(gcr_own_is_path(".c"));
}

static void test_it_computes_and_is_kept(void **state)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_unit *unit;
    gcr_own *own;

    (void)state;
    write_kernel("fit.c", "outputs[0] = gcr_param(ctx, 0) * gcr_y(ctx, 0)", "");
    for (int i = 0; i < 2; i++) {
        assert_ok(gcr_own_open(&own, in_folder("fit.c")));
        assert_string_equal(gcr_own_kernel(own)->name, "fit");
        assert_ok(gcr_own_load(&unit, own, option, GCR_PATH_PLAIN, GCR_DIRECT, GCR_F64));
        assert_true(value_of(unit, option) == 15);
        gcr_own_close(own);
        assert_int_equal(count_entries(in_folder("cache")), 2); /* to describe it, and to run it */
    }
}

static void test_a_changed_file_is_compiled_anew(void **state)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_unit *unit;
    gcr_own *own;

    (void)state;
    for (int i = 0; i < 2; i++) {
        write_kernel("fit.c", i == 0 ? "outputs[0] = 1" : "outputs[0] = 2", "");
        assert_ok(gcr_own_open(&own, in_folder("fit.c")));
        assert_ok(gcr_own_load(&unit, own, option, GCR_PATH_PLAIN, GCR_DIRECT, GCR_F64));
        assert_true(value_of(unit, option) == i + 1);
        gcr_own_close(own);
    }
}

static void test_options_are_constants(void **state)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 7, 1 };
    const gcr_unit *unit;
    gcr_own *own;

    (void)state;
    write_kernel("fit.c",
                 "gcr_real room[GCR_OPTION(n)] = { 0 };\n"
                 "    switch (GCR_OPTION(way)) { case 1: room[0] = 100; }\n"
                 "    outputs[0] = room[0] + (gcr_real)(sizeof room / sizeof room[0])",
                 ".options = { { .name = \"n\", .least = 0, .most = 9 },"
                 "             { .name = \"way\", .choices = { \"a\", \"b\" } } },");
    assert_ok(gcr_own_open(&own, in_folder("fit.c")));
    assert_ok(gcr_own_load(&unit, own, option, GCR_PATH_PLAIN, GCR_DIRECT, GCR_F64));
    assert_true(value_of(unit, option) == 107);
    gcr_own_close(own);
}

static void fill_gp(tile *t, const gcr_unit *unit)
{
    static double x[37], y[37];
    static const double lengthscale[] = { 0.5, 1, 2, 3, 5 }, noise[] = { 0.01, 0.1 };
    static const double variance[] = { 1.5 };

    for (int i = 0; i < 37; i++) {
        x[i] = fmod(i * 0.618, 1) * 10;
        y[i] = sin(x[i]);
    }
    *t = (tile){ .unit = unit, .data = { .rows = 37, .features = 1, .x = x, .y = y } };
    tile_axis(t, "lengthscale", lengthscale, 5);
    tile_axis(t, "noise", noise, 2);
    tile_axis(t, "variance", variance, 1);
    tile_open(t);
    tile_crunch(t);
}

static void check_copy_of_gp(gcr_scalar scalar)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_unit *unit;
    tile built_in, copy;
    gcr_own *own;

    assert_ok(gcr_own_open(&own, GCR_EXAMPLES "/../src/kernels/gp.c"));
    assert_ok(gcr_own_load(&unit, own, option, gcr_code_path_here(), GCR_DIRECT, scalar));
    assert_int_equal(unit->path, gcr_code_path_here());
    assert_int_equal(unit->scalar, scalar);
    fill_gp(&built_in, unit_of("gp_rbf", scalar));
    fill_gp(&copy, unit);
    assert_tiles_equal(&built_in, &copy);
    tile_close(&built_in);
    tile_close(&copy);
    gcr_own_close(own);
}

static void test_a_copy_of_gp_has_the_bits_of_the_built_in(void **state)
{
    (void)state;
    check_copy_of_gp(GCR_F64);
    check_copy_of_gp(GCR_F32);
}

static void *open_and_close(void *arg)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_unit *unit;
    gcr_own *own = NULL;
    gcr_status status = gcr_own_open(&own, arg);

    if (status == GCR_OK)
        status = gcr_own_load(&unit, own, option, GCR_PATH_PLAIN, GCR_DIRECT, GCR_F64);
    gcr_own_close(own);
    return status == GCR_OK ? NULL : arg;
}

static void test_several_may_compile_it_at_once(void **state)
{
    pthread_t threads[3];
    char file[256];
    void *failed;

    (void)state;
    strcpy(file, write_kernel("fit.c", "outputs[0] = 1", ""));
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, file), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(count_entries(in_folder("cache")), 2);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void assert_refused_at(const char *place, const char *words)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_unit *unit;
    gcr_own *own = NULL;
    gcr_status status = gcr_own_open(&own, in_folder("fit.c"));
    char sentence[320];

    if (status == GCR_OK)
        status = gcr_own_load(&unit, own, option, GCR_PATH_PLAIN, GCR_DIRECT, GCR_F64);
    gcr_own_close(own);
    assert_status(status, GCR_EINVAL);
    snprintf(sentence, sizeof sentence, "%s%s", in_folder("fit.c"), place);
    assert_memory_equal(gcr_last_error(), sentence, strlen(sentence));
    assert_error_mentions(words);
}

static void test_an_error_has_the_users_line_and_column(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = gcr_param(ctx, 0", "");
    assert_refused_at(":5:34: ", "expected");
    assert_non_null(strstr(gcr_last_error_details(), "outputs[0] = gcr_param(ctx, 0"));
    assert_null(strstr(gcr_last_error_details(), "/cache/work-")); /* not our business */
}

static void test_functions_of_libm_are_refused(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = sqrt(2.0)", "");
    assert_refused_at(":5:18: ", "'sqrt'");
}

static void test_a_parameter_that_is_not_described_is_refused(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = gcr_param(ctx, 1)", "");
    assert_refused_at(":5:18: ", "reads a parameter that the description does not have");
}

static void test_x_that_is_not_declared_is_refused(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = gcr_x(ctx, 0, 0)", "");
    assert_refused_at(":5:18: ", "reads x, and the description has no GCR_USES_X");
}

static void test_scratch_that_is_not_declared_is_refused(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = gcr_scratch(ctx)[0]", "");
    assert_refused_at(":5:", "no scratch_count");
}

static void test_a_missing_function_is_named(void **state)
{
    FILE *file = fopen(in_folder("fit.c"), "w");

    (void)state;
    fputs("#define GCR_CELL_KERNEL\n#include \"gridcrunch/kernel.h\"\n"
          "GCR_DESCRIBE(.name = \"fit\", .outputs = { { .name = \"v\", .width = 1 } })\n",
          file);
    fclose(file);
    assert_refused_at(" has no function 'cell'", "");
}

static void test_a_file_beside_it_cannot_be_included(void **state)
{
    (void)state;
    write_kernel("helper.h", "", "");
    write_kernel("fit.c", "outputs[0] = 1;\n#include \"helper.h\"\n", "");
    assert_refused_at(":6:10: ", "helper.h");
}

static void test_what_is_no_kernel_is_refused(void **state)
{
    FILE *file = fopen(in_folder("fit.c"), "w");

    (void)state;
    fclose(file);
    assert_refused_at(" is not a kernel", "GCR_CELL_KERNEL");
    file = fopen(in_folder("fit.c"), "w");
    fwrite("a\0b", 1, 3, file);
    fclose(file);
    assert_refused_at(" is no text", "");
    unlink(in_folder("fit.c"));
    assert_int_equal(mkdir(in_folder("fit.c"), 0700), 0);
    assert_refused_at(" is a folder", "");
    rmdir(in_folder("fit.c"));
    assert_int_equal(mkfifo(in_folder("fit.c"), 0600), 0);
    assert_refused_at(" is no ordinary file", "");
}

static void test_a_file_that_everybody_may_write_is_refused(void **state)
{
    (void)state;
    write_kernel("fit.c", "outputs[0] = 1", "");
    assert_int_equal(chmod(in_folder("fit.c"), 0602), 0);
    assert_refused_at(" may be written by every user", "chmod o-w");
}

static void test_a_file_that_is_not_there_is_named(void **state)
{
    gcr_own *own;

    (void)state;
    assert_status(gcr_own_open(&own, in_folder("fit.c")), GCR_EUNREADABLE);
    assert_error_mentions("fit.c: No such file");
    assert_null(own);
}

static void test_without_a_compiler_it_says_what_to_install(void **state)
{
    gcr_own *own;

    (void)state;
    write_kernel("fit.c", "outputs[0] = 1", "");
    setenv("GRIDCRUNCH_CC", "/no/such/cc", 1);
    assert_status(gcr_own_open(&own, in_folder("fit.c")), GCR_EUNSUPPORTED);
    unsetenv("GRIDCRUNCH_CC");
    assert_error_mentions("'/no/such/cc'");
    assert_error_mentions("apt install gcc");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_folder_begin, test_folder_end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_path_is_told_from_a_name),
        TEST(test_it_computes_and_is_kept),
        TEST(test_a_changed_file_is_compiled_anew),
        TEST(test_options_are_constants),
        TEST(test_a_copy_of_gp_has_the_bits_of_the_built_in),
        TEST(test_several_may_compile_it_at_once),
        TEST(test_an_error_has_the_users_line_and_column),
        TEST(test_functions_of_libm_are_refused),
        TEST(test_a_parameter_that_is_not_described_is_refused),
        TEST(test_x_that_is_not_declared_is_refused),
        TEST(test_scratch_that_is_not_declared_is_refused),
        TEST(test_a_missing_function_is_named),
        TEST(test_a_file_beside_it_cannot_be_included),
        TEST(test_what_is_no_kernel_is_refused),
        TEST(test_a_file_that_everybody_may_write_is_refused),
        TEST(test_a_file_that_is_not_there_is_named),
        TEST(test_without_a_compiler_it_says_what_to_install),
    };
    const int skipped = unit_path_select(argc, argv);

    return skipped != 0 ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
