"""The rival numpy: the cells of bench_cell.c, all points of the grid in one batch.

Protocol: bench/rival.h. "N COUNT": the first COUNT points of the grid for the dataset of N rows,
answered with seconds; "-N COUNT": with the sum of their values, to be checked. One thread, as ours.
"""
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402: after the variable that it reads

AXIS = 16


def describe(n):
    i = np.arange(n)
    x = 10 * np.fmod(0.6180339887498949 * (i + 1), 1)
    y = np.sin(x) + 0.1 * np.fmod(0.7548776662466927 * (i + 1), 1)
    return np.square(x[:, None] - x[None, :]), y


def grid(count):
    point = np.arange(count)
    return 0.2 + 0.1 * (point // AXIS), 0.01 * (point % AXIS + 1)


def cells(squares, y, lengthscale, noise):
    n = len(y)
    k = 1.5 * np.exp(squares * (-0.5 / lengthscale**2)[:, None, None])
    k[:, np.arange(n), np.arange(n)] += noise[:, None]
    factor = np.linalg.cholesky(k)
    z = np.linalg.solve(factor, np.broadcast_to(y[:, None], (len(noise), n, 1)))[:, :, 0]
    determinant = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return -0.5 * (z * z).sum(axis=1) - determinant - 0.5 * n * np.log(2 * np.pi)


def main():
    print("ready numpy", np.__version__, flush=True)
    for line in sys.stdin:
        n, count = (int(float(word)) for word in line.split())
        problem = *describe(abs(n)), *grid(count)
        begin = time.perf_counter()
        value = cells(*problem)
        seconds = time.perf_counter() - begin
        print(repr(float(value.sum())) if n < 0 else seconds, flush=True)


if __name__ == "__main__":
    main()
