/* What the run-time compiler is given, what is kept, and what a user reads when it refuses. */
#include "support/cuda_stage.h"

#include "cuda/cuda_compile.h"
#include "cuda/cuda_constants.h"

/* Crunches one cell of a dataset with so many rows, with the program of `s`. */
static gcr_status crunch_one(stage *s, int64_t rows)
{
    gcr_status status = GCR_OK;
    gcr_unit_tile tile;

    GCR_TRY(stage_bring(s, 0, rows));
    tile = stage_tile(s, 0, 0, 1);
    GCR_TRY(stage_crunch(s, &tile, 1));
    GCR_TRY(gcr_event_sync(s->event, -1));
out:
    return status;
}

/* One cell of one dataset of 6 rows, of the kernel `text` in fit.c, or of a built-in one. */
static gcr_status run_once(const char *text)
{
    stage s = { .spec = { .path = text != NULL ? "fit.c" : NULL, .text = text } };
    gcr_status status = stage_open(&s);

    if (status == GCR_OK)
        status = crunch_one(&s, 6);
    stage_close(&s);
    assert_clean();
    return status;
}

static void assert_mentions(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("there is no \"%s\" in:\n%s", what, text);
}

static void test_the_compiler_is_told_all_that_launch_h_asks_for(void **state)
{
    (void)state;
    assert_ok(run_once(NULL));
    assert_mentions(fake_cuda.options, "--fmad=false\n");
    assert_mentions(fake_cuda.options, "--std=c++20\n");
    assert_mentions(fake_cuda.options, "--no-source-include\n");
    assert_mentions(fake_cuda.options, "-arch=sm_90\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_TEAM 1\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_TEAM_BOUND 8\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_TEAM_SINGLE 1\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_PARAMETER_COUNT 2\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_OUTPUT_WIDTHS 1,1\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_OUTPUTS_FIXED 2\n");
    assert_mentions(fake_cuda.main_text, "#define GCR_OPTION_covariance ((int64_t)0)\n");
    assert_mentions(fake_cuda.main_text, "#include \"cuda/device/device_unit.h\"\n");
    assert_mentions(fake_cuda.kernel_text, "#line 1 \"kernels/gp.c\"\n/*\n * kernels/gp.c");
}

/* What is told the compiler of floats is another text, whose constants are floats, and another
 * object. */
static void test_floats_are_compiled_apart(void **state)
{
    static const char text[] = "#include \"gridcrunch/kernel.h\"\nhalf = 0.5 * x; /* 1.5 */\n";
    gcr_unit unit = stage_unit;
    stage s = { .spec = { .unit = &unit, .path = "fit.c", .text = text } };

    (void)state;
    assert_ok(run_once(text));
    assert_int_equal(fake_cuda.compilations, 2);
    assert_null(strstr(fake_cuda.main_text, "GCR_SINGLE"));
    assert_mentions(fake_cuda.kernel_text, "half = 0.5 * x; /* 1.5 */\n");
    unit.scalar = GCR_F32;
    assert_ok(stage_open(&s));
    assert_ok(crunch_one(&s, 6));
    assert_int_equal(fake_cuda.compilations, 4);
    assert_mentions(fake_cuda.main_text, "#define GCR_SINGLE\n");
    assert_mentions(fake_cuda.kernel_text, "half = 0.5f * x; /* 1.5 */\n");
    stage_close(&s);
    assert_clean();
}

/* Whether `before` becomes `after`. */
static void check_constants(const char *before, const char *after)
{
    char *out = NULL;

    assert_ok(gcr_cuda_narrow_constants(&out, before));
    assert_string_equal(out, after);
    free(out);
}

static void test_constants_that_say_no_precision_are_floats(void **state)
{
    (void)state;
    check_constants("0.5 1. .5 1e5 1E-5 2.5e+3", "0.5f 1.f .5f 1e5f 1E-5f 2.5e+3f");
    check_constants("0x1p-3 0x1.8P+23 0x.8p0", "0x1p-3f 0x1.8P+23f 0x.8p0f");
    check_constants("0.5f 1e5F 0x1p-3f 2.5L", "0.5f 1e5F 0x1p-3f 2.5L");
    check_constants("1 0x1e5 0xFEll 7u 1ull 0", "1 0x1e5 0xFEll 7u 1ull 0");
    check_constants("a[1].x e5 x1.y s.e5 a1e5", "a[1].x e5 x1.y s.e5 a1e5");
    check_constants("1-0.5+1e5-x", "1-0.5f+1e5f-x");
    check_constants("\"0.5 \\\" 0.5\" '\\'' 0.5", "\"0.5 \\\" 0.5\" '\\'' 0.5f");
    check_constants("/* 0.5 */0.5// 0.5\n0.5/0.5", "/* 0.5 */0.5f// 0.5\n0.5f/0.5f");
    check_constants("#line 1 \"a0.5.c\"\n0.5", "#line 1 \"a0.5.c\"\n0.5f");
    check_constants("", "");
    check_constants("\"0.5", "\"0.5");
    check_constants("/* 0.5", "/* 0.5");
    check_constants("// 0.5", "// 0.5");
}

static void test_each_variant_is_compiled_once_and_then_kept(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(crunch_one(&s, 6));
    assert_int_equal(fake_cuda.compilations, 2); /* to prepare, and to crunch */
    for (int d = 0; d < 3; d++) {
        gcr_buf_close(s.prepared[0]);
        gcr_buf_close(s.data[0]);
        assert_ok(crunch_one(&s, 5 + d));
    }
    assert_int_equal(fake_cuda.compilations, 2);
    gcr_buf_close(s.prepared[0]);
    gcr_buf_close(s.data[0]);
    assert_ok(crunch_one(&s, 20));
    assert_int_equal(fake_cuda.compilations, 3);
    stage_close(&s);
    assert_ok(run_once(NULL));
    assert_int_equal(fake_cuda.compilations, 3);
    assert_clean();
}

/* Of datasets that a thread, a warp and a block compute, two of which need the same. */
static const gcr_shape shapes[] = { { .rows = 5 }, { .rows = 6 }, { .rows = 20 }, { .rows = 60 } };

enum { SHAPES = sizeof shapes / sizeof shapes[0], CODES = 4 /* and one to prepare them */ };

static stage stage_with_shapes(void)
{
    return (stage){
        .spec = { .path = "fit.c", .text = "int k;", .shapes = shapes, .shape_count = SHAPES }
    };
}

static void test_what_a_run_needs_is_compiled_before_its_program_is_open(void **state)
{
    stage s = stage_with_shapes();

    (void)state;
    assert_ok(stage_open(&s));
    assert_int_equal(fake_cuda.compilations, CODES);
    for (int k = 0; k < SHAPES; k++) {
        assert_ok(crunch_one(&s, shapes[k].rows));
        gcr_buf_close(s.prepared[0]);
        gcr_buf_close(s.data[0]);
        s.prepared[0] = s.data[0] = NULL;
    }
    assert_int_equal(fake_cuda.compilations, CODES);
    assert_ok(crunch_one(&s, 10)); /* nobody had said so */
    assert_int_equal(fake_cuda.compilations, CODES + 1);
    stage_close(&s);
    assert_clean();
}

static void test_what_a_run_needs_is_found_in_the_cache(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        stage s = stage_with_shapes();

        assert_ok(stage_open(&s));
        assert_int_equal(fake_cuda.compilations, CODES);
        stage_close(&s);
        assert_clean();
    }
}

static void test_what_does_not_compile_is_told_before_the_run_touches_anything(void **state)
{
    stage s = stage_with_shapes();

    (void)state;
    fake_cuda.compile_result = NVRTC_ERROR_COMPILATION;
    fake_cuda.compile_log = "fit.c(12): error: expected a \";\"\nfit.c(14): error: another\n";
    assert_status(stage_open(&s), GCR_EINVAL);
    assert_null(s.program);
    assert_int_equal(fake_cuda.launch_count, 0);
    assert_int_equal(fake_cuda.copies, 0);
    assert_string_equal(gcr_last_error(), "fit.c:12: expected a \";\"");
    assert_mentions(gcr_last_error_details(), "fit.c:14: error: another");
    stage_close(&s);
    assert_clean();
}

static void test_code_that_cannot_be_loaded_leaves_nothing(void **state)
{
    (void)state;
    for (int nth = 1; nth <= CODES; nth++) {
        stage s = stage_with_shapes();

        fake_cuda_let_fail("cudaLibraryLoadData", nth, cudaErrorMemoryAllocation);
        assert_status(stage_open(&s), GCR_ENOMEM);
        stage_close(&s);
        assert_clean();
    }
}

static void test_another_gpu_another_text_another_option_are_compiled_anew(void **state)
{
    stage s = { .setup.option = { 1 } };

    (void)state;
    assert_ok(run_once("/* one */"));
    assert_int_equal(fake_cuda.compilations, 2);
    assert_ok(run_once("/* two */"));
    assert_int_equal(fake_cuda.compilations, 4);
    fake_cuda.capability = 80;
    assert_ok(run_once("/* two */"));
    assert_int_equal(fake_cuda.compilations, 6);
    assert_mentions(fake_cuda.options, "-arch=sm_80\n");
    assert_ok(run_once(NULL));
    assert_ok(stage_open(&s));
    assert_ok(crunch_one(&s, 6));
    assert_int_equal(fake_cuda.compilations, 10);
    stage_close(&s);
    assert_clean();
}

static void test_a_gpu_newer_than_the_compiler_gets_ptx(void **state)
{
    (void)state;
    fake_cuda.capability = 120;
    assert_ok(run_once(NULL));
    assert_mentions(fake_cuda.options, "-arch=compute_100\n");
}

static void test_a_gpu_that_the_compiler_does_not_know_any_more_is_refused(void **state)
{
    (void)state;
    fake_cuda.archs[0] = 110;
    fake_cuda.arch_count = 1;
    assert_status(run_once(NULL), GCR_EUNSUPPORTED);
    assert_error_mentions("does not know compute capability 9.0 any more");
}

static void test_an_error_has_the_users_line(void **state)
{
    (void)state;
    fake_cuda.compile_result = NVRTC_ERROR_COMPILATION;
    fake_cuda.compile_log = "gridcrunch/kernel.h(7): error: elsewhere\n"
                            "fit.c(12): error: expected a \";\"\n  int k\n\n"
                            "fit.c(14): error: identifier \"y\" is undefined\n";
    assert_status(run_once("int k"), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), "fit.c:12: expected a \";\"");
    assert_mentions(gcr_last_error_details(), "fit.c:14: error: identifier");
}

static void test_an_error_elsewhere_is_told_too(void **state)
{
    (void)state;
    fake_cuda.compile_result = NVRTC_ERROR_COMPILATION;
    fake_cuda.compile_log = "cuda/device/device_unit.h(7): error: elsewhere\n";
    assert_status(run_once("int k;"), GCR_EINVAL);
    assert_error_mentions("fit.c does not compile for a GPU: cuda/device/device_unit.h(7)");
}

static void test_a_compiler_without_memory_says_so(void **state)
{
    (void)state;
    fake_cuda.compile_result = NVRTC_ERROR_OUT_OF_MEMORY;
    assert_status(run_once(NULL), GCR_ENOMEM);
}

static void test_what_failed_is_not_kept(void **state)
{
    (void)state;
    fake_cuda.compile_result = NVRTC_ERROR_COMPILATION;
    assert_status(run_once(NULL), GCR_EINVAL);
    assert_int_equal(count_entries(in_folder("cache")), 0);
}

static void assert_includes(const char *text, int line)
{
    char place[32];

    if (line == 0) {
        assert_ok(gcr_cuda_check_includes("fit.c", text));
        return;
    }
    assert_status(gcr_cuda_check_includes("fit.c", text), GCR_EINVAL);
    snprintf(place, sizeof place, "fit.c:%d: ", line);
    assert_error_mentions(place);
}

static void test_a_kernel_includes_kernel_h_alone(void **state)
{
    (void)state;
    assert_includes("#include \"gridcrunch/kernel.h\"\n", 0);
    assert_includes("  #  include /* the one */ <gridcrunch/kernel.h> // and no other\n", 0);
    assert_includes("#define A 1\n#if A\n#endif\n", 0);
    assert_includes("// #include <math.h>\n/*\n#include <math.h>\n*/\n", 0);
    assert_includes("const char *s = \"\\\n#include <math.h>\";\n", 0);
    assert_includes("int a; #include <math.h>\n", 0); /* no directive: the compiler says so */
    assert_includes("char q = '\"';\n#include \"a.h\"\n", 2);
    assert_includes("\n\n#include <math.h>\n", 3);
    assert_includes("#include \"/etc/passwd\"\n", 1);
    assert_includes("#include \"../gridcrunch/kernel.h\"\n", 1);
    assert_includes("/* a\n b */ # /* c */ include \"fit.h\"\n", 2);
    assert_includes("#incl\\\nude \"fit.h\"\n", 1);
    assert_includes("\\\n\\\n#include \"fit.h\"\n", 3);
    assert_includes("%:include \"fit.h\"\n", 1);
    assert_includes("#define H <math.h>\n#include H\n", 2);
    assert_includes("#include_next <gridcrunch/kernel.h>", 0);
    assert_includes("#embed \"secret\"\n", 1);
    assert_includes("#include \"gridcrunch/kernel.h\" \"x\"\n", 1);
}

static void test_a_kernel_with_another_include_is_refused_before_it_is_compiled(void **state)
{
    (void)state;
    assert_status(run_once("#include \"gridcrunch/kernel.h\"\n#include \"../secret.h\"\n"),
                  GCR_EINVAL);
    assert_string_equal(
        gcr_last_error(),
        "fit.c:2: a kernel for a GPU includes gridcrunch/kernel.h and nothing else, "
        "not \"../secret.h\"");
    assert_int_equal(fake_cuda.compilations, 0);
}

static void test_what_a_gpu_does_not_have_is_refused(void **state)
{
    gcr_unit unit = stage_unit;
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    gcr_program_close(s.program);
    s.program = NULL;
    s.spec.unit = &unit;
    unit.algorithm = GCR_TRIDIAGONAL;
    assert_status(gcr_program_open(&s.program, s.device, &s.spec), GCR_EUNSUPPORTED);
    assert_error_mentions("the algorithm 'tridiagonal' is not there for GPUs");
    stage_close(&s);
    assert_clean();
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_the_compiler_is_told_all_that_launch_h_asks_for),
        test(test_floats_are_compiled_apart),
        test(test_constants_that_say_no_precision_are_floats),
        test(test_each_variant_is_compiled_once_and_then_kept),
        test(test_what_a_run_needs_is_compiled_before_its_program_is_open),
        test(test_what_a_run_needs_is_found_in_the_cache),
        test(test_what_does_not_compile_is_told_before_the_run_touches_anything),
        test(test_code_that_cannot_be_loaded_leaves_nothing),
        test(test_another_gpu_another_text_another_option_are_compiled_anew),
        test(test_a_gpu_newer_than_the_compiler_gets_ptx),
        test(test_a_gpu_that_the_compiler_does_not_know_any_more_is_refused),
        test(test_an_error_has_the_users_line),
        test(test_an_error_elsewhere_is_told_too),
        test(test_a_compiler_without_memory_says_so),
        test(test_what_failed_is_not_kept),
        test(test_a_kernel_includes_kernel_h_alone),
        test(test_a_kernel_with_another_include_is_refused_before_it_is_compiled),
        test(test_what_a_gpu_does_not_have_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
