"""The program believes nothing that gridcrunch-read-hdf5 hands back, and outlives it.

A copy of the program has a reader of our own beside it, which dies or lies.
"""
import os
import shutil
import subprocess
import sys
import unittest

from support import IS_SANITIZED, PROGRAM, SOURCE, Case

JOB = """\
name: small
data: {source: some.h5}
kernel: gp
grid: {lengthscale: [1], noise: [0.1], variance: [1]}
"""

# The messages of src/data/h5_answer.h.
LIAR = """\
import os, struct
def say(word, bytes=b"", rows=0, columns=0, count=None, magic=0x35484347):
    count = len(bytes) if count is None else count
    os.write(3, struct.pack("<IIQQQ", magic, word, count, rows, columns) + bytes)
ARRAY, NUMBERS, END, FAILURE = range(4)
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

    def refuse_nonsense(self, call):
        self.refuse_answer(call, "the reader of", "crashed: what it says makes no sense")

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
        for call in ("say(ARRAY, b'X', 3, 1)", "os.write(3, b'GCH5')",
                     "say(ARRAY, b'X', 3, 1, count=9)",
                     "say(ARRAY, b'X', 3, 1); say(ARRAY, b'y', 3, 1); "
                     "say(NUMBERS, bytes(40), count=48)"):
            self.refuse_answer(call, "libhdf5 crashed", "it gave no answer")

    def test_numbers_that_do_not_come_are_missed(self):
        self.refuse_nonsense("say(ARRAY, b'X', 3, 1); say(ARRAY, b'y', 3, 1); "
                             "say(NUMBERS, bytes(24)); say(END)")
        self.refuse_answer("say(ARRAY, b'X', 3, 1); say(ARRAY, b'y', 3, 1); say(END)",
                           "libhdf5 crashed", "it gave no answer")

    def test_another_language_is_not_believed(self):
        self.refuse_nonsense("say(END, magic=1)")
        self.refuse_nonsense("say(77)")
        self.refuse_nonsense("os.write(3, b'Segmentation fault; core dumped; sorry about that')")

    def test_sizes_that_cannot_be_are_not_believed(self):
        for shape in ("1 << 61, 8", "1 << 63, 1", "1, 1 << 63", "(1 << 64) - 1, 1"):
            self.refuse_nonsense(f"say(ARRAY, b'X', {shape})")

    def test_a_size_that_no_machine_has_is_a_sentence(self):
        self.put_reader(f"#!{sys.executable}\n{LIAR}"
                        "for name in (b'X', b'y'): say(ARRAY, name, 1 << 58, 1)\nsay(END)\n")
        reply = self.call("plan", "job.yaml", executable=self.path("gridcrunch"))
        self.assertNotEqual(reply.code, 0)
        self.assertIn("no memory for", reply.err)

    def test_a_name_that_is_none_is_not_believed(self):
        self.refuse_nonsense("say(ARRAY, b'', 3, 1)")
        self.refuse_nonsense("say(ARRAY, b'X' * 2000, 3, 1)")
        self.refuse_nonsense("say(ARRAY, b'a\\0X', 3, 1)")

    def test_a_name_that_is_not_utf8_is_refused(self):
        self.refuse_answer("say(ARRAY, b'\\xff/X', 3, 1)", "an array whose name is not UTF-8")

    def test_a_reader_that_goes_on_talking_is_not_waited_for(self):
        self.refuse_nonsense("import time; say(77); time.sleep(1000)")

    def test_a_sentence_of_the_reader_is_shown_on_one_line(self):
        self.refuse_answer("say(FAILURE, b'some.h5 is\\nodd', rows=5)", "some.h5 is odd")
        self.refuse_nonsense("say(FAILURE, b'x' * 5000, rows=5)")

    def facts_of_a_reader_at_work(self, name):
        """What /proc says of it while it waits for somebody to listen."""
        reader = os.path.join(os.path.dirname(PROGRAM), "gridcrunch-read-hdf5")
        path = os.path.join(SOURCE, "tests", "data", "long.h5")
        listen, speak = os.pipe()
        process = subprocess.Popen(["/bin/sh", "-c", f'exec "{reader}" "{path}" 3>&{speak}'],
                                   pass_fds=[speak])
        os.close(speak)
        try:
            os.read(listen, 1)
            with open(f"/proc/{process.pid}/{name}", encoding="ascii") as file:
                return file.read()
        finally:
            os.close(listen)
            process.kill()
            process.wait()

    def test_the_reader_cannot_write_files(self):
        self.assertRegex(self.facts_of_a_reader_at_work("limits"), r"Max file size +0 +0 ")

    @unittest.skipIf(IS_SANITIZED, "a sanitizer needs what is forbidden")
    def test_the_reader_cannot_start_programs_or_talk_to_the_network(self):
        status = self.facts_of_a_reader_at_work("status")
        self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
        self.assertRegex(status, r"(?m)^Seccomp:\s+2$")

    def test_the_reader_alone_says_what_it_is(self):
        reader = os.path.join(os.path.dirname(PROGRAM), "gridcrunch-read-hdf5")
        done = subprocess.run([reader], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is started by gridcrunch", done.stderr)


if __name__ == "__main__":
    unittest.main()
