"""`keep: summary`: the same summaries as `keep: all`, no cells, and memory that does not grow with them."""
import os
import re
import time
import unittest

from support import IS_SANITIZED, SINGULAR, SINGULAR_TABLE, SLOW, SOURCE, Case

SUMMARY = ["--set", "output.keep=summary"]

SCALE = """\
name: grown
data: {synthetic: {datasets: 3, rows: 4}}
kernel: scale
grid: {factor: {linspace: [-3, 5, 7001]}}
where: not (abs(factor) < 0.5)
summary: {best: argmax(value), least: argmin(value), low: min(value), high: max(value),
          average: mean(value), top: 3}
"""


class Keep(Case):

    def csv(self, job, *flags):
        self.call("run", job, "--quiet", "--out", "run", "--fresh", *flags)
        return self.read("run/summary.csv")

    def assert_same_summaries(self, job, *flags):
        wanted = self.csv(job, "--threads", "2", *flags)
        self.assertIn(b"best", wanted)
        for variant in (["--threads", "1"], ["--threads", "3", "--schedule", "static"],
                        ["--threads", "2", "--schedule", "cyclic", "--batch", "100"],
                        ["--threads", "2", "--schedule", "guided", "--batch", "5000"],
                        ["--threads", "40"]):  # too few blocks for so many: cells are dealt
            with self.subTest(" ".join(variant)):
                self.assertEqual(self.csv(job, *SUMMARY, *variant, *flags), wanted)

    def test_the_summaries_are_those_of_all_cells_to_the_last_bit(self):
        self.assert_same_summaries(self.write("grown.yaml", SCALE))

    def test_of_many_small_datasets_too(self):
        job = os.path.join(SOURCE, "examples", "fertility.yaml")
        self.assert_same_summaries(job, "--set", "grid.lengthscale={geomspace: [0.5, 60, 3]}",
                                   "--set", "where=noise < lengthscale", "--set",
                                   "summary.average=mean(lml)")

    def test_of_single_precision_and_the_tridiagonal_algorithm_too(self):
        job = os.path.join(SOURCE, "examples", "fertility.yaml")
        grid = ["--set", "grid.lengthscale={geomspace: [0.5, 60, 2]}", "--set",
                "summary.average=mean(lml)"]
        self.assert_same_summaries(job, "--set", "run.precision=single", *grid)
        self.assert_same_summaries(job, "--set", "run.algorithm=tridiagonal", *grid)

    def test_where_nan_propagates_too(self):
        self.write("singular.csv", SINGULAR_TABLE)
        job = self.write("singular.yaml", SINGULAR)
        self.assert_same_summaries(job, "--set", "grid.lengthscale={linspace: [1, 2, 3000]}",
                                   "--set", "summary.nan=propagate", "--set", "summary.top=2")

    def test_failed_cells_are_counted_and_the_first_are_named(self):
        self.write("singular.csv", SINGULAR_TABLE)
        job = self.write("singular.yaml", SINGULAR)
        grid = ["--set", "grid.lengthscale={linspace: [1, 2, 9000]}", "--threads", "1"]
        reply = self.call("run", job, "--quiet", "--out", "run", *SUMMARY, *grid)
        self.assertEqual(reply.code, 3)
        reply = self.ok("failed", "run")
        self.assertIn("a, lengthscale=1, noise=0, variance=1: not SPD at minor 2", reply.out)
        self.assertIn("9,000 cells of 1 dataset failed: 9,000 not_spd", reply.out)
        self.assertIn("named are the first to fail of each dataset", reply.out)

    def test_what_is_not_kept_is_said_plainly(self):
        job = self.write("grown.yaml", SCALE)
        self.ok("run", job, "--quiet", "--out", "run", *SUMMARY)
        self.assertIn("no cells, as the job says `keep: summary`", self.ok("show", "run").out)
        shown = self.ok("show", "run", "s0002")
        self.assertIn("argmax(value)", shown.out)
        self.assertRegex(shown.out, r"(?m)^ok +6,126$")
        self.assertRegex(shown.out, r"(?m)^excluded +875$")
        self.assertIn("the cells were not kept", shown.err)
        self.assertIn("s0003", self.ok("best", "run", "--top", "3").out)
        for command in (["export", "run"], ["show", "run", "s0002", "factor=1"]):
            reply = self.call(*command)
            self.assertEqual(reply.code, 2)
            self.assertIn("run/results.h5 has no cells: its job says `keep: summary`", reply.err)
        self.assertEqual(self.call("export", "run").out, "")

    def test_a_quantile_is_refused_at_its_line(self):
        job = self.write("grown.yaml", SCALE.replace("average: mean(value)",
                                                     "middle: 'quantile(value, 0.5)'"))
        reply = self.call("plan", job, *SUMMARY)
        self.assertEqual(reply.code, 2)
        self.assertRegex(reply.err, r"grown.yaml:7:11: the summary 'middle' is a quantile, which "
                                    r"needs all outputs, and `keep: summary` keeps none")

    def test_a_word_that_is_none_is_refused(self):
        reply = self.call("plan", self.write("grown.yaml", SCALE), "--set", "output.keep=best")
        self.assertIn("'keep' takes all or summary, not 'best'", reply.err)

    def planned(self, points):
        job = self.write("grown.yaml", SCALE.replace("where:", "#"))
        grid = f"grid.factor={{linspace: [1, 2, {points}]}}"
        return self.ok("plan", job, "--json", "--threads", "2", "--set", grid,
                       *SUMMARY).json()["memory_bytes"]

    def test_the_plan_foretells_memory_that_does_not_grow(self):
        small, large = self.planned(10 ** 5), self.planned(10 ** 6)
        for what in ("outputs", "states", "prepared", "data"):
            self.assertEqual(small[what], large[what], what)
        self.assertEqual((large["outputs"], large["states"]), (0, 0))
        self.assertLess(large["scratch"], 2 ** 20)
        self.assertLess(large["points"] - 8 * 10 ** 6, 2 ** 17)  # but for the axis itself

    @unittest.skipIf(IS_SANITIZED, "takes its time")
    def test_memory_is_bounded_however_many_cells_there_are(self):
        """8 million cells of 200 x 200 x 200 values; their outputs alone would be 61 MiB."""
        job = self.write("cube.yaml", """\
name: cube
data: {synthetic: {datasets: 1, rows: 200}}
kernel: cube.c
grid: {a: {range: [200]}, b: {range: [200]}, c: {range: [200]}}
summary: {best: argmax(far), average: mean(far)}
run: {threads: 2}
""")
        self.write("cube.c", """\
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"
GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    outputs[0] = gcr_param(ctx, 0) * 40000 + gcr_param(ctx, 1) * 200 + gcr_param(ctx, 2);
    return 0;
}
GCR_DESCRIBE(.name = "cube", .help = "counts", .form = GCR_FORM_CELL, .uses = GCR_USES_Y,
             .parameters = { { .name = "a", .help = "a", .is_free = 1 },
                             { .name = "b", .help = "b", .is_free = 1 },
                             { .name = "c", .help = "c", .is_free = 1 } },
             .outputs = { { .name = "far", .help = "how far", .unit = "1", .width = 1 } })
""")
        reply = self.ok("run", job, "--out", "run", "--json", *SUMMARY).json()
        self.assertEqual(reply["cells"]["ok"], 8 * 10 ** 6)
        self.assertLess(reply["memory"]["measured_bytes"], 2 ** 20)
        self.assertLessEqual(reply["memory"]["measured_bytes"],
                             reply["memory"]["predicted_bytes"] + 2 ** 16)
        best = self.ok("best", "run", "--json").json()[0]
        self.assertEqual((best["a"], best["b"], best["c"]), (199, 199, 199))
        self.assertEqual(best["average"], (8 * 10 ** 6 - 1) / 2)

    def test_ctrl_c_is_answered_within_a_block(self):
        """100 cells of 5 ms to a block: what is done by then is kept, the rest is empty."""
        job = self.write("slow.yaml", SLOW.replace("datasets: 4", "datasets: 9"))
        begin = time.monotonic()
        reply = self.call("run", job, "--out", "run", "--max-time", "0.7", *SUMMARY)
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual(reply.code, 4)
        shown = self.ok("show", "run", "s0001").out + self.ok("show", "run", "s0002").out
        counts = [int(n) for n in re.findall(r"(?m)^(?:ok|empty) +(\d+)$", shown)]
        self.assertEqual(sum(counts), 200)
        self.assertRegex(shown, r"(?m)^empty +[1-9]")


if __name__ == "__main__":
    unittest.main()
