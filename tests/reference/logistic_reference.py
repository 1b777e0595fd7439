#!/usr/bin/env python3
"""Writes tests/reference/logistic_reference.h: logistic regression by scikit-learn.

    python3 tests/reference/logistic_reference.py > tests/reference/logistic_reference.h

The data are made by formulas that are exact in binary, the same in
tests/unit/kernels/test_logistic.c; scikit-learn's C is 1 / penalty, and none is penalty 0.
"""
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

SHAPES = [(10, 1), (40, 2), (97, 5), (300, 3)]
PENALTIES = [0.0, 0.01, 1.0, 500.0]


def dataset(n, d):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    x = ((37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101) / 16.0 - 3.0
    noise = ((53 * np.arange(n) + 29 * n) % 97 - 48) / 8.0
    return x, (x[:, 0] - x[:, d - 1] / 2.0 + noise > 0.5).astype(float)


def reference(n, d, penalty):
    x, y = dataset(n, d)
    how = {"penalty": None} if penalty == 0 else {"C": 1 / penalty}
    model = LogisticRegression(tol=1e-13, solver="newton-cholesky", max_iter=1000, **how).fit(x, y)
    return log_loss(y, model.predict_proba(x), eps=1e-300), model.score(x, y)


def main():
    print(f"/* Made by logistic_reference.py with scikit-learn {sklearn.__version__}. */")
    print("/* clang-format off */")
    for n, d in SHAPES:
        for penalty in PENALTIES:
            loss, accuracy = (float(v) for v in reference(n, d, penalty))
            print(f"{{ {n}, {d}, {penalty!r}, {loss!r}, {accuracy!r} }},")


if __name__ == "__main__":
    main()
