"""Every command does what it is for."""
import csv
import io
import json
import os
import subprocess
import unittest

from support import PROGRAM, SINGULAR, SINGULAR_TABLE, SMALL, SOURCE, Case


class Run(Case):
    def test_a_run_leaves_its_results_in_a_folder_with_its_name(self):
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml")
        self.assertEqual(sorted(os.listdir(self.path("runs/small"))), ["results.h5", "summary.csv"])

    def test_out_names_the_folder(self):
        self.write("jobs/small.yaml", SMALL)
        self.ok("run", "jobs/small.yaml", "--out", "here/there/")
        self.assertTrue(os.path.exists(self.path("here/there/results.h5")))

    def test_stdout_has_the_best_points_and_nothing_else(self):
        self.write("small.yaml", SMALL)
        lines = self.ok("run", "small.yaml").out.splitlines()
        self.assertEqual(lines[0].split(), ["dataset", "best", "lengthscale", "noise", "variance"])
        self.assertEqual(len(lines), 1 + 6)

    def test_stderr_says_what_is_done_and_what_came_out(self):
        self.write("small.yaml", SMALL)
        err = self.ok("run", "small.yaml").err
        for label in ("job", "datasets", "grid", "cells", "device", "compute", "memory", "done",
                      "time", "moved", "results", "best"):
            self.assertRegex(err, rf"(?m)^{label} ")
        self.assertIn("72 ok", err)
        self.assertIn("predicted", err)
        self.assertIn("measured", err)

    def test_quiet_says_nothing_but_the_results(self):
        self.write("small.yaml", SMALL)
        reply = self.ok("run", "small.yaml", "--quiet")
        self.assertEqual(reply.err, "")
        self.assertIn("lengthscale", reply.out)

    def test_json_is_one_document_with_what_a_program_needs(self):
        self.write("small.yaml", SMALL)
        document = self.ok("run", "small.yaml", "--json").json()
        self.assertEqual(document["cells"]["total"], 72)
        self.assertEqual(document["cells"]["ok"], 72)
        self.assertEqual(document["ending"], "complete")
        self.assertEqual(document["exit"], 0)
        self.assertEqual(document["folder"], "runs/small")
        self.assertEqual(document["ledger"]["down_bytes"], 0)  # the cpu copies nothing
        self.assertGreater(document["memory"]["predicted_bytes"], 0)
        self.assertEqual(document["edges"]["best"]["datasets"], 6)
        self.assertEqual(sorted(document["edges"]["best"]["axes"]), ["lengthscale", "noise"])

    def test_set_changes_the_job(self):
        self.write("small.yaml", SMALL)
        document = self.ok("run", "small.yaml", "--json", "--set", "grid.noise=[0.1, 0.2]",
                           "--set", "name=other").json()
        self.assertEqual(document["cells"]["total"], 6 * 4 * 2)
        self.assertEqual(document["folder"], "runs/other")

    def test_a_dataset_without_a_value_is_named_and_skipped(self):
        self.write("table.csv", "who,x,y\na,1,1\na,2,2\nempty,1,\nempty,2,\n")
        self.write("job.yaml", SINGULAR.replace("singular.csv", "table.csv"))
        reply = self.ok("run", "job.yaml")
        self.assertRegex(reply.err, r"(?m)^skipped +1 of 2: empty \(")

    def test_the_edges_of_the_grid_are_counted(self):
        self.write("job.yaml", "name: edge\ndata: {synthetic: {datasets: 3, rows: 5}}\n"
                               "kernel: sleep\ngrid: {ms: [0, 0.1, 0.2]}\n"
                               "summary: {most: argmax(asked), least: argmin(asked)}\n")
        err = self.ok("run", "job.yaml").err
        self.assertIn("on the edge of ms in 3 of 3 datasets (3 high)", err)
        self.assertIn("on the edge of ms in 3 of 3 datasets (3 low)", err)

    def test_a_job_without_summary_runs_too(self):
        self.write("small.yaml", SMALL.replace("summary: {best: argmax(lml), top: 2}\n", ""))
        self.assertEqual(self.ok("run", "small.yaml").out, "")


class Plan(Case):
    def test_a_plan_says_everything_and_makes_nothing(self):
        self.write("small.yaml", SMALL)
        before = self.files()
        out = self.ok("plan", "small.yaml", "--threads", 2, "--schedule", "guided").out
        for words in ("6 with 8 / ", "lengthscale: 4 values, 0.5 .. 4", "= 12 points",
                      "2 threads, schedule guided", "outputs", "order"):
            self.assertIn(words, out)
        self.assert_nothing_changed(before)

    def test_json_says_the_same_in_numbers(self):
        self.write("small.yaml", SMALL + "where: noise < 1\n")
        plan = self.ok("plan", "small.yaml", "--json").json()
        self.assertEqual(plan["points"], 12)
        self.assertEqual(plan["live_points"], 8)
        self.assertEqual(plan["live_cells"], 48)
        self.assertEqual([axis["count"] for axis in plan["axes"]], [4, 3, 1])
        parts = [v for k, v in plan["memory_bytes"].items() if k != "total"]
        self.assertEqual(plan["memory_bytes"]["total"], sum(parts))


class PlanOfOne(Case):
    def test_one_of_anything_is_said_in_the_singular(self):
        self.write("one.csv", "x,y\n1,2\n")
        self.write("one.yaml", "name: one\ndata: {source: one.csv, x: x, y: y}\nkernel: scale\n"
                               "grid: {factor: [1]}\nsummary: {best: max(value)}\n")
        out = self.ok("plan", "one.yaml", "--batch", 1, "--threads", 1).out
        self.assertRegex(out, r"(?m)^datasets +1 with 1 row$")
        self.assertRegex(out, r"(?m)^grid .* = 1 point$")
        self.assertRegex(out, r"(?m)^compute +1 thread, .* batches of 1 cell$")


class Finished(Case):
    """Commands that look at a finished run."""

    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml", "--quiet")
        self.run_folder = "runs/small"

    def rows(self, *args):
        return list(csv.DictReader(io.StringIO(self.ok(*args).out)))

    def test_best_prints_a_row_for_each_dataset(self):
        lines = self.ok("best", self.run_folder).out.splitlines()
        self.assertEqual(len(lines), 1 + 6)

    def test_limit_prints_the_first_datasets(self):
        self.assertEqual(len(self.rows("best", self.run_folder, "--csv", "--limit", 2)), 2)

    def test_top_prints_as_many_places_as_were_kept(self):
        rows = self.rows("best", self.run_folder, "--csv", "--top", 2)
        self.assertEqual([row["place"] for row in rows], ["1", "2"] * 6)
        for first, second in zip(rows[::2], rows[1::2]):
            self.assertGreaterEqual(float(first["best"]), float(second["best"]))

    def test_more_places_than_were_kept_are_refused(self):
        self.assert_refused(self.call("best", self.run_folder, "--top", 3), "2", "3", "top")

    def test_json_and_csv_have_the_same_numbers_with_all_digits(self):
        rows = self.rows("best", self.run_folder, "--csv")
        objects = self.ok("best", self.run_folder, "--json").json()
        self.assertEqual([float(row["best"]) for row in rows], [o["best"] for o in objects])
        self.assertEqual([row["dataset"] for row in rows], [o["dataset"] for o in objects])

    def test_best_is_the_best_of_what_export_prints(self):
        cells = self.rows("export", self.run_folder)
        for row in self.rows("best", self.run_folder, "--csv"):
            values = [float(c["lml"]) for c in cells if c["dataset"] == row["dataset"]]
            self.assertEqual(float(row["best"]), max(values))

    def test_an_unknown_summary_is_answered_with_the_nearest(self):
        self.assert_refused(self.call("best", self.run_folder, "--summary", "bets"),
                            "did you mean 'best'?")

    def test_show_gives_an_overview(self):
        out = self.ok("show", self.run_folder).out
        for words in ("kernel", "gp", "lengthscale: 4 values", "best: argmax(lml)", "cells_ok"):
            self.assertIn(words, out)

    def test_show_chooses_cells_by_their_values(self):
        dataset = self.rows("export", self.run_folder)[0]["dataset"]
        out = self.ok("show", self.run_folder, dataset, "noise=0.1", "lengthscale=2").out
        self.assertEqual(len(out.splitlines()[out.splitlines().index("") + 1:]), 1 + 1)

    def test_show_says_how_many_cells_it_left_out(self):
        dataset = self.rows("export", self.run_folder)[0]["dataset"]
        reply = self.ok("show", self.run_folder, dataset, "--limit", 5)
        self.assertIn("7 cells more", reply.err)

    def test_a_wrong_dataset_is_answered_with_the_nearest(self):
        dataset = self.rows("export", self.run_folder)[0]["dataset"]
        wrong = dataset[:-1] + "x"
        self.assert_refused(self.call("show", self.run_folder, wrong), f"'{wrong}'", "did you mean")

    def test_a_part_of_several_names_lists_them(self):
        names = sorted({row["dataset"] for row in self.rows("export", self.run_folder)})
        common = os.path.commonprefix(names)
        self.assert_refused(self.call("show", self.run_folder, common), "could be 6 datasets",
                            names[0])

    def test_a_value_that_is_not_on_the_axis_is_answered_with_the_nearest(self):
        dataset = self.rows("export", self.run_folder)[0]["dataset"]
        self.assert_refused(self.call("show", self.run_folder, dataset, "noise=0.2"),
                            "axis 'noise' has no value 0.2", "0.1")

    def test_a_wrong_axis_is_answered_with_the_nearest(self):
        dataset = self.rows("export", self.run_folder)[0]["dataset"]
        self.assert_refused(self.call("show", self.run_folder, dataset, "nosie=0.1"),
                            "did you mean 'noise'?")

    def test_failed_of_a_good_run_says_so(self):
        self.assertEqual(self.ok("failed", self.run_folder).out, "no cell failed\n")

    def test_export_has_a_row_for_every_cell(self):
        rows = self.rows("export", self.run_folder)
        self.assertEqual(len(rows), 72)
        self.assertEqual(list(rows[0]), ["dataset", "lengthscale", "noise", "variance", "status",
                                         "lml"])
        self.assertEqual({row["status"] for row in rows}, {"ok"})

    def test_json_lines_have_what_csv_has(self):
        rows = self.rows("export", self.run_folder)
        lines = self.ok("export", self.run_folder, "--jsonl").out.splitlines()
        self.assertEqual([json.loads(line)["lml"] for line in lines],
                         [float(row["lml"]) for row in rows])

    def test_export_writes_a_file(self):
        self.assertEqual(self.ok("export", self.run_folder, "--output", "cells.csv").out, "")
        self.assertEqual(self.read("cells.csv").decode(), self.ok("export", self.run_folder).out)

    def test_export_writes_over_nothing(self):
        self.write("cells.csv", "mine\n")
        self.assert_refused(self.call("export", self.run_folder, "--output", "cells.csv"),
                            "cells.csv")
        self.assertEqual(self.read("cells.csv"), b"mine\n")

    def test_a_folder_without_a_run_is_refused(self):
        os.mkdir(self.path("empty"))
        for command in ("best", "show", "failed", "export"):
            with self.subTest(command):
                self.assert_refused(self.call(command, "empty"), "empty")

    def test_a_file_that_is_no_run_is_refused(self):
        self.write("junk/results.h5", "this is not HDF5\n")
        for command in ("best", "show", "failed", "export"):
            with self.subTest(command):
                self.assert_refused(self.call(command, "junk"), "junk")


class Failed(Case):
    def setUp(self):
        super().setUp()
        self.write("singular.csv", SINGULAR_TABLE)
        self.write("job.yaml", SINGULAR)

    def test_cells_that_failed_alike_are_one_line_with_the_first_of_them(self):
        self.assertEqual(self.call("run", "job.yaml").code, 3)
        lines = self.ok("failed", "runs/singular").out.splitlines()
        self.assertEqual(lines[0], "a, lengthscale=1, noise=0, variance=1: not SPD at minor 2 "
                                   "(2 cells alike, first shown)")
        self.assertEqual(lines[1], "2 cells of 1 dataset failed: 2 not_spd")

    def test_the_run_says_how_to_see_them(self):
        err = self.call("run", "job.yaml").err
        self.assertIn("6 ok, 2 failed: not SPD", err)
        self.assertIn("gridcrunch failed runs/singular", err)

    def test_one_cell_of_one_dataset_is_said_in_the_singular(self):
        self.call("run", "job.yaml", "--quiet", "--set", "grid.lengthscale=[1]")
        lines = self.ok("failed", "runs/singular").out.splitlines()
        self.assertEqual(lines[1], "1 cell of 1 dataset failed: 1 not_spd")

    def test_a_dataset_without_a_best_point_has_none_of_its_values(self):
        out = self.call("run", "job.yaml", "--quiet", "--set", "grid.noise=[0]").out
        self.assertEqual(out.splitlines()[1].split(), ["a", "-", "-", "-", "-"])

    def test_a_summary_of_nothing_is_shown_as_such(self):
        self.call("run", "job.yaml", "--quiet", "--set", "grid.noise=[0]")
        out = self.ok("show", "runs/singular", "a").out
        self.assertRegex(out, r"best +argmax\(lml\) = - \(2 points have no value\)")
        self.assertNotIn("= nan", out)

    def test_a_summary_says_how_many_points_it_leaves_out(self):
        self.call("run", "job.yaml", "--quiet", "--set", "grid.lengthscale=[1]")
        out = self.ok("show", "runs/singular", "a").out
        self.assertRegex(out, r"argmax\(lml\) = \S+ at .*noise=0.* \(1 point has no value\)")

    def test_a_jitter_ladder_rescues_them_and_says_so(self):
        reply = self.ok("run", "job.yaml", "--set", "run.jitter=[1e-6]", "--json")
        self.assertEqual(reply.json()["cells"]["ok_jitter"], 2)


class Try(Case):
    def setUp(self):
        super().setUp()
        self.write("singular.csv", SINGULAR_TABLE.replace("b,", '"b, or c",'))
        self.write("job.yaml", SINGULAR)

    def test_a_cell_is_printed_and_timed(self):
        out = self.ok("try", "job.yaml", "--cell", "a,lengthscale=1,noise=0.5,variance=1").out
        for words in ("dataset    a\n", "lengthscale=1, noise=0.5", "ok", "lml", "time"):
            self.assertIn(words, out)

    def test_a_cell_has_the_bits_that_a_run_gives_it(self):
        self.call("run", "job.yaml", "--quiet")
        rows = csv.DictReader(io.StringIO(self.ok("export", "runs/singular").out))
        wanted = [r["lml"] for r in rows
                  if (r["dataset"], r["lengthscale"], r["noise"]) == ("a", "2", "0.5")]
        out = self.ok("try", "job.yaml", "--cell", "a,lengthscale=2,noise=0.5,variance=1").out
        self.assertRegex(out, rf"(?m)^lml +{wanted[0]}$")

    def test_a_name_may_have_commas(self):
        self.ok("try", "job.yaml", "--cell", "b, or c,lengthscale=1,noise=0.5,variance=1")

    def test_axes_may_come_in_any_order(self):
        self.ok("try", "job.yaml", "--cell", "a, noise=0.5, variance=1, lengthscale=1")

    def test_a_cell_that_fails_is_exit_3(self):
        reply = self.call("try", "job.yaml", "--cell", "a,lengthscale=1,noise=0,variance=1")
        self.assertEqual(reply.code, 3, reply)
        self.assertIn("not_spd", reply.out)

    def test_a_key_that_lacks_an_axis_is_refused(self):
        self.assert_refused(self.call("try", "job.yaml", "--cell", "a,lengthscale=1,noise=0.5"),
                            "3 axes")

    def test_a_value_off_the_grid_is_refused(self):
        self.assert_refused(
            self.call("try", "job.yaml", "--cell", "a,lengthscale=3,noise=0.5,variance=1"),
            "axis 'lengthscale' has no value 3")

    def test_a_point_that_where_leaves_out_is_refused(self):
        self.assert_refused(
            self.call("try", "job.yaml", "--set", "where=noise > 0", "--cell",
                      "a,lengthscale=1,noise=0,variance=1"), "'where' leaves out")


class Lists(Case):
    def test_kernels_are_listed(self):
        out = self.ok("kernels").out
        for kernel in ("cholesky", "convolve", "gp", "gp_profile", "kernel_ridge", "logistic", "outer", "ridge",
                       "scale", "sleep", "spin"):
            self.assertRegex(out, rf"(?m)^{kernel} ")

    def test_a_kernel_is_described(self):
        out = self.ok("kernels", "gp").out
        for words in ("lengthscale", "covariance", "matern52", "lml", "> 0"):
            self.assertIn(words, out)

    def test_a_wrong_kernel_is_answered_with_the_nearest(self):
        self.assert_refused(self.call("kernels", "rigde"), "did you mean 'ridge'?")

    def test_devices_has_the_cpu(self):
        self.assertRegex(self.ok("devices").out, r"(?m)^cpu:0 ")

    def test_devices_as_json_names_every_backend(self):
        backends = {b["backend"]: b for b in self.ok("devices", "--json").json()}
        self.assertEqual(len(backends["cpu"]["devices"]), 1)
        for backend in backends.values():
            self.assertNotEqual(backend["devices"] == [], backend["why_none"] is None)

    def test_a_wrong_benchmark_is_refused(self):
        self.assert_refused(self.call("bench", "no-such-thing"), "no benchmark 'no-such-thing'")


class Bench(Case):
    """With a program of our own beside a link to gridcrunch there would be no finding it: the
    folder is that of the program itself. So a copy."""

    def setUp(self):
        super().setUp()
        with open(PROGRAM, "rb") as program:
            self.write("bin/gridcrunch", program.read())
        self.write("libexec/gridcrunch/gridcrunch-bench-echo", '#!/bin/sh\necho "$@"\nexit 7\n')
        os.chmod(self.path("bin/gridcrunch"), 0o755)
        os.chmod(self.path("libexec/gridcrunch/gridcrunch-bench-echo"), 0o755)

    def bench(self, *args):
        return subprocess.run([self.path("bin/gridcrunch"), "bench", *args],
                              stdout=subprocess.PIPE, check=False)

    def test_benchmarks_are_listed(self):
        self.assertEqual(self.bench().stdout, b"echo\n")

    def test_a_benchmark_gets_its_arguments_and_hands_on_its_exit_code(self):
        done = self.bench("echo", "--quick", "-n", "5")
        self.assertEqual(done.stdout, b"--quick -n 5\n")
        self.assertEqual(done.returncode, 7)


class Fertility(Case):
    def test_the_main_job_works_as_written(self):
        job = os.path.join(SOURCE, "examples", "fertility.yaml")
        document = self.ok("run", job, "--json").json()
        self.assertEqual(document["cells"]["ok"], 181440)
        self.assertEqual(document["datasets"], 210)
        self.assertEqual(len(document["skipped"]), 9)
        memory = document["memory"]
        self.assertAlmostEqual(memory["measured_bytes"] / memory["predicted_bytes"], 1, delta=0.05)


if __name__ == "__main__":
    unittest.main()
