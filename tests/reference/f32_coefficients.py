#!/usr/bin/env python3
"""Prints the coefficients of include/gridcrunch/kernel_math_f32.h.

They are minimax polynomials (Remez): of gcr_exp_near_0() for (exp(r) - 1 - r) / r^2 on
|r| <= log(2) / 2, of gcr_log_tail() for the even part of log(1 + f) in s = f / (2 + f), as a share of
z = s^2; weighted so that the error counts as a share of the result. Needs python3-mpmath.
"""
import struct

import mpmath as mp

mp.mp.prec = 150


class Fit:
    """A polynomial for `value` between two points, its error multiplied by `weight`."""

    def __init__(self, value, weight, least, most, degree):
        self.value, self.weight, self.count = value, weight, degree + 2
        middle, half = (least + most) / 2, (most - least) / 2
        self.grid = [middle + half * mp.cos(mp.pi * i / 1000) for i in range(1001)]
        nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * self.count))
                 for i in range(self.count)]
        for _ in range(10):
            self.coefficients = self.through(nodes)
            nodes = self.extrema()

    def through(self, nodes):
        """The polynomial whose weighted error alternates evenly over the nodes."""
        n = self.count
        matrix, values = mp.matrix(n, n), mp.matrix(n, 1)
        for i, at in enumerate(nodes):
            for k in range(n - 1):
                matrix[i, k] = at**k
            matrix[i, n - 1] = (-1) ** i / self.weight(at)
            values[i] = self.value(at)
        return list(mp.lu_solve(matrix, values))[:-1]

    def error(self, coefficients, at):
        return (mp.polyval(coefficients[::-1], at) - self.value(at)) * self.weight(at)

    def extrema(self):
        """Where the error is largest between two changes of its sign."""
        errors = [self.error(self.coefficients, at) for at in self.grid]
        found = []
        for i, error in enumerate(errors):
            if found and (error > 0) == (errors[found[-1]] > 0):
                if abs(error) > abs(errors[found[-1]]):
                    found[-1] = i
            else:
                found.append(i)
        while len(found) > self.count:
            found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
        return [self.grid[i] for i in found]

    def print(self, name):
        rounded = [struct.unpack("f", struct.pack("f", c))[0] for c in self.coefficients]
        for k, c in enumerate(rounded):
            print(f"{name} {k} {c.hex()}")
        worst = max(abs(self.error([mp.mpf(c) for c in rounded], at)) for at in self.grid)
        print("error", mp.nstr(worst * 2**24, 3), "units in the last place")


def exp_tail(r):
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > mp.mpf(10) ** -12 else mp.mpf(1) / 2 + r / 6


def log_tail(z):
    """log(1 + f) = 2 atanh(s) = 2 s + s z tail(z)."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z) if z > mp.mpf(10) ** -12 else mp.mpf(2) / 3


def main():
    edge = mp.log(2) / 2 * mp.mpf("1.001")
    Fit(exp_tail, lambda r: (r * r + mp.mpf("1e-4")) / mp.exp(r), -edge, edge, 4).print("exp r^")
    most = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.001")
    Fit(log_tail, lambda z: z / 2 + mp.mpf("1e-6"), mp.mpf(0), most, 2).print("log z^")


if __name__ == "__main__":
    main()
