"""The stored values of tests/contract/test_crunch.c, by scikit-learn."""
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RBF, WhiteKernel

x = np.arange(6.0)[:, None]
y = np.array([0.3, -0.1, 0.8, 0.2, -0.7, 0.4])
for lengthscale in (0.5, 1.0, 2.0, 4.0):
    for noise in (0.01, 0.1, 1.0):
        kernel = ConstantKernel(1.5) * RBF(lengthscale) + WhiteKernel(noise)
        model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
        print(f"{model.log_marginal_likelihood(model.kernel_.theta):.17g},")
