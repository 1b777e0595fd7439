#!/usr/bin/env python3
"""Writes tests/reference/ridge_reference.h: cross-validated ridge by scikit-learn and NumPy.

    python3 tests/reference/ridge_reference.py > tests/reference/ridge_reference.h

The data are made by formulas that are exact in binary, the same in tests/unit/kernels/test_ridge.c.
mse is the mean of cross_val_score() over KFold(folds), dof is 1 + sum of s^2 / (s^2 + alpha) over
the singular values s of the centred X. Tolerances as in ARCHITECTURE section 9.
"""
import numpy as np
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

SHAPES = [(5, 1, 5), (2, 1, 2), (7, 2, 3), (20, 3, 5), (50, 8, 10), (101, 5, 2), (11, 10, 4),
          (64, 6, 64), (300, 11, 3)]
ALPHAS = [0.0, 0.125, 1.0, 30.0, 1e4]


def dataset(n, d):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    x = ((37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101) / 16.0 - 3.0 + 8.0 * f
    y = ((53 * np.arange(n) + 29 * n) % 97 - 48) / 32.0 + x[:, 0] / 4.0 + 16.0
    return x, y


def reference(n, d, folds, alpha):
    x, y = dataset(n, d)
    split = KFold(folds)
    gram = [(x[t] - x[t].mean(0)).T @ (x[t] - x[t].mean(0)) for t, _ in split.split(x)]
    condition = max(np.linalg.cond(g + alpha * np.eye(d)) for g in gram)
    if condition > 1e10:
        return None
    scores = cross_val_score(Ridge(alpha, solver="svd"), x, y, cv=split,
                             scoring="neg_mean_squared_error")
    s2 = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
    dof = 1 + np.sum(s2 / (s2 + alpha))
    share = 1e-10 if condition <= 1e4 else 8 * n * np.finfo(float).eps * condition
    return -scores.mean(), dof, share


def main():
    print(f"/* Made by ridge_reference.py with scikit-learn {sklearn.__version__}. */")
    print("/* clang-format off */")
    for n, d, folds in SHAPES:
        for alpha in ALPHAS:
            row = reference(n, d, folds, alpha)
            if row is not None:
                mse, dof, share = (repr(float(v)) for v in row)
                print(f"{{ {n}, {d}, {folds}, {alpha!r}, {mse}, {dof}, {float(share):.3g} }},")


if __name__ == "__main__":
    main()
