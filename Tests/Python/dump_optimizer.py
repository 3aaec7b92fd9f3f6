"""Writes what the optimisers of Keras files remember, as h5py reads it: dump_optimizer.py OUT FILE...

OUT/FILE.f32 holds float32: the number of steps, then slot by slot the values of every weight. In a .h5 the names
of the datasets say what they are, whatever their order; the values of a .weights.h5 have none, and only one slot
is understood there.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

SLOTS = ["momentum", "velocity"]
TF_KERAS = {"m": "momentum", "v": "velocity"}


def slot_of(name):
    """momentum of "SGD/m/dense/kernel:0" (TF-Keras) and of "adam/model_dense_kernel_momentum" (Keras 3)."""
    parts = name.split("/")
    return TF_KERAS[parts[1]] if name.endswith(":0") else parts[-1].rsplit("_", 1)[1]


def values(file):
    if "optimizer_weights" not in file:
        group = file["optimizer/vars"]
        stored = [group[str(index)][()] for index in range(len(group))]
        return stored[0], [value for value in stored[1:] if np.ndim(value) > 0]
    group = file["optimizer_weights"]
    names = [name for name in group.attrs["weight_names"] if np.ndim(group[name]) > 0]
    ordered = [name for slot in SLOTS for name in names if slot_of(name) == slot]
    assert len(ordered) == len(names), names
    return group[group.attrs["weight_names"][0]][()], [group[name][()] for name in ordered]


for path in map(Path, sys.argv[2:]):
    with h5py.File(path) as file:
        steps, slots = values(file)
    dump = [np.array([steps])] + [slot.ravel() for slot in slots]
    np.concatenate(dump).astype("<f4").tofile(f"{sys.argv[1]}/{path.name}.f32")
