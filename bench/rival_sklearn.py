"""The rival scikit-learn: the fertility job under joblib, two processes, one task per country.

As somebody would write it: a GaussianProcessRegressor per country, its log marginal likelihood at
every point. Arguments: fertility.csv, the file for its results: a row of f8 for each country. Protocol:
bench/rival.h; what is asked is always the whole job.
"""
import csv
import itertools
import sys
import time

import joblib
import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

POINTS = list(itertools.product(np.geomspace(0.5, 60, 24), np.geomspace(1e-3, 1, 12),
                                [0.25, 1, 4]))


def load(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    years = [(column, float(name)) for column, name in enumerate(header) if name.isdigit()]
    for row in rows:
        cells = [(year, float(row[column])) for column, year in years if row[column].strip()]
        if cells:
            x, y = np.array(cells).T
            yield x[:, None], (y - y.mean()) / (y.std() or 1)


def crunch(x, y, points=POINTS):
    kernel = ConstantKernel() * Matern(nu=2.5) + WhiteKernel()
    model = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(x, y)
    return [model.log_marginal_likelihood(np.log([variance, lengthscale, noise]))
            for lengthscale, noise, variance in points]


def main():
    with joblib.parallel_backend("loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=2)
        table, results = sys.argv[1:]
        some = list(itertools.islice(load(table), 2))
        pool(joblib.delayed(crunch)(x, y, POINTS[:1]) for x, y in some)  # starts the processes
        print("ready scikit-learn", sklearn.__version__, flush=True)
        for _ in sys.stdin:
            begin = time.perf_counter()
            rows = pool(joblib.delayed(crunch)(x, y) for x, y in load(table))
            np.array(rows).tofile(results)
            print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
