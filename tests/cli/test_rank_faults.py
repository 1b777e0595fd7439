"""What goes wrong on one rank ends all: soon, with one sentence and the code of the cause."""
import csv
import glob
import io
import os
import re
import signal
import time
import unittest

from ranks import RankCase, descendants, is_alive
from support import IS_SANITIZED, PROGRAM, SLOW

SOON = 15  # seconds that no end may take; it takes less than one, on a machine that has no other work

GP = """\
name: it
data: {source: table.csv, key: who, x: x, y: y}
kernel: gp
grid: {lengthscale: [1, 2], noise: {linspace: [0.1, 1, 2000000]}, variance: [1]}
"""
OWN = "name: it\ndata: {synthetic: {datasets: 1, rows: 3}}\nkernel: own.c\ngrid: {a: [0, 1, 2, 3]}\n"
OWN_C = """\
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"
GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    int *nowhere = 0;

    if (gcr_param(ctx, 0) == 3) /* the last cell, which is the last rank's */
        *(volatile int *)nowhere = 1;
    outputs[0] = gcr_param(ctx, 0);
    return 0;
}
GCR_DESCRIBE(.name = "own", .help = "fails at 3", .form = GCR_FORM_CELL, .uses = GCR_USES_Y,
             .parameters = { { .name = "a", .help = "a", .is_free = 1 } },
             .outputs = { { .name = "b", .help = "b", .unit = "1", .width = 1 } })
"""


def said(reply):
    """What the program said, without what mpirun adds."""
    return [line for line in reply.err.splitlines()
            if re.match(r"gridcrunch: |.*\.yaml:\d+:\d+: ", line)]


def fault_seconds():
    """That ranks have to leave, from the moment in which something is wrong: 5, where cores have no other work."""
    return (15 if IS_SANITIZED else 5) * max(1, os.getloadavg()[0] / os.cpu_count())


def named_in_shm():
    """But for what Open MPI has there, which may be another test's."""
    return {name for name in os.listdir("/dev/shm") if not re.match("(vader|sm)_segment|osc_", name)}


class Refused(RankCase):
    """Rank 0 is in a folder where all is well, rank 1 in one where something is not."""

    def setUp(self):
        super().setUp()
        for folder in ("well", "ill"):
            self.write(f"{folder}/it.yaml", GP)
            self.write(f"{folder}/table.csv", "who,x,y\na,1,1\na,2,2\nb,1,0\nb,2,1\n")

    def by_two(self, *flags, first="", second="", nodes=1):
        """Rank 0 does something `first` before that, and rank 1 something `second`, which is when what may be wrong is
        so."""
        words = ["run", "it.yaml", "--out", self.path("out"), "--quiet", "--threads", "1", *flags]
        process = self.start_mpirun(
            1, *self.as_nodes(nodes), "sh", "-c", f'{first} cd well && exec "$@"', "sh", PROGRAM,
            *words, ":", "-np", "1", *self.as_nodes(nodes), "sh", "-c",
            f'cd ill && touch begun && {second} exec "$@"', "sh", PROGRAM, *words)
        reply = self.end_ranks(process)
        if reply.code != 0:
            self.assertLess(time.time() - os.stat(self.path("ill/begun")).st_mtime, fault_seconds())
        return reply

    def assert_all_leave(self, reply, *words, code=2):
        """With one sentence; and nothing is touched."""
        self.assertEqual(reply.code, code, reply)
        self.assertEqual(len(said(reply)), 1, reply)
        for word in words:
            self.assertIn(word, said(reply)[0], reply)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_another_job_file(self):
        self.write("ill/it.yaml", GP.replace("1]", "2]"))
        self.assert_all_leave(self.by_two(), "rank 1 on ", "another job than rank 0")

    def test_other_data_on_another_node(self):
        self.write("ill/table.csv", "who,x,y\na,1,1\na,2,2\nb,1,0\nb,2,1.5\n")
        self.assert_all_leave(self.by_two(nodes=2), "rank 0 on node0", "rank 1 on node1",
                              "all need the same data", code=1)

    def test_data_that_no_node_has(self):
        for folder in ("well", "ill"):
            os.unlink(self.path(f"{folder}/table.csv"))
        reply = self.by_two(nodes=2)
        self.assert_all_leave(reply)
        self.assertEqual(said(reply), ["it.yaml:2:16: there is no file 'table.csv'"])  # and of no rank alone

    def test_a_damaged_file_on_another_node(self):
        self.write("ill/table.csv", "who,x,y\na,1,1\na,2,none\n")
        self.assert_all_leave(self.by_two(nodes=2), "rank 1 on node1", "table.csv:3:")

    def test_a_node_without_the_data_is_sent_them(self):
        os.unlink(self.path("ill/table.csv"))
        reply = self.by_two("--set", "grid.noise=[0.1]", nodes=2)
        self.assertEqual(reply.code, 0, reply)

    def test_a_device_that_only_one_lacks(self):
        module = self.fake_gpus()["GRIDCRUNCH_CUDA_MODULE"]
        reply = self.by_two("--device", "cuda", first=f"export GRIDCRUNCH_CUDA_MODULE={module};",
                            second="export GRIDCRUNCH_CUDA_MODULE=/no/file.so;")
        self.assert_all_leave(reply, "rank 1 on ", "/no/file.so")

    def test_a_rank_without_a_gpu_while_another_has_one(self):
        module = self.fake_gpus()["GRIDCRUNCH_CUDA_MODULE"]
        own = os.path.join(os.path.dirname(PROGRAM), "libgridcrunch_cuda.so")
        if not os.path.exists(own) or os.path.exists("/dev/nvidiactl"):
            self.skipTest("a build without GPUs, or a machine that has some")
        reply = self.by_two("--device", "cuda", first=f"export GRIDCRUNCH_CUDA_MODULE={module};",
                            second=f"export GRIDCRUNCH_CUDA_MODULE={own};")
        self.assert_all_leave(reply, "rank 1 on ", "no CUDA device")

    def test_a_kernel_file_that_one_cannot_compile(self):
        for folder in ("well", "ill"):
            self.write(f"{folder}/it.yaml", OWN)
            self.write(f"{folder}/own.c", OWN_C if folder == "well" else "#include <no/such.h>\n")
        self.assert_all_leave(self.by_two(), "rank 1 on ", "no/such.h: No such file")

    def test_another_kernel_file(self):
        for folder in ("well", "ill"):
            self.write(f"{folder}/it.yaml", OWN)
            self.write(f"{folder}/own.c", OWN_C.replace("== 3", f"== {len(folder)}"))
        self.assert_all_leave(self.by_two(), "rank 1 on ", "another kernel file")

    @unittest.skipIf(IS_SANITIZED, "needs address space of its own")
    def test_a_rank_that_is_out_of_memory(self):
        reply = self.by_two(second="ulimit -v 400000;")
        self.assert_all_leave(reply, "rank 1 on ", "no memory for ", code=1)

    def test_a_folder_that_has_a_run_already(self):
        self.assertEqual(self.by_two("--set", "grid.noise=[0.1]").code, 0)
        before = self.files()
        reply = self.by_two("--set", "grid.noise=[0.1]")
        self.assertEqual(reply.code, 2, reply)
        self.assertEqual(len(said(reply)), 1, reply)
        self.assert_nothing_changed(before)


class WrongWords(RankCase):
    def test_the_first_rank_alone_speaks_of_them(self):
        reply = self.on_ranks(4, "run", "--no-such-flag")
        self.assertEqual((reply.code, reply.err.count("option '--no-such-flag'")), (2, 1), reply)
        reply = self.on_ranks(4, "run", "--help")
        self.assertEqual((reply.code, reply.out.count("--no-sync")), (0, 1), reply)


class Slow(RankCase):
    """Cells of 5 ms, 200 for each of 4 datasets."""

    JOB = SLOW.replace("[5, 6, 100]", "[5, 6, 200]")

    def setUp(self):
        super().setUp()
        self.write("slow.yaml", self.JOB)

    OPTIONS = ()  # of mpirun

    def start_computing(self, ranks, *flags, nodes=1):
        process = self.start_mpirun(ranks, *self.OPTIONS, *self.as_nodes(nodes), PROGRAM, "run",
                                    "slow.yaml", "--out", "out", *flags)
        while "memory" not in (line := process.stderr.readline()):  # the last before the first cell
            self.assertNotEqual(line, "")
        time.sleep(0.4)
        return process, [process.pid, *descendants(process.pid)]

    def assert_ended(self, begin, pids, seconds=SOON):
        while any(map(is_alive, pids)) and time.monotonic() - begin < seconds:
            time.sleep(0.05)
        self.assertLess(time.monotonic() - begin, seconds)

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.ok("export", "out").out)))

    def assert_a_part_is_there(self):
        """What has landed is right, and what has not is empty."""
        rows = self.rows()
        self.assertEqual(len(rows), 800)
        self.assertEqual({row["status"] for row in rows}, {"ok", "empty"})
        for row in rows:
            self.assertEqual(row["asked"], row["ms"] if row["status"] == "ok" else "")


class Stopped(Slow):
    def stop_with(self, number, ranks, *flags, nodes=1):
        process, pids = self.start_computing(ranks, *flags, nodes=nodes)
        begin = time.monotonic()
        process.send_signal(number)
        reply = self.end_ranks(process)
        self.assert_ended(begin, pids)
        return reply

    def test_a_warning_stops_all_and_saves(self):
        for nodes, schedule in ((1, "dynamic"), (3, "guided")):
            with self.subTest(nodes=nodes, schedule=schedule):
                reply = self.stop_with(signal.SIGUSR1, 3, "--fresh", "--schedule", schedule,
                                       nodes=nodes)
                self.assertEqual(reply.code, 4, reply)
                self.assertEqual(len(said(reply)), 1, reply)
                self.assert_a_part_is_there()

    def test_mpirun_that_is_terminated_gives_them_time_to_save(self):
        reply = self.stop_with(signal.SIGTERM, 2, nodes=2)
        self.assertNotEqual(reply.code, 0, reply)  # mpirun's own
        self.assert_a_part_is_there()

    def test_the_limit_of_time_holds_for_all(self):
        reply = self.on_ranks(3, "run", "slow.yaml", "--out", "out", "--max-time", "0.5", nodes=2)
        self.assertEqual(reply.code, 4, reply)
        self.assertIn("out of time", reply.err)
        self.assert_a_part_is_there()

    def test_a_rank_that_is_killed_ends_all(self):
        shm = named_in_shm()
        process, pids = self.start_computing(3, nodes=2)  # two on one, which share its memory
        begin = time.monotonic()
        os.kill(pids[-1], signal.SIGKILL)
        reply = self.end_ranks(process)
        self.assertEqual(reply.code, 137, reply)
        self.assert_ended(begin, pids, fault_seconds())
        self.assertEqual(named_in_shm() - shm, set())

    def test_a_device_that_another_rank_loses_is_named_with_its_cells(self):
        self.write("slow.yaml", SLOW.replace("{threads: 1, batch: 1}",
                                             "{device: cuda, batch: 10, schedule: static}"))
        module = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_fake_module.so")
        if not os.path.exists(module):
            self.skipTest("the fake was not built")
        words = ["-x", f"GRIDCRUNCH_CUDA_MODULE={module}"]
        program = [*self.as_nodes(2), PROGRAM, "run", "slow.yaml", "--out", "out", "--quiet"]
        reply = self.end_ranks(self.start_mpirun(1, *words, *program, ":", "-np", "1", *words, "-x",
                                                 "FAKE_SYNC_THAT_FAILS=4", *program))
        self.assertEqual(reply.code, 4, reply)
        self.assertEqual(len(said(reply)), 1, reply)
        self.assertRegex(said(reply)[0], "rank 1 on node1: .* was lost; it happened at s000[34], ms=.* "
                                         "or one of the 19 cells behind it; what has landed before is")
        states = [row["status"] for row in self.rows()]
        self.assertEqual((set(states), len(states)), ({"ok", "empty"}, 400))

    def test_a_cell_that_crashes_on_another_rank_is_named_once(self):
        self.write("it.yaml", OWN)
        self.write("own.c", OWN_C)
        begin = time.monotonic()
        reply = self.on_ranks(2, "run", "it.yaml", "--out", "out", "--quiet", "--schedule", "static",
                              "--threads", "1")
        self.assertLess(time.monotonic() - begin, SOON)  # which compiles it, too
        self.assertEqual(reply.code, 1, reply)
        crashed = [line for line in said(reply) if "crashed" in line]
        self.assertEqual(len(crashed), 1, reply)
        self.assertIn("own.c crashed at s0001, a=3 (Segmentation fault)", crashed[0])


class Silent(Slow):
    """A machine that is cut off, played by a process that is stopped: to others it is the same."""

    OPTIONS = ("-x", "GRIDCRUNCH_SILENCE=2")
    JOB = SLOW.replace("[5, 6, 100]", "[100, 101, 200]")

    def stop_one(self, ranks, nodes, lost, *flags):
        begin = time.monotonic()
        process, pids = self.start_computing(ranks, *flags, nodes=nodes)
        time.sleep(time.monotonic() - begin)  # from the head to the first cell it takes a part of that
        os.kill(pids[1 + lost], signal.SIGSTOP)
        return process, pids

    def end(self, process, pids):
        begin = time.monotonic()
        reply = self.end_ranks(process)
        self.assert_ended(begin, pids)
        return reply

    def lose(self, *which):
        return self.end(*self.stop_one(*which))

    def wait_for(self, condition):
        end = time.monotonic() + SOON
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def slow_save(self, seconds):
        preload = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_slow_save.so")
        if not os.path.exists(preload):
            self.skipTest("the slow disk was not built")
        self.OPTIONS = (*self.OPTIONS, "-x", f"LD_PRELOAD={preload}", "-x", f"FAKE_SAVE_SECONDS={seconds}")

    def is_saving(self):
        return bool(glob.glob(self.path("out/.results.h5.*")))

    def test_a_node_that_is_silent_ends_the_run_and_what_has_landed_is_saved(self):
        self.OPTIONS = ("-x", "GRIDCRUNCH_SILENCE=3")  # mpirun gives a rank up to 2 s when it wakes it
        reply = self.lose(5, 3, 1)
        self.assertEqual(reply.code, 4, reply)
        self.assertEqual(len(said(reply)), 1, reply)
        self.assertIn("node 1 (rank 1 on node1) has not been heard for 3 s: its machine or the network between "
                      "is gone; what has landed before is saved", said(reply)[0])
        self.assert_a_part_is_there()

    def test_ranks_that_miss_the_first_one_wait_in_case_it_saves(self):
        process, pids = self.stop_one(2, 2, 0)
        line = ""
        while "node 0 (rank 0 on node0) has not been heard for 2 s" not in line:
            line = process.stderr.readline()
            self.assertNotEqual(line, "")
        self.assertIn("; this rank ends in 20 s, as rank 0 may still be saving", line)
        os.kill(pids[1], signal.SIGCONT)
        reply = self.end(process, pids)
        self.assertEqual(reply.code, 4, reply)
        self.assertIn("node 1 (rank 1 on node1) has not been heard", reply.err)
        self.assert_a_part_is_there()

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_node_that_comes_back_does_not_end_the_first_while_it_saves(self):
        self.OPTIONS = ("-x", "GRIDCRUNCH_SILENCE=1")
        self.slow_save(3)
        process, pids = self.stop_one(2, 2, 1)
        self.wait_for(self.is_saving)
        os.kill(pids[2], signal.SIGCONT)
        reply = self.end(process, pids)
        self.assertEqual(reply.code, 4, reply)
        self.assert_a_part_is_there()

    def assert_all_are_there(self):
        self.assertEqual([row["status"] for row in self.rows()], 20 * ["ok"])

    SKEWED = """\
name: skewed
data: {synthetic: {datasets: 1, rows: 3}}
kernel: sleep
grid: {ms: %s}
run: {batch: 1, threads: 1, schedule: static}
"""

    def lose_one_that_has_ended(self, milliseconds, limit):
        self.write("slow.yaml", self.SKEWED % str([*range(milliseconds, milliseconds + 10), *range(1, 11)]))
        reply = self.lose(2, 2, 1)
        self.assertIn(f"node 1 (rank 1 on node1) has not been heard for {limit} s: its machine or the network "
                      "between is gone; nothing is missing, as all cells have landed", reply.err)
        self.assert_all_are_there()
        self.assertIn("complete", self.ok("show", "out").out)

    def test_a_node_that_is_lost_after_it_has_ended_keeps_nobody_from_the_rest(self):
        self.lose_one_that_has_ended(400, 2)

    def test_that_a_node_is_lost_is_found_at_the_end_too(self):
        self.OPTIONS = ("-x", "GRIDCRUNCH_SILENCE=3")
        self.lose_one_that_has_ended(300, 3)

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_node_that_is_lost_while_the_first_saves_is_not_waited_for(self):
        self.write("slow.yaml", self.SKEWED % str([*range(60, 80)]))
        self.slow_save(1)
        process, pids = self.start_computing(2, nodes=2)
        self.wait_for(self.is_saving)
        os.kill(pids[2], signal.SIGSTOP)
        reply = self.end(process, pids)
        self.assertIn("a rank has not come where all meet for 2 s: its machine or the network between is gone; "
                      "the results are saved", reply.err)
        self.assert_all_are_there()

    def let_messages_fail(self, which, *words):
        preload = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_mpi_fails.so")
        self.OPTIONS = ("-x", "GRIDCRUNCH_SILENCE=1", "-x", f"LD_PRELOAD={preload}", "-x", f"FAKE_MPI_FAILS={which}")
        reply = self.end(*self.start_computing(2, nodes=2))
        self.assertEqual(reply.code, 4, reply)
        for word in words:
            self.assertIn(word, reply.err)
        self.assert_a_part_is_there()

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_node_whose_messages_fail_is_missed_like_one_that_is_silent(self):
        self.let_messages_fail("1:4+", "node 1 (rank 1 on node1) has not been heard for 1 s")

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_node_that_the_first_cannot_send_to_is_lost_to_it(self):
        self.let_messages_fail("0:8+", "node 1 (rank 1 on node1) cannot be reached: MPI_Issend failed: ",
                               "; what has landed before is saved")

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_single_message_that_fails_leaves_what_has_landed(self):
        self.let_messages_fail("1:6", "rank 1 on node1: MPI_Issend failed: ", "; what has landed before is saved")

    def test_a_job_that_is_suspended_as_a_whole_goes_on(self):
        self.write("slow.yaml", Slow.JOB)
        process, pids = self.start_computing(2, nodes=2)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids[1:]:
                os.kill(pid, number)
            time.sleep(2.5)
        reply = self.end_ranks(process)
        self.assertEqual(reply.code, 0, reply)

    def test_a_limit_that_is_none_is_refused(self):
        reply = self.end_ranks(self.start_mpirun(2, "-x", "GRIDCRUNCH_SILENCE=soon", PROGRAM, "run",
                                                 "slow.yaml", "--out", "out"))
        self.assertEqual(reply.code, 2, reply)
        self.assertEqual(said(reply), ["gridcrunch: GRIDCRUNCH_SILENCE is 'soon', and can only be a "
                                       "number of seconds from 1 on, or inf"])


if __name__ == "__main__":
    unittest.main()
