"""Where results go: nothing is written over and nothing is lost."""
import os
import resource
import signal
import subprocess
import unittest

from support import SLOW, SMALL, TIME_LIMIT, Case


class Folder(Case):
    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)

    def test_a_folder_that_holds_a_run_is_refused(self):
        self.ok("run", "small.yaml", "--quiet")
        before = self.files()
        self.assert_refused(self.call("run", "small.yaml", "--quiet"), "runs/small", "--fresh")
        self.assert_nothing_changed(before)

    def test_it_is_refused_before_the_data_is_read(self):
        self.ok("run", "small.yaml", "--quiet")
        reply = self.call("run", "small.yaml", "--quiet", "--set", "data={source: absent.csv}")
        self.assert_refused(reply, "--fresh")

    def test_fresh_moves_it_aside_and_counts(self):
        self.ok("run", "small.yaml", "--quiet")
        first = self.read("runs/small/results.h5")
        self.ok("run", "small.yaml", "--quiet", "--fresh", "--set", "seed=8")
        second = self.read("runs/small/results.h5")
        reply = self.ok("run", "small.yaml", "--fresh")
        self.assertEqual(self.read("runs/small.old-1/results.h5"), first)
        self.assertEqual(self.read("runs/small.old-2/results.h5"), second)
        self.assertIn("runs/small.old-2", reply.err)

    def test_fresh_without_an_earlier_run_is_fine(self):
        self.ok("run", "small.yaml", "--quiet", "--fresh")
        self.assertEqual(os.listdir(self.path("runs")), ["small"])

    def test_a_bad_job_moves_nothing_aside(self):
        self.ok("run", "small.yaml", "--quiet")
        before = self.files()
        for setting in ("kernel=nosuch", "grid.noise=[-1]", "data={source: absent.csv}",
                        "grid.lenght=[1]", "summary={best: argmax(nosuch)}", "run.device=nosuch"):
            with self.subTest(setting):
                reply = self.call("run", "small.yaml", "--quiet", "--fresh", "--set", setting)
                self.assert_refused(reply)
                self.assert_nothing_changed(before)

    def test_a_folder_with_other_things_in_it_keeps_them(self):
        self.write("mine/notes.txt", "keep me\n")
        self.ok("run", "small.yaml", "--quiet", "--out", "mine")
        self.assertEqual(self.read("mine/notes.txt"), b"keep me\n")

    def test_a_file_in_the_place_of_the_folder_is_refused(self):
        self.write("mine", "keep me\n")
        self.assert_refused(self.call("run", "small.yaml", "--quiet", "--out", "mine"), "mine")
        self.assertEqual(self.read("mine"), b"keep me\n")

    def test_a_folder_that_cannot_be_made_is_exit_1(self):
        reply = self.call("run", "small.yaml", "--quiet", "--out", "/proc/nothing/here")
        self.assert_refused(reply, "/proc/nothing", code=1)

    def test_nothing_is_left_but_the_two_files(self):
        self.ok("run", "small.yaml", "--quiet")
        self.assertEqual(sorted(os.listdir(self.path("runs/small"))), ["results.h5", "summary.csv"])

    def test_what_a_killed_run_left_half_written_is_removed(self):
        dead = subprocess.Popen(["true"])
        dead.wait()
        for name in ("results.h5", "summary.csv"):
            self.write(f"mine/.{name}.{dead.pid}.tmp", "half")
        self.ok("run", "small.yaml", "--quiet", "--out", "mine")
        self.assertEqual(sorted(os.listdir(self.path("mine"))), ["results.h5", "summary.csv"])

    def test_what_looks_like_it_but_is_not_is_kept(self):
        kept = [f".results.h5.{os.getpid()}.tmp", ".results.h5.tmp", ".results.h5.-1.tmp",
                ".results.h5.1x.tmp", ".other.h5.999999999.tmp"]
        for name in kept:
            self.write(f"mine/{name}", "keep me\n")
        self.ok("run", "small.yaml", "--quiet", "--out", "mine")
        self.assertEqual(sorted(os.listdir(self.path("mine"))),
                         sorted([*kept, "results.h5", "summary.csv"]))


class FailedFresh(Case):
    """A run with --fresh that fails; see test_machine.py for the plain case."""

    def test_a_folder_that_cannot_be_given_back_is_named_with_the_earlier_run(self):
        self.write("slow.yaml", SLOW)
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml", "--quiet", "--out", "mine")

        def no_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        process = self.start_computing("slow.yaml", "--out", "mine", "--fresh", preexec_fn=no_files)
        self.write("mine/notes.txt", "somebody's\n")
        _, err = process.communicate(timeout=TIME_LIMIT)
        self.assertEqual(process.returncode, 1, err)
        self.assertRegex(err.decode(), r"(?m)^gridcrunch: cannot write mine/results.h5: "
                                       r"File too large; the earlier run is now mine.old-1$")
        self.ok("show", "mine.old-1")


class TwoAtOnce(Case):
    """A run while another one computes in the same folder."""

    def setUp(self):
        super().setUp()
        self.write("slow.yaml", SLOW)
        self.write("small.yaml", SMALL)
        self.first = self.start_computing("slow.yaml", "--out", "same")

    def assert_second_is_refused_and_the_first_saved(self, *flags):
        reply = self.call("run", "small.yaml", "--quiet", "--out", "same", *flags)
        self.assertIsNone(self.first.poll(), "the first run was over too soon")
        self.assert_refused(reply, "a run is being computed in same", "--out")
        _, err = self.first.communicate(timeout=TIME_LIMIT)
        self.assertEqual(self.first.returncode, 0, err)
        self.assertRegex(self.ok("show", "same").out, r"^kernel +sleep\n")
        self.assertFalse(os.path.exists(self.path("same.old-1")))

    def test_the_second_is_refused_and_the_first_is_saved(self):
        self.assert_second_is_refused_and_the_first_saved()

    def test_fresh_does_not_take_the_folder_from_the_first(self):
        self.assert_second_is_refused_and_the_first_saved("--fresh")


if __name__ == "__main__":
    unittest.main()
