"""The sweep over the layers' config keys."""
import json
import os
import zlib

import keras
import numpy as np

import files
import judge
import models
import values

# Dropout's mask is drawn: Keras' weights after a step cannot be compared one by one, its outputs can.
RANDOM = {("Dropout", "rate")}
ROUNDED = ("float16", "bfloat16")  # computed in float32 here


def short(value):
    text = json.dumps(value, sort_keys=True)
    return text if len(text) < 90 else text[:86] + " ..."


def unique(items):
    seen, found = set(), []
    for item in items:
        key = json.dumps(item, sort_keys=True) + type(item).__name__
        if key not in seen:
            seen.add(key)
            found.append(item)
    return found


def layer_index(config):
    for index, layer in enumerate(config["layers"]):
        if layer["config"].get("name") == "probe":
            return index
    raise LookupError("no layer under test")


def uncovered():
    """Keys that this Keras writes and `values.LAYERS` has no values for."""
    missing = []
    for name, keys in values.LAYERS.items():
        missing += [f"{name}.{key}" for key in models.probe(name).get_config() if key not in keys]
    return missing


def cases():
    """(name, class, context, path into the Sequential's config, value)."""
    for class_name, keys in values.LAYERS.items():
        written = models.probe(class_name).get_config()
        for number, (context, layers) in enumerate(models.contexts(class_name)):
            yield f"{class_name} {context}", class_name, context, None, None
            if (class_name, context) in models.REFUSED:
                continue
            for key, special in keys.items():
                if key not in written and key not in values.UNWRITTEN:
                    continue
                for value in unique(values.plain(special) + ([] if number else values.deep(key) + values.GENERIC)):
                    yield f"{class_name} {context} {key}={short(value)}", class_name, context, key, value
            for key in written if number == 0 else []:
                yield f"{class_name} {context} without {key}", class_name, context, key, KeyError


def base(class_name, context):
    """The context's model, compiled, and the names under which a refusal may speak of the layer."""
    layers = dict(models.contexts(class_name))[context]
    model = models.sequential(layers)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error")
    return model


def words(value):
    """What a refusal may call a value: itself, or what an object is called."""
    if not isinstance(value, dict):
        return [str(value)] if value not in ("", None) else []
    inner = value.get("config")
    return [word for name in (value.get("class_name"), inner.get("name") if isinstance(inner, dict) else inner)
            if isinstance(name, str) for word in (name, name.lower())]


def edited(config, key, value):
    index = layer_index(config)
    path = ["layers", index, "config"]
    if value is KeyError:
        result = files.changed(config, path, {k: v for k, v in config["layers"][index]["config"].items() if k != key})
    else:
        result = files.changed(config, path + [key], value)
    return result


def run(case, tools, folder):
    """(verdict, what happened) of one case."""
    name, class_name, context, key, value = case
    model = base(class_name, context)
    config = files.as_json(json.loads(model.to_json())["config"])
    for layer in config["layers"]:  # the shapes of before the change, which Keras would build with
        layer.pop("build_config", None)
    new = config if key is None else edited(config, key, value)
    # With weights of the changed layer's shapes, where Keras makes it.
    try:
        changed = keras.Sequential.from_config(new)
        changed.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error")
        changed(np.zeros((2,) + tuple(model.input_shape[1:]), "f4"))
        model = changed
    except Exception:
        pass
    files.random_weights(model)
    names = [["probe", class_name] + ([str(value)] if key == "name" else []), [key or "", *words(value)]]
    if key == "dtype":  # a file's weights are refused by their own path
        names[0] += ["/layers/", "/probe/", "the model"]
    random = np.random.default_rng(1)
    x = random.normal(0, 1, (files.COUNT,) + tuple(base(class_name, context).input_shape[1:])).astype("f4")
    written = {}
    # The other forms share what reads a layer: a fifth of the cases goes through them too.
    writers = [("m.keras", files.write_keras), ("m.h5", files.write_h5)]
    is_every_form = key in (None, "name", "mean", "variance") or zlib.crc32(name.encode()) % 5 == 0
    for form, write in writers if is_every_form else writers[:1]:
        try:
            write(os.path.join(folder, form), model, new)
            written[form] = [form]
        except Exception:  # Keras does not write this form: nothing to compare
            pass
    try:
        if not is_every_form:
            raise NotImplementedError
        model.save_weights(os.path.join(folder, "m.weights.h5"))
        files.write_json(os.path.join(folder, "m.json"), model, new)
        written["json"] = ["m.weights.h5", "--model", "m.json"]
    except Exception:
        pass
    if not written:
        return "skipped", "Keras writes no file of it"
    files.write_arrays(os.path.join(folder, "inputs.h5"), x=x)
    verdicts = []
    is_rounded = key == "dtype" and any(kind in json.dumps(value, default=str) for kind in ROUNDED)
    tolerance = (3e-2, 3e-2) if is_rounded else (1e-5, 1e-4)
    for form, arguments in written.items():
        try:
            path = os.path.join(folder, "m.keras" if form == "json" and "m.keras" in written else form)
            loaded = files.load(path, compile=form != "json")
            truth = files.outputs(loaded, x)
        except files.Refused as error:
            loaded, truth = None, str(error)
        verdict, text = judge.evaluate(tools, folder, arguments, truth, names, *tolerance)
        if verdict == judge.EQUAL and is_rounded and "float32" not in text:
            verdict, text = judge.WRONG, "computed in float32 and not said"
        verdicts.append((verdict, f"{form}: {text}"))
        if form == "m.keras" and verdict in (judge.EQUAL,) and not is_rounded:
            verdicts.append(train(case, tools, folder, form, loaded, x, names))
    worst = max(verdicts, key=lambda item: judge.WORST.index(item[0]))
    return worst


def train(case, tools, folder, form, loaded, x, names):
    name, class_name, context, key, value = case
    y = np.random.default_rng(2).normal(0, 1, (files.COUNT,) + tuple(loaded.output_shape[1:])).astype("f4")
    y = y.reshape(files.COUNT, -1)
    files.write_arrays(os.path.join(folder, "data.h5"), x=x, y=y)
    start = [np.asarray(w).astype("f8") for w in loaded.get_weights()]
    try:
        losses, truth = files.train(loaded, x, y)
    except files.Refused as error:
        losses, truth = None, str(error)
    code, out, err = tools.run("train", "--model", form, "--data", "data.h5", "--regression", "--test-fraction", "0",
                               "--batch", str(files.COUNT), "--epochs", "1", "--json", "--optimizer", "sgd",
                               "--learning-rate", "0.1", "--output", "out.weights.h5", cwd=folder)
    if code != 0:
        verdict, text = judge.refusal(code, err, names)
        if "not finite" in text and not (judge.largest(truth) < 1e12):
            verdict = judge.REFUSED
        return verdict, f"train: {text}"
    if (class_name, key) in RANDOM and value not in (0, 0.0):
        return judge.RAN, ""
    if isinstance(truth, str):
        return judge.LAX, f"trained; Keras: {truth}"
    ours = files.read_weights(os.path.join(folder, "out.weights.h5"), loaded)
    found = judge.updates(ours, truth, start, 2e-5)
    if found:
        return judge.WRONG, f"train: {found}"
    loss = json.loads(out)["history"][0]["trainLoss"]
    if not np.isclose(loss, losses[0], rtol=1e-5, atol=1e-6, equal_nan=True):
        return judge.WRONG, f"train: loss {loss}, Keras {losses[0]}"
    return judge.EQUAL, ""
