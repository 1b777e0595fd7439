"""What a kernel cannot compute is said in its own words: each sentence of each kernel, by a job."""
import glob
import os
import re
import unittest

from support import SOURCE, Case

# The words of a fault, the kernel, its table, and the rest of the job.
FAULTS = [
    ("fewer rows than folds", "ridge", "x,y\n1,1\n2,3\n3,2\n4,4\n", "grid: {alpha: [1]}"),
    ("fewer rows than 'row' says", "outer", "x,y\n1,1\n2,3\n", "grid: {row: [2]}"),
    ("fewer rows than 'row' says", "convolve", "x,y\n1,1\n2,3\n", "grid: {row: [2], k: [3]}"),
    ("y is zero in all rows", "gp_profile", "x,y\n1,0\n2,0\n",
     "grid: {lengthscale: [1], noise_ratio: [0.1]}"),
    ("k is larger than 64", "convolve", "x,y\n1,1\n2,3\n", "grid: {row: [0], k: [65]}"),
    ("y is not 0 or 1 in every row", "logistic", "x,y\n1,0\n2,1\n3,0.5\n", "grid: {penalty: [1]}"),
    ("y is the same in every row", "logistic", "x,y\n1,1\n2,1\n3,1\n", "grid: {penalty: [1]}"),
    ("a step of Newton's method has no solution", "logistic", "x,y\n0,1\n0,0\n0,1\n",
     "grid: {penalty: [0]}"),
    ("Newton's method did not converge", "logistic", "x,y\n1,0\n2,1\n3,0\n4,1\n",
     "options: {max_iterations: 1}\ngrid: {penalty: [0.1]}"),
    ("x is NaN or infinite in some row", "logistic", "x,y\n1,0\n-inf,1\n3,0\n4,1\n",
     "grid: {penalty: [0.1]}"),
]

# A x'x that rounds to singular takes a search through 10^8 cells: tests/unit/kernels has one.
ELSEWHERE = ["x'x is not positive definite up to rounding"]


def sentences():
    """Every fault of every kernel, from the descriptions."""
    for path in sorted(glob.glob(os.path.join(SOURCE, "src", "kernels", "*.c"))):
        with open(path, encoding="utf-8") as file:
            found = re.search(r"\.faults = \{(.*?)\}", file.read(), re.S)
        for fault in re.findall(r'(?:"[^"]*"\s*)+', found.group(1)) if found else []:
            yield "".join(re.findall(r'"([^"]*)"', fault))


class Faults(Case):
    def test_each_is_said_of_the_cell_that_has_it(self):
        for words, kernel, table, rest in FAULTS:
            with self.subTest(words, kernel=kernel):
                self.write("table.csv", table)
                self.write("job.yaml", "name: bad\ndata: {source: table.csv, x: x, y: y}\n"
                                       f"kernel: {kernel}\n{rest}\n")
                self.assertEqual(self.call("run", "job.yaml", "--fresh").code, 3)
                self.assertRegex(self.ok("failed", "runs/bad").out,
                                 rf"(?m)^table, .*=.*: {re.escape(words)}")

    def test_no_kernel_has_a_fault_that_no_test_reaches(self):
        known = [words for words, *_ in FAULTS] + ELSEWHERE
        found = list(sentences())
        self.assertGreaterEqual(len(found), len(set(known)))
        for sentence in found:
            self.assertTrue(any(sentence.startswith(words) for words in known), sentence)


if __name__ == "__main__":
    unittest.main()
