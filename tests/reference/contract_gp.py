"""The stored values of tests/contract/test_crunch.c, by scikit-learn."""
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RBF, WhiteKernel

for rows in (6, 27, 100, 240, 260):
    x = np.arange(float(rows))[:, None]
    y = 0.5 * np.sin(0.7 * x[:, 0])
    print(f"{{ {rows},\n  {{")
    for lengthscale in (0.5, 1.0, 2.0, 4.0):
        for noise in (0.01, 0.1, 1.0):
            kernel = ConstantKernel(1.5) * RBF(lengthscale) + WhiteKernel(noise)
            model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
            print(f"{model.log_marginal_likelihood(model.kernel_.theta):.17g},")
    print("} },")
