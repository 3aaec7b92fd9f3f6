"""Cost and gradients of the 400-20-20-10 perceptron in NumPy, as its notebook computes them, against ours.

Usage: check_perceptron.py DATA.mat OURS.h5: OURS holds weights/N, bias/N, exact/N, exact_bias/N, reference/N,
reference_bias/N for the layers N = 1, 2, 3, and the dataset cost. Prints the relative differences.
"""
import sys

import h5py
import numpy as np
import scipy.io

data = scipy.io.loadmat(sys.argv[1])
x = data["X"].astype(float)
y = np.eye(10)[data["y"].ravel() % 10]
m, lam = len(x), 1.0

with h5py.File(sys.argv[2]) as file:
    ours = {name: file[name][()].astype(float) for name in (
        f"{kind}/{layer}" for layer in (1, 2, 3)
        for kind in ("weights", "bias", "exact", "exact_bias", "reference", "reference_bias"))}
    cost = float(file["cost"][()].ravel()[0])


def sigma(z):
    return 1 / (1 + np.exp(-2 * z))


a = [x]
for layer in (1, 2, 3):
    a.append(sigma(a[-1] @ ours[f"weights/{layer}"] + ours[f"bias/{layer}"]))
h = a[3]
expected = -(y * np.log(h) + (1 - y) * np.log(1 - h)).sum() / m
expected += lam / (2 * m) * sum((ours[f"weights/{layer}"] ** 2).sum() for layer in (1, 2, 3))
print(f"cost {abs(cost - expected) / expected:.3g}")

for kind, slope in (("exact", 2), ("reference", 1)):
    delta = slope * (h - y) / m  # the notebook: a4 - y, and sigma (1 - sigma) without the 2
    largest = 0.0
    for layer in (3, 2, 1):
        weight = ours[f"weights/{layer}"]
        gradients = {
            f"{kind}/{layer}": a[layer - 1].T @ delta + lam / m * weight,
            f"{kind}_bias/{layer}": delta.sum(0),
        }
        for name, gradient in gradients.items():
            scale = np.abs(gradient).max()
            largest = max(largest, np.abs(ours[name] - gradient).max() / scale)
        delta = (delta @ weight.T) * slope * a[layer - 1] * (1 - a[layer - 1])
    print(f"{kind} {largest:.3g}")
