#!/usr/bin/env python3
"""Prints the coefficients of gcr_exp_near_0() in include/gridcrunch/kernel_math.h.

They are the minimax polynomial (Remez) for (exp(r) - 1 - r) / r^2 on |r| <= log(2) / 2, weighted
so that the error counts as a share of exp(r). Needs python3-mpmath.
"""
import mpmath as mp

mp.mp.prec = 200
DEGREE = 9
EDGE = mp.log(2) / 2 * mp.mpf("1.001")
GRID = [EDGE * mp.cos(mp.pi * i / 1500) for i in range(1501)]


def tail(r):
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > mp.mpf(10) ** -12 else mp.mpf(1) / 2 + r / 6


def weight(r):
    return (r * r + mp.mpf("1e-4")) / mp.exp(r)  # the constant keeps it away from 0 at r = 0


def fit(nodes):
    """The polynomial whose weighted error alternates evenly over the nodes."""
    n = len(nodes)
    matrix, values = mp.matrix(n, n), mp.matrix(n, 1)
    for i, r in enumerate(nodes):
        for k in range(n - 1):
            matrix[i, k] = r**k
        matrix[i, n - 1] = (-1) ** i / weight(r)
        values[i] = tail(r)
    return list(mp.lu_solve(matrix, values))[:-1]


def extrema(coefficients, count):
    """Where the error is largest between two changes of its sign."""
    error = [(mp.polyval(coefficients[::-1], r) - tail(r)) * weight(r) for r in GRID]
    found = []
    for i in range(len(GRID)):
        if found and (error[i] > 0) == (error[found[-1]] > 0):
            if abs(error[i]) > abs(error[found[-1]]):
                found[-1] = i
        else:
            found.append(i)
    while len(found) > count:
        found.pop(0 if abs(error[found[0]]) < abs(error[found[-1]]) else -1)
    return [GRID[i] for i in found]


def main():
    count = DEGREE + 2
    nodes = [EDGE * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    for _ in range(12):
        coefficients = fit(nodes)
        nodes = extrema(coefficients, count)
    rounded = [mp.mpf(float(c)) for c in coefficients]
    worst = max(abs(mp.polyval(rounded[::-1], r) - tail(r)) * r**2 / mp.exp(r) for r in GRID)
    for k, c in enumerate(coefficients):
        print(f"r^{k:<2} {float(c).hex()}")
    print("error", mp.nstr(worst * 2**53, 3), "units in the last place")


if __name__ == "__main__":
    main()
