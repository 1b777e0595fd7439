"""tests/comm/test_end.py -- how ranks end that cannot go on: together, soon, and with nothing left.

The environment says where the program is (STAY), the same of another build (OTHER), and how ranks are
started (MPIRUN_SCRIPT).
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

STAY, OTHER, MPIRUN = (os.environ[name] for name in ("STAY", "OTHER", "MPIRUN_SCRIPT"))
with open(STAY, "rb") as _program:
    IS_SANITIZED = b"__asan_init" in _program.read()
# Seconds in which ranks have to leave: 5, where cores have no other work. They take less than one.
SOON = (15 if IS_SANITIZED else 5) * max(1, os.getloadavg()[0] / os.cpu_count())


def start(*args, **environment):
    return subprocess.Popen([MPIRUN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, **environment}, start_new_session=True)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(condition):
    end = time.monotonic() + SOON
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


class End(unittest.TestCase):
    def ends(self, *args, **environment):
        """What is said on stderr by ranks that have to end with a failure."""
        process = start(*args, **environment)
        _, err = process.communicate(timeout=SOON)
        self.assertNotEqual(process.returncode, 0)
        return process.returncode, err

    def started(self, count, how="wait"):
        process = start(str(count), STAY, how)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        pids, spaces = zip(*(process.stdout.readline().split() for _ in range(count)))
        return process, [int(pid) for pid in pids], spaces[0]

    def test_a_rank_that_leaves_ends_all(self):
        code, _ = self.ends("3", STAY, "leave")
        self.assertEqual(code, 7)

    def test_ranks_of_different_builds_leave_with_one_sentence(self):
        code, err = self.ends("1", STAY, ":", "-np", "1", OTHER)
        said = {line for line in err.splitlines() if line.startswith("stay: ")}
        self.assertEqual(code, 3)
        self.assertEqual(len(said), 1, err)
        self.assertRegex(said.pop(), "rank 1 on .* is another build of gridcrunch than rank 0 on ")

    def test_without_the_module_ranks_say_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "bin"))
            program = shutil.copy(STAY, os.path.join(folder, "bin"))
            code, err = self.ends("2", program)
        self.assertEqual(code, 3)
        self.assertIn("stay: started by mpirun as one of 2 ranks, but this build has no MPI: "
                      "there is no libgridcrunch_mpi.so beside gridcrunch", err)

    def test_a_rank_without_the_module_ends_the_others(self):
        code, err = self.ends("1", STAY, ":", "-np", "1", "env",
                              "GRIDCRUNCH_MPI_MODULE=/no/such/file.so", STAY)
        self.assertEqual(code, 3)
        self.assertIn("but MPI cannot be used: cannot load /no/such/file.so", err)

    def test_a_killed_rank_ends_the_others(self):
        process, pids, _ = self.started(3)
        os.kill(pids[1], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=SOON), 137)
        self.assertTrue(wait_for(lambda: not any(map(is_alive, pids))))

    def test_ranks_that_may_wait_for_so_long_leave_then(self):
        """By themselves: what they cannot do together, as the end of MPI, they leave out."""
        process, pids, _ = self.started(3, "late")
        self.assertTrue(wait_for(lambda: sum(map(is_alive, pids)) <= 1))
        _, err = process.communicate(timeout=SOON)
        self.assertIn("stay: a rank has not come where all meet for 0.5 s: its machine or the network between "
                      "is gone", err)

    def test_what_a_lost_node_has_sent_keeps_no_other_from_being_heard(self):
        """Of much that is sent in pieces by one that stands still: its first pieces lie there for ever."""
        as_nodes = os.path.join(os.path.dirname(MPIRUN), "as_nodes")
        process = start("3", "--mca", "btl_vader_single_copy_mechanism", "none", as_nodes, "3", STAY, "lose")
        out, err = process.communicate(timeout=60)
        if "no host names of our own" in out:
            self.skipTest(out.strip())
        self.assertIn("rank 0 hears 2", out, err)

    def test_nothing_of_ours_is_left_of_a_killed_job(self):
        before = set(os.listdir("/dev/shm"))
        process, pids, space = self.started(3)
        for pid in [process.pid, *pids]:
            os.kill(pid, signal.SIGKILL)
        process.wait(timeout=SOON)
        self.assertTrue(wait_for(lambda: not any(map(is_alive, pids))))
        left = set(os.listdir("/dev/shm")) - before
        job = f".{int(space):x}." if space.isdigit() else None
        segments = {name for name in left if name.startswith("vader_segment.")}  # Open MPI's own
        for name in segments:
            if job and job in name:  # the others are of jobs beside this one
                os.unlink("/dev/shm/" + name)
        self.assertEqual(left - segments, set())


if __name__ == "__main__":
    if shutil.which(os.environ.get("MPIRUN", "mpirun")) is None:
        print("there is no mpirun here")
        sys.exit(77)
    unittest.main(verbosity=2)
