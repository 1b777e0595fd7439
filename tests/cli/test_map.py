"""gridcrunch devices --map: which CPUs, threads and GPUs a process has, and of several what costs them time."""
import os
import re
import unittest

from ranks import RankCase
from support import PROGRAM, SMALL, SOURCE, Case, clean_environment, widths

MODULE = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_fake_module.so")


class Map(Case):
    def gpus(self, **extra):
        if not os.path.exists(MODULE):
            self.skipTest("the fake was not built")
        return {**clean_environment(), "GRIDCRUNCH_CUDA_MODULE": MODULE, **extra}

    def test_a_process_alone_is_rank_0_and_has_what_it_may_use(self):
        cpus = sorted(os.sched_getaffinity(0))
        rank = self.ok("devices", "--map", "--json").json()["ranks"][0]
        self.assertEqual((rank["rank"], rank["node"], rank["threads"]), (0, 0, len(cpus)))
        self.assertEqual(rank["host"], os.uname().nodename)

    def test_the_kind_of_a_rank_is_its_processor_and_code_path_or_the_names_of_its_gpus(self):
        cores = self.ok("devices", "--json").json()[0]["devices"][0]
        kind = f"{cores['name']}, {cores['code_path']}"
        rank = self.ok("devices", "--map", "--json").json()["ranks"][0]
        self.assertEqual(rank["kind"], kind)
        self.assertEqual(rank["cores"], {name: cores[name] for name in ("name", "code_path")})
        self.assertRegex(self.ok("devices", "--map").out, rf"(?m)^rank .* kind\n.* {re.escape(kind)}$")
        rank = self.ok("devices", "--map", "--json", env=self.gpus(FAKE_DEVICES="2")).json()["ranks"][0]
        self.assertEqual((rank["kind"], rank["cores"]["name"]), ("fake", cores["name"]))

    def test_a_process_that_is_bound_to_one_cpu_has_one_thread(self):
        cpu = max(os.sched_getaffinity(0))
        reply = self.ok("devices", "--map", preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        self.assertRegex(reply.out, rf"(?m)^ *0 +\S+ +{cpu} +1  \S")
        self.assertEqual(reply.err, "")

    def test_all_gpus_are_those_of_a_process_alone(self):
        rank = self.ok("devices", "--map", "--json", env=self.gpus(FAKE_DEVICES="3")).json()["ranks"][0]
        self.assertEqual([gpu["device"] for gpu in rank["gpus"]], ["cuda:0", "cuda:1", "cuda:2"])
        self.assertEqual([gpu["pci"] for gpu in rank["gpus"]],
                         ["0000:10:00", "0000:11:00", "0000:12:00"])

    def test_a_gpu_is_near_or_far_as_the_topology_says(self):
        topology = SOURCE + "/tests/data/two_sockets.xml"  # GPUs at 3b (CPUs 0-3), c1 and c2 (4-7)
        near, far = (self.ok("devices", "--map", "--json", preexec_fn=lambda: os.sched_setaffinity(0, {0}),
                             env=self.gpus(HWLOC_XMLFILE=topology, FAKE_FIRST_DEVICE=str(bus - 0x10)))
                     .json()["ranks"][0]["gpus"][0] for bus in (0x3b, 0xc1))
        if near["nearness"] is None:
            self.skipTest("a build without hwloc")
        self.assertEqual((near["nearness"], near["memory_node"]), ("near", 0))
        self.assertEqual((far["nearness"], far["memory_node"]), ("far", 1))

    def test_the_table_fits_forty_columns_and_eighty(self):
        for columns in (40, 80):
            for devices in ("0", "1", "3"):
                with self.subTest(columns=columns, devices=devices):
                    code, drawn = self.call_on_terminal(columns, "devices", "--map",
                                                        GRIDCRUNCH_CUDA_MODULE=MODULE,
                                                        FAKE_DEVICES=devices)
                    self.assertEqual(code, 0, drawn)
                    self.assertLessEqual(max(widths(drawn)), columns, drawn)

    def test_two_things_at_once_are_refused(self):
        self.assertEqual(self.call("devices", "--map", "--calibrate").code, 2)


class Warnings(RankCase):
    """Of ranks that have less than they could have: said, and never refused."""

    def setUp(self):
        super().setUp()
        self.cpus = sorted(os.sched_getaffinity(0))
        if len(self.cpus) < 2:
            self.skipTest("this machine has one CPU")

    def warnings(self, reply):
        self.assertEqual(reply.code, 0, reply)
        said = reply.json()["warnings"]
        self.assertEqual([line for line in reply.err.splitlines() if line.startswith("gridcrunch: ")], [])
        return said

    def map(self, *words):
        return self.warnings(self.end_ranks(self.start_mpirun(*words)))

    def test_more_threads_than_cpus_and_ranks_that_are_bound_to_one(self):
        words = ["taskset", "-c", str(self.cpus[0]), PROGRAM, "devices", "--map", "--json"]
        host, all_cpus = os.uname().nodename, os.sysconf("SC_NPROCESSORS_ONLN")
        bound = (f"may use 1 of {all_cpus} CPUs; if more are yours: mpirun --bind-to none, or srun "
                 "--cpus-per-task")
        self.assertEqual(self.map(2, *words), [f"{host}: 2 ranks have 2 threads on 1 CPU",
                                               f"{host}: 2 ranks {bound}"])
        self.assertEqual(self.map(3, *self.as_nodes(3), *words), [f"node0 and 2 more nodes: 1 rank {bound}"])

    def test_ranks_that_share_some_of_their_cpus(self):
        a, b = self.cpus[:2]
        words = [PROGRAM, "devices", "--map", "--json"]
        said = self.map(1, "taskset", "-c", f"{a},{b}", *words, ":", "-np", "1", "taskset", "-c", str(b), *words)
        both = f"{a}-{b}" if b == a + 1 else f"{a},{b}"
        self.assertIn(f"{os.uname().nodename}: ranks 0 and 1 are bound to CPUs of which they share some ({both} and "
                      f"{b}): bind ranks to different ones, or none", said)

    def test_ranks_that_share_a_gpu(self):
        if not os.path.exists(MODULE):
            self.skipTest("the fake was not built")
        said = self.map(3, "-x", f"GRIDCRUNCH_CUDA_MODULE={MODULE}", "-x", "FAKE_DEVICES=2", PROGRAM, "devices",
                        "--map", "--json")
        self.assertIn(f"{os.uname().nodename}: 2 ranks share 1 GPU: one rank for each GPU is faster", said)

    def test_a_run_says_so_and_runs(self):
        self.write("small.yaml", SMALL)
        reply = self.end_ranks(self.start_mpirun(2, "taskset", "-c", str(self.cpus[0]), PROGRAM, "run", "small.yaml"))
        self.assertEqual(reply.code, 0, reply)
        self.assertRegex(reply.err, r"(?m)^warning +\S+: 2 ranks have 2 threads on 1 CPU$")


if __name__ == "__main__":
    unittest.main()
