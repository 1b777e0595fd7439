#!/usr/bin/env python3
"""Writes tests/reference/cholesky_reference.h: entries of U and log |x'x| by NumPy.

    python3 tests/reference/cholesky_reference.py > tests/reference/cholesky_reference.h

The random numbers are those of a cell of the dataset with identity IDENTITY; column j of x is
stream j. The determinant comes from the singular values of x, never from x'x.
"""
from itertools import islice

import numpy as np

from philox import cell_uniforms

IDENTITY = [0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297]


def reference(n, seed, replicate):
    x = np.array([list(islice(cell_uniforms(seed, IDENTITY, [replicate], j), n))
                  for j in range(n)]).T
    u = np.linalg.cholesky(x.T @ x).T
    singular = np.linalg.svd(x, compute_uv=False)
    return u[0, 0], u[1, 2], 2 * np.log(singular).sum()


def main():
    print("/* Made by cholesky_reference.py. */\n/* clang-format off */")
    for n, seed, replicate in ((3, 0, 0), (8, 7, 1), (17, 1 << 40 | 5, 2), (50, 7, 1000000),
                               (4, 3, 0), (5, 9, 77), (33, 1, 2), (64, 2, 3), (129, 0, 1)):
        u11, u23, logdet = (float(v) for v in reference(n, seed, replicate))
        print(f"{{ {n}, {seed}, {replicate}, {u11!r}, {u23!r}, {logdet!r} }},")


if __name__ == "__main__":
    main()
