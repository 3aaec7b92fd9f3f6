"""Trains a small model with Keras 3 for three steps and saves it in every form that Keras has.

Usage: make_keras.py FOLDER [NAME ...]. For each optimiser: NAME.keras, NAME.weights.h5, NAME.h5, and NAME.f32 with all
weights in file order and then the optimiser's memory, slot by slot, as float32 little-endian. Prints one line for each:
name, steps, names of the slots.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np
from keras import layers, optimizers

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.002),
    "rmsprop_all": lambda: optimizers.RMSprop(0.002, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.002),
    "adamw": lambda: optimizers.AdamW(0.002),
    "nadam": lambda: optimizers.Nadam(0.002),
    "adagrad": lambda: optimizers.Adagrad(0.002),
    "adam_schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)),
}


def slots(optimizer):
    """The optimiser's memory by its own attributes, not by the order of its variables."""
    if isinstance(optimizer, optimizers.SGD):
        named = [("momentum", optimizer.momentums)]
    elif isinstance(optimizer, optimizers.RMSprop):
        named = [
            ("velocity", optimizer._velocities), ("momentum", optimizer._momentums),
            ("average_gradient", optimizer._average_gradients),
        ]
    elif isinstance(optimizer, optimizers.Adagrad):
        named = [("accumulator", optimizer._accumulators)]
    else:
        named = [("momentum", optimizer._momentums), ("velocity", optimizer._velocities)]
    return [(name, values) for name, values in named if values]


def model():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)), layers.Conv2D(2, 3, activation="tanh"),
            layers.BatchNormalization(), layers.AveragePooling2D(2), layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ],
        name="small")


def make(folder, name):
    keras.utils.set_random_seed(7)
    network = model()
    network.compile(
        optimizer=OPTIMIZERS[name](), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    numbers = np.random.default_rng(3)
    x, y = numbers.random((24, 8, 8, 1), "f4"), numbers.integers(0, 3, 24)
    network.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    path = f"{folder}/{name}"
    network.save(path + ".keras")  # before .h5: saving that first loses the optimiser in this
    network.save_weights(path + ".weights.h5")
    network.save(path + ".h5")
    named = slots(network.optimizer)
    with open(path + ".f32", "wb") as out:
        for weight in [w for layer in network.layers for w in layer.weights]:
            out.write(np.asarray(weight).astype("<f4").tobytes())
        for _, values in named:
            for value in values:
                out.write(np.asarray(value).astype("<f4").tobytes())
    print(name, int(network.optimizer.iterations.numpy()), ",".join(n for n, _ in named))


if __name__ == "__main__":
    for name in sys.argv[2:] or OPTIMIZERS:
        make(sys.argv[1], name)
