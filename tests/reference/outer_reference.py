#!/usr/bin/env python3
"""Writes tests/reference/outer_reference.h: an outer product and its checks by NumPy.

    python3 tests/reference/outer_reference.py > tests/reference/outer_reference.h

The data are made by a formula that is exact in binary, the same in tests/unit/kernels/test_outer.c;
the random numbers are those of a cell of the dataset with identity IDENTITY and of seed SEED.
"""
from itertools import islice

import numpy as np

from philox import cell_uniforms

IDENTITY, SEED = [0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297], 7
CASES = [(1, 1, 0), (10, 3, 9), (40, 25, 17), (3, 64, 1), (1, 9, 0), (9, 1, 8), (2, 2, 1), (7, 129, 6)]


def reference(n, d, row):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    x = ((37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101) / 16.0 - 3.0
    table = np.array([list(islice(cell_uniforms(SEED, IDENTITY, [row], j), n)) for j in range(d)]).T
    out = np.outer(x[row], table.mean(0))
    return out.sum(), ((np.arange(d)[:, None] - np.arange(d)) * out).sum()


def main():
    print("/* Made by outer_reference.py. */\n/* clang-format off */")
    for case in CASES:
        total, skew = (float(v) for v in reference(*case))
        print(f"{{ {', '.join(map(str, case))}, {total!r}, {skew!r} }},")


if __name__ == "__main__":
    main()
