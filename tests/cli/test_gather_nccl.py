"""Ranks with a GPU each pass datasets and results on over NCCL: stand-ins for CUDA and NCCL below the real program."""
import json
import os
import re
import subprocess
import time
import unittest

from support import GROWN, IS_SANITIZED, PROGRAM, Case, Reply

SCALE = GROWN + "run: {device: 'cuda:0', batch: 300}\n"

SUPPORT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support")
AS_TWO_NODES = [os.path.join(SUPPORT, "as_nodes"), "2"]


class NcclCase(Case):

    def setUp(self):
        super().setUp()
        self.env = self.fake_gpus()
        self.write("grown.yaml", SCALE)

    def run_on(self, ranks, *flags, starter=(), **env):
        done = subprocess.run([os.path.join(SUPPORT, "mpirun"), str(ranks), *starter,
                               PROGRAM, "run", "grown.yaml", "--fresh", *flags],
                              cwd=self.folder, env={**self.env, **env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=50)
        if done.returncode == 77 or b"no MPI" in done.stderr:
            self.skipTest("there is no MPI here, or no host names of our own")
        if b"have no bridges" in done.stderr:
            self.skipTest("this build has no NCCL")
        return Reply(done.returncode, done.stdout.decode(), done.stderr.decode())

    def passed(self, reply):
        self.assertEqual(reply.code, 0, reply.err)
        return reply.err

    def results(self, folder):
        return self.read(folder + "/summary.csv"), self.ok("export", folder).out


class GatherByNccl(NcclCase):

    def assert_same_over_nccl(self, ranks, schedule, starter=()):
        self.ok("run", "grown.yaml", "--fresh", "--out", "one", env=self.env)
        reply = self.run_on(ranks, "--out", "many", "--gather", "nccl", "--schedule", schedule,
                            "--json", starter=starter)
        said, gather = self.passed(reply), reply.json()["gather"]
        self.assertEqual(gather["way"], "nccl")
        self.assertGreater(gather["bytes_per_second"], 0)
        self.assertGreater(gather["device_bytes"], 9 * 1000)
        self.assertAlmostEqual(gather["under_way_seconds"] * gather["under_way_bytes_per_second"] /
                               gather["device_bytes"], 1)
        self.assertRegex(said, r"(?m)^gather +nccl, .*, from GPU to GPU by NCCL 2\.")
        self.assertRegex(said, r"(?m)^moved .* from GPU to GPU;")
        self.assertRegex(said, r"(?m)^done +36,756 ok")
        self.assertEqual(self.results("many"), self.results("one"))

    def test_they_have_the_bits_of_one_rank(self):
        self.assert_same_over_nccl(2, "static")

    def test_they_have_them_from_another_node_too(self):
        self.assert_same_over_nccl(3, "dynamic", AS_TWO_NODES)

    def test_two_ranks_on_one_gpu_fall_back_and_say_so(self):
        said = self.passed(self.run_on(2, "--out", "many", "--gather", "nccl", FAKE_GPUS_SHARED="1"))
        self.assertRegex(said, r"(?m)^gather +mpi; nccl: off \(ranks 0 and 1 share GPU-0{8}-")
        self.assertNotIn("from GPU to GPU", said)

    def test_a_rank_with_two_gpus_falls_back_and_says_so(self):
        said = self.passed(self.run_on(2, "--out", "many", "--gather", "nccl", "--device", "cuda"))
        self.assertRegex(said, r"(?m)^gather +mpi; nccl: off \(rank 0 on \S+ has 2 GPUs")

    def test_summaries_need_no_bridge(self):
        said = self.passed(self.run_on(2, "--out", "many", "--gather", "nccl",
                                       "--set", "output.keep=summary"))
        self.assertRegex(said, r"(?m)^gather +mpi; nccl: off \(only summaries are passed on\)")

    def test_the_head_says_who_computes_on_what_and_of_a_way_nothing_where_none_is_to_choose(self):
        said = self.passed(self.run_on(2, "--out", "many"))
        self.assertNotRegex(said, r"(?m)^gather ")
        self.assertRegex(said, r"(?m)^ranks +rank 0 on \S+: \d+ thread.* on CPUs .*, cuda:0 NVIDIA Fake 0")
        self.assertRegex(said, r"(?m)^kind +cuda, f64, NVIDIA Fake 0, ")

    def test_an_error_before_the_run_is_a_note_and_one_within_it_its_end(self):
        said = self.passed(self.run_on(2, "--out", "many", "--gather", "nccl",
                                       FAKE_NCCL_FAILS="0:10"))
        self.assertRegex(said, r"(?m)^gather +mpi; nccl: off \(rank 0 of 2 \(cuda:0, NVIDIA Fake 0\): ")
        self.write("grown.yaml", SCALE.replace("7001", "200001"))
        reply = self.run_on(2, "--out", "many", "--gather", "nccl", FAKE_NCCL_FAILS="1:700")
        self.assertRegex(reply.err, r"(?m)^gather +nccl, ")
        self.assertEqual(reply.code, 4, reply.err)
        self.assertRegex(reply.err, "NCCL cannot (go on|pass results)")  # by either rank, as it hears of it
        self.assertIn("what has landed before is saved", reply.err)

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_rank_whose_messages_fail_ends_the_run_on_all(self):
        """It leads no node, so that nobody but itself could say that it has ended."""
        self.write("grown.yaml", SCALE.replace("7001", "70001"))
        preload = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_mpi_fails.so")
        begin = time.monotonic()
        reply = self.run_on(4, "--out", "many", "--gather", "nccl", starter=AS_TWO_NODES,
                            LD_PRELOAD=preload, FAKE_MPI_FAILS="3:20+")
        self.assertLess(time.monotonic() - begin, 20)
        self.assertRegex(reply.err, r"(?m)^gather +nccl, ")
        self.assertIn(reply.code, (1, 4), reply)
        self.assertEqual(len(re.findall("(?m)^gridcrunch: rank ", reply.err)), 1, reply)


class SpreadByNccl(NcclCase):

    ROWS, DATASETS, RANKS = 150000, 2, 3

    def setUp(self):
        super().setUp()
        self.write("grown.yaml", SCALE.replace("synthetic: {datasets: 6, rows: 4}", "source: '?.csv', y: y")
                                      .replace("7001", "101").replace("batch: 300", "batch: 10"))
        for d, key in enumerate("ab"):
            self.write(key + ".csv", "x,y\n" + "".join(f"{i},{(i + d) % 977}.5\n" for i in range(self.ROWS)))

    def test_what_all_ranks_need_goes_up_once_in_all(self):
        distinct = self.DATASETS * self.ROWS * 2 * 8
        self.ok("run", "grown.yaml", "--out", "one", env=self.env)
        reply = self.run_on(self.RANKS, "--out", "many", "--gather", "nccl", "--schedule", "cyclic", "--json",
                            starter=AS_TWO_NODES)
        said = self.passed(reply)
        self.assertRegex(said, r"(?m)^spread +2 datasets, 4\.6 MiB, from GPU to GPU by NCCL 2\.")
        told = json.loads(reply.out)
        self.assertEqual(told["gather"]["way"], "nccl")
        self.assertRegex(told["spread"], "^2 datasets, ")
        self.assertEqual(told["devices"][0]["planned_up_bytes"], distinct // self.RANKS)
        ledger = told["ledger"]
        self.assertEqual(ledger["up_bytes"], distinct)
        self.assertEqual(ledger["spread_bytes"], distinct * (self.RANKS - 1))
        self.assertRegex(said, r"(?m)^moved .* 9\.2 MiB of datasets from GPU to GPU, ")
        self.assertEqual(self.results("many"), self.results("one"))


if __name__ == "__main__":
    unittest.main()
