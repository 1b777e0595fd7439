"""tests/cluster/under_slurm.py -- srun, and sbatch with the templates of scripts/slurm, run by one-slurm."""
import glob
import os
import time
import unittest

from clusters import JOB, PROGRAM, SLOW, SOURCE, TIME_LIMIT, Case, fake_gpus

# What a machine of two cores without GPUs says in place of the templates.
HERE = ["--gpus-per-node=0", "--ntasks-per-node=2", "--cpus-per-task=1", "--time=5"]


class Job(Case):
    """What jobs have in common."""

    def submit(self, template, *args, options=()):
        """The number of a job that has been begun."""
        job = self.ok("sbatch", "--parsable", *HERE, *options, f"{SOURCE}/scripts/slurm/{template}", *args,
                      GRIDCRUNCH=PROGRAM).strip()
        self.addCleanup(self.call, "scancel", job)
        return job

    def wait_for(self, condition, seconds=TIME_LIMIT / 2):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertTrue(condition(), self.said())

    def said(self):
        text = ""
        for name in glob.glob(self.path("gridcrunch-*.out")):
            with open(name) as file:
                text += file.read()
        return text

    def ending(self, job):
        """JobState and ExitCode, once it has ended."""
        state = dict(word.split("=", 1) for word in self.ok("scontrol", "show", "job", job).split()
                     if "=" in word)
        is_over = state["JobState"] in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
        return (state["JobState"], state["ExitCode"]) if is_over else None


class Slurm(Job):
    def srun(self, ranks, *args, **environment):
        return self.ok("srun", "-n", ranks, "--overcommit", "--mpi=pmix", PROGRAM, *args, **environment)

    def test_ranks_of_srun_know_each_other(self):
        lines = self.srun(3, "devices", "--map").splitlines()
        self.assertEqual([line.split()[:2] for line in lines[1:]],
                         [["0", "one"], ["1", "one"], ["2", "one"]])

    def test_gpus_are_dealt_to_tasks(self):
        if "GCR_FAKE_GPUS" not in os.environ:
            self.skipTest("the fake was not built")
        out = self.srun(2, "devices", "--map", **fake_gpus(2))
        self.assertRegex(out, r"(?m)^ *0 .* cuda:0 ")
        self.assertRegex(out, r"(?m)^ *1 .* cuda:1 ")

    def test_a_job_has_the_same_bits_under_srun(self):
        self.write("small.yaml", JOB)
        self.ok(PROGRAM, "run", "small.yaml", "--quiet", "--out", "alone")
        self.srun(2, "run", "small.yaml", "--quiet", "--out", "ranks")
        self.assertEqual(self.values("ranks"), self.values("alone"))

    def test_a_template_runs_a_job(self):
        self.write("small.yaml", JOB)
        for template in ("one-node.sbatch", "many-nodes.sbatch"):
            nodes = ["--nodes=1"] if template.startswith("many") else []
            job = self.submit(template, "small.yaml", "--out", template, options=nodes)
            self.wait_for(lambda: self.ending(job))
            self.assertEqual(self.ending(job), ("COMPLETED", "0:0"), self.said())
        self.assertIn("threads", self.said())  # of the map
        self.assertEqual(self.values("one-node.sbatch"), self.values("many-nodes.sbatch"))

    def test_the_warning_stops_a_run_which_saves_what_it_has(self):
        self.write("slow.yaml", SLOW)
        job = self.submit("one-node.sbatch", "slow.yaml")
        self.wait_for(lambda: "memory" in self.said())  # the last line before the first cell
        time.sleep(0.5)
        self.ok("scancel", "--signal=USR1", job)  # to the steps, as --signal=USR1@120 does
        self.wait_for(lambda: self.ending(job))
        self.assertEqual(self.ending(job), ("FAILED", "4:0"), self.said())
        self.assertIn("stopped before the end; what was done is saved", self.said())
        cells = self.values("runs/slow")[0]
        self.assertRegex(cells, r"(?m),ok\b")
        self.assertRegex(cells, r"(?m),empty\b")


if __name__ == "__main__":
    unittest.main()
