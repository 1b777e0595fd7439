"""Two GPUs of the stand-in for CUDA through the real road to them: the threads of both are in it at once."""
import unittest

from support import GROWN, Case

ROUNDS = 20  # threads meet where they meet: once would show little

SCALE = GROWN + "run: {batch: 500}\n"


class TwoGpus(Case):

    def setUp(self):
        super().setUp()
        self.env = self.fake_gpus()
        self.write("grown.yaml", SCALE)

    def run_on(self, device, *flags):
        self.ok("run", "grown.yaml", "--device", device, "--out", "run", "--fresh", *flags,
                env=self.env)
        return self.read("run/summary.csv")

    def cells(self):
        """All of them, and which GPUs have computed some."""
        rows = [row.split(",") for row in self.ok("export", "run").out.splitlines()]
        kind = rows[0].index("kind") if "kind" in rows[0] else None
        kinds = {row.pop(kind) for row in rows if kind is not None} - {"kind", ""}
        return rows, kinds

    def test_two_have_the_bits_of_one(self):
        summary, (cells, _) = self.run_on("cuda:0"), self.cells()
        for _ in range(ROUNDS):
            self.assertEqual(self.run_on("cuda"), summary)
            found, kinds = self.cells()
            self.assertEqual(kinds, {"kind_1", "kind_2"})
            self.assertEqual(found, cells)

    def test_records_in_place_of_cells_give_the_summaries_of_the_cpu(self):
        self.run_on("cpu")
        best = self.ok("best", "run", "--top", "3").out
        wanted = self.read("run/summary.csv")
        for device in "cpu", "cuda:0", "cuda":
            with self.subTest(device):
                self.assertEqual(self.run_on(device, "--set", "output.keep=summary"), wanted)
                self.assertEqual(self.ok("best", "run", "--top", "3").out, best)
                shown = self.ok("show", "run", "s0002").out
                self.assertRegex(shown, r"(?m)^ok +6,126$")
                self.assertRegex(shown, r"(?m)^excluded +875$")
                self.assertNotIn("empty", shown)


if __name__ == "__main__":
    unittest.main()
