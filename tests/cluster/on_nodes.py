"""tests/cluster/on_nodes.py -- ranks on several nodes, run by virtual-nodes: each node knows itself, and a job has
the same bits as on one rank.
"""
import json
import os
import unittest

from clusters import JOB, PROGRAM, SOURCE, Case, fake_gpus

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


if __name__ == "__main__":
    unittest.main()
