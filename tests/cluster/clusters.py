"""tests/cluster/clusters.py -- what the tests on clusters share: a job, the program, and what a run has left.

The environment says where the program is (GRIDCRUNCH), the tree (GCR_SOURCE) and, where it was built, the module
of GPUs that are none (GCR_FAKE_GPUS).
"""
import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = SOURCE + "/tests/cluster/virtual-nodes"
PROGRAM = os.path.abspath(os.environ.get("GRIDCRUNCH", SOURCE + "/build/gridcrunch"))
TIME_LIMIT = 50

# 6 datasets x 30 points: cells of all ranks, summaries of each dataset.
JOB = """\
name: small
data: {synthetic: {datasets: 6, rows: [8, 13], noise: 0.1}}
kernel: scale
seed: 7
grid: {factor: {linspace: [0.5, 60, 30]}}
summary: {best: argmax(value), top: 2}
run: {batch: 2}
"""

SLOW = """\
name: slow
data: {synthetic: {datasets: 4, rows: 3}}
kernel: sleep
grid: {ms: {linspace: [20, 21, 500]}}
summary: {most: argmax(asked)}
run: {batch: 1}
"""


def fake_gpus(count):
    """An environment in which each node has so many GPUs that are none."""
    return {"GRIDCRUNCH_CUDA_MODULE": os.environ["GCR_FAKE_GPUS"], "FAKE_DEVICES": str(count)}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gridcrunch-cluster-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def call(self, *command, **environment):
        return subprocess.run(list(map(str, command)), cwd=self.folder, capture_output=True, text=True,
                              timeout=TIME_LIMIT, stdin=subprocess.DEVNULL,
                              env={**os.environ, **environment})

    def ok(self, *command, **environment):
        done = self.call(*command, **environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def values(self, run):
        """All cells of a run with their status and all their digits, and its summaries."""
        cells = self.ok(PROGRAM, "export", run, GRIDCRUNCH_MPI="none")
        with open(self.path(run + "/summary.csv")) as file:
            return cells, file.read()
