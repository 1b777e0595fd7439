#!/usr/bin/env python3
"""Prints the constants of gcr_vec_inverse_root() in src/backend/cpu/inverse_root.h.

The guess is the constant minus the bits of x, shifted by one: the one for which x times the square
of the guess varies least. The cubic is the minimax polynomial (Remez) of 1 / sqrt(z) over what z
can be, by relative error. Needs python3-mpmath and python3-numpy.
"""
import mpmath as mp
import numpy as np

mp.mp.prec = 150
DEGREE = 3
FROM, STEP, COUNT = 0x5FE6EB50C7B537A9, 1 << 43, 60
X = np.linspace(1, 4, 400001)[:-1]  # a guess repeats itself with every factor of 4


def range_of(magic):
    guess = (np.uint64(magic) - (X.view(np.uint64) >> np.uint64(1))).view(np.float64)
    z = X * guess**2
    return float(z.min()), float(z.max())


def fit(nodes):
    """The polynomial whose relative error alternates evenly over the nodes."""
    n = len(nodes)
    matrix, values = mp.matrix(n, n), mp.matrix(n, 1)
    for i, z in enumerate(nodes):
        for k in range(n - 1):
            matrix[i, k] = z**k
        matrix[i, n - 1] = (-1) ** i / mp.sqrt(z)
        values[i] = 1 / mp.sqrt(z)
    return list(mp.lu_solve(matrix, values))[:-1]


def extrema(errors, grid):
    found = []
    for i in range(len(grid)):
        if found and (errors[i] > 0) == (errors[found[-1]] > 0):
            if abs(errors[i]) > abs(errors[found[-1]]):
                found[-1] = i
        else:
            found.append(i)
    return [grid[i] for i in found]


def main():
    candidates = [FROM + d * STEP for d in range(-COUNT, COUNT + 1)]
    magic = min(candidates, key=lambda m: range_of(m)[1] / range_of(m)[0])
    least, most = map(mp.mpf, range_of(magic))
    middle, half = (least + most) / 2, (most - least) / 2
    grid = [middle - half * mp.cos(mp.pi * i / 1000) for i in range(1001)]
    nodes = [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * DEGREE + 4)) for i in range(DEGREE + 2)]
    for _ in range(8):
        coefficients = fit(nodes)
        errors = [mp.polyval(coefficients[::-1], z) * mp.sqrt(z) - 1 for z in grid]
        nodes = extrema(errors, grid)
    print("magic", hex(magic), "z from", mp.nstr(least, 4), "to", mp.nstr(most, 4))
    for k, c in enumerate(coefficients):
        print(f"z^{k} {float(c).hex()}")
    print("error", mp.nstr(max(abs(e) for e in errors), 3))


if __name__ == "__main__":
    main()
