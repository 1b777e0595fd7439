#!/usr/bin/env python3
"""The first values of a synthetic dataset, by the Philox4x32-10 of philox.py.

The numbers stored in tests/unit/data/test_synthetic.c came from here. XXH3 is not in Python's
library, so the identities of the keys are given (xxhsum -H2 prints them, highest word first).
"""
import math

from philox import MASK, philox


def uniforms(seed, identity):
    own = philox(identity, [seed & MASK, seed >> 32])
    block = 0
    while True:
        words = philox([block & MASK, block >> 32, own[2], own[3]], own[:2])
        for low, high in (words[:2], words[2:]):
            yield ((low | high << 32) >> 11) * 2.0**-53
        block += 1


def dataset(seed, identity, rows, features, noise):
    draw = uniforms(seed, identity)
    phases = [[2 * math.pi * next(draw) for _ in range(3)] for _ in range(features)]
    x = [[float(i) if features == 1 else next(draw) for i in range(rows)] for _ in range(features)]
    period = 16 if features == 1 else 1
    y = []
    for row in range(rows):
        clean = sum(math.sin(2 * math.pi * k * x[f][row] / period + phases[f][k - 1]) / k
                    for f in range(features) for k in (1, 2, 3)) / math.sqrt(features)
        radius, angle = math.sqrt(-2 * math.log(1 - next(draw))), 2 * math.pi * next(draw)
        y.append(clean + noise * radius * math.cos(angle))
    return x, y


KEYS = {"s0001": [0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297],
        "s0002": [0x025BF287, 0x55638D87, 0xE99A5FF4, 0x85377577]}

for seed, rows, features in ((1, 3, 1), ((7 << 32) + 5, 3, 2)):
    for key, identity in KEYS.items():
        print(seed, key, rows, features, *map(repr, dataset(seed, identity, rows, features, 0.1)))
