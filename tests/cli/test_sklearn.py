"""The fitting kernels against scikit-learn, through job files and tables, where it is installed."""
import csv
import io
import math
import unittest

from support import Case

try:
    import numpy as np
    import sklearn
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import log_loss
    from sklearn.model_selection import KFold, LeaveOneOut, cross_val_score
except ImportError:
    sklearn = None

SIZES = {"small": 7, "odd": 23, "large": 50}
SCORING = "neg_mean_squared_error"


def table(size, is_binary):
    """X with two columns, y, from a generator of their own."""
    random = np.random.default_rng(size)
    x = random.normal(size=(size, 2))
    y = x @ [1.0, -0.5] + random.normal(size=size)
    return x, (y > 0).astype(float) if is_binary else y


def likelihood(x, y, covariance, lengthscale, noise, variance):
    shape = RBF(lengthscale, "fixed")
    if covariance != "rbf":
        shape = Matern(lengthscale, "fixed", nu=int(covariance[-2]) / 2)
    kernel = ConstantKernel(variance, "fixed") * shape + WhiteKernel(noise, "fixed")
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
    return model.log_marginal_likelihood_value_


def left_out(x, y, lengthscale, alpha):
    model = KernelRidge(alpha=alpha, kernel="rbf", gamma=0.5 / lengthscale**2)
    return -cross_val_score(model, x, y, cv=LeaveOneOut(), scoring=SCORING).mean()


def held_out(x, y, alpha):
    return -cross_val_score(Ridge(alpha, solver="svd"), x, y, cv=KFold(3), scoring=SCORING).mean()


def loss(x, y, penalty):
    model = LogisticRegression(C=1 / penalty, tol=1e-13, solver="newton-cholesky", max_iter=1000)
    return log_loss(y, model.fit(x, y).predict_proba(x))


@unittest.skipIf(sklearn is None, "scikit-learn is not installed for this Python")
class ScikitLearn(Case):
    def cells(self, kernel, rest, is_binary=False):
        """Runs the job; yields X, y and the row of each cell."""
        tables = {key: table(size, is_binary) for key, size in SIZES.items()}
        lines = [f"{key},{float(a)!r},{float(b)!r},{float(c)!r}"
                 for key, (x, y) in tables.items() for (a, b), c in zip(x, y)]
        self.write("table.csv", "\n".join(["who,a,b,y", *lines]) + "\n")
        self.write("job.yaml", "name: it\ndata: {source: table.csv, key: who, x: [a, b], y: y}\n"
                               f"kernel: {kernel}\n{rest}\n")
        self.ok("run", "job.yaml", "--fresh", "--quiet")
        for row in csv.DictReader(io.StringIO(self.ok("export", "runs/it").out)):
            self.assertEqual(row["status"], "ok")
            yield *tables[row["dataset"]], row

    def assert_agree(self, row, output, want, scale=1.0):
        self.assertLessEqual(abs(float(row[output]) - want), 1e-10 * max(1.0, scale), row)

    def test_gp(self):
        for covariance in ("rbf", "matern12", "matern32", "matern52"):
            job = f"options: {{covariance: {covariance}}}\ngrid: {{lengthscale: [0.3, 2], " \
                  "noise: [0.05, 1], variance: [0.5, 2]}"
            count = 0
            for x, y, row in self.cells("gp", job):
                point = (float(row[p]) for p in ("lengthscale", "noise", "variance"))
                want = likelihood(x, y, covariance, *point)
                self.assert_agree(row, "lml", want, abs(want) + len(y) * math.log(2 * math.pi))
                count += 1
            self.assertEqual(count, 3 * 8)

    def test_kernel_ridge(self):
        for x, y, row in self.cells("kernel_ridge",
                                    "grid: {lengthscale: [0.3, 2], alpha: [0.05, 1]}"):
            want = left_out(x, y, float(row["lengthscale"]), float(row["alpha"]))
            self.assert_agree(row, "loo_mse", want, want)

    def test_ridge(self):
        for x, y, row in self.cells("ridge", "options: {folds: 3}\ngrid: {alpha: [0, 0.1, 10]}"):
            want = held_out(x, y, float(row["alpha"]))
            self.assert_agree(row, "mse", want, want)

    def test_logistic(self):
        for x, y, row in self.cells("logistic", "grid: {penalty: [0.1, 1, 20]}", is_binary=True):
            self.assert_agree(row, "log_loss", loss(x, y, float(row["penalty"])))


if __name__ == "__main__":
    unittest.main()
