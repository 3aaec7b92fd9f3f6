"""Makes Tests/Fixtures/training: a small network of convolution, batch normalisation and dense layers, one batch, and
what Keras makes of them in five steps of each optimiser.

Usage, in this order, from the package's folder:
  KERAS_BACKEND=jax .venv/bin/python Tests/Python/make_training_steps.py k3   (Keras 3)
  .venv-tf/bin/python Tests/Python/make_training_steps.py k2                  (TF-Keras 2, legacy optimisers too)
Every file has `x`, `label`, `init/<layer>/<weight>` and for each optimiser `after1`, `after5`, `loss` (before each
step), `predict_after5` and the attribute `optimizer_config`.
"""
import json
import os
import sys

import h5py
import numpy as np

flavour = sys.argv[1]
if flavour == "k3":
    import keras
else:
    import tf_keras as keras
folder = "Tests/Fixtures/training"
layers = keras.layers


def make_model():
    """No bias in front of batch normalisation: its gradient is nothing but rounding."""
    model = keras.Sequential(
        [
            keras.Input((8, 7, 2), name="image"),
            layers.Conv2D(4, (3, 2), padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(momentum=0.9, epsilon=0.01, name="bn1"),
            layers.Activation("tanh", name="tanh"),
            layers.AveragePooling2D((2, 2), name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(9, use_bias=False, name="dense1"),
            layers.BatchNormalization(momentum=0.8, name="bn2"),
            layers.Activation("sigmoid", name="sigmoid"),
            layers.Dense(5, activation="softmax", name="dense2"),
        ],
        name="steps",
    )
    random = np.random.default_rng(15)
    for weight in model.weights:
        start = 1.0 if "gamma" in weight.name or "variance" in weight.name else 0.0
        scale = 0.05 if "moving" in weight.name else 0.3
        weight.assign(start + scale * random.uniform(-1, 1, weight.shape).astype("float32"))
    return model


def optimizers():
    kinds = keras.optimizers
    result = {
        "sgd": kinds.SGD(0.05),
        "sgd_momentum": kinds.SGD(0.05, momentum=0.9),
        "sgd_nesterov": kinds.SGD(0.05, momentum=0.9, nesterov=True),
        "rmsprop": kinds.RMSprop(0.01, epsilon=1e-3),
        "rmsprop_centered": kinds.RMSprop(0.005, momentum=0.5, centered=True, epsilon=1e-3),
        "adam": kinds.Adam(0.01, epsilon=1e-4),
    }
    if flavour == "k2":
        legacy = kinds.legacy.RMSprop
        result["rmsprop_legacy"] = legacy(0.01, epsilon=1e-2)
        result["rmsprop_legacy_momentum"] = legacy(0.005, momentum=0.5, epsilon=1e-2)
        result["rmsprop_legacy_centered"] = legacy(
            0.005, momentum=0.5, centered=True, epsilon=1e-2
        )
    return result


def write_weights(group, model):
    for layer in model.layers:
        for weight in layer.weights:
            name = weight.name.split("/")[-1].split(":")[0]
            group[f"{layer.name}/{name}"] = np.asarray(weight, "float32")


random = np.random.default_rng(4)
x = random.uniform(-1, 1, (12, 8, 7, 2)).astype("float32")
label = np.arange(12) % 5
os.makedirs(folder, exist_ok=True)
if flavour == "k3":
    make_model().save(f"{folder}/steps.init.h5")
with h5py.File(f"{folder}/steps.{flavour}.h5", "w") as file:
    file.attrs["keras_version"] = keras.__version__
    file["x"], file["label"] = x, label.astype("int32")
    write_weights(file.create_group("init"), make_model())
    for name, optimizer in optimizers().items():
        model = make_model()
        model.compile(optimizer, "sparse_categorical_crossentropy")
        config = {
            "class_name": type(optimizer).__name__,
            "config": {
                key: float(value) if isinstance(value, np.floating) else value
                for key, value in optimizer.get_config().items()
            },
        }
        group = file.create_group(name)
        group.attrs["optimizer_config"] = json.dumps(config)
        losses = []
        for step in range(1, 6):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(x, label)))
            if step in (1, 5):
                write_weights(group.create_group(f"after{step}"), model)
        group["loss"] = np.asarray(losses)
        group["predict_after5"] = np.asarray(model.predict(x, verbose=0), "float32")
        print(flavour, name, losses)
