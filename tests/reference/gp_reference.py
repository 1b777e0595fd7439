#!/usr/bin/env python3
"""Writes tests/reference/gp_reference.h: log marginal likelihoods by scikit-learn.

    python3 tests/reference/gp_reference.py > tests/reference/gp_reference.h

The data are made by formulas that are exact in binary, the same in tests/unit/kernels/test_gp.c.
Each row carries the tolerance of ARCHITECTURE section 9: 1e-10 (8 n eps cond(K), where cond(K) is
above 1e4) times max(1, sum of the absolute terms).
"""
import math

import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

PLAIN, DUPLICATE_X, CONSTANT_Y, TWO_FEATURES = range(4)
KINDS = ["PLAIN", "DUPLICATE_X", "CONSTANT_Y", "TWO_FEATURES"]
COVARIANCES = ["rbf", "matern12", "matern32", "matern52"]
POINTS = [(0.5, 0.25, 1.0), (3.0, 0.001, 2.0), (12.0, 1.0, 0.25), (60.0, 0.0625, 4.0),
          (1.5, 1e-6, 1.0)]


def dataset(kind, n):
    i = np.arange(n)
    x = (i // 2 if kind == DUPLICATE_X else i) * 0.75
    y = np.full(n, 1.5) if kind == CONSTANT_Y else ((53 * i + 29 * n) % 97 - 48) / 32.0
    other = ((37 * i) % 11) / 4.0
    return (np.column_stack([x, other]) if kind == TWO_FEATURES else x[:, None]), y


def covariance(name, lengthscale):
    if name == "rbf":
        return RBF(lengthscale, "fixed")
    return Matern(lengthscale, "fixed", nu=int(name[-2]) / 2)


def reference(kind, n, name, point):
    lengthscale, noise, variance = point
    x, y = dataset(kind, n)
    kernel = ConstantKernel(variance, "fixed") * covariance(name, lengthscale)
    kernel += WhiteKernel(noise, "fixed")
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
    k = kernel(x)
    terms = [y @ np.linalg.solve(k, y) / 2, np.linalg.slogdet(k)[1] / 2,
             n / 2 * math.log(2 * math.pi)]
    condition = np.linalg.cond(k)
    share = 1e-10 if condition <= 1e4 else 8 * n * np.finfo(float).eps * condition
    return model.log_marginal_likelihood_value_, share * max(1, sum(map(abs, terms)))


def rows():
    for n in range(1, 61):
        for kind in range(4) if n in (1, 2, 3, 7, 20, 54, 60) else [PLAIN]:
            for c in range(4):
                yield kind, n, c, POINTS[(n + kind + c) % len(POINTS)]
                yield kind, n, c, POINTS[(n + kind + c + 2) % len(POINTS)]


def main():
    print(f"/* Made by gp_reference.py with scikit-learn {sklearn.__version__}. */")
    print("/* clang-format off */")
    for kind, n, c, point in rows():
        lml, tolerance = reference(kind, n, COVARIANCES[c], point)
        parameters = ", ".join(repr(float(p)) for p in point)
        print(f"{{ {KINDS[kind]}, {n}, {c}, {{ {parameters} }}, {lml!r}, {tolerance:.3g} }},")


if __name__ == "__main__":
    main()
