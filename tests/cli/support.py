"""tests/cli/support.py -- the program gridcrunch as a person uses it: arguments, files, signals.

Standard library only, because these tests run wherever the program does. The environment says where
the program (GRIDCRUNCH) and the tree (GCR_SOURCE) are.
"""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

PROGRAM = os.path.abspath(os.environ["GRIDCRUNCH"])
SOURCE = os.path.abspath(os.environ["GCR_SOURCE"])
with open(PROGRAM, "rb") as _program:
    _code = _program.read()
IS_SANITIZED = b"__asan_init" in _code or b"__tsan_init" in _code  # needs address space of its own
TIME_LIMIT = 120  # seconds; a program that hangs fails its test

# A Gaussian process on six synthetic datasets: 6 x 4 x 3 = 72 cells, all of them good.
SMALL = """\
name: small
data: {synthetic: {datasets: 6, rows: [8, 13], noise: 0.1}}
kernel: gp
seed: 7
grid:
  lengthscale: [0.5, 1, 2, 4]
  noise: [0.01, 0.1, 1]
  variance: [1]
summary: {best: argmax(lml), top: 2}
"""

# The smallest kernel on many points, of which an eighth is left out: 6 x 6126 cells. `run` is to be added.
GROWN = """\
name: grown
data: {synthetic: {datasets: 6, rows: 4}}
kernel: scale
grid: {factor: {linspace: [-3, 5, 7001]}}
where: not (abs(factor) < 0.5)
summary: {best: argmax(value), least: argmin(value), average: mean(value), top: 3}
"""

# Three equal rows and no noise: the covariance is singular in every cell with noise 0.
SINGULAR_TABLE = "who,x,y\na,1,1\na,1,2\na,1,3\nb,1,1\nb,2,0\nb,3,1\n"
SINGULAR = """\
name: singular
data: {source: singular.csv, key: who, x: x, y: y}
kernel: gp
grid: {lengthscale: [1, 2], noise: [0, 0.5], variance: [1]}
summary: {best: argmax(lml)}
"""

# 400 cells, more than two seconds on one thread; short ones, so that stopping is prompt.
SLOW = """\
name: slow
data: {synthetic: {datasets: 4, rows: 3}}
kernel: sleep
grid: {ms: {linspace: [5, 6, 100]}}
run: {threads: 1, batch: 1}
summary: {most: argmax(asked)}
"""


class Reply:
    """What a finished program left behind."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def json(self):
        return json.loads(self.out)


def clean_environment(**extra):
    """The environment without what would make the program a rank of an MPI job."""
    ranks = ("OMPI_", "PMI_", "PMIX_", "SLURM_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ranks) and k != "NO_COLOR"}
    return {**kept, "LC_ALL": "C.UTF-8", **extra}


PYTHON = "/usr/bin/python3"  # Debian's, which has h5py; the one that runs the tests may not
HASH_ARRAYS = os.path.join(SOURCE, "tests/reference/hash_arrays.py")


def has_h5py():
    probe = [PYTHON, "-c", "import h5py"]
    return os.path.exists(PYTHON) and subprocess.run(probe, capture_output=True).returncode == 0


def hash_arrays(*paths):
    """For each results.h5 a text that is the same where the bits of all its arrays are."""
    command = [PYTHON, HASH_ARRAYS, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n").split("\n\n")


def hear_signals():
    """A test that runs in the background of a shell was told to ignore Ctrl-C: undo that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Case(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gridcrunch-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    # ---- files

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), mode) as file:
            file.write(content)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def files(self):
        """Every file below the folder, with its bytes."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.folder)
                found[path] = self.read(path)
        return found

    # ---- the program

    def call(self, *args, **options):
        options.setdefault("env", clean_environment())
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("preexec_fn", hear_signals)
        done = subprocess.run([PROGRAM, *map(str, args)], cwd=self.folder, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=TIME_LIMIT, **options)
        out = (done.stdout or b"").decode("utf-8", "replace")
        return Reply(done.returncode, out, done.stderr.decode("utf-8", "replace"))

    def fake_gpus(self):
        """An environment with two GPUs that are none, whose streams are as late as CUDA allows."""
        module = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_fake_cuda_module.so")
        if not os.path.exists(module):
            self.skipTest("the fake was not built")
        return {**clean_environment(), "GRIDCRUNCH_CUDA_MODULE": module,
                "XDG_CACHE_HOME": self.folder}

    def start(self, *args, preexec_fn=hear_signals):
        """Starts the program; the caller ends it."""
        process = subprocess.Popen([PROGRAM, *map(str, args)], cwd=self.folder,
                                   env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=preexec_fn)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def start_computing(self, *args, **options):
        """Starts a run and returns when it computes its cells."""
        process = self.start("run", *args, **options)
        while b"memory" not in process.stderr.readline():  # the last line before the first cell
            self.assertIsNone(process.poll())
        time.sleep(0.3)
        return process

    def call_on_terminal(self, columns, *args, **extra):
        """Runs the program on a terminal of so many columns; returns exit code and what it drew."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([PROGRAM, *map(str, args)], cwd=self.folder, stdin=theirs,
                                   stdout=theirs, stderr=theirs, env=clean_environment(**extra),
                                   preexec_fn=hear_signals)
        os.close(theirs)
        drawn = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the program has closed its side
                break
            if not piece:
                break
            drawn += piece
        os.close(ours)
        return process.wait(TIME_LIMIT), drawn.decode("utf-8", "replace").replace("\r\n", "\n")

    def ok(self, *args, **options):
        reply = self.call(*args, **options)
        self.assertEqual(reply.code, 0, reply)
        return reply

    # ---- what is often expected

    def assert_refused(self, reply, *words, code=2):
        """One line on stderr that has all the words, and that exit code."""
        self.assertEqual(reply.code, code, reply)
        lines = [line for line in reply.err.splitlines() if line]
        self.assertEqual(len(lines), 1, reply)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_nothing_changed(self, before):
        self.assertEqual(sorted(before), sorted(self.files()))
        self.assertEqual(before, self.files())


def widths(drawn):
    """Columns of every line that was drawn, redrawn ones too; escape sequences take none."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", drawn)
    return [len(line) for line in re.split(r"[\r\n]", plain)]
