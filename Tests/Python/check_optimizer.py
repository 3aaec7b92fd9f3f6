"""Loads files of ours that have an optimiser's memory with Keras, compares every value, and trains on.

Usage: check_optimizer.py ORIGINAL.keras {OURS.keras|OURS.weights.h5|OURS.h5 CLASS SLOTS STEPS}...
Value i of slot s (momentum 1, velocity 2, average_gradient 3, accumulator 4) of weight w is 100 s + w + (i mod 8) / 8. From a .h5,
Keras 3 does not read it. Predictions must be those of ORIGINAL.
"""
import os
import shutil
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

from make_keras import slots

CODES = {"momentum": 1, "velocity": 2, "average_gradient": 3, "accumulator": 4}
original = keras.models.load_model(sys.argv[1])
x = np.random.default_rng(1).random((16,) + original.input_shape[1:], dtype="f4")
y = original.predict(x, verbose=0)


def load_weights(path):
    """The model of a two-in-one file, with its weights and the optimiser's memory read as from a .weights.h5."""
    with tempfile.TemporaryDirectory() as folder:
        whole = keras.models.load_model(shutil.copy(path, folder + "/whole.h5"))
    model = keras.models.clone_model(whole)
    optimizer = keras.saving.serialize_keras_object(whole.optimizer)
    model.compile(optimizer=keras.saving.deserialize_keras_object(optimizer), loss=whole.loss)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    return model


def check_memory(model, names, steps):
    assert int(model.optimizer.iterations.numpy()) == steps, model.optimizer.iterations
    found = slots(model.optimizer)
    assert [name for name, _ in found] == names, found
    for name, values in found:
        assert len(values) == len(model.trainable_variables) > 0
        for w, (value, variable) in enumerate(zip(values, model.trainable_variables)):
            assert value.shape == variable.shape
            place = np.arange(np.prod(value.shape)) % 8 / 8
            assert np.array_equal(np.asarray(value).ravel(), 100 * CODES[name] + w + place), name


def check(path, class_name, names, steps):
    is_weights = path.endswith(".weights.h5")
    model = load_weights(path) if is_weights else keras.models.load_model(path)
    assert type(model.optimizer).__name__ == class_name, model.optimizer
    assert keras.losses.get(model.loss) is keras.losses.sparse_categorical_crossentropy
    if is_weights or path.endswith(".keras"):
        check_memory(model, [name for name in names.split(",") if name], int(steps))
        if class_name == "Nadam":
            momenta = 0.9 * (1 - 0.96 ** np.arange(1, int(steps) + 1) / 2)
            product = float(model.optimizer._u_product.numpy())
            assert abs(product - np.prod(momenta)) <= 1e-5 * np.prod(momenta) + 1e-38, product
    assert abs(float(model.optimizer.learning_rate.numpy()) - 0.002) < 1e-9
    assert np.array_equal(model.predict(x, verbose=0), y)
    if not is_weights:
        before = int(model.optimizer.iterations.numpy())
        model.fit(x, np.arange(16) % y.shape[1], batch_size=16, epochs=1, verbose=0)
        assert int(model.optimizer.iterations.numpy()) == before + 1


arguments = sys.argv[2:]
for start in range(0, len(arguments), 4):
    try:
        check(*arguments[start:start + 4])
    except Exception as error:
        sys.exit(f"{arguments[start]}: {type(error).__name__}: {error}")
print("ok")
