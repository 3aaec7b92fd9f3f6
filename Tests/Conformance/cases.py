"""What a conformance case is, and how it is written: a folder of files as Keras saves them.

    GROUP/NAME/model.keras (or .h5)      a Sequential model, compiled where the case is about a loss or an optimiser
    GROUP/NAME/data.h5                   x, and what the kind of the case needs besides
    cases.json                           every case with its kind, every case left out with the reason

Kinds:
    outputs     the model's outputs on x are y
    loss        the mean loss that the model's compilation names, of outputs x and answers y, is `value`
    steps       after step k with the gradient x[k] the weights are y[k]
    rates       the learning rate of step k (from 0) is `values[k]`
"""

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np


class OutOfScope(Exception):
    """Why a case says nothing about this program."""


class CaseFolder:
    """Writes cases, and keeps the list of them."""

    def __init__(self, path):
        self.path = Path(path)
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self.cases, self.skipped = [], []

    def skip(self, group, name, reason):
        self.skipped.append({"group": group, "name": name, "reason": str(reason)})

    def add(self, group, name, kind, model, data, **entry):
        """model: of Keras. data: name -> array. Every second model is an .h5."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
        folder = self.path / group / name
        assert not folder.exists(), f"two cases are called {group}/{name}"
        folder.mkdir(parents=True)
        file = f"model.{('keras', 'h5')[len(self.cases) % 2]}"
        model.save(folder / file)
        with h5py.File(folder / "data.h5", "w") as f:
            for key, values in data.items():
                f[key] = np.asarray(values)
        self.cases.append({"group": group, "name": name, "kind": kind, "model": file, **entry})

    def close(self, versions):
        text = {"versions": versions, "cases": self.cases, "skipped": self.skipped}
        (self.path / "cases.json").write_text(json.dumps(text, indent=1) + "\n")
