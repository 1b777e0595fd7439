#!/usr/bin/env python3
"""Writes tests/reference/convolve_reference.h: sum and maximum of a convolution by SciPy and NumPy.

    python3 tests/reference/convolve_reference.py > tests/reference/convolve_reference.h

The images are made by a formula that is exact in binary, the same in
tests/unit/kernels/test_convolve.c; the random numbers are those of a cell of the dataset with
identity IDENTITY and of seed SEED. Images smaller than the kernel, one pixel, odd and even k.

The values are NumPy's, of the padded image; scipy.ndimage.convolve() must say the same, but for a
kernel far larger than the image, where SciPy 1.10.1 reads beyond its own lines (k = 63 on 7 x 3
gives 1e218).
"""
from itertools import islice

import numpy as np
from scipy.ndimage import convolve

from philox import cell_uniforms

IDENTITY, SEED = [0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297], 7
CASES = [(30, 41, 29, 20), (3, 7, 0, 20), (1, 1, 0, 20), (9, 8, 4, 5), (9, 8, 4, 4), (5, 6, 1, 1),
         (2, 40, 1, 2), (1, 1, 0, 1), (1, 1, 0, 2), (1, 1, 0, 3), (1, 9, 0, 4), (1, 9, 0, 7),
         (9, 1, 8, 3), (9, 1, 0, 6), (2, 2, 1, 5), (2, 3, 1, 8), (3, 2, 2, 9), (16, 17, 3, 16),
         (17, 16, 3, 17)]
BEYOND_SCIPY = [(7, 3, 6, 64)]


def image(n, d):
    i, f = np.arange(n)[:, None], np.arange(d)[None, :]
    return ((37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101) / 16.0 - 3.0


def reference(n, d, row, k):
    x = image(n, d)
    draws = np.array(list(islice(cell_uniforms(SEED, IDENTITY, [row, k], 0), k * k)))
    kernel = x[row, (d * draws).astype(int)].reshape(k, k)
    padded = np.pad(x, (k - 1 - k // 2, k // 2), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k))
    out = (windows * kernel[::-1, ::-1]).sum(axis=(2, 3))
    assert (n, d, row, k) in BEYOND_SCIPY or np.abs(out - convolve(x, kernel)).max() < 1e-11
    return out.sum(), out.max()


def main():
    print("/* Made by convolve_reference.py. */\n/* clang-format off */")
    for case in CASES + BEYOND_SCIPY:
        total, largest = (float(v) for v in reference(*case))
        print(f"{{ {', '.join(map(str, case))}, {total!r}, {largest!r} }},")


if __name__ == "__main__":
    main()
