"""tests/cluster/on_nodes.py -- ranks on several nodes, run by virtual-nodes: each node knows itself, and a job has
the same bits as on one rank.
"""
import json
import os
import re
import signal
import subprocess
import time
import unittest

from clusters import CLUSTER, JOB, PROGRAM, SLOW, TIME_LIMIT, Case, fake_gpus

NODES = int(os.environ["VIRTUAL_NODES"])


class Nodes(Case):
    def map(self, ranks, **environment):
        out = self.ok(CLUSTER, "mpirun", ranks, PROGRAM, "devices", "--map", "--json", **environment)
        return json.loads(out)

    def test_each_rank_is_on_its_node(self):
        for each in (1, 2):
            found = self.map(each * NODES)["ranks"]
            hosts = [rank["host"] for rank in found]
            self.assertEqual(sorted(hosts), sorted(each * [f"n{n + 1}" for n in range(NODES)]))
            self.assertEqual(len({rank["node"] for rank in found}), NODES)

    def test_a_node_deals_its_own_gpus(self):
        if "GCR_FAKE_GPUS" not in os.environ:
            self.skipTest("the fake was not built")
        found = self.map(2 * NODES, **fake_gpus(3))["ranks"]
        for node in range(NODES):
            gpus = [[gpu["device"] for gpu in rank["gpus"]] for rank in found if rank["node"] == node]
            self.assertEqual(gpus, [["cuda:0", "cuda:1"], ["cuda:2"]])

    def test_a_job_has_the_same_bits_on_any_ranks(self):
        self.write("small.yaml", JOB)
        self.ok(PROGRAM, "run", "small.yaml", "--quiet", "--out", "alone", GRIDCRUNCH_MPI="none")
        want = self.values("alone")
        self.assertEqual(want[0].count("\n"), 1 + 6 * 30)
        for ranks in (NODES, 2 * NODES - 1):
            out = f"ranks-{ranks}"
            self.ok(CLUSTER, "mpirun", ranks, PROGRAM, "run", "small.yaml", "--quiet", "--out", out)
            self.assertEqual(self.values(out), want)

    def processes(self, *pattern):
        """On all nodes: they share their numbers."""
        found = subprocess.run(["pgrep", *pattern], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def named_in_shm(self):
        """But for what Open MPI has there."""
        return {name for name in os.listdir("/dev/shm") if not re.match("(vader|sm)_segment|osc_", name)}

    def wait_for(self, condition, what):
        end = time.monotonic() + TIME_LIMIT
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.1)

    @unittest.skipIf(NODES > 2, "as on two")
    def test_when_a_node_is_cut_off_the_network_both_sides_end(self):
        """By themselves: mpirun and its daemon on that node, which would wait for each other for a quarter of an hour,
        are ended by this test."""
        self.write("slow.yaml", SLOW.replace("500", "2000"))
        out = self.path("cut")
        shm = self.named_in_shm()
        ranks = "-f", f"^{PROGRAM} run .*{out}$"
        begin = time.monotonic()
        with open(self.path("said"), "w+") as said:
            run = subprocess.Popen([CLUSTER, "mpirun", "4", "--timeout", "300", PROGRAM, "run", "slow.yaml",
                                    "--threads", "1", "--out", out], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                   env={**os.environ, "GRIDCRUNCH_SILENCE": "1"})
            self.addCleanup(run.kill)
            self.wait_for(lambda: "memory " in self.read("said"), "the head of the run")
            time.sleep(1 + time.monotonic() - begin)  # from the head to the first cell it takes a part of that
            self.assertEqual(len(self.processes(*ranks)), 4)
            self.ok(CLUSTER, "cut", "n2")
            self.wait_for(lambda: not self.processes(*ranks), "the end of all ranks")
            for pid in self.processes("-x", "orted"):
                os.kill(pid, signal.SIGKILL)
            run.terminate()
            self.assertNotEqual(run.wait(TIME_LIMIT), 0)
        self.assertIn("node 1 (rank 1 on n2) has not been heard for 1 s: its machine or the network between is "
                      "gone; what has landed before is saved", self.read("said"))
        cells = self.values("cut")[0]
        self.assertEqual(cells.count("\n"), 1 + 4 * 2000)
        self.assertGreater(cells.count(",ok,"), 0)
        self.assertGreater(cells.count(",empty,"), 0)
        self.assertEqual(self.named_in_shm() - shm, set())
        self.ok(CLUSTER, "heal", "n2")


if __name__ == "__main__":
    unittest.main()
