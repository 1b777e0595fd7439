"""gridcrunch devices --map, of one process: which CPUs, threads and GPUs it has."""
import os
import re
import unittest

from support import PROGRAM, SOURCE, Case, clean_environment, widths

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


if __name__ == "__main__":
    unittest.main()
