"""Where the machine is the obstacle: exit 1, one sentence, nothing lost."""
import os
import resource
import shutil
import subprocess
import unittest

from support import IS_SANITIZED, PROGRAM, SMALL, Case, clean_environment

MODULE = os.path.join(os.path.dirname(PROGRAM), "libgridcrunch_cuda.so")

# 200,000 cells: 3.4 MB of results.
LARGE = """\
name: large
data: {synthetic: {datasets: 20, rows: 3}}
kernel: scale
grid: {factor: {range: [0, 10000, 1]}}
summary: {best: argmax(value)}
"""


def can_mount():
    probe = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class FullDisk(Case):
    @unittest.skipUnless(can_mount(), "needs the right to mount a small tmpfs")
    def test_a_full_disk_is_named_and_the_earlier_run_is_where_it_was(self):
        self.write("small.yaml", SMALL)
        self.write("large.yaml", LARGE)
        os.mkdir(self.path("disk"))
        script = f"""
            mount -t tmpfs -o size=1m none disk || exit 99
            '{PROGRAM}' run small.yaml --quiet --out disk/run > /dev/null || exit 98
            sum=$(md5sum < disk/run/results.h5)
            '{PROGRAM}' run large.yaml --quiet --out disk/run --fresh
            echo "exit $?"
            [ "$sum" = "$(md5sum < disk/run/results.h5)" ] && echo kept
            find disk -mindepth 1 | sort
        """
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=self.folder,
                              capture_output=True, text=True, env=clean_environment(), check=False)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout.splitlines(), ["exit 1", "kept", "disk/run",
                                                    "disk/run/results.h5", "disk/run/summary.csv"])


class Stdout(Case):
    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)

    def assert_saved_but_not_said(self, reply):
        self.assertEqual(reply.code, 1, reply)
        self.assertIn("cannot write to standard output", reply.err)
        self.assertEqual(len(self.ok("export", "runs/small").out.splitlines()), 1 + 72)

    def test_a_full_stdout_is_exit_1_with_the_results_saved(self):
        with open("/dev/full", "w") as full:
            reply = self.call("run", "small.yaml", "--quiet", stdout=full)
        self.assert_saved_but_not_said(reply)
        self.assertIn("No space left on device", reply.err)

    def test_a_closed_stdout_is_exit_1_with_the_results_unharmed(self):
        # stdout is number 1: a results file that got that number would be printed into
        reply = self.call("run", "small.yaml", "--quiet", stdout=None,
                          preexec_fn=lambda: os.close(1))
        self.assert_saved_but_not_said(reply)

    def test_a_reader_that_leaves_is_a_sentence_and_no_death_by_signal(self):
        self.ok("run", "small.yaml", "--quiet")
        read, write = os.pipe()
        os.close(read)
        reply = self.call("export", "runs/small", stdout=write)
        os.close(write)
        self.assert_refused(reply, "standard output", "Broken pipe", code=1)

    def test_help_that_nobody_gets_is_exit_1(self):
        with open("/dev/full", "w") as full:
            self.assert_refused(self.call("--help", stdout=full), "standard output", code=1)


@unittest.skipIf(IS_SANITIZED, "a sanitizer takes terabytes of address space")
class Memory(Case):
    def test_outputs_that_do_not_fit_are_exit_1_and_nothing_is_changed(self):
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml", "--quiet")
        before = self.files()

        def one_gigabyte():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

        reply = self.call("run", "small.yaml", "--quiet", "--fresh", "--threads", 1, "--set",
                          "grid.noise={linspace: [0.1, 1, 20000000]}", preexec_fn=one_gigabyte)
        self.assert_refused(reply, "memory", code=1)
        self.assert_nothing_changed(before)

    def test_a_plan_of_them_needs_no_memory_for_outputs(self):
        self.write("small.yaml", SMALL)

        def little():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

        plan = self.ok("plan", "small.yaml", "--json", "--threads", 1, "--set",
                       "data={synthetic: {datasets: 1000, rows: 3}}", "--set",
                       "grid.noise={linspace: [0.1, 1, 250000]}", preexec_fn=little).json()
        self.assertEqual(plan["cells"], 1000 * 1000000)


class Permission(Case):
    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root may write anywhere")
    def test_a_folder_that_must_not_be_written_is_exit_1(self):
        self.write("small.yaml", SMALL)
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("locked"), 0o555)
        command = [PROGRAM, "run", "small.yaml", "--quiet", "--out", "locked/run"]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True,
                              env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("locked/run: Permission denied", done.stderr)


class Gpu(Case):
    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)

    def assert_opens_the_module(self, is_expected, *args):
        env = {**clean_environment(), "LD_DEBUG": "files"}
        self.assertEqual("libgridcrunch_cuda.so" in self.call(*args, env=env).err, is_expected, args)

    @unittest.skipUnless(os.path.exists(MODULE), "the module for GPUs was not built")
    def test_the_module_is_opened_only_when_a_gpu_is_asked_for(self):
        for args in [("--help",), ("kernels",), ("plan", "small.yaml"),
                     ("run", "small.yaml", "--quiet"),
                     ("run", "small.yaml", "--quiet", "--fresh", "--device", "cpu")]:
            self.assert_opens_the_module(False, *args)
        self.assert_opens_the_module(False, "try", "small.yaml", "--device", "any", "--cell",
                                     "s0001,lengthscale=1,noise=0.1,variance=1")
        self.assert_opens_the_module(True, "devices")

    def why_no_gpu(self):
        backends = {b["backend"]: b for b in self.ok("devices", "--json").json()}
        if backends["cuda"]["devices"]:
            self.skipTest("this machine has a GPU")
        return backends["cuda"]["why_none"]

    def test_no_gpu_is_a_fact_and_no_error(self):
        why = self.why_no_gpu()
        self.assertRegex(why, r"^no (CUDA device|device of 'cuda'): ")
        self.assertRegex(self.ok("devices").out, r"(?m)^cuda +no ")

    def test_a_job_for_a_gpu_that_is_not_there_says_why(self):
        why = self.why_no_gpu()
        self.assert_refused(self.call("run", "small.yaml", "--device", "cuda"), why)
        self.assert_refused(self.call("run", "small.yaml", "--set", "run.device=cuda:1"), why)

    def test_a_module_that_is_none_is_named(self):
        env = {**clean_environment(), "GRIDCRUNCH_CUDA_MODULE": "/no/such/module.so"}
        reply = self.call("run", "small.yaml", "--device", "cuda", env=env)
        self.assert_refused(reply, "/no/such/module.so", "run.device")

    def test_nothing_to_calibrate_says_why(self):
        why = self.why_no_gpu()
        self.assert_refused(self.call("devices", "--calibrate"),
                            f"there is nothing to calibrate: {why}")

    def call_with_the_fake(self, *args, **env):
        module = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_fake_module.so")
        if not os.path.exists(module):
            self.skipTest("the fake was not built")
        env = {**clean_environment(), "GRIDCRUNCH_CUDA_MODULE": module, **env}
        return self.call(*args, env=env)

    def run_on_the_fake(self, *args, **env):
        return self.call_with_the_fake("run", "small.yaml", "--device", "cuda", "--set",
                                       "run.batch=8", *args, **env)

    def test_a_device_is_calibrated_in_each_precision_and_says_what_it_measures(self):
        reply = self.call_with_the_fake("devices", "--calibrate")
        self.assertEqual(reply.code, 0, reply)
        self.assertEqual(reply.err.split("\n")[0].split(), ["calibrating", "fake"])
        for precision in ("f64", "f32"):
            self.assertIn(f"{precision}, gp: 1048576 points\n", reply.err)
            self.assertIn(f"{precision}, logistic: 8192 points\n", reply.err)
            self.assertIn(f"{precision}, cholesky: 8192 points\n", reply.err)
        self.assertIn("never calibrated", reply.out)  # the fake keeps nothing

    def test_a_run_on_a_device_of_a_module_is_saved(self):
        reply = self.run_on_the_fake("--quiet")
        self.assertEqual(reply.code, 0, reply)
        rows = self.ok("export", "runs/small").out.splitlines()
        self.assertEqual(len(rows), 1 + 72)

    def test_several_gpus_of_one_kind_leave_the_file_of_one(self):
        reply = self.run_on_the_fake("--quiet", FAKE_DEVICES="3")
        self.assertEqual(reply.code, 0, reply)
        shown = self.ok("show", "runs/small").out
        self.assertRegex(shown, r"(?m)^device_3 +cuda:2 fake$")
        self.assertRegex(shown, r"(?m)^kind +fake, f64, plain, direct$")
        self.assertNotIn("kind_", self.ok("export", "runs/small").out)

    def test_cells_of_several_kinds_say_which(self):
        reply = self.run_on_the_fake("--set", "run.device=cuda:0, cuda:1", FAKE_DEVICES="2",
                                     FAKE_KINDS="1")
        self.assertEqual(reply.code, 0, reply)
        self.assertRegex(reply.err, r"(?m)^kinds +kind_1: fake, f64, plain, direct \(.* % of the work\)$")
        shown = self.ok("show", "runs/small").out
        self.assertRegex(shown, r"(?m)^kind_2 +fake 1, f64, plain, direct$")
        self.assertRegex(shown, r"(?m)^device_2 +cuda:1 fake, kind_2$")
        rows = [row.split(",") for row in self.ok("export", "runs/small").out.splitlines()]
        kind = rows[0].index("kind")
        self.assertEqual({row[kind] for row in rows[1:]}, {"kind_1", "kind_2"})

    def plan_on_the_fake(self, *args, **env):
        module = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_fake_module.so")
        if not os.path.exists(module):
            self.skipTest("the fake was not built")
        env = {**clean_environment(), "GRIDCRUNCH_CUDA_MODULE": module, **env}
        return self.call("plan", "small.yaml", "--device", "cuda", *args, env=env)

    def test_the_plan_says_what_goes_up_and_in_how_many_waves(self):
        self.assertRegex(self.plan_on_the_fake().out, r"(?m)^uploads +cuda:0: [0-9.]+ \w+ of datasets$")
        plan = self.plan_on_the_fake("--set", "run.batch=1", FAKE_BYTES="4000").out
        self.assertRegex(plan, r"(?m)^uploads +cuda:0: [0-9.]+ \w+ of datasets in \d+ waves? through ")
        device = self.plan_on_the_fake("--json", FAKE_DEVICES="2").json()["devices"][1]
        self.assertEqual((device["device"], device["waves"]), ("cuda:1", 1))

    def test_the_plan_says_no_threads_where_the_cpu_computes_nothing(self):
        self.assertRegex(self.plan_on_the_fake().out, r"(?m)^compute +schedule \w+, batches of ")
        self.assertEqual(self.plan_on_the_fake("--json").json()["threads"], 0)

    def test_a_cell_that_does_not_fit_is_refused_before_the_run_and_by_the_plan(self):
        for reply in (self.plan_on_the_fake(FAKE_BYTES="300"),
                      self.run_on_the_fake(FAKE_BYTES="300")):
            self.assert_refused(reply, "one cell needs", "which has 300")

    def test_a_gpu_that_is_lost_leaves_what_has_landed(self):
        reply = self.run_on_the_fake("--quiet", FAKE_SYNC_THAT_FAILS="4")
        self.assertEqual(reply.code, 4, reply)
        self.assertEqual(len(reply.err.splitlines()), 1, reply)
        for words in ["the fake was lost", "it happened at s", "lengthscale=",
                      "or one of the 15 cells behind it", "what has landed before is saved"]:
            self.assertIn(words, reply.err)
        states = [row.split(",") for row in self.ok("export", "runs/small").out.splitlines()[1:]]
        self.assertEqual(sum("ok" in row for row in states), 3 * 8)
        self.assertEqual(sum("empty" in row for row in states), 72 - 3 * 8)

    def test_a_batch_that_never_ends_is_named_and_what_has_landed_is_saved(self):
        reply = self.run_on_the_fake("--quiet", "--set", "run.kernel_time=0.25",
                                     FAKE_SYNC_THAT_HANGS="4")
        self.assertEqual(reply.code, 4, reply)
        self.assertEqual(len(reply.err.splitlines()), 1, reply)
        for words in ["fake has not ended a batch in 0.25 s, the job's kernel_time",
                      "it happened at s", "or one of the 7 cells behind it",
                      "what has landed before is saved"]:
            self.assertIn(words, reply.err)
        states = [row.split(",") for row in self.ok("export", "runs/small").out.splitlines()[1:]]
        self.assertEqual(sum("ok" in row for row in states), 3 * 8)

    def test_a_gpu_that_is_lost_before_anything_has_landed_changes_nothing(self):
        self.ok("run", "small.yaml", "--quiet")
        before = self.files()
        reply = self.run_on_the_fake("--quiet", "--fresh", FAKE_SYNC_THAT_FAILS="1")
        self.assert_refused(reply, "the fake was lost", code=1)
        self.assert_nothing_changed(before)


if __name__ == "__main__":
    unittest.main()
