"""Loads models with Keras and compares its predictions with ours: check_roundtrip.py [--tf-keras] FOLDER

FOLDER holds NAME.io.h5 (dataset x: inputs, dataset y: our predictions) beside NAME.h5, NAME.keras or both.
Keras 3 runs on the backend that KERAS_BACKEND names (default: jax); --tf-keras takes TF-Keras 2 instead.
Prints a line per file and a summary; exit code 1 where |a - b| > 1e-5 + 1e-4 |b| anywhere, a file does not
load, or there is none.
"""
import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
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


def compare(model_path, io_path):
    """The largest |difference| and whether every one is within the tolerance."""
    with h5py.File(io_path) as file:
        x, ours = file["x"][:], file["y"][:]
    model = keras.models.load_model(model_path)
    theirs = np.asarray(keras.ops.convert_to_numpy(model(x, training=False))
                        if hasattr(keras, "ops") else model(x, training=False))
    if theirs.shape != ours.shape:
        raise ValueError(f"Keras predicts shape {theirs.shape}, the file holds {ours.shape}")
    difference = np.abs(ours.astype(float) - theirs)
    return difference.max(), bool(np.all(difference <= 1e-5 + 1e-4 * np.abs(theirs)))


count = failures = 0
for io_path in sorted(arguments.folder.glob("*.io.h5")):
    name = io_path.name.removesuffix(".io.h5")
    for model_path in (io_path.with_name(name + ".h5"), io_path.with_name(name + ".keras")):
        if not model_path.exists():
            continue
        count += 1
        try:
            largest, is_close = compare(model_path, io_path)
            text = f"max |difference| {largest:.1e}"
        except Exception as error:
            is_close = False
            text = (f"{type(error).__name__}: {error}".splitlines() or [""])[0][:200]
        failures += not is_close
        print(f"{'ok  ' if is_close else 'FAIL'} {model_path.name:32} {text}", flush=True)

print(f"Keras {keras.__version__} ({backend}): {count} files, {failures} failed")
sys.exit(failures > 0 or count == 0)
