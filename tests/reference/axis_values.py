#!/usr/bin/python3
"""Writes tests/data/axis_values.txt: what numpy gives for axes, to the last bit.

    /usr/bin/python3 tests/reference/axis_values.py > tests/data/axis_values.txt

numpy 1.24 of Debian 12. Its AVX512 power and logarithm are switched off: they differ from libm in
the last place, and a job must not depend on the machine that numpy happens to run on.
A line is FORM ARGUMENTS = VALUES, all of them hexadecimal floats.
"""
import os
import random
import warnings

os.environ["NPY_DISABLE_CPU_FEATURES"] = (
    "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL")
warnings.simplefilter("ignore")  # about features that this machine lacks anyway
import numpy as np  # noqa: E402: reads the variable above

FIXED = [
    ("range", [5]), ("range", [1, 4]), ("range", [0, 1, 0.1]), ("range", [1, 0, -0.25]),
    ("range", [0.5, 3, 0.3]), ("range", [1, 1.3, 0.1]), ("range", [10, 0, -3]),
    ("range", [1e-3, 1e-2, 1e-3]), ("range", [-1, 1, 2 / 3]), ("range", [0, 1e16, 3e15]),
    ("range", [0, 5e-324, 1]), ("range", [1e308, 1.7e308, 1e307]), ("range", [2.5]),
    ("linspace", [0, 1, 11]), ("linspace", [0, 1, 1]), ("linspace", [0, 1, 2]),
    ("linspace", [1, 0, 7]), ("linspace", [-1, 1, 50]), ("linspace", [0.1, 0.7, 13]),
    ("linspace", [0, 1e-323, 3]), ("linspace", [1e-10, 1e10, 9]), ("linspace", [3, 5]),
    ("geomspace", [0.5, 60, 24]), ("geomspace", [1e-3, 1, 12]), ("geomspace", [1, 1000, 4]),
    ("geomspace", [1000, 1, 4]), ("geomspace", [-1000, -1, 4]), ("geomspace", [-2, -300, 9]),
    ("geomspace", [7, 9, 1]), ("geomspace", [1, 256, 9]), ("geomspace", [1e-300, 1e300, 31]),
    ("geomspace", [1, 10]), ("geomspace", [3, 4, 2]),
    ("logspace", [-3, 0, 4]), ("logspace", [0, 5, 11]), ("logspace", [0, 8, 9, 2]),
    ("logspace", [-1, 1, 6, 2.718281828459045]), ("logspace", [2, -2, 5]), ("logspace", [0, 1]),
    ("logspace", [0, 2, 5, 0.5]),
]


def random_cases(count):
    dice = random.Random(20240229)
    for _ in range(count):
        start = round(dice.uniform(-5, 5), dice.randrange(4))
        stop = start + round(dice.uniform(0.1, 20), dice.randrange(1, 4))
        yield "range", [start, stop, round(dice.uniform(0.05, 2), dice.randrange(2, 5))]
        yield "linspace", [start, stop, dice.randrange(1, 40)]
        low = round(dice.uniform(1e-3, 1), 4)
        yield "geomspace", [low, round(dice.uniform(2, 100), 2), dice.randrange(1, 40)]
        yield "logspace", [start, stop, dice.randrange(1, 20), dice.choice([2.0, 10.0, 1.5])]


def values(form, arguments):
    if form == "range":
        return np.arange(*[float(a) for a in arguments])
    count = [int(a) for a in arguments[2:3]]
    base = {"base": float(arguments[3])} if len(arguments) > 3 else {}
    return getattr(np, form)(float(arguments[0]), float(arguments[1]), *count, **base)


def line(form, arguments):
    return " ".join([form, *[float(a).hex() for a in arguments], "=",
                     *[float(v).hex() for v in values(form, arguments)]])


if __name__ == "__main__":
    for case in FIXED + list(random_cases(40)):
        print(line(*case))
