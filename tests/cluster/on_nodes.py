"""tests/cluster/on_nodes.py -- ranks on several nodes, run by virtual-nodes: each node knows itself, and a job has
the same bits as on one rank.
"""
import json
import os
import subprocess
import time
import unittest

from clusters import JOB, PROGRAM, SLOW, SOURCE, TIME_LIMIT, Case, fake_gpus

NODES = int(os.environ["VIRTUAL_NODES"])
CLUSTER = SOURCE + "/tests/cluster/virtual-nodes"


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

    def processes(self):
        """Of this test's runs, on all nodes: they share their numbers."""
        found = subprocess.run(["pgrep", "-f", self.path("cut")], capture_output=True, text=True)
        return found.stdout.split()

    @unittest.skipIf(NODES > 2, "as on two")
    def test_when_a_node_is_cut_off_the_network_the_run_ends(self):
        """Nothing else would: its rank computes on, and no message says that it cannot be heard. The last test: n2
        stays away."""
        self.write("slow.yaml", SLOW)
        keepalive = {f"OMPI_MCA_oob_tcp_keepalive_{what}": number
                     for what, number in (("time", "2"), ("intvl", "1"), ("probes", "2"))}
        with open(self.path("output"), "w+") as output:
            run = subprocess.Popen([CLUSTER, "mpirun", "2", PROGRAM, "run", "slow.yaml", "--quiet",
                                    "--threads", "1", "--out", self.path("cut")], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, **keepalive})
            time.sleep(3)
            self.assertIsNone(run.poll())
            self.ok(CLUSTER, "cut", "n2")
            begin = time.monotonic()
            self.assertNotEqual(run.wait(TIME_LIMIT), 0)
            self.assertLess(time.monotonic() - begin, 20)
        while self.processes() and time.monotonic() - begin < 30:
            time.sleep(0.2)
        self.assertEqual(self.processes(), [])


if __name__ == "__main__":
    unittest.main()
