"""Outputs, status and summaries have the same bits for any threads, schedule and batch size."""
import hashlib
import os
import unittest

from support import SMALL, SOURCE, Case, has_h5py, hash_arrays


class SameBits(Case):
    """The whole main job over fewer points: 210 datasets of 3 to 52 rows, some cells excluded."""

    def setUp(self):
        super().setUp()
        self.job = os.path.join(SOURCE, "examples", "fertility.yaml")

    def bits(self, *flags):
        self.ok("run", self.job, "--quiet", "--out", "run", "--fresh", "--set",
                "grid.lengthscale={geomspace: [0.5, 60, 5]}", "--set",
                "where=noise < lengthscale", *flags)
        if has_h5py():
            return hash_arrays(self.path("run/results.h5"))[0]
        cells = self.ok("export", "run").out
        return hashlib.sha256((cells + self.ok("best", "run", "--csv").out).encode()).hexdigest()

    def assert_same(self, *variants):
        wanted = self.bits("--threads", "1", "--schedule", "static")
        self.assertIn("lml", wanted) if has_h5py() else None
        for flags in variants:
            with self.subTest(" ".join(flags)):
                self.assertEqual(self.bits(*flags), wanted)

    def test_threads_do_not_change_them(self):
        self.assert_same(["--threads", "2"], ["--threads", "3"], ["--threads", "7"])

    def test_schedules_do_not_change_them(self):
        self.assert_same(*(["--threads", "2", "--schedule", schedule]
                           for schedule in ("static", "cyclic", "dynamic", "guided", "auto")))

    def test_batch_sizes_do_not_change_them(self):
        self.assert_same(*(["--threads", "2", "--batch", batch] for batch in ("1", "7", "1000")))

    def test_the_code_path_taken_is_the_best_one(self):
        backends = self.ok("devices", "--json").json()
        best = next(b["devices"][0]["code_path"] for b in backends if b["backend"] == "cpu")
        self.assert_same(["--set", f"run.code_path={best}"])

    def test_a_code_path_that_is_asked_for_is_named_in_the_kind(self):
        job = self.write("small.yaml", SMALL)
        plan = self.ok("plan", job, "--set", "run.code_path=plain").out
        self.assertRegex(plan, r"(?m)^kind +cpu, f64, plain lanes, ")

    def test_nor_do_any_of_these_change_the_tridiagonal_ones(self):
        tridiagonal = ["--set", "run.algorithm=tridiagonal",  # with batches of 1, one for each cell
                       "--set", "grid.noise=[0.01, 0.1, 1]"]
        wanted = self.bits("--threads", "1", "--schedule", "static", *tridiagonal)
        for flags in (["--threads", "3"], ["--threads", "2", "--schedule", "guided"],
                      ["--batch", "1"], ["--batch", "7"], ["--batch", "1000"],
                      ["--threads", "2", "--schedule", "cyclic"]):
            with self.subTest(" ".join(flags)):
                self.assertEqual(self.bits(*flags, *tridiagonal), wanted)

    def test_an_algorithm_that_is_asked_for_is_named_in_the_kind(self):
        job = self.write("small.yaml", SMALL)
        plan = self.ok("plan", job, "--set", "run.algorithm=tridiagonal").out
        self.assertRegex(plan, r"(?m)^kind +cpu, f64, tridiagonal, ")

    def test_nor_do_any_of_these_change_those_of_single_precision(self):
        single = ["--set", "run.precision=single"]
        wanted = self.bits("--threads", "1", "--schedule", "static", *single)
        self.assertNotEqual(wanted, self.bits())
        for flags in (["--threads", "3"], ["--threads", "2", "--schedule", "guided"],
                      ["--batch", "1"], ["--batch", "7"], ["--batch", "1000"]):
            with self.subTest(" ".join(flags)):
                self.assertEqual(self.bits(*flags, *single), wanted)

    def test_the_precision_is_named_in_the_kind(self):
        job = self.write("small.yaml", SMALL)
        plan = self.ok("plan", job, "--set", "run.precision=single").out
        self.assertRegex(plan, r"(?m)^kind +cpu, f32, ")

    def test_the_order_of_the_words_in_export_is_that_of_the_grid(self):
        self.bits()
        lines = self.ok("export", "run").out.splitlines()
        self.assertEqual(lines[0], "dataset,lengthscale,noise,variance,status,lml")
        self.assertTrue(lines[1].startswith("Aruba,0.5,0.001,0.25,ok,"), lines[1])


class EveryKernel(Case):
    """One grid of each kernel that takes several numbers to say, cut in several ways."""

    TABLE = "who,a,b,y\n" + "".join(
        f"{'pqr'[i % 3]},{i * 37 % 23 / 8},{i * 29 % 19 / 4},{i * i % 7 % 2}\n" for i in range(80))
    JOBS = {
        "cholesky": "options: {n: 9}\ngrid: {replicate: {range: [0, 17]}}",
        "convolve": "grid: {row: {range: [0, 30]}, k: [1, 4, 65]}",
        "gp": "options: {covariance: matern32}\ngrid: {noise: [0, 1e-9, 0.1], variance: [1, 2],"
              " lengthscale: [0.5, 1, 1e3]}\nrun: {jitter: [1e-12, 1e-6]}",
        "gp tridiagonal": "grid: {noise: [0, 1e-9, 0.1], lengthscale: [0.5, 1, 1e3], variance: [1, 2]}"
                          "\nrun: {jitter: [1e-12, 1e-6], algorithm: tridiagonal}",
        "gp_profile": "grid: {noise_ratio: [0, 1e-9, 0.1], lengthscale: [0.5, 1, 1e3]}",
        "kernel_ridge tridiagonal": "grid: {alpha: [1e-9, 0.1, 1, 2], lengthscale: [0.5, 1, 1e3]}"
                                    "\nrun: {algorithm: tridiagonal}",
        "kernel_ridge": "grid: {alpha: [0, 1e-9, 0.1, 1, 2], lengthscale: [0.5, 1, 1e3]}"
                        "\nrun: {jitter: [1e-12, 1e-6]}",
        "logistic": "grid: {penalty: {geomspace: [1e-3, 10, 21]}}",
        "outer": "grid: {row: {range: [0, 30]}}",
        "ridge": "grid: {alpha: {geomspace: [1e-3, 1e3, 21]}}",
        "ridge tridiagonal": "grid: {alpha: {geomspace: [1e-3, 1e3, 21]}}"
                             "\nrun: {algorithm: tridiagonal}",
        "scale": "grid: {factor: {linspace: [-1, 1, 41]}}",
        "spin": "grid: {ns: {linspace: [0, 1000, 41]}}",
    }

    def cells(self, *flags):
        self.assertIn(self.call("run", "job.yaml", "--fresh", "--quiet", *flags).code, (0, 3))
        return self.ok("export", "runs/it").out

    def check(self, kernel, precision):
        kind = ["--set", f"run.precision={precision}"]
        wanted = self.cells("--threads", "1", "--schedule", "static", *kind)
        for flags in (["--threads", "2", "--schedule", "dynamic", "--batch", "1"],
                      ["--threads", "3", "--schedule", "guided"],
                      ["--threads", "2", "--schedule", "cyclic", "--batch", "5"]):
            with self.subTest(kernel, precision=precision, flags=" ".join(flags)):
                self.assertEqual(self.cells(*flags, *kind), wanted)

    def test_any_cut_of_any_grid_gives_the_same_cells(self):
        self.write("table.csv", self.TABLE)
        for kernel, rest in self.JOBS.items():
            self.write("job.yaml", "name: it\ndata: {source: table.csv, key: who, x: [a, b], y: y}\n"
                                   f"seed: 3\nkernel: {kernel.split()[0]}\n{rest}\n")
            self.check(kernel, "double")
            if "tridiagonal" not in kernel:
                self.check(kernel, "single")


class ThinGrid(Case):
    """Many datasets of a few sizes with a cell or two each, so that cells computed together are of
    several datasets, beside each cell by itself (batches of one)."""

    JOBS = {
        "gp": "grid: {noise: [0, 1e-9, 0.1], variance: [1], lengthscale: [2]}"
              "\nwhere: noise != 1e-9\nrun: {jitter: [1e-12, 1e-6]}",
        "kernel_ridge": "grid: {alpha: [0.1], lengthscale: [1]}",
        "ridge": "options: {folds: 3}\ngrid: {alpha: [0.1, 1]}",
    }

    def setUp(self):
        super().setUp()
        rows = [f"d{d},{(d * 31 + i * 17) % 23 / 8},{(d * i + 7 * i) % 19 / 4},{(d + i * i) % 7 / 2}"
                for d in range(90) for i in range((2, 5, 8, 8, 13)[d % 5])]
        self.write("table.csv", "who,a,b,y\n" + "\n".join(rows) + "\n")

    def cells(self, *flags):
        self.assertIn(self.call("run", "job.yaml", "--fresh", "--quiet", *flags).code, (0, 3))
        return self.ok("export", "runs/it").out

    def test_cells_of_many_datasets_are_as_alone(self):
        for kernel, rest in self.JOBS.items():
            self.write("job.yaml", "name: it\ndata: {source: table.csv, key: who, x: [a, b], y: y}\n"
                                   f"kernel: {kernel}\n{rest}\n")
            wanted = self.cells("--threads", "1", "--batch", "1")
            for flags in (["--threads", "1"], ["--threads", "3", "--schedule", "guided"],
                          ["--threads", "2", "--schedule", "cyclic", "--batch", "40"],
                          ["--threads", "2", "--schedule", "static", "--batch", "7"]):
                with self.subTest(kernel, flags=" ".join(flags)):
                    self.assertEqual(self.cells(*flags), wanted)


if __name__ == "__main__":
    unittest.main()
