"""gridcrunch plan --simulate: how long a job would take on machines that nobody has yet."""
import unittest

from support import Case

# 10 datasets x 3 points, one second each.
SHAPE = """\
name: shape
data: {synthetic: {datasets: 10, rows: 3}}
kernel: sleep
grid: {ms: [1000, 1001, 1002]}
"""


class Simulate(Case):
    def setUp(self):
        super().setUp()
        self.write("shape.yaml", SHAPE)

    def simulate(self, *flags, job="shape.yaml"):
        document = self.ok("plan", job, "--simulate", "--json", "--cell-time", 1, *flags).json()
        return document["simulation"]

    def refused(self, *flags, words):
        reply = self.call("plan", "shape.yaml", *flags)
        self.assertEqual(reply.code, 2, reply)
        for word in words:
            self.assertIn(word, reply.err)

    def test_one_queue_takes_four_rounds_and_nested_loops_take_more(self):
        for strategy, seconds in (("linear", 4), ("outer", 6), ("inner", 10), ("split:2,6", 5)):
            with self.subTest(strategy):
                took = self.simulate("--ranks", 8, "--strategy", strategy)["makespan_seconds"]
                self.assertLess(abs(took - seconds), 0.01)
        out = self.ok("plan", "shape.yaml", "--simulate", "--ranks", 8, "--cell-time", 1).out
        self.assertRegex(out, r"(?m)^simulated +1 node x 8 ranks x 1 worker, costs declared$")
        self.assertRegex(out, r"(?m)^makespan +4 s, 1\.067 of the ideal 3\.75 s; the longest cell 1 s")

    def test_nodes_send_messages_and_one_node_sends_none(self):
        self.assertEqual(self.simulate("--ranks", 8)["messages"], 0)
        many = self.simulate("--nodes", 4, "--gpus", 2)
        self.assertGreater(many["messages"], 0)
        self.assertLess(many["makespan_seconds"], 4.02)
        self.assertEqual(self.simulate("--nodes", 4, "--schedule", "static")["messages"], 0)

    def test_more_workers_than_cells_are_idle(self):
        self.assertEqual(self.simulate("--nodes", 20, "--ranks", 2)["idle_ranks"], 10)

    def test_costs_are_listed_drawn_or_read(self):
        self.assertAlmostEqual(self.simulate("--costs", "1,2,30")["total_seconds"], 330)
        first = self.simulate("--costs", "pareto:1.5:7", "--ranks", 4)
        self.assertEqual(first, self.simulate("--costs", "pareto:1.5:7", "--ranks", 4))
        self.assertNotEqual(first, self.simulate("--costs", "pareto:1.5:8", "--ranks", 4))
        keys = [f"s{i:04}" for i in range(1, 11)]
        self.write("times.csv", "dataset,seconds\n" +
                   "".join(f"{key},{i}\n" for i, key in enumerate(keys, 1)))
        self.assertAlmostEqual(self.simulate("--costs", "times.csv")["total_seconds"], 3 * 55)

    def test_more_cells_than_32_bits_can_count(self):
        self.write("long.yaml", "name: long\ndata: {synthetic: {datasets: 1, rows: 3}}\n"
                   "kernel: gp\ngrid:\n" + "".join(f"  {axis}: {{linspace: [1, 2, 2000]}}\n" for axis
                                                  in ("lengthscale", "noise", "variance")))
        took = self.ok("plan", "long.yaml", "--simulate", "--json", "--nodes", 64, "--ranks", 8,
                       "--batch", 1000000, "--cell-time", 1e-6).json()["simulation"]
        self.assertAlmostEqual(took["total_seconds"], 8000, places=3)
        self.assertLess(took["ratio"], 1.1)  # 8000 batches for 512 ranks
        reply = self.call("plan", "long.yaml", "--simulate", "--batch", 100)
        self.assert_refused(reply, "8000000000 cells are 80000000 batches of 100", "--batch")

    def test_what_cannot_be_simulated_is_refused(self):
        for flags, words in (
                (["--nodes", 2], ["--simulate"]),
                (["--simulate", "--nodes", 0], ["--nodes takes 1"]),
                (["--simulate", "--gpus", 2, "--ranks", 2], ["give one"]),
                (["--simulate", "--nodes", 100000, "--ranks", 100], ["10000000 workers"]),
                (["--simulate", "--cell-time", "soon"], ["--cell-time takes seconds"]),
                (["--simulate", "--costs", "nope"], ["costs 'nope'"]),
                (["--simulate", "--costs", "none.csv"], ["none.csv"]),
                (["--simulate", "--strategy", "diagonal"], ["strategy 'diagonal'"]),
                (["--simulate", "--ranks", 4, "--strategy", "split:2,6"], ["for 8 workers"])):
            with self.subTest(flags):
                self.refused(*flags, words=words)

    def test_a_file_of_costs_has_every_dataset_and_seconds(self):
        self.write("times.csv", "dataset,seconds\ns0001,1\n")
        self.refused("--simulate", "--costs", "times.csv", words=["nothing about dataset 's0002'"])
        self.write("times.csv", "dataset,seconds\ns0001,-1\n")
        self.refused("--simulate", "--costs", "times.csv", words=["times.csv:2:"])


if __name__ == "__main__":
    unittest.main()
