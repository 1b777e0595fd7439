"""The program believes nothing that gridcrunch-read-hdf5 hands back, and outlives it.

A copy of the program has a reader of our own beside it, which dies or lies.
"""
import os
import shutil
import subprocess
import sys
import unittest

from support import PROGRAM, SOURCE, Case

JOB = """\
name: small
data: {source: some.h5}
kernel: gp
grid: {lengthscale: [1], noise: [0.1], variance: [1]}
"""

# The layout of src/data/h5_answer.h: magic, failure, count and a sentence; then the entries.
LIAR = """\
import os, struct
def answer(count, *entries, failure=0, sentence=b"", size=None, magic=0x3141357264616572):
    text = struct.pack("<QiI1024s", magic, failure, count, sentence)
    text += b"".join(struct.pack("<QQQQ", *entry) for entry in entries)
    text += b"X\\0".ljust(64, b"\\0")
    os.write(3, text[:size])
"""


class Reader(Case):
    def setUp(self):
        super().setUp()
        shutil.copy(PROGRAM, self.path("gridcrunch"))
        shutil.copy(os.path.join(SOURCE, "tests", "data", "groups.h5"), self.path("some.h5"))
        self.write("job.yaml", JOB)

    def put_reader(self, text):
        self.write("gridcrunch-read-hdf5", text)
        os.chmod(self.path("gridcrunch-read-hdf5"), 0o755)

    def refuse(self, text, *words):
        self.put_reader(text)
        reply = self.call("plan", "job.yaml", executable=self.path("gridcrunch"))
        self.assert_refused(reply, "some.h5", *words)

    def refuse_answer(self, call, *words):
        self.refuse(f"#!{sys.executable}\n{LIAR}{call}\n", *words)

    def test_the_reader_beside_the_program_is_the_one_that_is_used(self):
        reader = os.path.join(os.path.dirname(PROGRAM), "gridcrunch-read-hdf5")
        shutil.copy(reader, self.path("gridcrunch-read-hdf5"))
        self.ok("plan", "job.yaml", executable=self.path("gridcrunch"))

    def test_a_crash_of_libhdf5_is_a_sentence(self):
        self.refuse("#!/bin/sh\nkill -SEGV $$\n", "libhdf5 crashed while reading",
                    "Segmentation fault", "the file is damaged, or made to harm")

    def test_too_much_time_is_a_sentence(self):
        self.refuse("#!/bin/sh\nkill -XCPU $$\n", "took more time or memory to read")

    def test_no_answer_is_a_sentence(self):
        self.refuse("#!/bin/sh\nexit 0\n", "libhdf5 crashed", "it gave no answer")

    def test_a_reader_that_cannot_start_is_a_sentence(self):
        self.put_reader("#!/nowhere/at/all\n")
        reply = self.call("plan", "job.yaml", executable=self.path("gridcrunch"))
        self.assertNotEqual(reply.code, 0)
        self.assertIn("which reads HDF5 files", reply.err)

    def test_an_unfinished_answer_is_not_believed(self):
        self.refuse_answer("answer(0, magic=0)", "libhdf5 crashed")
        self.refuse_answer("answer(0, size=100)", "libhdf5 crashed")

    def test_more_arrays_than_there_are_are_not_believed(self):
        self.refuse_answer("answer(1000000)", "claims more arrays than it left")

    def test_numbers_outside_the_answer_are_not_believed(self):
        for entry in ("(1072, 1080, 1 << 60, 1)", "(1072, 1080, 1 << 61, 8)",
                      "(1072, 1 << 63, 1, 1)", "(1072, (1 << 64) - 8, 1, 1)", "(1072, 1080, 99, 1)"):
            self.refuse_answer(f"answer(1, {entry})", "an array is not where it says")

    def test_a_name_without_an_end_is_not_believed(self):
        self.refuse_answer("answer(1, (1 << 40, 1080, 1, 1))", "an array is not where it says")

    def test_a_file_that_changes_while_it_is_looked_at_is_not_believed(self):
        self.refuse_answer("answer(0)\nimport mmap, time\nm = mmap.mmap(3, 0)\n"
                           "if os.fork() == 0: time.sleep(3)", "cannot take over")

    def test_the_reader_alone_says_what_it_is(self):
        reader = os.path.join(os.path.dirname(PROGRAM), "gridcrunch-read-hdf5")
        done = subprocess.run([reader], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is started by gridcrunch", done.stderr)


if __name__ == "__main__":
    unittest.main()
