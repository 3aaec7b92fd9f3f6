"""Predicts MNIST test images with Keras itself: predict_mnist.py MODEL.h5 T10K-IMAGES.gz COUNT OUT.h5

Writes the images as dataset x and Keras' predictions as dataset y.
"""
import gzip
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import h5py
import keras
import numpy as np

model_path, images_path, count, out_path = sys.argv[1:]
with gzip.open(images_path) as file:
    pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
x = pixels[: int(count)].astype(np.float32) / np.float32(255)
model = keras.models.load_model(model_path)
y = np.asarray(model(x, training=False), np.float32)
with h5py.File(out_path, "w") as file:
    file["x"] = x
    file["y"] = y
model.fit(x[:128], y[:128].argmax(axis=1), batch_size=32, epochs=1, verbose=0)  # training goes on
print(keras.__version__, keras.backend.backend(), len(x))
