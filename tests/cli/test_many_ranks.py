"""A run has the same bits for any ranks, nodes and schedule; and what ranks cost, the results say."""
import csv
import io
import os
import random
import re
import shutil
import subprocess
import sys
import unittest

from ranks import RankCase
from support import IS_SANITIZED, PROGRAM, SINGULAR_TABLE, SOURCE, clean_environment

SCHEDULES = ("static", "cyclic", "dynamic", "guided")

# (ranks, nodes, schedule, threads of a rank): every pair of ranks and nodes, and of nodes and schedules.
WAYS = [(1, 1, "dynamic", 1), (2, 1, "static", 1), (2, 2, "dynamic", 1), (2, 1, "guided", 2),
        (3, 1, "cyclic", 1), (3, 2, "static", 2), (3, 3, "guided", 1), (3, 2, "cyclic", 1),
        (4, 1, "dynamic", 1), (4, 2, "guided", 1), (4, 4, "dynamic", 2), (4, 4, "cyclic", 1),
        (4, 4, "static", 1)]

GP = """\
name: it
data: {synthetic: {datasets: 7, rows: [5, 19], noise: 0.1}, standardize: y}
kernel: gp
options: {covariance: rbf}
seed: 5
grid: {lengthscale: [0.5, 4, 300], noise: [0, 1e-9, 0.1], variance: [1, 2]}
where: variance == 1 or noise > 0
"""

JOBS = {
    "jitter and cells that are not SPD": GP + "run: {jitter: [1e-13, 1e-10]}\n"
    "summary: {best: argmax(lml), top: 3, low: 'quantile(lml, 0.25)', mean: mean(lml)}\n",
    "summaries alone": GP + "output: {keep: summary}\nrun: {jitter: [1e-13]}\n"
    "summary: {best: argmax(lml), top: 3, mean: mean(lml), least: min(lml)}\n",
    "single precision": GP + "run: {precision: single}\nsummary: {best: argmin(lml), nan: propagate}\n",
    "a kernel of one's own": "name: it\ndata: {source: table.csv, key: who, x: x, y: y}\n"
    "kernel: ewma.c\ngrid: {alpha: {linspace: [0, 1, 2100]}}\nsummary: {best: argmin(mse), top: 2}\n",
    "tiny cells": "name: it\ndata: {synthetic: {datasets: 3, rows: [1, 3]}}\nkernel: scale\n"
    "grid: {factor: {linspace: [-1, 1, 50001]}}\nwhere: factor * factor > 0.1\n"
    "summary: {best: argmax(value), mean: mean(value)}\n",
}
TABLE = SINGULAR_TABLE + "alone,1,1\n" + "".join(f"c,{i},{i * i % 7}\n" for i in range(40))


class SameBits(RankCase):
    def setUp(self):
        super().setUp()
        self.write("table.csv", TABLE)
        with open(os.path.join(SOURCE, "examples", "ewma.c"), encoding="utf-8") as file:
            self.write("ewma.c", file.read())

    def assert_same(self, job, ways):
        """The job by ranks in all these ways, beside it in one process."""
        self.write("it.yaml", job)
        flags = ("run", "it.yaml", "--quiet", "--no-sync", "--out")
        code = self.call(*flags, "alone", "--threads", "1").code
        self.assertIn(code, (0, 3), job)
        folders = ["alone"]
        for ranks, nodes, schedule, threads in ways:
            folders.append(f"{ranks} ranks on {nodes} nodes, {schedule}, {threads} threads")
            reply = self.on_ranks(ranks, *flags, folders[-1], "--threads", threads, "--schedule",
                                  schedule, nodes=nodes)
            self.assertEqual(reply.code, code, reply)
        wanted, *found = self.bits_of(*folders)
        for folder, bits in zip(folders[1:], found):
            with self.subTest(folder, job=job):
                self.assertEqual(bits, wanted)
                self.assertEqual(self.read(f"{folder}/summary.csv"), self.read("alone/summary.csv"))

    def test_of_ranks_with_other_numbers_of_threads(self):
        """One after the other on a node, and three of them on two."""
        self.write("it.yaml", JOBS["tiny cells"])
        flags = ["run", "it.yaml", "--quiet", "--no-sync", "--out"]
        self.ok(*flags, "alone")
        for nodes, schedule in ((1, "static"), (2, "dynamic")):
            words = []
            for threads in ("1", "3", "2"):
                words += [*self.as_nodes(nodes), PROGRAM, *flags, f"on {nodes}", "--schedule",
                          schedule, "--threads", threads, ":", "-np", "1"]
            reply = self.end_ranks(self.start_mpirun(1, *words[:-3]))
            self.assertEqual(reply.code, 0, reply)
        wanted, *found = self.bits_of("alone", "on 1", "on 2")
        self.assertEqual(found, [wanted, wanted])

    def test_of_fewer_cells_than_ranks(self):
        one = JOBS["tiny cells"].replace("datasets: 3", "datasets: 1").replace("[-1, 1, 50001]", "[1, 2, %d]")
        for cells, way in ((1, (3, 1, "dynamic", 2)), (1, (4, 4, "guided", 1)),
                           (2, (3, 3, "static", 1)), (3, (4, 2, "cyclic", 3))):
            self.assert_same(one % cells, [way])
            self.empty_folder()

    def some_ways(self, name):
        """A part of them for each job, such that all come up."""
        at = list(JOBS).index(name)
        return WAYS[at::len(JOBS)]

    def test_with_jitter_and_cells_that_are_not_spd(self):
        name = "jitter and cells that are not SPD"
        self.assert_same(JOBS[name], self.some_ways(name))

    def test_where_summaries_alone_are_kept(self):
        name = "summaries alone"
        self.assert_same(JOBS[name], self.some_ways(name))

    def test_in_single_precision(self):
        name = "single precision"
        self.assert_same(JOBS[name], self.some_ways(name))

    def test_of_a_kernel_of_ones_own(self):
        name = "a kernel of one's own"
        self.assert_same(JOBS[name], self.some_ways(name))

    def test_of_many_tiny_cells(self):
        name = "tiny cells"
        self.assert_same(JOBS[name], self.some_ways(name))

    def test_of_jobs_that_nobody_has_thought_of(self):
        """GCR_SEEDS=A-B names others, and as many."""
        first, last = map(int, os.environ.get("GCR_SEEDS", "1-4").split("-"))
        for seed in range(first, last + 1):
            with self.subTest(seed=seed):
                draw = random.Random(seed)
                self.assert_same(draw_job(draw), [draw_way(draw)])
            self.empty_folder()


def block_bytes(tables, columns):
    """What a node has of datasets, as cluster.md says: `tables` has the bytes of each by its key."""
    def up(count, to):
        return -(-count // to) * to
    names = sum(8 + up(len(name), 8) for name in (*columns, *tables))
    return up(64 + 112 * len(tables) + names, 64) + sum(up(count, 64) for count in tables.values())


class Cost(RankCase):
    """What several ranks take."""

    # 10^7 cells, whose results are 86 MiB.
    JOB = """\
name: it
data: {synthetic: {datasets: 10, rows: 3}}
kernel: scale
grid: {factor: {linspace: [-1, 1, 1000000]}}
summary: {best: argmax(value), mean: mean(value)}
run: {threads: 1}
"""

    # Starts a rank, and writes down how many KiB it had at most.
    MEASURE = ("import os, resource, subprocess, sys\n"
               "code = subprocess.call(sys.argv[1:])\n"
               "with open('kib' + os.environ.get('OMPI_COMM_WORLD_RANK', ''), 'w') as file:\n"
               "    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
               "sys.exit(code)\n")

    def measured(self, program, *words):
        return [sys.executable, "-c", self.MEASURE, program, *words]

    @unittest.skipIf(IS_SANITIZED, "needs memory of its own")
    def test_rank_0_needs_little_beside_its_results(self):
        self.write("it.yaml", self.JOB)
        words = [PROGRAM, "run", "it.yaml", "--json", "--no-sync", "--fresh"]
        alone = subprocess.run(self.measured(*words), cwd=self.folder, env=clean_environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(alone.returncode, 0)
        reply = self.end_ranks(self.start_mpirun(3, *self.as_nodes(3), *self.measured(*words)))
        self.assertEqual(reply.code, 0, reply)
        kib = {name: int(self.read(name)) for name in ("kib", "kib0", "kib1", "kib2")}
        self.assertLess(kib["kib0"], kib["kib"] + 64 * 1024)
        self.assertLess(max(kib["kib1"], kib["kib2"]), kib["kib"])  # they give back what is sent
        self.assert_rate_is_that_of_what_was_sent(reply)

    def assert_rate_is_that_of_what_was_sent(self, reply):
        gather, seconds = reply.json()["gather"], reply.json()["seconds"]
        self.assertGreater(gather["bytes"], 2 ** 23)
        self.assertGreater(gather["under_way_seconds"], 0)
        self.assertLess(gather["under_way_seconds"], 2 * seconds["total"])  # two nodes send
        product = gather["under_way_seconds"] * gather["under_way_bytes_per_second"]
        self.assertAlmostEqual(product / gather["bytes"], 1)
        self.assertIsNone(gather["bytes_per_second"])  # nothing was tried before
        self.assertRegex(reply.err, r"(?m)^gathered +[0-9.]+ MiB in [0-9,]+ messages, by mpi; "
                                    r"[0-9.]+ [KMG]iB/s while some were under way$")

    def test_datasets_stand_once_on_a_node_and_go_once_to_one_that_has_no_files(self):
        self.write("table.csv", TABLE)
        self.write("it.yaml", "name: it\ndata: {source: table.csv, key: who, x: x, y: y}\nkernel: gp\n"
                              "grid: {lengthscale: [1, 2], noise: [0.1, 1], variance: [1]}\n")
        os.mkdir(self.path("empty"))
        shutil.copy(self.path("it.yaml"), self.path("empty"))
        words = [PROGRAM, "run", "it.yaml", "--json", "--quiet", "--threads", "1"]
        process = self.start_mpirun(  # ranks 0 and 2 are on node 0, where the files are
            1, *self.as_nodes(2), *words, ":", "-np", "1", *self.as_nodes(2), "env", "-C", "empty",
            *words, ":", "-np", "1", *self.as_nodes(2), *words, ":", "-np", "1", *self.as_nodes(2),
            "env", "-C", "empty", *words)
        reply = self.end_ranks(process)
        self.assertEqual(reply.code, 0, reply)
        data, ledger = reply.json()["data"], reply.json()["ledger"]
        distinct = 8 * 2 * (TABLE.count("\n") - 1)  # x and y of each line but the header
        self.assertEqual((data["bytes"], data["read_bytes"]), (distinct, distinct))
        self.assertEqual((data["reading_nodes"], data["receiving_nodes"]), (1, 1))
        rows = [line.split(",")[0] for line in TABLE.splitlines()[1:]]
        block = block_bytes({key: 8 * 2 * rows.count(key) for key in rows}, ("x", "y"))
        self.assertEqual(data["sent_bytes"], block)  # to the one node that has no files
        self.assertEqual(data["shared_bytes"], 2 * block)
        self.assertGreaterEqual(ledger["prepare_calls"], 4)  # of each dataset once, and where shared
        self.assertLessEqual(ledger["prepare_calls"], 4 * 4)
        gather = reply.json()["gather"]
        self.assertEqual((gather["way"], gather["device_bytes"], gather["duplicates"]), ("mpi", 0, 0))
        cells = reply.json()["cells"]["ok"]
        self.assertGreaterEqual(cells, 4 * 4)
        self.assertLess(gather["bytes"], cells * (9 + 56) + 1)  # of node 1 alone
        facts = dict(line.split(maxsplit=1) for line in self.ok("show", "runs/it").out.splitlines()
                     if re.match("(data|gather)_", line))
        for name, value in (("data_bytes", distinct), ("data_sent_bytes", data["sent_bytes"]),
                            ("data_shared_bytes", data["shared_bytes"]),
                            ("gather_bytes", gather["bytes"])):
            self.assertEqual(float(facts[name].replace(",", "")), value, name)

    @unittest.skipIf(IS_SANITIZED, "takes minutes")
    def test_of_summaries_alone_there_may_be_any_number(self):
        """10^9 in a run, 2^32 and more in a plan; each best is at an end, as a run of the two ends has it."""
        job = self.JOB.replace("datasets: 10,", "datasets: 1000,")
        self.write("it.yaml", job + "output: {keep: summary}\n")
        reply = self.on_ranks(2, "run", "it.yaml", "--json", "--no-sync", nodes=2)
        self.assertEqual(reply.code, 0, reply)
        self.assertEqual(reply.json()["cells"]["ok"], 10 ** 9)
        self.assertLess(reply.json()["memory"]["measured_bytes"], 2 ** 25)
        gather = reply.json()["gather"]
        self.assertEqual((gather["way"], gather["device_bytes"]), ("mpi", 0))
        # The cells of that node alone would be 4.5 GB; what is known is told 100 times in a second at most.
        self.assertLess(gather["bytes"], 2 ** 24)
        self.write("ends.yaml", job.replace("{linspace: [-1, 1, 1000000]}", "[-1, 1]"))
        self.ok("run", "ends.yaml", "--quiet", "--no-sync", "--out", "ends")
        best, ends = (list(csv.DictReader(io.StringIO(self.read(f"{folder}/summary.csv").decode())))
                      for folder in ("runs/it", "ends"))
        self.assertEqual(len(best), 1000)
        for row, end in zip(best, ends):
            self.assertEqual([row[name] for name in ("dataset", "best", "best_factor")],
                             [end[name] for name in ("dataset", "best", "best_factor")])
            self.assertLess(abs(float(row["mean"])), 1e-12)
            self.assertEqual((row["n_ok"], row["n_failed"]), ("1000000", "0"))
        plan = self.ok("plan", "it.yaml", "--json", "--set", "data.synthetic.datasets=5000").json()
        self.assertEqual(plan["cells"], 5 * 10 ** 9)


class Busy(RankCase):
    """Every rank computes, rank 0 too."""

    JOB = """\
name: it
data: {synthetic: {datasets: 8, rows: 3}}
kernel: sleep
grid: {ms: {linspace: [50, 57, 8]}}
run: {threads: 1}
"""

    def run_on(self, ranks, *flags, **options):
        self.write("it.yaml", self.JOB)
        reply = self.on_ranks(ranks, "run", "it.yaml", "--json", *flags, **options)
        self.assertEqual(reply.code, 0, reply)
        return reply.err, reply.json()["work"]

    def test_each_rank_computes_and_says_how_much(self):
        said, work = self.run_on(3, nodes=2)
        ranks = work["ranks"]
        self.assertEqual([r["rank"] for r in ranks], [0, 1, 2])
        self.assertEqual([r["host"] for r in ranks], ["node0", "node1", "node0"])
        self.assertEqual(sum(r["cells"] for r in ranks), 64)
        self.assertEqual(work["idle_ranks"], 0)
        for rank in ranks:
            with self.subTest(**rank):
                self.assertGreater(rank["cells"], 0)
                self.assertGreaterEqual(rank["busy"], 0.5 if IS_SANITIZED else 0.8)
                self.assertGreaterEqual(rank["busy_seconds"], rank["cells"] * 0.050)
                self.assertEqual(rank["workers"], 1)
        shares = sorted(r["busy"] for r in ranks)
        self.assertEqual([work["busy_least"], work["busy_median"]], shares[:2])
        self.assertRegex(said, r"(?m)^ranks +busy [0-9.]+ % of the time \(median\), [0-9.]+ % "
                               r"\(least: rank \d on node\d\); 0 idle$")

    def test_a_rank_that_gets_nothing_is_named(self):
        said, work = self.run_on(3, "--schedule", "static", "--set", "data.synthetic.datasets=1",
                                 "--set", "grid.ms=[10, 20]")
        idle = [r["rank"] for r in work["ranks"] if r["cells"] == 0]
        self.assertEqual(len(idle), 1)
        self.assertEqual((work["idle_ranks"], work["busy_least"]), (1, 0))
        self.assertEqual(work["ranks"][idle[0]]["busy_seconds"], 0)
        self.assertRegex(said, rf"(?m)^ranks .*, 0\.0 % \(least: rank {idle[0]} on \S+\); 1 idle$")

    def test_one_process_says_it_in_its_document_alone(self):
        self.write("it.yaml", self.JOB)
        reply = self.ok("run", "it.yaml", "--json", "--set", "data.synthetic.datasets=1")
        self.assertEqual(reply.json()["work"]["ranks"][0]["cells"], 8)
        self.assertGreaterEqual(reply.json()["work"]["busy_least"], 0.8)
        self.assertNotIn("busy", reply.err)


def draw_way(draw):
    ranks = draw.randint(1, 5)
    return ranks, draw.randint(1, ranks), draw.choice(SCHEDULES), draw.randint(1, 3)


def draw_job(draw):
    least = draw.randint(2, 9)
    kernel, grid, output = draw.choice([
        ("gp", "lengthscale: [0.5, 40, 2], noise: {linspace: [0, 0.1, %d]}, variance: [2, 1]", "lml"),
        ("gp_profile", "noise_ratio: {linspace: [0, 1, %d]}, lengthscale: [1, 9, 300]", "lml"),
        ("kernel_ridge", "alpha: {linspace: [0, 1, %d]}, lengthscale: [0.5, 1, 1e3]", "loo_mse"),
        ("ridge", "alpha: {geomspace: [1e-3, 1e3, %d]}", "mse"),
        ("scale", "factor: {linspace: [-1, 1, %d]}", "value"),
        ("spin", "ns: {linspace: [0, 3000, %d]}", "asked")])
    lines = [f"name: it\nseed: {draw.randrange(99)}\nkernel: {kernel}",
             f"data: {{synthetic: {{datasets: {draw.choice([1, 2, 5, 40])}, noise: 0.1, rows: "
             f"[{least}, {least + draw.choice([0, 3, 30])}]}}}}",
             "grid: {" + grid % draw.choice([1, 2, 7, 60, 700]) + "}",
             f"summary: {{best: argmax({output}), top: {draw.randint(1, 4)}, mean: mean({output}), "
             f"nan: {draw.choice(['skip', 'propagate'])}}}",
             f"output: {{keep: {draw.choice(['all', 'all', 'summary'])}}}"]
    run = [f"precision: {draw.choice(['double', 'single'])}"]
    if kernel in ("gp", "gp_profile", "kernel_ridge") and draw.random() < 0.5:
        run.append("jitter: [1e-9, 1e-6]")
    if draw.random() < 0.5:
        run.append(f"batch: {draw.choice([1, 3, 50])}")
    return "\n".join([*lines, "run: {" + ", ".join(run) + "}", ""])


if __name__ == "__main__":
    unittest.main()
