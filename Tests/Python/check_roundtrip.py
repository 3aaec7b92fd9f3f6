"""Loads models with Keras and compares its predictions with ours: check_roundtrip.py [--tf-keras] FOLDER

FOLDER holds NAME.io.h5 (dataset x: inputs, dataset y: our predictions; where there is a dataset penalty, what the
weights add to the loss) beside NAME.h5, NAME.keras or both, and NAME.weights.h5, which goes into a new network like
the one in NAME.keras, compiled with the same optimiser.
Keras 3 runs on the backend that KERAS_BACKEND names (default: jax); --tf-keras takes TF-Keras 2 instead.
A .h5 with weight decay TF-Keras loads uncompiled.
Prints a line per file and a summary; exit code 1 where |a - b| > 1e-5 + 1e-4 |b| anywhere, a file does not
load, or there is none.
"""
import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # compiling takes most of the time
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--tf-keras", action="store_true")
parser.add_argument("folder", type=Path)
arguments = parser.parse_args()
if arguments.tf_keras:
    import tf_keras as keras

    backend = "tf_keras"
else:
    import keras

    backend = keras.backend.backend()


def values(model):
    return [np.asarray(value) for value in model.get_weights()]


def load_weights(path, whole):
    """A new network like `whole`, which is NAME.keras, with the weights of NAME.weights.h5."""
    model = keras.models.clone_model(whole)
    optimizer = whole.optimizer
    model.compile(type(optimizer).from_config(optimizer.get_config()), whole.loss, ["accuracy"])
    model.optimizer.build(model.trainable_variables)
    if all(map(np.array_equal, values(model), values(whole))):
        raise ValueError("the new network has the weights already")
    model.load_weights(path)
    if not all(map(np.array_equal, values(model), values(whole))):
        raise ValueError("the weights are not those of the .keras")
    return model


def has_weight_decay(path):
    """Whether a .h5 was compiled with what TF-Keras builds from a .keras alone, whoever wrote the file."""
    with h5py.File(path) as file:
        optimizer = json.loads(file.attrs.get("training_config", "{}")).get("optimizer_config", {})
    return bool(optimizer.get("config", {}).get("weight_decay"))


def load(path, whole):
    if path.name.endswith(".weights.h5"):
        return load_weights(path, whole)
    is_refused = arguments.tf_keras and path.suffix == ".h5" and has_weight_decay(path)
    return keras.models.load_model(path, compile=not is_refused)


def compare(model, io_path):
    """The largest |difference| and whether every one is within the tolerance."""
    with h5py.File(io_path) as file:
        x, ours = file["x"][:], file["y"][:]
        penalty = file["penalty"][()] if "penalty" in file else None
    if penalty is not None:
        # Keras 2 counts those of frozen layers too.
        losses = sum(float(loss) for layer in model.layers if layer.trainable for loss in layer.losses)
        if abs(losses - penalty) > 1e-6 + 1e-5 * abs(penalty):
            raise ValueError(f"Keras' penalties are {losses}, ours {penalty}")
    theirs = np.asarray(keras.ops.convert_to_numpy(model(x, training=False))
                        if hasattr(keras, "ops") else model(x, training=False))
    if theirs.shape != ours.shape:
        raise ValueError(f"Keras predicts shape {theirs.shape}, the file holds {ours.shape}")
    difference = np.abs(ours.astype(float) - theirs)
    return difference.max(), bool(np.all(difference <= 1e-5 + 1e-4 * np.abs(theirs)))


count = failures = 0
for io_path in sorted(arguments.folder.glob("*.io.h5")):
    name = io_path.name.removesuffix(".io.h5")
    whole = None
    for model_path in (io_path.with_name(name + form) for form in (".h5", ".keras", ".weights.h5")):
        if not model_path.exists():
            continue
        count += 1
        try:
            whole = load(model_path, whole)
            largest, is_close = compare(whole, io_path)
            text = f"max |difference| {largest:.1e}"
        except Exception as error:
            is_close = False
            text = (f"{type(error).__name__}: {error}".splitlines() or [""])[0][:200]
        failures += not is_close
        print(f"{'ok  ' if is_close else 'FAIL'} {model_path.name:32} {text}", flush=True)

print(f"Keras {keras.__version__} ({backend}): {count} files, {failures} failed")
sys.exit(failures > 0 or count == 0)
