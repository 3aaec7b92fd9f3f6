"""Loads a file of ours with Keras, as .h5 and as .weights.h5, and compares.

Usage: check_keras.py OURS.h5 [ORIGINAL.h5 OURS.keras]: predictions of all must be equal.
"""
import os
import shutil
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np

ours = sys.argv[1]
model = keras.models.load_model(ours)
assert model.loss is keras.losses.sparse_categorical_crossentropy, model.loss
assert model.optimizer.name == "SGD", model.optimizer.name
assert abs(float(model.optimizer.learning_rate.numpy()) - 0.01) < 1e-7
x = np.random.default_rng(1).random((4,) + model.input_shape[1:], dtype="f4")
y = model.predict(x, verbose=0)
assert np.isfinite(y).all() and np.allclose(y.sum(1), 1, atol=1e-5)

if len(sys.argv) > 2:
    original = keras.models.load_model(sys.argv[2], compile=False)
    assert np.array_equal(original.predict(x, verbose=0), y)
    archive = keras.models.load_model(sys.argv[3])
    assert np.array_equal(archive.predict(x, verbose=0), y)
    assert type(archive.optimizer) is type(model.optimizer)
    assert int(archive.optimizer.iterations.numpy()) == 1000

with tempfile.TemporaryDirectory() as folder:
    weights = shutil.copy(ours, folder + "/ours.weights.h5")
    other = keras.models.clone_model(model)
    other.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    other.optimizer.build(other.trainable_variables)
    other.load_weights(weights)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert int(other.optimizer.iterations.numpy()) == 1000
    assert abs(float(other.optimizer.learning_rate.numpy()) - 0.01) < 1e-7

with h5py.File(ours, "r") as file:
    state = file["fixednet"].attrs
    assert state["seed"] == 2**64 - 2 and state["step"] == 1000 and state["data"] == "digits"
    assert state["partial_loss"] == 1 / 3
    assert list(file["fixednet/history/test_accuracy"]) == [0.1 + 0.2] * 2
    assert "optimizer_weights" not in file  # with it, Keras 3 cannot go on training
    for layer in file["model_weights"].attrs["layer_names"]:
        for name in file["model_weights"][layer].attrs["weight_names"]:
            dataset = file["model_weights"][layer][name]
            if dataset.ndim == 4:
                assert dataset.attrs["axes"] == "HWIO"
            if dataset.ndim == 2:
                assert dataset.attrs["axes"] == "IO"
print("ok")
