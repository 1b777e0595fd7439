"""A wrong request is one clear sentence and exit 2; nothing is written over and nothing is lost.

Every test runs with --fresh over an earlier run, so that there is something to lose.
"""
import os
import shutil
import subprocess
import unittest

from support import PROGRAM, SMALL, Case, clean_environment

TABLE = """\
name: small
data: {source: table.csv, key: who, x: x, y: y}
kernel: gp
grid:
  lengthscale: [1, 2]
  noise: [0.1]
  variance: [1]
summary: {best: argmax(lml)}
"""

WIDE = """\
name: small
data: {source: table.csv, layout: wide, key: who}
kernel: gp
grid: {lengthscale: [1, 2], noise: [0.1], variance: [1]}
"""


class BadInput(Case):
    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml", "--quiet")

    def assert_safe_refusal(self, *words, command="run", settings=()):
        """job.yaml is refused with all these words, and every file is as it was."""
        before = self.files()
        flags = ["--fresh"] if command == "run" else []
        for setting in settings:
            flags += ["--set", setting]
        self.assert_refused(self.call(command, "job.yaml", *flags), *words)
        self.assert_nothing_changed(before)

    def refuse_job(self, text, *words):
        self.write("job.yaml", text)
        self.assert_safe_refusal(*words)

    def refuse_table(self, table, *words, job=TABLE):
        self.write("job.yaml", job)
        self.write("table.csv", table)
        self.assert_safe_refusal(*words)


class Job(BadInput):
    def test_a_misspelt_key_is_named_with_its_place_and_the_right_one(self):
        self.refuse_job(SMALL.replace("kernel:", "kernle:"),
                        "job.yaml:3:1: ", "'kernle'", "did you mean 'kernel'?")

    def test_a_misspelt_key_further_in_is_named_too(self):
        self.refuse_job(SMALL.replace("rows:", "rowz:"), "job.yaml:2:", "'rowz'", "'rows'")

    def test_text_in_the_place_of_a_number_is_refused(self):
        self.refuse_job(SMALL.replace("seed: 7", "seed: seven"), "job.yaml:4:7: ", "'seven'")

    def test_a_list_in_the_place_of_a_word_is_refused(self):
        self.refuse_job(SMALL.replace("kernel: gp", "kernel: [gp]"), "job.yaml:3:", "a list")

    def test_a_word_in_an_axis_is_refused(self):
        self.refuse_job(SMALL.replace("[0.01, 0.1, 1]", "[0.01, much]"), "job.yaml:7:", "'much'")

    def test_a_key_given_twice_is_refused(self):
        self.refuse_job(SMALL + "seed: 8\n", "seed", "twice")

    def test_what_is_no_yaml_is_refused_with_its_place(self):
        self.refuse_job("name: [unclosed\n", "job.yaml:")

    def test_an_empty_file_is_refused(self):
        self.refuse_job("", "job.yaml")

    def test_a_binary_file_is_refused(self):
        self.refuse_job(bytes(range(256)) * 4, "job.yaml")

    def test_a_job_file_that_is_not_there_is_refused(self):
        reply = self.call("run", "absent.yaml")
        self.assert_refused(reply, "absent.yaml", "No such file")

    def test_a_wrong_flag_value_is_refused(self):
        for flag, value in (("--threads", "many"), ("--threads", "0"), ("--batch", "-1"),
                            ("--schedule", "dynamc"), ("--max-time", "soon"), ("--set", "nonsense"),
                            ("--set", "grid.noise=[")):
            with self.subTest(flag + " " + value):
                self.assertEqual(self.call("run", "small.yaml", "--fresh", flag, value).code, 2)

    def test_a_misspelt_schedule_is_answered_with_the_right_one(self):
        self.assert_refused(self.call("run", "small.yaml", "--fresh", "--schedule", "dynamc"),
                            "'dynamc'", "dynamic")

    def test_an_algorithm_that_a_kernel_does_not_have_is_answered_with_those_that_do(self):
        self.assert_refused(
            self.call("run", "small.yaml", "--fresh", "--set", "run.algorithm=tridiagonal", "--set",
                      "kernel=scale"),
            "'scale'", "'tridiagonal'", "gp, gp_profile, kernel_ridge, ridge")

    def test_a_misspelt_precision_is_answered_with_the_right_one(self):
        self.refuse_job(SMALL + "run: {precision: singel}\n", "job.yaml:10:18: ", "'singel'",
                        "did you mean 'single'?")

    def test_the_tridiagonal_algorithm_in_single_precision_is_refused(self):
        self.refuse_job(SMALL + "run: {algorithm: tridiagonal, precision: single}\n",
                        "job.yaml:10:42: ", "'tridiagonal'", "'single'")

    def test_a_misspelt_setting_is_named(self):
        self.assert_refused(self.call("run", "small.yaml", "--fresh", "--set", "gird.noise=[1]"),
                            "--set", "'gird'", "did you mean 'grid'?")


class Grid(BadInput):
    def test_a_parameter_that_the_kernel_lacks_is_refused_with_the_nearest(self):
        self.refuse_job(SMALL.replace("lengthscale:", "lenghtscale:"), "job.yaml:6:3: ",
                        "'lenghtscale'", "gp", "'lengthscale'")

    def test_a_parameter_that_is_missing_is_named(self):
        self.refuse_job(SMALL.replace("  variance: [1]\n", ""), "'variance'", "gp")

    def test_an_axis_without_values_is_refused(self):
        self.refuse_job(SMALL.replace("[0.01, 0.1, 1]", "[]"), "job.yaml:7:", "noise")

    def test_a_grid_without_axes_is_refused(self):
        self.refuse_job(SMALL.split("grid:")[0] + "grid: {}\n", "lengthscale")

    def test_a_where_that_leaves_nothing_is_refused(self):
        self.refuse_job(SMALL + "where: noise > 5\n", "where")

    def test_a_wrong_name_in_where_is_refused_with_the_nearest(self):
        self.refuse_job(SMALL + "where: nosie > 5\n", "job.yaml:10:8: ", "'nosie'", "'noise'")

    def test_a_value_outside_the_domain_is_refused(self):
        self.refuse_job(SMALL.replace("[0.01, 0.1, 1]", "[-1]"), "job.yaml:7:", "noise", "-1")

    def test_a_value_that_single_precision_cannot_hold_is_refused(self):
        single = "run: {precision: single}\n"
        for axis, value, there in (("[0.5, 1, 2, 4]", "1e-60", "it is 0"),
                                   ("[0.01, 0.1, 1]", "1e39", "it is inf")):
            self.refuse_job(SMALL.replace(axis, f"[{value}]") + single, f"= {value[0]}",
                            "is not possible in single precision", there)
        self.refuse_job("name: c\ndata: {synthetic: {datasets: 1, rows: 3}}\nkernel: cholesky\n"
                        "grid: {replicate: [16777217]}\n" + single, "job.yaml:4:",
                        "replicate = 16777217", "where it is 16777216")

    def test_a_value_given_twice_is_refused(self):
        self.refuse_job(SMALL.replace("[0.01, 0.1, 1]", "[0.1, 0.1]"), "job.yaml:7:", "0.1")

    def test_a_product_that_nobody_can_count_is_refused(self):
        huge = "{linspace: [1, 2, 10000000]}"
        job = SMALL.replace("[0.5, 1, 2, 4]", huge).replace("[0.01, 0.1, 1]", huge)
        self.write("job.yaml", job.replace("variance: [1]", f"variance: {huge}"))
        self.assert_safe_refusal(command="plan")

    def test_a_wrong_output_in_a_summary_is_refused_with_the_nearest(self):
        self.refuse_job(SMALL.replace("argmax(lml)", "argmax(lmll)"), "job.yaml:9:", "'lml'")

    def test_a_wrong_kernel_is_refused_with_the_nearest(self):
        self.refuse_job(SMALL.replace("kernel: gp", "kernel: gpp"), "job.yaml:3:9: ", "'gpp'", "gp")

    def test_a_wrong_option_is_refused_with_the_nearest(self):
        self.refuse_job(SMALL + "options: {covariance: matern53}\n", "job.yaml:10:", "'matern52'")

    def test_a_time_of_kernels_that_is_none_is_refused(self):
        self.refuse_job(SMALL + "run: {kernel_time: soon}\n", "job.yaml:10:", "'kernel_time' takes",
                        "'soon'")
        self.refuse_job(SMALL + "run: {kernel_time: 0}\n", "job.yaml:10:", "'kernel_time' takes")

    def test_a_device_in_a_list_that_is_not_there_is_refused(self):
        self.refuse_job(SMALL + "run: {device: [cpu, abacus]}\n", "job.yaml:10:", "'abacus'", "cpu")
        self.refuse_job(SMALL + "run: {device: [cpu, cpu:0]}\n", "job.yaml:10:",
                        "the device 'cpu:0' is named twice")
        self.refuse_job(SMALL + "run: {device: [any, cpu]}\n", "job.yaml:10:", "'any' stands alone")

    def test_a_device_that_is_not_there_is_refused(self):
        self.refuse_job(SMALL + "run: {device: abacus}\n", "job.yaml:10:", "'abacus'", "cpu")


class Table(BadInput):
    def test_zero_synthetic_datasets_are_refused(self):
        self.refuse_job(SMALL.replace("datasets: 6", "datasets: 0"), "datasets", "0")

    def test_a_table_of_nothing_but_gaps_is_refused(self):
        self.refuse_table("who,x,y\na,1,\na,2,\n", "dataset")

    def test_a_table_with_nothing_but_names_is_refused(self):
        self.refuse_table("who,x,y\n", "table.csv")

    def test_an_empty_table_is_refused(self):
        self.refuse_table("", "table.csv")

    def test_a_ragged_row_is_named_by_its_line(self):
        self.refuse_table("who,x,y\na,1,1\na,2\n", "table.csv:3")

    def test_text_where_a_number_belongs_is_named_by_its_place(self):
        self.refuse_table("who,x,y\na,1,1\na,2,two\n", "table.csv:3:3: ", "'two'")

    def test_a_column_that_is_not_there_is_named_with_the_nearest(self):
        self.refuse_table("who,x,yy\na,1,1\n", "job.yaml:2:", "'y'", "yy")

    def test_a_key_given_twice_in_a_wide_table_is_named(self):
        self.refuse_table("who,1,2\na,1,1\nb,1,1\na,2,2\n", "table.csv:4", "'a'", job=WIDE)

    def test_a_binary_table_is_refused(self):
        self.refuse_table(bytes(range(256)) * 64, "table.csv")

    def test_an_open_quote_is_refused(self):
        self.refuse_table('who,x,y\n"a,1,1\na,2,2\n', "table.csv:2")

    def test_a_line_of_100_MB_is_refused_without_filling_the_memory(self):
        self.write("job.yaml", TABLE)
        with open(self.path("table.csv"), "wb") as file:
            file.write(b"who,x,y\n")
            for _ in range(100):
                file.write(b"1" * 1000000)
        reply = self.call("run", "job.yaml", "--fresh")
        self.assert_refused(reply, "table.csv:2")
        os.unlink(self.path("table.csv"))

    def test_a_pattern_that_matches_nothing_is_refused(self):
        self.refuse_job(TABLE.replace("table.csv", '"*.dat"'), "job.yaml:2:", "*.dat")

    def test_a_table_that_is_not_there_is_refused(self):
        self.refuse_job(TABLE, "table.csv")

    def test_a_folder_in_the_place_of_a_table_is_refused(self):
        os.mkdir(self.path("table.csv"))
        self.refuse_job(TABLE, "table.csv")

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root may read anything")
    def test_a_table_that_must_not_be_read_is_refused(self):
        self.write("job.yaml", TABLE)
        self.write("table.csv", "who,x,y\na,1,1\n")
        os.chmod(self.folder, 0o755)
        os.chmod(self.path("table.csv"), 0)
        command = [PROGRAM, "run", "job.yaml", "--fresh"]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True,
                              env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"^gridcrunch: .*table\.csv.*Permission denied\n$")


class Places(Case):
    """A sentence with a place begins with it, so that editors find it; others name the program."""

    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)

    def test_a_number_between_colons_is_no_place_by_itself(self):
        self.assertEqual(self.call("show", "cpu:1:").err, "gridcrunch: there is no cpu:1:\n")

    def test_a_line_and_a_column_are_a_place(self):
        self.assertTrue(self.call("plan", "small.yaml", "--set", "grid.noise=[x]")
                        .err.startswith("--set grid.noise:1:2: "))

    def test_a_line_of_a_file_is_a_place(self):
        self.write("table.csv", "who,x,y\na,1\n")
        self.write("job.yaml", TABLE)
        self.assertTrue(self.call("plan", "job.yaml").err.startswith("table.csv:2: "))


if __name__ == "__main__":
    unittest.main()
