"""Ctrl-C once drains and saves, twice stops; a time limit and a warning signal are like the first."""
import csv
import io
import os
import signal
import time
import unittest

from support import IS_SANITIZED, PROGRAM, SLOW, TIME_LIMIT, Case, clean_environment


class Interrupt(Case):
    def setUp(self):
        super().setUp()
        self.write("slow.yaml", SLOW)

    def states(self):
        rows = csv.DictReader(io.StringIO(self.ok("export", "runs/slow").out))
        states = [row["status"] for row in rows]
        return {state: states.count(state) for state in set(states)}

    def stop_with(self, number):
        process = self.start_computing("slow.yaml")
        process.send_signal(number)
        _, err = process.communicate(timeout=TIME_LIMIT)
        self.assertEqual(process.returncode, 4, err)
        return err.decode()

    def test_once_saves_what_is_done_and_marks_the_rest_empty(self):
        err = self.stop_with(signal.SIGINT)
        self.assertRegex(err, r"(?m)^stopped ")
        self.assertIn("not computed", err)
        states = self.states()
        self.assertEqual(sorted(states), ["empty", "ok"])
        self.assertEqual(sum(states.values()), 400)

    def test_an_empty_cell_has_no_value(self):
        self.stop_with(signal.SIGINT)
        rows = csv.DictReader(io.StringIO(self.ok("export", "runs/slow").out))
        self.assertEqual({row["asked"] for row in rows if row["status"] == "empty"}, {""})

    def test_a_batch_system_asks_in_the_same_way(self):
        self.stop_with(signal.SIGTERM)
        self.assertIn("ok", self.states())

    def test_a_warning_is_a_stop_that_no_second_signal_makes_worse(self):
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[600, 601, 100]"))
        process = self.start_computing("slow.yaml")
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM):  # within one cell
            process.send_signal(number)
            time.sleep(0.05)
        _, err = process.communicate(timeout=TIME_LIMIT)
        self.assertEqual(process.returncode, 4, err)
        self.assertEqual(err.count(b"warned by a signal"), 1, err)
        self.assertIn("ok", self.states())

    @unittest.skipIf(IS_SANITIZED, "its library has to be loaded first")
    def test_a_warning_that_comes_before_all_else_leaves_no_trace(self):
        early = os.path.join(os.path.dirname(PROGRAM), "tests", "libgcr_early_signal.so")
        before = self.files()
        reply = self.call("run", "slow.yaml", env=clean_environment(LD_PRELOAD=early))
        self.assertEqual(reply.code, 4, reply)
        self.assertIn("warned by a signal, stopping", reply.err)
        self.assert_nothing_changed(before)

    def test_after_a_warning_ctrl_c_twice_stops_at_once(self):
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[20000, 20001, 2]"))
        process = self.start_computing("slow.yaml")
        for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGINT):
            process.send_signal(number)
            time.sleep(0.05)
        begin = time.monotonic()
        self.assertEqual(process.wait(TIME_LIMIT), 4)
        self.assertLess(time.monotonic() - begin, 5)  # a cell takes 20 s
        self.assertEqual(os.listdir(self.path("runs/slow")), [])

    def test_twice_stops_at_once_and_leaves_no_half_file(self):
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[20000, 20001, 2]"))
        process = self.start_computing("slow.yaml")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        self.assertEqual(process.wait(TIME_LIMIT), 4)
        self.assertLess(time.monotonic() - begin, 5)  # a cell takes 20 s
        self.assertEqual(os.listdir(self.path("runs/slow")), [])

    def test_twice_brings_an_earlier_run_back(self):
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[0, 1, 2]"))
        self.ok("run", "slow.yaml", "--quiet")
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[20000, 20001, 2]"))
        process = self.start_computing("slow.yaml", "--fresh")
        self.assertEqual(sorted(os.listdir(self.path("runs"))), ["slow", "slow.old-1"])
        self.assertEqual(os.listdir(self.path("runs/slow")), [])
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIME_LIMIT)
        self.assertEqual(process.returncode, 4, err)
        self.assertEqual(os.listdir(self.path("runs")), ["slow"])
        self.assertEqual(sorted(os.listdir(self.path("runs/slow"))), ["results.h5", "summary.csv"])
        self.assertNotIn(b"earlier run", err)

    def test_twice_says_where_an_earlier_run_is_that_cannot_come_back(self):
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[0, 1, 2]"))
        self.ok("run", "slow.yaml", "--quiet")
        self.write("slow.yaml", SLOW.replace("[5, 6, 100]", "[20000, 20001, 2]"))
        process = self.start_computing("slow.yaml", "--fresh")
        self.write("runs/slow/note.txt", "somebody's")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIME_LIMIT)
        self.assertEqual(process.returncode, 4, err)
        self.assertIn(b"the earlier run is now runs/slow.old-1", err)

    def test_a_run_out_of_time_is_exit_4_and_saved(self):
        reply = self.call("run", "slow.yaml", "--max-time", "0.5")
        self.assertEqual(reply.code, 4, reply)
        self.assertIn("out of time", reply.err)
        self.assertEqual(sorted(self.states()), ["empty", "ok"])

    def test_json_says_why_it_ended(self):
        reply = self.call("run", "slow.yaml", "--max-time", "0.3", "--json", "--quiet")
        self.assertEqual(reply.json()["ending"], "out of time")
        self.assertEqual(reply.json()["exit"], 4)
        self.assertGreater(reply.json()["cells"]["empty"], 0)


if __name__ == "__main__":
    unittest.main()
