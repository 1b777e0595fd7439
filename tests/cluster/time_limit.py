"""tests/cluster/time_limit.py -- a job that Slurm itself warns of its time limit, and then begins again.

A minute, so no test of every day: tests/cluster/virtual-slurm 1 python3 tests/cluster/time_limit.py
"""
import unittest

import under_slurm
from clusters import SLOW

# More than two ranks compute in a minute.
LONG = SLOW.replace("[20, 21, 500]", "[50, 51, 1500]")


class TimeLimit(under_slurm.Job):
    def test_the_warning_ends_a_run_which_saves_and_the_job_begins_again(self):
        self.write("long.yaml", LONG)
        job = self.submit("one-node.sbatch", "long.yaml", options=["--time=1", "--signal=USR1@20", "--requeue"])
        self.wait_for(lambda: self.ending(job), seconds=100)
        self.assertEqual(self.ending(job), ("FAILED", "4:0"), self.said())
        self.assertIn("stopped before the end; what was done is saved", self.said())
        saved = self.values("runs/slow")
        self.assertRegex(saved[0], r"(?m),ok\b")

        # It would begin from nothing, so it leaves what is there alone.
        self.ok("scontrol", "requeue", job)
        self.ok("scontrol", "update", f"JobId={job}", "StartTime=now+5")  # in place of two minutes
        self.wait_for(lambda: self.ending(job) not in (None, ("FAILED", "4:0")))
        self.assertEqual(self.ending(job), ("FAILED", "2:0"), self.said())
        self.assertIn("--fresh", self.said())
        self.assertEqual(self.values("runs/slow"), saved)


if __name__ == "__main__":
    unittest.main()
