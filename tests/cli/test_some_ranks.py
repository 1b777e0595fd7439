"""`--ranks`: some of those that were started compute, the others wait for their end."""
import os
import signal
import unittest

from support import PROGRAM, SMALL
from test_rank_faults import Slow, said


class SomeRanks(Slow):
    def assert_refused_by_all(self, reply, *words, code=2):
        self.assertEqual(reply.code, code, reply)
        self.assertEqual(len(said(reply)), 1, reply)
        for word in words:
            self.assertIn(word, said(reply)[0], reply)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_have_the_bits_of_one_process(self):
        self.write("small.yaml", SMALL)
        flags = ("run", "small.yaml", "--no-sync", "--out")
        self.ok(*flags, "alone")
        for nodes, listed, hosts in ((2, "1,2", ("node1", "node0")), (1, "2-3", 2 * (os.uname().nodename,)),
                                     (3, "3,1", ("node0", "node1"))):
            reply = self.on_ranks(4, *flags, listed, "--ranks", listed, nodes=nodes)
            self.assertEqual(reply.code, 0, reply)
            self.assertRegex(reply.err, r"(?m)^compute +2 ranks, ")  # numbered anew, in the order of the list:
            self.assertRegex(reply.err, r"\nranks +rank 0 on %s: .*\n +rank 1 on %s: " % hosts)
            self.assertEqual(reply.err.count("\nresults "), 1, reply)
            self.assertEqual(self.read(f"{listed}/summary.csv"), self.read("alone/summary.csv"))
        wanted, *found = self.bits_of("alone", "1,2", "2-3", "3,1")
        self.assertEqual(found, 3 * [wanted])

    def test_a_list_that_is_none_is_refused(self):
        for listed, sentence in (("1,1", "rank 1 is selected twice"),
                                 ("0,7", "there is no rank 7: ranks are 0 to 1"),
                                 ("1-0", "--ranks '1-0' is not a list of ranks like 0,2-5"),
                                 ("x", "--ranks 'x' is not a list of ranks like 0,2-5")):
            with self.subTest(listed):
                reply = self.on_ranks(2, "run", "slow.yaml", "--out", "out", "--ranks", listed)
                self.assert_refused_by_all(reply, sentence)

    def start_with(self, second, third, *flags):
        """Rank 0 in a folder where all is well, ranks 1 and 2 in these; each on a node of its own."""
        words = ["run", "slow.yaml", "--ranks", "1,2", "--out", self.path("out"), *flags]
        apps = [[*self.as_nodes(3), "env", "-C", self.path(folder), PROGRAM, *words]
                for folder in (".", second, third)]
        return self.start_mpirun(1, *apps[0], ":", "-np", "1", *apps[1], ":", "-np", "1", *apps[2])

    def test_data_that_they_lack_are_not_those_of_a_rank_beside_them(self):
        self.write("slow.yaml", self.JOB.replace("{synthetic: {datasets: 4, rows: 3}}",
                                                 "{source: it.csv, key: who, x: x, y: y}"))
        self.write("it.csv", "who,x,y\na,1,1\n")
        self.write("other/slow.yaml", self.read("slow.yaml"))
        reply = self.end_ranks(self.start_with("other", "other"))
        self.assert_refused_by_all(reply, "it.csv")

    def test_a_job_that_one_of_them_lacks(self):
        os.mkdir(self.path("empty"))
        reply = self.end_ranks(self.start_with(".", "empty"))
        self.assert_refused_by_all(reply, "rank 1 on node2: slow.yaml: cannot read the job file")

    def test_a_warning_to_one_of_them_stops_all_and_saves(self):
        process, pids = self.start_computing(3, "--ranks", "1,2", nodes=3)
        os.kill(pids[-1], signal.SIGUSR1)
        reply = self.end_ranks(process)
        self.assertEqual(reply.code, 4, reply)
        self.assertIn(", as another rank was sent a signal", reply.err)
        self.assert_a_part_is_there()

    def test_a_warning_to_all_that_were_started(self):
        process, pids = self.start_computing(3, "--ranks", "1,2")
        process.send_signal(signal.SIGUSR1)
        reply = self.end_ranks(process)
        self.assertEqual(reply.code, 4, reply)
        self.assert_a_part_is_there()


if __name__ == "__main__":
    unittest.main()
