"""The rival scikit-learn: GridSearchCV(Ridge) over 5 folds for each file, files dealt out by joblib.

Arguments: processes, a folder of .npy files (columns x, then y), the file for its results. What is
asked is the first COUNT files, from files to a file of results: one row of mean squared errors for
each, f8. Protocol: bench/rival.h. The search itself is not parallel: files are many, and two levels
would be slower.
"""
import pathlib
import sys
import time

import joblib
import numpy as np
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold

ALPHAS = np.logspace(-3, 3, 50)


def crunch(path):
    table = np.load(path)
    search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=KFold(5), refit=False,
                          scoring="neg_mean_squared_error")
    return -search.fit(table[:, :-1], table[:, -1]).cv_results_["mean_test_score"]


def main():
    processes, folder, results = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    files = sorted(pathlib.Path(folder).glob("*.npy"))
    with joblib.parallel_backend("loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=processes)
        pool(joblib.delayed(crunch)(path) for path in files[:processes])  # starts the processes
        print("ready scikit-learn", sklearn.__version__, flush=True)
        for line in sys.stdin:
            count = int(line.split()[1])
            begin = time.perf_counter()
            rows = pool(joblib.delayed(crunch)(path) for path in files[:count])
            np.array(rows).tofile(results)
            print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
