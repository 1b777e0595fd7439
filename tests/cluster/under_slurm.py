"""tests/cluster/under_slurm.py -- srun, and sbatch with the templates of scripts/slurm, run by virtual-slurm 2."""
import glob
import os
import subprocess
import time
import unittest

from clusters import CLUSTER, JOB, PROGRAM, SLOW, SOURCE, TIME_LIMIT, Case, fake_gpus

# What a machine of two cores without GPUs says in place of the templates.
HERE = ["--gpus-per-node=0", "--ntasks-per-node=2", "--cpus-per-task=1", "--time=5"]


class Job(Case):
    """What jobs have in common."""

    def submit(self, template, *args, options=(), **environment):
        """The number of a job that has been begun."""
        job = self.ok("sbatch", "--parsable", *HERE, *options, f"{SOURCE}/scripts/slurm/{template}", *args,
                      GRIDCRUNCH=PROGRAM, **environment).strip()
        self.addCleanup(self.call, "scancel", job)
        return job

    def wait_for(self, condition, seconds=TIME_LIMIT / 2):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertTrue(condition(), self.said())

    def wait_for_cells(self):
        self.wait_for(lambda: "memory" in self.said())  # the last line before the first cell
        time.sleep(1)

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
    def srun(self, *args, **environment):
        return self.ok("srun", "--overcommit", "--mpi=pmix", *args, **environment)

    def places(self, *args, **environment):
        """The first columns of the map: ranks and hosts."""
        out = self.srun(*args, PROGRAM, "devices", "--map", **environment)
        return [line.split()[:2] for line in out.splitlines() if line.split()[0].isdecimal()]

    def test_ranks_of_srun_know_each_other(self):
        self.assertEqual(self.places("-N2", "-n3"), [["0", "n1"], ["1", "n1"], ["2", "n2"]])

    @unittest.skipUnless("GCR_HELD_RANK" in os.environ, "what holds it was not built")
    def test_a_rank_that_is_late_is_not_sent_to(self):
        """It would end by a segmentation fault, in every second start or more."""
        for _ in range(2):
            late = {"LD_PRELOAD": os.environ["GCR_HELD_RANK"], "HELD_RANK": "0"}
            self.assertEqual(len(self.places("-N2", "-n3", **late)), 3)

    def test_a_list_of_machines_puts_ranks_where_it_says(self):
        self.write("machines", "2*n2\nn1\n")
        self.write("hosts", self.ok(PROGRAM, "hosts", "machines", "--to", "srun"))
        self.assertEqual(self.places("--distribution=arbitrary", SLURM_HOSTFILE=self.path("hosts")),
                         [["0", "n2"], ["1", "n2"], ["2", "n1"]])

    def test_gpus_are_dealt_to_the_tasks_of_each_node(self):
        if "GCR_FAKE_GPUS" not in os.environ:
            self.skipTest("the fake was not built")
        out = self.srun("-N2", "-n3", PROGRAM, "devices", "--map", **fake_gpus(2))
        for rank, gpus in enumerate(("cuda:0 ", "cuda:1 ", "cuda:0 cuda:1 ")):
            self.assertRegex(out, rf"(?m)^ *{rank} .*  {gpus} ")

    def test_some_of_the_ranks_compute_the_same_bits(self):
        want = self.alone()
        self.srun("-N2", "-n4", PROGRAM, "run", "small.yaml", "--quiet", "--out", "some", "--ranks", "1,2")
        self.assertEqual(self.values("some"), want)

    def alone(self):
        """What one process makes of a job."""
        self.write("small.yaml", JOB)
        self.ok(PROGRAM, "run", "small.yaml", "--quiet", "--out", "alone")
        return self.values("alone")

    def test_a_template_runs_a_job(self):
        want = self.alone()
        for template, nodes in (("one-node.sbatch", 1), ("many-nodes.sbatch", 2)):
            job = self.submit(template, "small.yaml", "--out", template, options=[f"--nodes={nodes}"])
            self.wait_for(lambda: self.ending(job))
            self.assertEqual(self.ending(job), ("COMPLETED", "0:0"), self.said())
            self.assertEqual(self.values(template), want)
        self.assertRegex(self.said(), r"(?m)^ *3  n2 ")  # of the map

    def test_the_warning_stops_a_run_which_saves_what_it_has(self):
        self.write("slow.yaml", SLOW)
        job = self.submit("many-nodes.sbatch", "slow.yaml")
        self.wait_for_cells()
        self.ok("scancel", "--signal=USR1", job)  # to the steps, as --signal=USR1@120 does
        self.wait_for(lambda: self.ending(job))
        self.assertEqual(self.ending(job), ("FAILED", "4:0"), self.said())
        self.assertIn("stopped before the end; what was done is saved", self.said())
        cells = self.values("runs/slow")[0]
        self.assertRegex(cells, r"(?m),ok\b")
        self.assertRegex(cells, r"(?m),empty\b")


class SlurmLosesANode(Job):
    """It comes last, as the node stays lost."""

    def ranks(self, out):
        """On all nodes: they share the numbers of processes."""
        return subprocess.run(["pgrep", "-f", f"^{PROGRAM} run .*{out}$"], capture_output=True, text=True).stdout

    def test_what_has_landed_is_saved_and_the_ranks_of_both_nodes_end(self):
        self.write("slow.yaml", SLOW.replace("500", "5000"))
        out = self.path("cut")
        self.submit("many-nodes.sbatch", "slow.yaml", "--out", out, options=["--ntasks-per-node=1"],
                    GRIDCRUNCH_SILENCE="1")
        self.wait_for_cells()
        self.ok(CLUSTER, "cut", "n2")
        self.wait_for(lambda: "n1: task 0: Exited with exit code 4" in self.said())  # srun waits on for n2
        self.assertIn("node 1 (rank 1 on n2) has not been heard for 1 s", self.said())
        self.assertIn(",ok,", self.values("cut")[0])
        self.wait_for(lambda: not self.ranks(out))


if __name__ == "__main__":
    unittest.main()
