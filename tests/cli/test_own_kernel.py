"""A kernel in a file of the user's: `kernel: fit.c`."""
import os
import shutil
import signal
import subprocess
import time
import unittest

from support import SOURCE, TIME_LIMIT, Case, clean_environment, hear_signals, widths

# The mean of y times `a`, in the one line that a test replaces.
KERNEL = """\
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    STATEMENT
    return 0;
}

GCR_DESCRIBE(.name = "fit", .help = "a test", .form = GCR_FORM_CELL, .uses = GCR_USES_Y,
             .parameters = { { .name = "a", .help = "any number", .is_free = 1 } },
             .outputs = { { .name = "v", .help = "a value", .unit = "1", .width = 1 } })
"""
JOB = """\
name: own
data: {synthetic: {datasets: 3, rows: 4}}
kernel: fit.c
grid: {a: [1, 2, 3]}
summary: {best: argmax(v)}
"""


class Own(Case):
    def setUp(self):
        super().setUp()
        self.cache = self.path("cache")
        self.environment = clean_environment(GRIDCRUNCH_CACHE=self.cache)
        self.write("own.yaml", JOB)

    def call(self, *args, **options):
        options.setdefault("env", self.environment)
        return super().call(*args, **options)

    def start(self, *args, preexec_fn=hear_signals):
        os.environ["GRIDCRUNCH_CACHE"] = self.cache
        self.addCleanup(os.environ.pop, "GRIDCRUNCH_CACHE")
        return super().start(*args, preexec_fn=preexec_fn)

    def kernel(self, statement, name="fit.c"):
        return self.write(name, KERNEL.replace("STATEMENT", statement))


class Runs(Own):
    def test_it_runs_like_a_built_in_one(self):
        self.kernel("outputs[0] = gcr_param(ctx, 0) * gcr_y(ctx, 0);")
        self.ok("run", "own.yaml")
        self.ok("run", "own.yaml", "--out", "again")
        self.assertEqual(self.ok("export", "runs/own").out, self.ok("export", "again").out)
        self.ok("plan", "own.yaml")
        tried = self.ok("try", "own.yaml", "--cell", "s0001,a=2").out
        self.assertIn("ok", tried)

    def test_scratch_may_fall_where_the_rows_rise(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = gcr_scratch(ctx)[0] = 1;")
        text = text.replace("GCR_DESCRIBE(", "static int64_t few(const gcr_shape *shape)\n{\n"
                            "    return 1000 - 100 * shape->rows;\n}\n\n"
                            "GCR_DESCRIBE(.scratch_count = few, ")
        self.write("fit.c", text)
        self.ok("run", "own.yaml", "--set", "data.synthetic.rows=[2, 9]")

    def test_the_cache_may_be_named_from_here(self):
        self.kernel("outputs[0] = 1;")
        self.environment["GRIDCRUNCH_CACHE"] = "cache"
        self.ok("run", "own.yaml")
        self.assertEqual(len(os.listdir(self.cache)), 2)

    def test_files_that_lie_around_are_not_compiled_in(self):
        self.kernel("outputs[0] = 1;")
        for name in ("kernels/own/expect.h", "backend/cpu/lanes.h", "gridcrunch/kernel.h",
                     "gridcrunch/kernel_math.h", "stdint.h"):
            self.write(name, "#error this was planted\n")
        for variables in ({}, {"CPATH": "."}, {"CPATH": ":/none"}, {"C_INCLUDE_PATH": "."}):
            with self.subTest(variables):
                shutil.rmtree(self.cache, ignore_errors=True)
                self.ok("run", "own.yaml", "--fresh", env={**self.environment, **variables})

    def test_its_path_is_relative_to_the_job(self):
        self.kernel("outputs[0] = 1;", "jobs/kernels/fit.c")
        self.write("jobs/own.yaml", JOB.replace("fit.c", "kernels/fit.c"))
        self.ok("run", "jobs/own.yaml")
        self.ok("run", "own.yaml", "--set", "kernel=" + self.path("jobs/kernels/fit.c"), "--fresh")

    def test_a_copy_of_a_built_in_kernel_has_its_results(self):
        job = JOB.replace("fit.c", "ridge").replace("{a: [1, 2, 3]}", "{alpha: [0.1, 1]}")
        job = job.replace("rows: 4", "rows: [20, 30], noise: 0.1").replace("argmax(v)", "argmin(mse)")
        self.write("ridge.yaml", job.replace("name: own", "name: ridge"))
        shutil.copy(os.path.join(SOURCE, "src/kernels/ridge.c"), self.path("ridge.c"))
        options = ["--set", "options.folds=3"]
        for precision in ("double", "single"):
            options += ["--set", f"run.precision={precision}", "--fresh"]
            self.ok("run", "ridge.yaml", *options)
            self.ok("run", "ridge.yaml", *options, "--set", "kernel=ridge.c", "--out", "copy")
            self.assertEqual(self.ok("export", "runs/ridge").out, self.ok("export", "copy").out)

    def test_a_copy_of_a_built_in_kernel_has_its_algorithms(self):
        job = JOB.replace("{a: [1, 2, 3]}", "{lengthscale: [1, 2], noise: [0.1, 1], variance: [1]}")
        job = job.replace("fit.c", "gp").replace("argmax(v)", "argmax(lml)")
        self.write("own.yaml", job + "run: {algorithm: tridiagonal}\n")
        shutil.copy(os.path.join(SOURCE, "src/kernels/gp.c"), self.path("gp.c"))
        self.ok("run", "own.yaml", "--out", "built_in")
        self.ok("run", "own.yaml", "--set", "kernel=gp.c", "--out", "copy")
        self.assertEqual(self.ok("export", "built_in").out, self.ok("export", "copy").out)

    def test_an_algorithm_that_it_does_not_have_is_refused(self):
        self.kernel("outputs[0] = 1;")
        self.assert_refused(self.call("run", "own.yaml", "--set", "run.algorithm=tridiagonal"),
                            "fit.c has no algorithm 'tridiagonal'", "base()")

    def test_its_helpers_may_have_names_of_libc(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = error(gcr_param(ctx, 0), 1, outputs);")
        self.write("fit.c", text.replace("GCR_FN int cell", """\
gcr_real error(gcr_real a, int count, const gcr_real *rest);
__attribute__((noinline)) gcr_real error(gcr_real a, int count, const gcr_real *rest)
{
    return a + count + (rest == 0);
}

GCR_FN int cell"""))
        self.ok("run", "own.yaml")
        self.assertIn("s0001,3,ok,4", self.ok("export", "runs/own").out)

    def test_without_a_cache_nothing_is_left(self):
        self.kernel("outputs[0] = 1;")
        os.mkdir(self.path("tmp"))
        self.ok("run", "own.yaml",
                env=clean_environment(GRIDCRUNCH_CACHE="/proc/none", TMPDIR=self.path("tmp")))
        self.assertEqual(os.listdir(self.path("tmp")), [])

    def test_a_damaged_object_is_made_again(self):
        self.kernel("outputs[0] = 1;")
        self.ok("run", "own.yaml")
        for name in os.listdir(self.cache):
            with open(os.path.join(self.cache, name), "r+b") as file:
                file.truncate(1000)
        self.ok("run", "own.yaml", "--fresh")

    def test_runs_at_once_share_a_fresh_cache(self):
        self.kernel("outputs[0] = 1;")
        runs = [subprocess.Popen([os.environ["GRIDCRUNCH"], "run", "own.yaml", "--out", f"run{i}"],
                                 cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for i in range(3)]
        self.assertEqual([run.wait() for run in runs], [0, 0, 0])
        self.assertEqual(len(os.listdir(self.cache)), 2)

    def test_the_record_has_the_text_and_who_compiled_it(self):
        self.kernel("outputs[0] = 1;")
        self.ok("run", "own.yaml")
        try:
            import h5py
        except ImportError:
            self.skipTest("no h5py")
        with h5py.File(self.path("runs/own/results.h5")) as file:
            self.assertEqual(file["run/kernel_text"].asstr()[()].encode(), self.read("fit.c"))
            self.assertEqual(len(file["run"].attrs["kernel_hash"]), 32)
            self.assertTrue(file["run"].attrs["kernel_compiler"])


class Example(Own):
    def test_the_example_finds_the_best_weight_for_the_nile(self):
        out = self.ok("run", os.path.join(SOURCE, "examples/smooth.yaml")).out
        self.assertRegex(out, r"nile +20594\.9 +0\.25")

    def test_the_example_passes_its_check_and_is_compiled_on_several_cores(self):
        self.write("compiler", "#!/bin/sh\necho begin >> log\ncc \"$@\"\ncode=$?\necho end >> log\nexit $code\n")
        os.chmod(self.path("compiler"), 0o755)
        self.environment["GRIDCRUNCH_CC"] = self.path("compiler")
        self.ok("kernel", "check", os.path.join(SOURCE, "examples/ewma.c"))
        with open(self.path("log"), encoding="utf-8") as log:
            self.assertEqual("begin\nbegin" in log.read(), len(os.sched_getaffinity(0)) > 1)


class Crashes(Own):
    def assert_says_where(self, reply, *words):
        self.assertEqual(reply.code, 1, reply)
        last = reply.err.splitlines()[-1]
        for word in ("fit.c crashed", "gridcrunch kernel check fit.c", *words):
            self.assertIn(word, last)

    def test_a_crash_names_its_cell_and_leaves_nothing(self):
        self.kernel("outputs[0] = 1; if (gcr_param(ctx, 0) == 2) *(volatile int *)8 = 1;")
        reply = self.call("run", "own.yaml", "--batch", "1", "--threads", "1")
        self.assert_says_where(reply, " at s0001, a=2 ", "Segmentation fault")
        self.assertFalse(os.path.exists(self.path("runs/own")))
        self.assert_says_where(self.call("try", "own.yaml", "--cell", "s0003,a=2"), "s0003,a=2")

    def test_an_earlier_run_is_back_after_a_crash(self):
        self.kernel("outputs[0] = 1;")
        self.ok("run", "own.yaml")
        before = self.read("runs/own/results.h5")
        self.kernel("outputs[0] = 1; __builtin_trap();")
        self.assert_says_where(self.call("run", "own.yaml", "--fresh"), "Illegal instruction")
        self.assertEqual(self.read("runs/own/results.h5"), before)

    def test_a_stack_that_is_used_up_is_a_crash_too(self):
        self.kernel("volatile char deep[1 << 20]; deep[0] = 1;\n"
                    "    outputs[0] = deep[0] + (gcr_param(ctx, 0) < 9 ? cell(ctx, outputs) : 0);")
        self.assert_says_where(self.call("run", "own.yaml"), "Segmentation fault")

    def test_a_description_that_crashes_says_so(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = gcr_scratch(ctx)[0];")
        text = text.replace("GCR_DESCRIBE(", "GCR_HOST_FN int64_t room(const gcr_shape *shape)\n{\n"
                            "    return shape->rows + *(volatile int *)8;\n}\nGCR_DESCRIBE(")
        self.write("fit.c", text.replace(".width = 1 } })", ".width = 1 } },\n.scratch_count = room)"))
        self.assert_says_where(self.call("plan", "own.yaml"))

    def test_an_endless_loop_is_stopped_by_the_second_signal(self):
        self.kernel("outputs[0] = 1; while (gcr_param(ctx, 0) == gcr_param(ctx, 0)) gcr_sleep_ns(1e6);")
        process = self.start_computing("own.yaml")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(TIME_LIMIT), 4)
        self.assertEqual(os.listdir(self.path("runs/own")), [])


class Described(Own):
    def test_kernels_shows_a_file_as_a_built_in_one(self):
        self.kernel("outputs[0] = 1;")
        out = self.ok("kernels", "fit.c").out
        for words in ("a test", "uses       y", "any number", "a value"):
            self.assertIn(words, out)

    def test_and_refuses_one_that_is_not_there(self):
        self.assert_refused(self.call("kernels", "none.c"), "none.c", "No such file")


class Checked(Own):
    def check(self, *args, code=0):
        reply = self.call("kernel", "check", "fit.c", *args)
        self.assertEqual(reply.code, code, reply)
        return dict(line.split(None, 1) for line in reply.out.split("\n\n")[0].splitlines())

    def test_a_good_kernel_passes_all(self):
        self.kernel("outputs[0] = gcr_param(ctx, 0) * gcr_y(ctx, 0);")
        found = self.check()
        self.assertEqual(set(found), {"compile", "cells", "outputs", "batch", "order", "lanes",
                                      "tiles", "memory", "threads", "plain", "bounds"})
        self.assertFalse([line for line in found.values() if "FAILED" in line], found)

    def test_an_spd_kernel_with_prepare_and_options_passes(self):
        shutil.copy(os.path.join(SOURCE, "src/kernels/gp.c"), self.path("fit.c"))
        found = self.check("--set", "covariance=matern32")
        self.assertIn("270 random cells", found["cells"])
        self.assertIn("ok: all of this holds", found["algorithm"])

    def test_what_the_tridiagonal_algorithm_alone_gets_wrong_is_found(self):
        with open(os.path.join(SOURCE, "src/kernels/gp.c")) as file:
            text = file.read()
        asked = "return GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM;"
        self.assertIn(asked, text)
        self.write("fit.c", text.replace(asked, asked.replace(
            "return", "return !(gcr_param(ctx, NOISE) >= 0) ? 0 :")))
        found = self.check(code=1)
        self.assertRegex(found["algorithm"], r"FAILED: with algorithm: tridiagonal \(\w+\), a "
                         "random dataset of .*, lengthscale=")
        self.assertEqual([name for name in found if "FAILED" in found[name]], ["algorithm"])

    def test_what_it_keeps_between_cells_is_found(self):
        self.kernel("static gcr_real calls; outputs[0] = calls++; (void)gcr_y(ctx, 0);")
        found = self.check(code=1)
        self.assertIn("FAILED: a random dataset of 12 rows, a=", found["batch"])

    def test_what_it_keeps_from_one_dataset_to_the_next_is_found(self):
        self.kernel("static int64_t rows; static gcr_real first; if (rows != gcr_rows(ctx)) "
                    "first = gcr_y(ctx, 0); rows = gcr_rows(ctx); outputs[0] = first;")
        found = self.check(code=1)
        self.assertIn("FAILED: a random dataset of ", found["tiles"])
        self.assertIn("ok", found["batch"])

    def test_scratch_that_is_read_before_it_is_written_is_found(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = gcr_scratch(ctx)[0] > 0;")
        text = text.replace("GCR_DESCRIBE(", "GCR_HOST_FN int64_t room(const gcr_shape *shape)\n"
                            "{\n    return shape->rows;\n}\nGCR_DESCRIBE(")
        self.write("fit.c", text.replace(".width = 1 } })", ".width = 1 } },\n.scratch_count = room)"))
        self.assertIn("FAILED", self.check(code=1)["memory"])

    def assert_out_of_bounds(self, statement, words):
        self.kernel(statement)
        bounds = self.check(code=1)["bounds"]
        if "skipped" in bounds:
            self.skipTest("there is no AddressSanitizer")
        self.assertIn("FAILED: fit.c:6", bounds)
        self.assertIn(words, bounds)

    def test_writing_behind_the_outputs_is_found(self):
        self.assert_out_of_bounds("outputs[0] = 1; outputs[1] = 2;", "outside of the memory")

    def test_a_row_that_is_not_there_is_found(self):
        self.assert_out_of_bounds("outputs[0] = gcr_y(ctx, gcr_rows(ctx));", "reads a row")

    def test_a_parameter_that_is_not_there_is_found_where_the_compiler_cannot_see_it(self):
        self.assert_out_of_bounds("outputs[0] = gcr_param(ctx, (int)gcr_rows(ctx));",
                                  "reads a parameter")

    def test_an_output_that_is_not_written_is_named(self):
        self.kernel("(void)ctx; (void)outputs;")
        self.assertIn("FAILED: 'v' is declared, and not written", self.check(code=1)["outputs"])

    def test_the_cell_that_crashes_is_named(self):
        self.kernel("outputs[0] = 1; if (gcr_rows(ctx) == 7) *(volatile int *)8 = 1;")
        self.assertIn("crashes (Segmentation fault) at a random dataset of 7 rows, a=",
                      self.check(code=1)["cells"])

    def test_warnings_are_shown_with_the_users_lines(self):
        self.kernel("int unused; outputs[0] = gcr_y(ctx, 0);")
        out = self.ok("kernel", "check", "fit.c").out
        self.assertIn("with the warnings below", out)
        self.assertIn("fit.c:6:9: warning: unused variable 'unused'", out)

    def test_what_does_not_compile_is_exit_2(self):
        self.kernel("outputs[0] = ;")
        reply = self.call("kernel", "check", "fit.c")
        self.assertEqual(reply.code, 2, reply)
        self.assertTrue(reply.err.startswith("fit.c:6:18: "), reply)

    def test_it_fits_a_narrow_terminal(self):
        self.kernel("outputs[0] = 1;")
        code, drawn = self.call_on_terminal(40, "kernel", "check", "fit.c",
                                            GRIDCRUNCH_CACHE=self.cache)
        self.assertEqual(code, 0, drawn)
        self.assertLessEqual(max(widths(drawn)), 40)

    def test_wrong_words_are_refused(self):
        self.kernel("outputs[0] = 1;")
        self.assertEqual(self.call("kernel").code, 2)
        self.assertEqual(self.call("kernel", "chek", "fit.c").code, 2)
        self.assertEqual(self.call("kernel", "check").code, 2)
        reply = self.call("kernel", "check", "fit.c", "--set", "folds=3")
        self.assert_refused(reply, "no option 'folds'")


class Refused(Own):
    def assert_refused_by_the_compiler(self, place, words):
        reply = self.call("run", "own.yaml")
        self.assertEqual(reply.code, 2, reply)
        first = reply.err.splitlines()[0]
        self.assertTrue(first.startswith(place), reply)
        self.assertIn(words, first)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_what_does_not_compile_is_shown_with_its_line(self):
        self.kernel("outputs[0] = gcr_y(ctx, 0)")
        self.assert_refused_by_the_compiler("fit.c:6:31: ", "expected ';'")
        self.assertIn("outputs[0] = gcr_y(ctx, 0)", self.call("plan", "own.yaml").err)

    def test_a_missing_parameter_is_an_error_of_the_compiler(self):
        self.kernel("outputs[0] = gcr_param(ctx, 1);")
        self.assert_refused_by_the_compiler("fit.c:6:18: ", "parameter")

    def test_columns_that_are_not_declared_too(self):
        self.kernel("outputs[0] = gcr_x(ctx, 0, 0);")
        self.assert_refused_by_the_compiler("fit.c:6:18: ", "GCR_USES_X")

    def test_a_file_that_is_not_there_is_named_with_the_place_in_the_job(self):
        self.assert_refused(self.call("run", "own.yaml"), "own.yaml:3:9: ", "fit.c", "No such file")

    def test_a_folder_is_no_kernel(self):
        os.mkdir(self.path("fit.c"))
        self.assert_refused(self.call("run", "own.yaml"), "fit.c is a folder")

    def test_a_description_that_makes_no_sense_is_one_sentence(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = 1;")
        for right, wrong, words in (('.name = "fit", ', "", "the description has no name"),
                                    (".width = 1", ".width = 0", "the width of output 'v' is 0"),
                                    ('.name = "v"', '.name = "a/v"', "'a/v' cannot be the name"),
                                    ("FORM_CELL", "FORM_SPD", "itself with .form = GCR_FORM_CELL"),
                                    (text[text.index("GCR_DESCRIBE"):], "", "no GCR_DESCRIBE")):
            with self.subTest(wrong):
                self.write("fit.c", text.replace(right, wrong))
                self.assert_refused(self.call("plan", "own.yaml"), "fit.c", words)

    def test_sizes_that_cannot_be_name_the_shape(self):
        text = KERNEL.replace("STATEMENT", "outputs[0] = gcr_scratch(ctx)[0];")
        text = text.replace("GCR_DESCRIBE(", "GCR_HOST_FN int64_t room(const gcr_shape *shape)\n"
                            "{\n    return shape->rows - 9;\n}\nGCR_DESCRIBE(")
        self.write("fit.c", text.replace(".width = 1 } })", ".width = 1 } },\n.scratch_count = room)"))
        self.assert_refused(self.call("plan", "own.yaml"), "scratch_count is -5", "4 rows")

    def test_without_a_compiler_built_in_kernels_still_work(self):
        self.kernel("outputs[0] = 1;")
        self.environment["GRIDCRUNCH_CC"] = "no-such-compiler"
        self.assert_refused(self.call("run", "own.yaml"), "'no-such-compiler'", "install")
        scale = ["--set", "kernel=scale", "--set", "grid={factor: [1]}",
                 "--set", "summary={best: argmax(value)}"]
        self.ok("run", "own.yaml", *scale)

    def test_a_cache_that_others_may_write_is_refused(self):
        self.kernel("outputs[0] = 1;")
        os.mkdir(self.cache)
        os.chmod(self.cache, 0o777)
        self.assert_refused(self.call("run", "own.yaml"), "may be written by other users")

    def test_nan_is_a_record_and_not_the_end(self):
        self.kernel("outputs[0] = gcr_param(ctx, 0) == 2 ? 0.0 / 0.0 : 1;")
        reply = self.call("run", "own.yaml")
        self.assertEqual(reply.code, 3, reply)
        self.assertIn("3 nan_out", self.call("failed", "runs/own").out)

    def test_an_output_that_is_not_written_is_nan(self):
        self.kernel("(void)outputs; (void)ctx;")
        reply = self.call("run", "own.yaml")
        self.assertEqual(reply.code, 3, reply)
        self.assertIn("9 nan_out", self.call("failed", "runs/own").out)


if __name__ == "__main__":
    unittest.main()
