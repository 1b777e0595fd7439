"""tests/cli/ranks.py -- the program as many ranks on this machine, started by tests/support/mpirun."""
import os
import shutil
import subprocess
import unittest

from support import PROGRAM, SOURCE, TIME_LIMIT, Case, Reply, clean_environment, hash_arrays, hear_signals

MPIRUN = os.path.join(SOURCE, "tests", "support", "mpirun")
AS_NODES = os.path.join(SOURCE, "tests", "support", "as_nodes")
MODULE = os.path.join(os.path.dirname(PROGRAM), "libgridcrunch_mpi.so")
HAS_RANKS = os.path.exists(MODULE) and shutil.which(os.environ.get("MPIRUN", "mpirun")) is not None


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(pid):
    """Processes that this one has started, and those that they have."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            for child in map(int, children.read().split()):
                found += [child, *descendants(child)]
    except OSError:
        pass
    return found


@unittest.skipUnless(HAS_RANKS, "no MPI")
class RankCase(Case):
    def as_nodes(self, nodes):
        """Words before a program that let its ranks believe to be on so many machines."""
        if nodes > 1 and os.geteuid() != 0:
            self.skipTest("several nodes on one machine need root")
        return [AS_NODES, str(nodes)] if nodes > 1 else []

    def start_mpirun(self, ranks, *words):
        environment = clean_environment(XDG_CACHE_HOME=self.path("cache"))
        process = subprocess.Popen([MPIRUN, str(ranks), *words], cwd=self.folder, text=True,
                                   env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=hear_signals, start_new_session=True)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def start_ranks(self, ranks, *args, nodes=1):
        return self.start_mpirun(ranks, *self.as_nodes(nodes), PROGRAM, *map(str, args))

    def end_ranks(self, process):
        out, err = process.communicate(timeout=TIME_LIMIT)
        return Reply(process.returncode, out, err)

    def on_ranks(self, ranks, *args, **options):
        return self.end_ranks(self.start_ranks(ranks, *args, **options))

    def bits_of(self, *folders):
        """What each run has computed, array by array."""
        return hash_arrays(*(self.path(f"{folder}/results.h5") for folder in folders))

    def empty_folder(self):
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)
