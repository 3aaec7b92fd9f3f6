"""Reads weights and history of a checkpoint with h5py: read_checkpoint.py FILE.h5 (default: Models/lenet.h5)

NumPy sees the shape that Keras writes: [height, width, in, out].
"""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1] if len(sys.argv) > 1 else "Models/lenet.h5") as f:
    kernel = f["layers/conv2d_1/vars/0"][:]  # also model_weights/conv2/conv2/kernel:0
    bias = f["layers/conv2d_1/vars/1"][:]
    accuracy = f["fixednet/history/test_accuracy"][:]

print("shape", *kernel.shape)
print(f"kernel[0, 1, 2, 3] {kernel[0, 1, 2, 3]:.9g}")
print(f"checksum {np.arange(1, kernel.size + 1) @ kernel.ravel().astype(float):.9g}")
print(f"bias {bias.sum(dtype=float):.9g}")
print("accuracy", *(f"{a:.9g}" for a in accuracy))
