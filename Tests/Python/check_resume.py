"""Continues a training run in Keras 3 and compares the losses with ours: check_resume.py FOLDER

FOLDER holds NAME.keras (compiled, with its optimiser's variables) beside NAME.steps.h5: datasets x [steps, batch,
...] and y [steps, batch, ...], the batches of the next steps, and losses [steps], what our engine computed for
them in training mode, before each update. Dropout cannot be compared: its random numbers are Keras' own.
Keras runs on the backend that KERAS_BACKEND names (default: jax). Prints a line per file and a summary; exit
code 1 where |a - b| > 1e-5 + 1e-4 |b| at a step, the optimiser's variables were not restored, or there is no file.
"""
import io
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")  # torch's compiler trips over a second model

import h5py
import keras
import numpy as np


def check_optimizer(model, model_path):
    """How many variables the optimiser has, all of them equal to those of the file."""
    with zipfile.ZipFile(model_path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        stored = file.get("optimizer/vars", {})
        stored = [stored[str(i)][()] for i in range(len(stored))]
    variables = [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables]
    if len(variables) != len(stored):
        raise ValueError(f"the optimiser has {len(variables)} variables, the file {len(stored)}")
    for index, (a, b) in enumerate(zip(variables, stored)):
        if not np.array_equal(a, b):
            raise ValueError(f"the optimiser's variable {index} was not restored")
    if stored[0] == 0:
        raise ValueError("the file's optimiser has not taken a step yet")
    return len(variables)


def compare(model_path, steps_path):
    """The largest |difference| of a loss, the number of steps, and whether all are within the tolerance."""
    with h5py.File(steps_path) as file:
        x, y, ours = file["x"][:], file["y"][:], file["losses"][:].astype(float)
    model = keras.models.load_model(model_path)
    variables = check_optimizer(model, model_path)
    theirs = []
    for batch in zip(x, y, strict=True):
        model.reset_metrics()  # what train_on_batch returns is a running mean
        theirs.append(float(model.train_on_batch(*batch, return_dict=True)["loss"]))
    theirs = np.array(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"{len(theirs)} batches, but losses has shape {ours.shape}")
    difference = np.abs(ours - theirs)
    is_close = bool(np.all(difference <= 1e-5 + 1e-4 * np.abs(theirs)))
    return difference.max(), len(theirs), variables, is_close


count = failures = 0
for steps_path in sorted(Path(sys.argv[1]).glob("*.steps.h5")):
    model_path = steps_path.with_name(steps_path.name.removesuffix(".steps.h5") + ".keras")
    count += 1
    try:
        largest, steps, variables, is_close = compare(model_path, steps_path)
        text = f"{steps} steps, max |difference| {largest:.1e}, {variables} optimiser variables"
    except Exception as error:
        is_close = False
        text = (f"{type(error).__name__}: {error}".splitlines() or [""])[0][:200]
    failures += not is_close
    print(f"{'ok  ' if is_close else 'FAIL'} {model_path.name:32} {text}", flush=True)

print(f"Keras {keras.__version__} ({keras.backend.backend()}): {count} files, {failures} failed")
sys.exit(failures > 0 or count == 0)
