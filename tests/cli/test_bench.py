"""The benchmarks of devices, on the CPU: what they print, and that bytes are those that were asked for."""
import json
import math
import unittest

from support import Case, clean_environment


class DeviceBench(Case):
    """Runs one with little work and reads what it printed."""

    def bench(self, name, *args, **options):
        if name not in self.call("bench").out.split():
            self.skipTest("this build has no benchmarks")
        return self.call("bench", name, *args, **options)

    def run_quickly(self, name, *args, device="cpu", **options):
        """Rows as {(case, what): (unit, median, low, high)}, ratios as {name: value}."""
        reply = self.bench(name, "--quick", "--device", device, "--json", "out.json", *args, **options)
        self.assertEqual(reply.code, 0, reply)
        head, *lines = reply.out.splitlines()
        self.assertEqual(head, "bench,case,what,unit,rounds,median,low,high")
        rows, ratios = {}, {}
        for line in lines:
            if line.startswith("ratio "):
                _, bench, case, value = line.split()
                self.assertEqual(bench, name)
                ratios[case] = float(value)
            elif not line.startswith("absent "):
                self.assertFalse(ratios, "ratios are the last lines")
                bench, case, what, unit, _, *numbers = line.split(",")
                self.assertEqual(bench, name)
                self.assertNotIn((case, what), rows)
                rows[case, what] = unit, *map(float, numbers)
        self.check_json(name, rows, lines)
        return rows, ratios

    def run_on_the_fake(self, name, *args):
        return self.run_quickly(name, *args, device="cuda", env=self.fake_gpus())

    def check_json(self, name, rows, lines):
        """The file says the same as stdout."""
        document = json.loads(self.read("out.json"))
        self.assertEqual(document["bench"], name)
        self.assertEqual(document["lines"], [line for line in lines if "," not in line.split(" ")[0]])
        self.assertEqual(len(document["rows"]), len(rows))
        for row in document["rows"]:
            unit, median, low, high = rows[row["case"], row["what"]]
            self.assertEqual(row["unit"], unit)
            for name_of, value in ("median", median), ("low", low), ("high", high):
                if math.isnan(value):
                    self.assertIsNone(row[name_of])
                else:
                    self.assertAlmostEqual(row[name_of], value, delta=1e-5 * abs(value))

    def assert_fails(self, reply, *words):
        self.assertEqual(reply.code, 1, reply)
        for word in words:
            self.assertIn(word, reply.err.splitlines()[-1])


class Transfer(DeviceBench):
    # Kinds of memory of the host, and the ways they go; and how many copies are one measurement.
    HOST = {"pageable": ("up", "down"), "pinned": ("up", "down", "both"),
            "mapped": ("up", "down", "both"), "managed": ("up", "down")}
    SIZES = [4, 64, 1024, 16384, 65536]

    def go(self, *args):
        return self.run_quickly("transfer", "-i", 2, "-w", 1, "--largest", "64K", *args)

    def test_each_kind_way_and_size_is_measured_and_fitted(self):
        rows, _ = self.go()
        cases = [f"{kind} {way}" for kind, ways in self.HOST.items() for way in ways]
        for case in [*cases, "device up", "ring up"]:
            for size in self.SIZES:
                unit, median, low, high = rows[case, str(size)]
                self.assertEqual(unit, "s")
                self.assertTrue(0 < low <= median <= high, (case, size))
            latency, rate = rows[case, "latency"][1], rows[case, "bandwidth"][1]
            ways = 2 if case.endswith("both") else 1
            self.assertGreaterEqual(latency, 0)
            if not math.isnan(rate):  # of small copies on a busy machine it may be
                self.assertGreater(rate, 0)
                self.assertAlmostEqual(rows[case, "half"][1], latency * rate / ways,
                                       delta=1e-4 * latency * rate)
            self.assertGreaterEqual(rows[case, "residual"][1], 0)

    def test_what_memory_costs_stands_apart(self):
        rows, _ = self.go()
        for case in "device memory", "pinned memory", "pinning":
            for what in "take", "give back":
                self.assertEqual(rows[case, what][0], "s/GB")
                self.assertGreaterEqual(rows[case, what][1], 0)

    def test_the_bytes_of_the_ledger_are_those_that_were_asked_for(self):
        rows, _ = self.go()
        runs, copies, size = 3, 16, sum(self.SIZES)
        up = sum(ways.count("up") + ways.count("both") for ways in self.HOST.values())
        down = sum(ways.count("down") + ways.count("both") for ways in self.HOST.values())
        timed_up = (up - 1) * copies + 1 + copies  # managed: one copy at a time; and the ring
        timed_down = (down - 1) * copies + 1
        filled = up + down + 2 + 1  # ends on the device: up to, down from; both of "device"; the ring
        looked_at = up + 1 + 1
        self.assertEqual(rows["ledger", "up"][1], self.near((runs * timed_up + filled) * size))
        self.assertEqual(rows["ledger", "down"][1],
                         self.near((runs * timed_down + looked_at) * size))

    @staticmethod
    def near(count):
        return float(f"{count:.6g}")  # as it is printed

    def test_ratios_are_those_of_the_largest_size(self):
        rows, ratios = self.go()
        largest = str(self.SIZES[-1])
        want = rows["pinned up", largest][1] / rows["pageable up", largest][1]
        self.assertAlmostEqual(ratios["pageable_up_over_pinned"], want, delta=1e-3 * want)
        want = 2 * rows["pinned up", largest][1] / rows["pinned both", largest][1]
        self.assertAlmostEqual(ratios["pinned_both_over_up"], want, delta=1e-3 * want)

    def test_a_gpu_has_all_kinds_of_memory(self):
        rows, ratios = self.run_on_the_fake("transfer", "-i", 2, "-w", 1, "--largest", "64K")
        cases = [f"{kind} {way}" for kind, ways in self.HOST.items() for way in ways]
        for case in [*cases, "device up", "peer up", "peer down", "peer both", "ring up"]:
            for size in self.SIZES:
                self.assertGreater(rows[case, str(size)][1], 0)
        for name in "peer_up_over_pinned", "ring_up_over_pinned", "mapped_down_over_pinned":
            self.assertGreater(ratios[name], 0)

    def test_what_does_not_fit_is_refused_with_both_sizes(self):
        reply = self.bench("transfer", "--device", "cpu", "--largest", "1000T")
        self.assert_fails(reply, "two blocks of 1000.0 TiB do not fit")

    def test_bad_arguments_are_refused(self):
        self.assert_fails(self.bench("transfer", "--largest", "0"), "--largest takes a number")
        self.assert_fails(self.bench("transfer", "--largest", "many"), "--largest takes a number")
        self.assert_fails(self.bench("transfer", "--largest", "999999999T"), "64 bits")
        self.assert_fails(self.bench("transfer", "--device", "cpu:1"), "no device cpu:1")
        self.assert_fails(self.bench("transfer", "--device", "cpu:x"), "'cpu:x' is no device")
        self.assert_fails(self.bench("transfer", "--device", "toaster"), "'toaster' is no device")
        self.assert_fails(self.bench("transfer", "--wrong"), "usage: ", "--device NAME")
        self.assert_fails(self.bench("transfer", "extra"), "nothing may follow the flags")

    def test_a_file_that_cannot_be_written_is_told(self):
        reply = self.bench("transfer", "--quick", "--device", "cpu", "--largest", "4", "--json",
                           "no/such/folder.json")
        self.assert_fails(reply, "cannot write no/such/folder.json: No such file")


class Residency(DeviceBench):
    def test_resident_data_cross_once_and_others_once_for_each_batch(self):
        _, ratios = self.run_quickly("residency", "-i", 1, "-w", 0)
        self.assertLessEqual(ratios["resident_bytes_over_unique"], 1.01)
        self.assertEqual(ratios["resent_bytes_over_unique"], 8)
        self.assertGreater(ratios["residency_buys"], 0)

    def test_loops_stand_beside_the_copies_that_they_need(self):
        rows, ratios = self.run_quickly("residency", "-i", 2, "-w", 0)
        for case, what in (("multiply 96", "resident"), ("multiply 96", "with pinned copies"),
                           ("multiply 96", "with ordinary copies"), ("sum 100000", "sum"),
                           ("tangent f64 100000", "tan(x) + 3 sin(x)"),
                           ("tangent f32 100000", "tan(x) + 3 sin(x)"),
                           ("walk 500", "apart"), ("walk 500", "neighbours")):
            self.assertGreater(rows[case, what][1], 0)
        memory = rows["memory", "read and written"][1]
        want = 2 * 8 * 100000 / rows["tangent f64 100000", "tan(x) + 3 sin(x)"][1] / memory
        self.assertAlmostEqual(ratios["tangent_over_copy_rate"], want, delta=1e-3 * want)
        want = rows["sum 100000", "sum"][1] * memory / (8 * 100000)
        self.assertAlmostEqual(ratios["sum_over_reading"], want, delta=1e-3 * want)

    def test_each_way_is_timed(self):
        rows, _ = self.run_quickly("residency", "-i", 2, "-w", 0)
        for way in "resident", "sent for each batch":
            self.assertGreater(rows["8 datasets of 4096 rows", way][1], 0)

    def test_bad_arguments_are_refused(self):
        self.assert_fails(self.bench("residency", "--largest", "1G"), "usage: ", "--device NAME")
        self.assert_fails(self.bench("residency", "--device", "cpu:7"), "no device cpu:7")
        self.assert_fails(self.bench("residency", "--part", "all"), "datasets or loops, not 'all'")

    def test_a_gpu_that_makes_its_datasets_is_sent_nothing(self):
        rows, ratios = self.run_on_the_fake("residency", "-i", 1, "-w", 0, "--part", "datasets")
        self.assertGreater(rows["64 datasets of 16384 rows", "made there"][1], 0)
        self.assertEqual(ratios["generated_bytes_over_unique"], 0)
        self.assertEqual(ratios["resident_bytes_over_unique"], 1)
        self.assertEqual(ratios["resent_bytes_over_unique"], 8)

    def test_loops_can_be_left_out(self):
        rows, ratios = self.run_quickly("residency", "-i", 1, "-w", 0, "--part", "datasets")
        self.assertNotIn("sum_over_reading", ratios)
        rows, ratios = self.run_quickly("residency", "-i", 1, "-w", 0, "--part", "loops")
        self.assertNotIn("residency_buys", ratios)
        self.assertIn("sum_over_reading", ratios)


class Overlap(DeviceBench):
    def test_stages_are_timed_alone_and_as_a_pipeline(self):
        rows, ratios = self.run_quickly("overlap", "-i", 3, "-w", 0)
        stages = [rows["chunks", stage][1] for stage in ("up", "work", "down")]
        pipeline = rows["chunks", "pipeline"][1]
        self.assertTrue(all(stage > 0 for stage in stages))
        want = pipeline / max(stages)
        self.assertAlmostEqual(ratios["pipeline_over_slowest_stage"], want, delta=1e-3 * want)
        want = (sum(stages) - pipeline) / (sum(stages) - max(stages))
        self.assertAlmostEqual(ratios["overlap_efficiency"], want, delta=1e-3 * max(1, abs(want)))

    def test_streams_that_are_late_find_all_in_its_place(self):
        rows, _ = self.run_on_the_fake("overlap", "-i", 1, "-w", 0)
        self.assertGreater(rows["chunks", "pipeline"][1], 0)

    def test_a_million_cells_that_cost_nothing_are_timed(self):
        rows, ratios = self.run_quickly("overlap", "-i", 1, "-w", 0)
        all_of_them = rows["empty cells", "1000000 cells"][1]
        self.assertGreater(all_of_them, rows["empty cells", "1 cell"][1])
        self.assertAlmostEqual(ratios["empty_cells_ms"], 1e3 * all_of_them,
                               delta=1e-3 * 1e3 * all_of_them)

    def test_bad_arguments_are_refused(self):
        self.assert_fails(self.bench("overlap", "-i", "0"), "-i must be in 1..1000")
        self.assert_fails(self.bench("overlap", "--device", "toaster"), "'toaster' is no device")


class Ranks(DeviceBench):
    def test_a_bench_of_several_ranks_starts_itself_as_them(self):
        reply = self.bench("gather", "--no-such-flag", env=clean_environment(PMIX_MCA_psec="native"))
        if "mpirun cannot be started" in reply.err:
            self.skipTest("there is no mpirun here")
        self.assertIn("gridcrunch-bench-gather: usage: ", reply.err)


if __name__ == "__main__":
    unittest.main()
