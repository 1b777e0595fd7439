"""Where results go: nothing is written over and nothing is lost."""
import os
import unittest

from support import SMALL, Case


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


if __name__ == "__main__":
    unittest.main()
