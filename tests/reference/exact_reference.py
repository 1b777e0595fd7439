#!/usr/bin/env python3
"""Writes tests/reference/exact_reference.h: what kernels should say, to 50 digits, by mpmath.

    python3 tests/reference/exact_reference.py > tests/reference/exact_reference.h

Scikit-learn rounds as we do; this does not. Every value follows the definition in the head of the
kernel's file, never the way the kernel takes: kernel_ridge leaves rows out one by one, ridge fits
fold by fold, logistic stops when nothing moves. The data are made by formulas that are exact in
binary, the same in tests/unit/kernels/test_exact.c. Tolerances are those between our own paths in
ARCHITECTURE section 9: 1e-12 (8 n eps cond(A), where that is above 1e4) times max(1, sum of the
absolute terms).
"""
import sys

import numpy as np
from mpmath import mp, mpf

mp.dps = 50
COVARIANCES = {
    "gp_rbf": lambda r, l: mp.exp(-r * r / (2 * l * l)),
    "gp_matern12": lambda r, l: mp.exp(-r / l),
    "gp_matern32": lambda r, l: (1 + mp.sqrt(3) * r / l) * mp.exp(-mp.sqrt(3) * r / l),
    "gp_matern52": lambda r, l: (1 + mp.sqrt(5) * r / l + 5 * r * r / (3 * l * l))
    * mp.exp(-mp.sqrt(5) * r / l),
}


def dataset(n, d, is_binary):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    x = ((37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101) / 16.0 - 3.0
    y = ((53 * np.arange(n) + 29 * n) % 97 - 48) / 32.0
    if is_binary:
        y = (x[:, 0] - x[:, d - 1] / 2.0 + 4 * y > 0.5).astype(float)
    return [[mpf(v) for v in row] for row in x.tolist()], [mpf(v) for v in y.tolist()]


# ---- linear algebra of lists of mpf -------------------------------------------------------------


def dot(a, b):
    return mp.fdot(zip(a, b))


def factor(a):
    lower = []
    for i, row in enumerate(a):
        own = []
        for j in range(i):
            own.append((row[j] - dot(own, lower[j])) / lower[j][j])
        own.append(mp.sqrt(row[i] - dot(own, own)))
        lower.append(own)
    return lower


def solve(lower, b):
    z = []
    for i, row in enumerate(lower):
        z.append((b[i] - dot(row, z)) / row[i])
    for i in reversed(range(len(z))):
        z[i] /= lower[i][i]
        for k in range(i):
            z[k] -= lower[i][k] * z[i]
    return z


def inverse_trace(lower):
    n = len(lower)
    return sum(solve(lower, [mpf(i == j) for i in range(n)])[j] for j in range(n))


def share_of(n, matrices):
    condition = max(np.linalg.cond(np.array(a, dtype=float)) for a in matrices)
    return 1e-12 if condition <= 1e4 else 8 * n * np.finfo(float).eps * condition


def distance(a, b):
    return mp.sqrt(sum((p - q) ** 2 for p, q in zip(a, b)))


# ---- the kernels: values, and what each may be off by -------------------------------------------


def scaled(share, value, terms):
    return value, share * max(1.0, float(sum(abs(t) for t in terms)))


def gp(unit, n, d, option, point):
    lengthscale, noise, variance = (mpf(p) for p in point)
    x, y = dataset(n, d, False)
    k = [[variance * COVARIANCES[unit](distance(a, b), lengthscale) + (noise if a is b else 0)
          for b in x] for a in x]
    lower = factor(k)
    terms = [-dot(y, solve(lower, y)) / 2, -sum(mp.log(lower[i][i]) for i in range(n)),
             -n * mp.log(2 * mp.pi) / 2]
    return [scaled(share_of(n, [k]), sum(terms), terms)]


def gp_profile(unit, n, d, option, point):
    """The likelihood of gp at its highest over the variance: where its derivative is zero."""
    lengthscale, ratio = (mpf(p) for p in point)
    x, y = dataset(n, d, False)
    covariance = COVARIANCES[unit.replace("gp_profile", "gp")]
    a = [[covariance(distance(p, q), lengthscale) + (ratio if p is q else 0) for q in x] for p in x]
    lower = factor(a)
    form = dot(y, solve(lower, y))
    log_root = sum(mp.log(lower[i][i]) for i in range(n))

    def terms(variance):
        return [-form / variance / 2, -log_root, -n * mp.log(2 * mp.pi * variance) / 2]

    def slope(u):
        return mp.diff(lambda v: sum(terms(mp.exp(v))), u)

    middle = mp.log(form / n)
    best = mp.exp(mp.findroot(slope, (middle - 3, middle + 4), solver="illinois"))
    share = share_of(n, [a])
    return [scaled(share, sum(terms(best)), terms(best)), scaled(share, best, [best])]


def kernel_ridge(unit, n, d, option, point):
    lengthscale, alpha = (mpf(p) for p in point)
    x, y = dataset(n, d, False)
    k = [[COVARIANCES["gp_rbf"](distance(a, b), lengthscale) for b in x] for a in x]
    a = [[k[i][j] + (alpha if i == j else 0) for j in range(n)] for i in range(n)]
    errors = []
    for out in range(n):
        rows = [i for i in range(n) if i != out]
        c = solve(factor([[a[i][j] for j in rows] for i in rows]), [y[i] for i in rows])
        errors.append((y[out] - dot([k[out][j] for j in rows], c)) ** 2 / n)
    penalty = alpha * inverse_trace(factor(a))
    share = share_of(n, [a])
    return [scaled(share, sum(errors), errors), scaled(share, n - penalty, [n, penalty])]


def centred_gram(x):
    columns = [[v - sum(c) / len(c) for v in c] for c in zip(*x)]
    return [[dot(a, b) for b in columns] for a in columns]


def fit(x, y, alpha):
    """Coefficients and the intercept, and the matrix that was factored."""
    mean = [sum(c) / len(c) for c in zip(*x)]
    a = centred_gram(x)
    a = [[a[i][j] + (alpha if i == j else 0) for j in range(len(a))] for i in range(len(a))]
    b = solve(factor(a), [dot([v - m for v in c], y) for c, m in zip(zip(*x), mean)])
    return b, sum(y) / len(y) - dot(mean, b), a


def ridge(unit, n, d, folds, point):
    alpha = mpf(point[0])
    x, y = dataset(n, d, False)
    mean_squares, matrices, begin = [], [], 0
    for k in range(folds):
        end = begin + n // folds + (k < n % folds)
        b, c, a = fit(x[:begin] + x[end:], y[:begin] + y[end:], alpha)
        errors = [(y[i] - c - dot(x[i], b)) ** 2 for i in range(begin, end)]
        mean_squares.append(sum(errors) / len(errors) / folds)
        matrices.append(a)
        begin = end
    matrices.append(fit(x, y, alpha)[2])
    penalty = alpha * inverse_trace(factor(matrices[-1]))
    share = share_of(n, matrices)
    return [scaled(share, sum(mean_squares), mean_squares),
            scaled(share, 1 + d - penalty, [1 + d, penalty])]


def loss_of(label, margin):
    return mp.log(1 + mp.exp(-margin if label else margin))


def newton_step(x, y, weights, penalties):
    p = [1 / (1 + mp.exp(-dot(row, weights))) for row in x]
    bends = [v * (1 - v) for v in p]
    slope = [dot([v - t for v, t in zip(p, y)], c) + q * w
             for c, q, w in zip(zip(*x), penalties, weights)]
    hessian = [[sum(h * a * b for h, a, b in zip(bends, ca, cb)) + (penalties[i] if i == j else 0)
                for j, cb in enumerate(zip(*x))] for i, ca in enumerate(zip(*x))]
    return solve(factor(hessian), slope), hessian


def logistic(unit, n, d, option, point):
    x, y = dataset(n, d, True)
    x = [row + [mpf(1)] for row in x]
    penalties = [mpf(point[0])] * d + [mpf(0)]
    weights, step = [mpf(0)] * (d + 1), [mpf(1)]
    while max(abs(s) for s in step) > mpf(10) ** -40:
        step, hessian = newton_step(x, y, weights, penalties)
        weights = [w - s for w, s in zip(weights, step)]
    losses = [loss_of(t, dot(row, weights)) / n for t, row in zip(y, x)]
    right = sum((dot(row, weights) > 0) == (t == 1) for t, row in zip(y, x))
    return [scaled(share_of(n, [hessian]), sum(losses), losses), (mpf(right) / n, 0)]


def rows():
    sizes = [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 33, 48, 65]
    points = [(0.5, 0.25, 1.0), (3.0, 0.001, 2.0), (0.05, 1.0, 0.25), (20.0, 0.0625, 4.0),
              (1.5, 1e-6, 1.0), (0.2, 1e-9, 1e3)]
    for k, n in enumerate(sizes):
        for c, unit in enumerate(COVARIANCES):
            yield gp, unit, n, 1 + k % 3, 0, points[(k + c) % 6]
            yield gp, unit, n, 1 + (k + c) % 2, 0, points[(k + 2 * c + 3) % 6]
    points = [(0.5, 0.25), (3.0, 0.001), (0.05, 1.0), (20.0, 0.0625), (1.5, 1e-6)]
    for k, n in enumerate(sizes):
        for c, unit in enumerate(COVARIANCES):
            yield gp_profile, unit.replace("gp", "gp_profile"), n, 1 + (k + c) % 3, 0, \
                points[(k + c) % 5]
    points = [(0.5, 0.5), (3.0, 0.001), (0.1, 100.0), (20.0, 1e-5)]
    for k, n in enumerate(sizes[1:-1]):
        yield kernel_ridge, "kernel_ridge", n, 1 + k % 3, 0, points[k % 4]
        yield kernel_ridge, "kernel_ridge", n, 2, 0, points[(k + 1) % 4]
    for n, d, folds in [(5, 1, 5), (7, 2, 3), (20, 3, 5), (50, 8, 10), (101, 5, 2), (31, 10, 4)]:
        for alpha in (0.0, 1e-3, 1.0, 1e4):
            yield ridge, "ridge", n, d, folds, (alpha,)
    for n, d in [(10, 1), (40, 2), (97, 5), (150, 3)]:
        for penalty in (0.0, 0.01, 1.0, 500.0):
            yield logistic, "logistic", n, d, 0, (penalty,)


def main():
    print("/* Made by exact_reference.py. */\n/* clang-format off */")
    for kernel, unit, n, d, option, point in rows():
        answers = kernel(unit, n, d, option, point)
        parameters = ", ".join(repr(float(p)) for p in point)
        values = ", ".join(repr(float(v)) for v, _ in answers)
        tolerances = ", ".join(f"{float(t):.3g}" for _, t in answers)
        print(f'{{ "{unit}", {n}, {d}, {option}, {{ {parameters} }}, {{ {values} }}, '
              f"{{ {tolerances} }} }},")
        print(unit, n, file=sys.stderr)


if __name__ == "__main__":
    main()
