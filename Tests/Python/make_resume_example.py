"""Writes what check_resume.py reads, made by Keras itself: make_resume_example.py FOLDER

sgd, momentum, rmsprop and adam: a small network with batch normalisation after three steps, and the next five.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import h5py
import keras
import numpy as np

random = np.random.default_rng(7)
for name, optimizer in {
    "sgd": keras.optimizers.SGD(0.1),
    "momentum": keras.optimizers.SGD(0.05, momentum=0.9),
    "rmsprop": keras.optimizers.RMSprop(0.002),
    "adam": keras.optimizers.Adam(0.01),
}.items():
    model = keras.Sequential([
        keras.Input((6, 6, 1)),
        keras.layers.Conv2D(3, 3, activation="tanh"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(4, activation="softmax"),
    ])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    x = random.random((8, 16, 6, 6, 1), dtype=np.float32)
    y = random.integers(0, 4, (8, 16))
    losses = []
    for step in range(8):
        if step == 3:
            model.save(f"{sys.argv[1]}/{name}.keras")
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[step], y[step])))
    with h5py.File(f"{sys.argv[1]}/{name}.steps.h5", "w") as file:
        file["x"], file["y"], file["losses"] = x[3:], y[3:], losses[3:]
