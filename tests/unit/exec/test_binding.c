/* What a run reserves for the kernel that it is bound to. */
#include "support/gcr_test.h"
#include "support/test_folder.h"

#include "exec/run_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs less scratch for 120 rows than for 40. */
static const char kernel[] =
    "#define GCR_CELL_KERNEL\n"
    "#include \"gridcrunch/kernel.h\"\n"
    "GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)\n"
    "{\n"
    "    const int64_t n = gcr_rows(ctx), count = n < 100 ? n * n : n;\n"
    "    for (int64_t i = 0; i < count; i++)\n"
    "        gcr_scratch(ctx)[i] = gcr_param(ctx, 0);\n"
    "    outputs[0] = gcr_scratch(ctx)[count - 1];\n"
    "    for (int64_t i = 0; i < n; i++)\n"
    "        outputs[1 + i] = i;\n"
    "    return 0;\n"
    "}\n"
    "GCR_HOST_FN int64_t room(const gcr_shape *shape)\n"
    "{\n"
    "    return shape->rows < 100 ? shape->rows * shape->rows : shape->rows;\n"
    "}\n"
    "GCR_DESCRIBE(.name = \"fit\", .form = GCR_FORM_CELL, .parameters = { { .name = \"a\" } },\n"
    "             .outputs = { { .name = \"v\", .width = 1 },\n"
    "                          { .name = \"w\", .width = GCR_WIDTH_ROWS } },\n"
    "             .scratch_count = room)\n";

static const char job_text[] = "name: binding\n"
                               "data: {synthetic: {datasets: 3, rows: [40, 120]}}\n"
                               "kernel: fit.c\n"
                               "grid: {a: [1, 2]}\n"
                               "summary: {best: argmax(v)}\n";

static int begin(void **state)
{
    FILE *file;

    if (test_folder_begin(state) != 0)
        return -1;
    file = fopen(in_folder("fit.c"), "w");
    if (file == NULL || fputs(kernel, file) < 0)
        return -1;
    return fclose(file);
}

static const char matrix_text[] = "name: binding\n"
                                  "data: {synthetic: {datasets: 2, rows: [41, 23]}}\n"
                                  "kernel: gp\n"
                                  "grid: {lengthscale: 1, noise: 1, variance: 1}\n";

static void open_run(gcr_run **out, gcr_job *job, gcr_datasets *datasets, const char *text)
{
    const gcr_run_spec spec = { .job = job, .datasets = datasets };

    assert_ok(gcr_job_parse(job, in_folder("binding.yaml"), text, NULL, 0));
    assert_ok(gcr_datasets_load(datasets, job));
    assert_ok(gcr_run_create(out, &spec));
}

static void
test_scratch_suffices_for_each_dataset_whatever_its_kernel_makes_of_the_rows(void **state)
{
    gcr_datasets datasets;
    const gcr_unit *unit;
    gcr_run *run;
    gcr_job job;

    (void)state;
    open_run(&run, &job, &datasets, job_text);
    unit = run->binding->unit;
    for (uint64_t d = 0; d < datasets.count; d++) {
        const gcr_shape shape = gcr_binding_shape(run->binding, &datasets.items[d]);

        assert_true(unit->scratch_bytes(&run->binding->largest) >= unit->scratch_bytes(&shape));
    }
    assert_ok(gcr_run_execute(run)); /* where a sanitizer looks on */
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

static void test_outputs_are_as_wide_as_the_widest_dataset_needs(void **state)
{
    gcr_datasets datasets;
    gcr_run *run;
    gcr_job job;

    (void)state;
    open_run(&run, &job, &datasets, job_text);
    assert_int_equal(run->binding->width[0], 1);
    assert_int_equal(run->binding->width[1], 120);
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

/* Five datasets, of two shapes. */
static void test_a_shape_is_listed_once_however_many_datasets_have_it(void **state)
{
    static const char text[] = "name: binding\n"
                               "data: {synthetic: {datasets: 5, rows: [41, 40]}}\n"
                               "kernel: fit.c\n"
                               "grid: {a: [1, 2]}\n";
    gcr_datasets datasets;
    gcr_program_spec spec;
    gcr_run *run;
    gcr_job job;

    (void)state;
    open_run(&run, &job, &datasets, text);
    spec = gcr_binding_program_spec(run->binding);
    assert_int_equal(datasets.count, 5);
    assert_int_equal(spec.shape_count, 2);
    assert_int_equal(spec.shapes[0].rows, 40);
    assert_int_equal(spec.shapes[1].rows, 41);
    assert_int_equal(spec.shapes[1].features, datasets.items[0].features);
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

/* A device whose libraries have the large ones names them in its kind. */
static void check_matrix_rows(const char *text, int rows)
{
    gcr_datasets datasets;
    gcr_run *run;
    gcr_job job;

    open_run(&run, &job, &datasets, text);
    assert_int_equal(run->binding->matrix_rows, rows);
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

static void test_the_largest_matrix_of_a_job_is_known(void **state)
{
    (void)state;
    check_matrix_rows(matrix_text, 41);
    check_matrix_rows(job_text, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_scratch_suffices_for_each_dataset_whatever_its_kernel_makes_of_the_rows),
        cmocka_unit_test(test_the_largest_matrix_of_a_job_is_known),
        cmocka_unit_test(test_a_shape_is_listed_once_however_many_datasets_have_it),
        cmocka_unit_test(test_outputs_are_as_wide_as_the_widest_dataset_needs),
    };

    return cmocka_run_group_tests(tests, begin, test_folder_end);
}
