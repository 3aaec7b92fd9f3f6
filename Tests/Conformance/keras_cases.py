"""Keras' own unit tests as cases: one layer, one loss, one optimiser or one schedule each."""

import hashlib
import json

import keras
import keras_record
import numpy as np
from cases import OutOfScope
from keras import layers

LAYERS = (
    *("Dense", "Conv2D", "MaxPooling2D", "AveragePooling2D", "BatchNormalization"),
    *("Normalization", "Rescaling", "Dropout", "Activation", "ReLU", "LeakyReLU", "Softmax"),
    "Flatten",
)
ACTIVATIONS = ("linear", "relu", "sigmoid", "softmax", "tanh")
# What each loss is called that the program has, and what kind of outputs it takes where they are no logits.
LOSSES = {
    "MeanSquaredError": "numbers",
    "MeanAbsoluteError": "numbers",
    "Huber": "numbers",
    "LogCosh": "numbers",
    "Hinge": "numbers",
    "SquaredHinge": "numbers",
    "Poisson": "numbers",
    "KLDivergence": "numbers",
    "BinaryCrossentropy": "sigmoid",
    "BinaryFocalCrossentropy": "sigmoid",
    "CategoricalCrossentropy": "softmax",
    "CategoricalFocalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
}
OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adagrad")
# A step that reaches this is not worth its time.
LAST_STEP = 300


class Names:
    """A name of its own for each case; the same case is not kept twice."""

    def __init__(self):
        self.seen, self.names = set(), {}

    def new(self, test, *parts):
        """None where a case of the same `parts` is there already."""
        digest = hashlib.sha256()
        for part in parts:
            if isinstance(part, np.ndarray):
                digest.update(part.tobytes())
            else:
                digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        if digest.digest() in self.seen:
            return None
        self.seen.add(digest.digest())
        self.names[test] = self.names.get(test, 0) + 1
        return test if self.names[test] == 1 else f"{test}.{self.names[test]}"


# -- layers


def check_layer(test, kind, config, x, y, has_arguments):
    if kind not in LAYERS:
        raise OutOfScope(f"layer {kind}")
    if has_arguments:
        raise OutOfScope("training mode or a mask")
    if config is None:
        raise OutOfScope("not made from a config")
    policy = config["dtype"]
    if isinstance(policy, dict):
        policy = policy["config"].get("name")
    if policy != "float32" or y.dtype != np.float32:
        raise OutOfScope("another type than float32")
    if config.get("data_format", "channels_last") != "channels_last" or "channels_first" in test:
        raise OutOfScope("channels first")
    for key in ("dilation_rate", "groups"):
        if set(np.atleast_1d(config.get(key, 1))) != {1}:
            raise OutOfScope(key)
    activation = config.get("activation", "linear")
    if activation not in ACTIVATIONS:
        raise OutOfScope("another activation")
    if x.ndim not in (2, 4) or y.ndim not in (2, 4) or x.shape[0] < 1:
        raise OutOfScope(f"{x.ndim - 1} axes")
    if kind == "BatchNormalization" and config["axis"] not in (-1, x.ndim - 1):
        raise OutOfScope("another axis than the last")
    if kind == "Dense" and x.ndim != 2:
        raise OutOfScope("Dense over several axes")
    is_softmax = "softmax" in (activation, kind.lower())
    if is_softmax and (x.ndim != 2 or config.get("axis", -1) not in (-1, 1)):
        raise OutOfScope("softmax of an image or over another axis")


def add_layers(folder, records):
    names = Names()
    for test, kind, config, weights, x, y, has_arguments in records:
        try:
            check_layer(test, kind, config, x, y, has_arguments)
        except OutOfScope as reason:
            folder.skip("keras-layers", f"{kind} {test}", reason)
            continue
        x = x.astype(np.float32)
        values = {k: v for k, v in config.items() if k not in ("name", "trainable")}
        name = names.new(f"{kind}.{test}", values, x, *weights)
        if name is None:
            continue
        copy = getattr(layers, kind).from_config(config)
        model = keras.Sequential([keras.Input(x.shape[1:]), copy])
        if weights:
            copy.set_weights(weights)
        folder.add("keras-layers", name, "outputs", model, {"x": x, "y": y})


# -- losses


def check_loss(kind, config, y_pred, value):
    if kind not in LOSSES:
        raise OutOfScope(f"loss {kind}")
    if value.dtype != np.float32:
        raise OutOfScope("another type than float32")
    if config["reduction"] in (None, "none") or value.ndim != 0:
        raise OutOfScope("no reduction")
    if y_pred.ndim != 2:
        raise OutOfScope(f"outputs of {y_pred.ndim - 1} axes")
    if config.get("axis", -1) not in (-1, 1):
        raise OutOfScope("another axis than the last")


def logits(kind, outputs):
    """What comes out as `outputs` behind a softmax or sigmoid."""
    if np.any(outputs <= 0) or np.any(outputs > 1) or kind == "sigmoid" and np.any(outputs >= 1):
        raise OutOfScope("probabilities that Keras cuts off")
    outputs = outputs.astype(np.float64)
    return np.log(outputs / (1 - outputs)) if kind == "sigmoid" else np.log(outputs)


def add_losses(folder, records):
    names = Names()
    for test, kind, config, y_true, y_pred, value, weight in records:
        try:
            check_loss(kind, config, y_pred, value)
            end = LOSSES[kind] if not config.get("from_logits") else "numbers"
            x = y_pred if end == "numbers" else logits(end, y_pred)
            if not np.isfinite(value):
                raise OutOfScope("a loss that is not finite")
        except OutOfScope as reason:
            folder.skip("keras-losses", test, reason)
            continue
        name = names.new(f"{kind}.{test}", config, y_true, x, weight)
        if name is None:
            continue
        activation = "linear" if end == "numbers" else end
        model = keras.Sequential([keras.Input(x.shape[1:]), layers.Activation(activation)])
        model.compile(loss=getattr(keras.losses, kind).from_config(config))
        is_class = kind == "SparseCategoricalCrossentropy"
        y = y_true.astype(np.int64).reshape(-1) if is_class else y_true.astype(np.float32)
        data = {"x": x.astype(np.float32), "y": y}
        if weight is not None and np.any(weight != 1):
            if weight.size not in (1, len(x)):
                folder.skip("keras-losses", test, "weights of single outputs")
                continue
            per_sample = np.broadcast_to(weight.reshape(-1), (len(x),))
            data["sample_weight"] = per_sample.astype(np.float32)
        data |= {f"{key}_test": values for key, values in data.items()}
        answers = "classes" if is_class else "numbers"
        entry = {"value": float(value), "answers": answers}
        folder.add("keras-losses", name, "loss", model, data, **entry)


# -- optimisers


def check_optimizer(serialized, start, steps):
    kind, config = serialized["class_name"], serialized["config"]
    if kind not in OPTIMIZERS:
        raise OutOfScope(f"optimiser {kind}")
    if len(start) != 1:
        raise OutOfScope("several weights")
    if not np.all(np.isfinite(start[0])) or any(not np.all(np.isfinite(w[0])) for _, w in steps):
        raise OutOfScope("weights that are not finite")
    if '"__lambda__"' in json.dumps(config) or '"function"' in json.dumps(config):
        raise OutOfScope("a learning rate that is a function")
    for key in ("loss_scale_factor", "gradient_accumulation_steps"):
        if config.get(key) is not None:
            raise OutOfScope(key)


def gradient_model(serialized, weight):
    """A model with this weight, [n, 1], whose gradient is its input: the absolute error is linear in the output."""
    model = keras.Sequential(
        [keras.Input((weight.size,)), layers.Dense(1, use_bias=False, name="weights")]
    )
    model.layers[0].set_weights([weight.reshape(-1, 1).astype(np.float32)])
    model.compile(keras.optimizers.deserialize(serialized), keras.losses.MeanAbsoluteError())
    return model


def add_optimizers(folder, records):
    names = Names()
    for test, serialized, start, steps in records:
        kind = serialized["class_name"]
        try:
            check_optimizer(serialized, start, steps)
        except OutOfScope as reason:
            folder.skip("keras-optimizers", f"{kind} {test}", reason)
            continue
        x = np.stack([gradient[0].reshape(-1) for gradient, _ in steps])
        y = np.stack([weight[0].reshape(-1) for _, weight in steps])
        config = {k: v for k, v in serialized["config"].items() if k != "name"}
        name = names.new(f"{kind}.{test}", config, start[0], x, y)
        if name is None:
            continue
        model = gradient_model(serialized, start[0])
        data = {"x": x.astype(np.float32), "y": y.astype(np.float32)}
        folder.add("keras-optimizers", name, "steps", model, data)


# -- schedules


def add_schedules(folder, records):
    names = Names()
    found = {}
    for test, kind, config, step, rate in records:
        if kind == "CosineDecayRestarts":
            folder.skip("keras-schedules", test, f"schedule {kind}")
        elif step != int(step) or step > LAST_STEP:
            folder.skip("keras-schedules", test, "a step that takes long")
        else:
            key = json.dumps([kind, config], sort_keys=True)
            found.setdefault(key, (kind, test, config, {}))[3][int(step)] = rate
    for kind, test, config, rates in found.values():
        schedule = getattr(keras.optimizers.schedules, kind).from_config(config)
        optimizer = keras.optimizers.SGD(schedule)
        model = gradient_model(keras.optimizers.serialize(optimizer), np.zeros(1))
        steps = np.array(sorted(rates), np.int64)
        data = {"step": steps, "rate": np.array([rates[s] for s in sorted(rates)])}
        name = names.new(f"{kind}.{test}", len(names.seen))
        folder.add("keras-schedules", name, "rates", model, data)


def add_cases(folder, files=()):
    recorder = keras_record.record(files)
    add_layers(folder, recorder.layers)
    add_losses(folder, recorder.losses)
    add_optimizers(folder, recorder.optimizers)
    add_schedules(folder, recorder.schedules)
    return recorder
