"""A kernel in a file of the user's: `kernel: fit.c`."""
import os
import shutil
import subprocess
import unittest

from support import SOURCE, Case, clean_environment

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
