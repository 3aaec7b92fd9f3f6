"""Writes Tests/Fixtures/losses/losses.json: what Keras computes with every loss.

A Dense layer of 3 inputs, 13 samples, one step of SGD at 0.5 on the whole batch: the loss that
evaluate gives before it, and the weights after it. Keras' own JSON says which loss.
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

L = keras.losses
SAMPLES = 13


def floats(array):
    return [float(f"{value:.9g}") for value in np.asarray(array, np.float64).ravel()]


def case(name, loss, end, outputs, kind, *, weights=False, loss_weights=None, seed=0):
    random = np.random.default_rng(seed + 7 * outputs)
    x = random.normal(size=(SAMPLES, 3)).astype("float32")
    if kind == "labels":
        labels = random.integers(0, max(outputs, 2), SAMPLES)
        y = np.eye(outputs, dtype="float32")[labels] if outputs > 1 else labels.astype("float32")
        if isinstance(loss, L.SparseCategoricalCrossentropy) or loss == "sparse_categorical_crossentropy":
            y = labels
        given = {"labels": [int(label) for label in labels]}
    else:
        shape = (SAMPLES, outputs)
        y = {
            "values": lambda: random.normal(size=shape),
            "positive": lambda: random.uniform(0.05, 3, shape),
            "binary": lambda: random.integers(0, 2, shape),
            "signs": lambda: 2 * random.integers(0, 2, shape) - 1,
            "shares": lambda: random.dirichlet(np.ones(outputs), SAMPLES),
        }[kind]().astype("float32")
        given = {"targets": floats(y)}
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, activation=end)])
    kernel = random.normal(size=(3, outputs)).astype("float32")
    bias = random.normal(size=outputs).astype("float32")
    if end == "relu":
        kernel, bias = np.abs(kernel), np.abs(bias) + 3
    model.set_weights([kernel, bias])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss, loss_weights=loss_weights)
    sample_weight = random.uniform(0, 2, SAMPLES).astype("float32") if weights else None
    value = model.evaluate(
        x, y, batch_size=SAMPLES, sample_weight=sample_weight, verbose=0)
    batched = model.evaluate(x, y, batch_size=5, sample_weight=sample_weight, verbose=0)
    model.train_on_batch(x, y, sample_weight=sample_weight)
    config = keras.saving.serialize_keras_object(loss)
    if isinstance(loss, L.Huber) and loss._fn_kwargs["delta"] != 1:
        config["config"]["delta"] = loss._fn_kwargs["delta"]  # Keras 3 forgets it
    return {
        "name": name, "config": {"loss": config, "loss_weights": loss_weights},
        "end": end, "outputs": outputs, **given,
        "sampleWeights": floats(sample_weight) if weights else [],
        "x": floats(x), "kernel": floats(kernel), "bias": floats(bias), "loss": float(value),
        "lossInBatchesOf5": float(batched), "kernelAfter": floats(model.get_weights()[0]),
        "biasAfter": floats(model.get_weights()[1]),
    }


def cases():
    sparse, categorical = L.SparseCategoricalCrossentropy, L.CategoricalCrossentropy
    yield "sparse", "sparse_categorical_crossentropy", "softmax", 4, "labels"
    yield "sparse from logits", sparse(from_logits=True), "linear", 4, "labels"
    yield "sparse of sigmoids", sparse(), "sigmoid", 4, "labels"
    yield "sparse of relu", sparse(), "relu", 4, "labels"
    yield "sparse sum", sparse(reduction="sum"), "softmax", 4, "labels"
    yield "ignored class", sparse(ignore_class=1), "softmax", 4, "labels"
    yield "ignored class, sum", sparse(ignore_class=1, reduction="sum"), "softmax", 4, "labels"
    yield "ignored class, logits", sparse(ignore_class=0, from_logits=True), "linear", 4, "labels"
    yield "categorical", "categorical_crossentropy", "softmax", 4, "labels"
    yield "categorical of shares", categorical(), "softmax", 5, "shares"
    yield "smoothed", categorical(label_smoothing=0.1), "softmax", 4, "labels"
    yield "smoothed, logits", categorical(label_smoothing=0.3, from_logits=True), "linear", 4, "labels"
    yield "smoothed, many", categorical(label_smoothing=0.2), "softmax", 37, "labels"
    yield "categorical of sigmoids, smoothed", categorical(label_smoothing=0.1), "sigmoid", 19, "labels"
    yield "binary", "bce", "sigmoid", 1, "labels"
    yield "binary of three", L.BinaryCrossentropy(), "sigmoid", 3, "binary"
    yield "binary, logits", L.BinaryCrossentropy(from_logits=True), "linear", 1, "labels"
    yield "binary, smoothed", L.BinaryCrossentropy(label_smoothing=0.2), "sigmoid", 1, "labels"
    yield "binary, smoothed logits", L.BinaryCrossentropy(label_smoothing=0.2, from_logits=True), "linear", 3, "binary"
    yield "binary of softmax", L.BinaryCrossentropy(), "softmax", 3, "labels"
    yield "binary sum", L.BinaryCrossentropy(reduction="sum"), "sigmoid", 2, "binary"
    focal = L.BinaryFocalCrossentropy
    yield "binary focal", focal(), "sigmoid", 1, "labels"
    yield "binary focal, balanced", focal(apply_class_balancing=True, alpha=0.3, gamma=1.5), "sigmoid", 2, "binary"
    yield "binary focal, logits, smoothed", focal(from_logits=True, label_smoothing=0.1), "linear", 1, "labels"
    yield "binary focal, gamma 0", focal(gamma=0), "sigmoid", 2, "binary"
    focal = L.CategoricalFocalCrossentropy
    yield "focal", focal(), "softmax", 4, "labels"
    yield "focal, logits", focal(from_logits=True, alpha=0.5, gamma=3.5), "linear", 4, "labels"
    yield "focal, smoothed, sigmoids", focal(label_smoothing=0.1, gamma=1), "sigmoid", 4, "labels"
    yield "mse", "mse", "linear", 2, "values"
    yield "mae", "mae", "linear", 2, "values"
    yield "mape", "mape", "linear", 2, "values"
    yield "msle", L.MeanSquaredLogarithmicError(), "linear", 2, "positive"
    yield "huber", L.Huber(), "linear", 2, "values"
    yield "huber 0.3", L.Huber(delta=0.3), "linear", 20, "values"
    yield "log-cosh", "log_cosh", "linear", 2, "values"
    yield "poisson", L.Poisson(), "relu", 2, "positive"
    yield "hinge of signs", "hinge", "tanh", 1, "signs"
    yield "hinge of labels", L.Hinge(), "tanh", 1, "labels"
    yield "squared hinge", "squared_hinge", "linear", 3, "binary"
    yield "hinge of numbers", "hinge", "linear", 2, "values"
    yield "categorical hinge", "categorical_hinge", "linear", 4, "labels"
    yield "kl divergence", "kld", "softmax", 5, "shares"
    yield "kl divergence of labels", L.KLDivergence(), "softmax", 4, "labels"
    yield "mae sum", L.MeanAbsoluteError(reduction="sum"), "linear", 2, "values"
    yield "mae of labels", "mae", "sigmoid", 1, "labels"


def weighted():
    sparse = L.SparseCategoricalCrossentropy
    yield "weighted", sparse(), "softmax", 4, "labels", None
    yield "weighted sum", sparse(reduction="sum"), "softmax", 4, "labels", None
    yield "weighted mean", sparse(reduction="mean_with_sample_weight"), "softmax", 4, "labels", None
    yield "weighted, ignored", sparse(ignore_class=2), "softmax", 4, "labels", None
    yield "weighted mean, ignored", sparse(ignore_class=2, reduction="mean_with_sample_weight"), "softmax", 4, "labels", None
    yield "weighted mae", L.MeanAbsoluteError(), "linear", 3, "values", None
    yield "loss_weights", L.MeanAbsoluteError(), "linear", 3, "values", 0.25


if __name__ == "__main__":
    results = [case(*entry) for entry in cases()]
    results += [case(*entry, weights=True, loss_weights=own) for *entry, own in weighted()]
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(result) for result in results) + "\n]\n")
