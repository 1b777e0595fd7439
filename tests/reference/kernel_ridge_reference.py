#!/usr/bin/env python3
"""Writes tests/reference/kernel_ridge_reference.h: kernel ridge by scikit-learn and NumPy.

    python3 tests/reference/kernel_ridge_reference.py > tests/reference/kernel_ridge_reference.h

The data are made by formulas that are exact in binary, the same in
tests/unit/kernels/test_kernel_ridge.c. loo_mse is the mean of cross_val_score() over LeaveOneOut():
n fits, where the kernel makes one. dof is the sum of s / (s + alpha) over the eigenvalues s of K.
"""
import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import LeaveOneOut, cross_val_score

SHAPES = [(2, 1), (5, 1), (13, 2), (30, 1), (60, 4)]
LENGTHSCALES = [0.25, 1.5, 20.0]
ALPHAS = [0.0, 0.001, 0.5, 100.0]


def dataset(n, d):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    x = 0.75 * i + ((37 * i + 61 * f + 7 * i * i * f) % 101) * f / 16.0
    y = ((53 * np.arange(n) + 29 * n) % 97 - 48) / 32.0 + x[:, 0] / 4.0
    return x, y


def reference(n, d, lengthscale, alpha):
    x, y = dataset(n, d)
    gamma = 0.5 / lengthscale**2
    kernel = rbf_kernel(x, gamma=gamma)
    condition = np.linalg.cond(kernel + alpha * np.eye(n))
    if condition > 1e8:
        return None
    scores = cross_val_score(KernelRidge(alpha=alpha, kernel="rbf", gamma=gamma), x, y,
                             cv=LeaveOneOut(), scoring="neg_mean_squared_error")
    s = np.linalg.eigvalsh(kernel)
    share = 1e-10 if condition <= 1e4 else 8 * n * np.finfo(float).eps * condition
    return -scores.mean(), np.sum(s / (s + alpha)), share


def main():
    print(f"/* Made by kernel_ridge_reference.py with scikit-learn {sklearn.__version__}. */")
    print("/* clang-format off */")
    for n, d in SHAPES:
        for lengthscale in LENGTHSCALES:
            for alpha in ALPHAS:
                row = reference(n, d, lengthscale, alpha)
                if row is not None:
                    mse, dof, share = (float(v) for v in row)
                    print(f"{{ {n}, {d}, {{ {lengthscale!r}, {alpha!r} }}, "
                          f"{mse!r}, {dof!r}, {share:.3g} }},")


if __name__ == "__main__":
    main()
