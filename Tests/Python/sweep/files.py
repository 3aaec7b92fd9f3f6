"""Files of one case: saved by Keras, with the one entry under test written over, and what Keras makes of them."""
import copy
import json
import os
import warnings
import zipfile

import h5py
import keras
import numpy as np

COUNT = 12  # samples


class Refused(Exception):
    """Keras does not take the file."""


def random_weights(model, seed=0):
    """Weights that no initialiser gives: every statistic and every bias counts."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for variable, value in zip(layer.weights, layer.get_weights()):
            name = variable.path.split("/")[-1] if hasattr(variable, "path") else variable.name.split("/")[-1].split(":")[0]
            shape = value.shape
            if "variance" in name or name == "gamma":
                new = random.uniform(0.5, 2.0, shape)
            elif value.dtype.kind in "iu":
                new = value
            else:
                new = random.normal(0, 0.5, shape)
            values.append(np.asarray(new, value.dtype))
        if values:
            layer.set_weights(values)
            if hasattr(layer, "finalize_state"):  # a Normalization reads its weights once
                layer.finalize_state()


def changed(config, path, value):
    """A copy of `config` whose entry at `path` is `value`."""
    result = copy.deepcopy(config)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def as_json(value):
    return json.loads(json.dumps(value))


def write_keras(path, model, config=None, compile_config=None):
    """A .keras whose config.json has `config` for the model, and `compile_config`, where they are given."""
    model.save(path)
    if config is None and compile_config is None:
        return
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = json.loads(parts["config.json"])
    if config is not None:
        whole["config"] = config
    if compile_config is not None:
        whole["compile_config"] = compile_config
    parts["config.json"] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def write_h5(path, model, config=None, training=None):
    """The same as .h5: attributes model_config and training_config."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    with h5py.File(path, "r+") as file:
        if config is not None:
            whole = json.loads(file.attrs["model_config"])
            whole["config"] = config
            file.attrs["model_config"] = json.dumps(whole).encode()
        if training is not None:
            whole = json.loads(file.attrs["training_config"])
            whole.update(training)
            file.attrs["training_config"] = json.dumps(whole).encode()


def write_json(path, model, config=None):
    """The architecture alone."""
    whole = json.loads(model.to_json())
    if config is not None:
        whole["config"] = config
    with open(path, "w") as file:
        json.dump(whole, file)


def load(path, compile=False):
    """Throws: Refused, with Keras' words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = keras.models.load_model(path, compile=compile)
        model.run_eagerly = True
        if hasattr(model, "jit_compile"):
            model.jit_compile = False
        return model
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}".split("\n")[0][:200])


def outputs(model, x):
    """Throws: Refused."""
    try:
        return np.asarray(model(x, training=False)).astype("f8")
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}".split("\n")[0][:200])


def train(model, x, y, steps=1, sample_weight=None):
    """(loss before the first step, weights after the last). Throws: Refused."""
    try:
        losses = [np.asarray(model.train_on_batch(x, y, sample_weight=sample_weight)).reshape(-1)[0]
                  for _ in range(steps)]
        return [float(loss) for loss in losses], [np.asarray(w).astype("f8") for w in model.get_weights()]
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}".split("\n")[0][:200])


def write_arrays(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value


def read_weights(path, model):
    """The weights in a .weights.h5 of ours, in the order of `model`."""
    model.load_weights(path)
    return [np.asarray(w).astype("f8") for w in model.get_weights()]
