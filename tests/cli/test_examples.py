"""The large examples, made small: what they compute is checked, and what they would need is planned."""
import math
import os
import unittest

from support import SOURCE, Case


def example(name):
    return os.path.join(SOURCE, "examples", name)


class Examples(Case):

    def test_the_large_grid_is_planned_in_memory_that_any_machine_has(self):
        plan = self.ok("plan", example("fertility-large.yaml"), "--json", "--device", "cpu",
                       "--threads", "8").json()
        self.assertEqual(plan["cells"], 210 * 10 ** 6)
        self.assertEqual(plan["keep"], "summary")
        self.assertEqual(plan["memory_bytes"]["outputs"], 0)
        self.assertLess(plan["memory_bytes"]["total"], 32 * 2 ** 20)

    def test_the_large_grid_made_small_has_the_summaries_of_all_cells(self):
        small = ["--device", "cpu", "--set", "grid.lengthscale={geomspace: [0.5, 60, 6]}", "--set",
                 "grid.noise={geomspace: [1e-3, 1, 7]}", "--set",
                 "grid.variance={geomspace: [0.1, 10, 6]}"]
        job = example("fertility-large.yaml")
        self.ok("run", job, "--quiet", "--out", "kept", *small, "--set", "output.keep=all")
        self.ok("run", job, "--quiet", "--out", "gone", *small)
        self.assertEqual(self.read("kept/summary.csv"), self.read("gone/summary.csv"))
        self.assertIn("Aruba", self.ok("best", "gone", "--top", "3").out)
        self.assertLess(os.path.getsize(self.path("gone/results.h5")),
                        os.path.getsize(self.path("kept/results.h5")) / 5)

    def test_the_factor_of_a_random_square_is_near_what_is_known_of_it(self):
        self.ok("run", example("cholesky.yaml"), "--quiet", "--device", "cpu", "--out", "run",
                "--set", "options.n=300")
        first = self.ok("best", "run", "--json").json()[0]["first"]
        self.assertAlmostEqual(first, math.sqrt(300 / 3), delta=1)

    def test_so_are_several(self):
        self.ok("run", example("cholesky-cells.yaml"), "--quiet", "--device", "cpu", "--out", "run",
                "--set", "options.n=300")
        second = self.ok("best", "run", "--json").json()[0]["second"]
        self.assertAlmostEqual(second, math.sqrt(3 * 300 / 112), delta=0.5)


if __name__ == "__main__":
    unittest.main()
