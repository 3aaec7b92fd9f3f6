#!/usr/bin/env python3
"""Repeats one training step of each network in a folder with Keras and compares.

    check_field.py FOLDER

NAME.start.h5: the model to begin with; NAME.data.h5: x and y; NAME.sgd.h5 and NAME.adam.h5: what a step of ours made of it.
Weights must agree within 1e-6 after SGD, and within 3e-5 after Adam where its gradient is not 0: there the sign of what is
left of a sum decides. Of mobilenet-025, whose 27 rectifiers in a row turn roundings into other signs (Keras' own float32
gradients are 1e-3 of their size from those in float64), nine tenths of each weight's values must after Adam, and all
within 1e-3 after SGD. Prints a line per step, "FAIL ..." for one that differs, and a count.
"""
import os
import pathlib
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np

warnings.simplefilter("ignore")


LIMITS = {"sgd": 1e-6, "adam": 3e-5, ("mobilenet-025", "sgd"): 1e-3}


def step(folder, name, kind):
    with h5py.File(folder / f"{name}.data.h5") as file:
        x, y = file["x"][:], file["y"][:]
    model = keras.models.load_model(folder / f"{name}.start.h5", compile=False)
    optimizer = (keras.optimizers.SGD(0.01) if kind == "sgd"
                 else keras.optimizers.Adam(0.001, epsilon=1e-7))
    loss = "mean_squared_error" if name == "autoencoder" else "sparse_categorical_crossentropy"
    model.compile(optimizer=optimizer, loss=loss)
    model.train_on_batch(x, y)
    ours = keras.models.load_model(folder / f"{name}.{kind}.h5", compile=False)
    momenta = {}
    if kind == "adam":
        # The first moment is a tenth of the gradient.
        variables = optimizer.variables[2:]
        momenta = {id(w): 10 * np.abs(np.array(m))
                   for w, m in zip(model.trainable_variables, variables[0::2])}
    worst = ("", 0.0)
    for theirs, own in zip(model.weights, ours.weights):
        difference = np.abs(np.array(theirs) - np.array(own))
        if id(theirs) in momenta:
            difference = difference[momenta[id(theirs)] > 1e-5]
        isPart = name == "mobilenet-025" and kind == "adam"
        largest = np.quantile(difference, 0.9 if isPart else 1) if difference.size else 0
        if largest > worst[1]:
            worst = (theirs.path, float(largest))
    isRight = worst[1] <= LIMITS.get((name, kind), LIMITS[kind])
    print(f"{'' if isRight else 'FAIL '}{name} {kind}: {worst[1]:.2e} {worst[0]}")
    return isRight


def main():
    folder = pathlib.Path(sys.argv[1])
    names = sorted(path.name[: -len(".start.h5")] for path in folder.glob("*.start.h5"))
    results = [step(folder, name, kind) for name in names for kind in ("sgd", "adam")]
    print(f"{len(results)} steps, {results.count(False)} differ")
    raise SystemExit(0 if all(results) else 1)


main()
