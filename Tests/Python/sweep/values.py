"""Values for every config key: those that Keras may write, those at the edges, and those that are wrong."""
import inspect

import keras

ACTIVATIONS = sorted(
    name for name in dir(keras.activations)
    if inspect.isfunction(getattr(keras.activations, name))
    and name not in ("get", "serialize", "deserialize"))

# Tried for every key, whatever it means: Keras says which of them it takes.
GENERIC = [None, True, False, 0, 1, -1, 2, 3, 0.5, -0.5, 1.0, 1e-8, 1e30, "", "bogus", [], [1], [2, 2], [[1]], {},
           {"class_name": "Bogus", "config": {}}]


def plain(value):
    """`value` as JSON has it: Keras' objects serialised, tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return plain(keras.saving.serialize_keras_object(value))


def classes(module, base, leave_out=()):
    found = {}
    for name in sorted(dir(module)):
        item = getattr(module, name)
        if inspect.isclass(item) and issubclass(item, base) and item is not base and name not in leave_out:
            found[item] = name
    return sorted(found, key=lambda item: item.__name__)


def made(cls):
    """An instance with what its arguments must have."""
    examples = {"value": 0.25, "p": 0.5, "max_value": 1.0}
    needed = [p.name for p in inspect.signature(cls.__init__).parameters.values()
              if p.default is p.empty and p.name != "self" and p.kind == p.POSITIONAL_OR_KEYWORD]
    return cls(**{name: examples[name] for name in needed if name in examples})


def nested(instances, numbers):
    """Each object, then each with one entry of its config changed to every value."""
    for item in instances:
        base = plain(item)
        yield base
        for key in base.get("config") or {}:
            for value in numbers + [None, "bogus", True, [1]]:
                config = dict(base["config"])
                config[key] = value
                yield {**base, "config": config}
        # The forms of Keras 2: no module, or the name alone.
        yield {"class_name": base["class_name"], "config": base["config"]}
        yield base["class_name"]


def snake(name):
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


def initializers(deep=False):
    items = [made(cls) for cls in classes(keras.initializers, keras.initializers.Initializer)
             if "STFT" not in cls.__name__]
    scaling = [keras.initializers.VarianceScaling(scale, mode, distribution)
               for scale in (0.5, 2.0) for mode in ("fan_in", "fan_out", "fan_avg")
               for distribution in ("normal", "truncated_normal", "untruncated_normal", "uniform")]
    names = [snake(type(item).__name__) for item in items]
    if not deep:
        return [plain(item) for item in items] + names
    return list(nested(items, [0, 1, 0.5, -0.5])) + [plain(item) for item in scaling] + names


def regularizers():
    items = [made(cls) for cls in classes(keras.regularizers, keras.regularizers.Regularizer)]
    return [plain(item) for item in items] + ["l1", "l2", "l1_l2", "L2"]


def deep(key):
    """Objects of this key's kind with every entry of theirs changed: tried in one model only."""
    if key.endswith("_regularizer"):
        items = [made(cls) for cls in classes(keras.regularizers, keras.regularizers.Regularizer)]
        return list(nested(items, [0.0, 0.1, 1, -0.1]))
    if key.endswith("_constraint"):
        items = [made(cls) for cls in classes(keras.constraints, keras.constraints.Constraint)]
        return list(nested(items, [0.0, 0.1, 1]))
    return []


def constraints():
    items = [made(cls) for cls in classes(keras.constraints, keras.constraints.Constraint)]
    return [plain(item) for item in items] + ["non_neg", "max_norm", "NonNeg"]


def activations():
    layers = [keras.layers.ReLU(max_value=0.5, negative_slope=0.1, threshold=0.1), keras.layers.ReLU(),
              keras.layers.LeakyReLU(0.2), keras.layers.Softmax(), keras.layers.ELU(), keras.layers.PReLU(),
              keras.layers.Activation("tanh"), keras.layers.Softmax(axis=1)]
    functions = [getattr(keras.activations, name) for name in ACTIVATIONS]
    objects = [{"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
               for name in ACTIVATIONS]
    return ACTIVATIONS + [plain(f) for f in functions] + objects + [plain(layer) for layer in layers] + [
        "LeakyReLU", "ReLU", "Tanh", {"class_name": "LeakyReLU", "config": {"alpha": 0.2}},
        {"class_name": "tanh", "config": {}}]


DTYPES = ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16", "int32", "uint8", "bool",
          "float8"]
POLICIES = [plain(keras.dtype_policies.DTypePolicy(name)) if hasattr(keras, "dtype_policies") else
            {"class_name": "Policy", "config": {"name": name}} for name in DTYPES[:6]]
if hasattr(keras, "dtype_policies"):
    POLICIES += [plain(keras.dtype_policies.QuantizedDTypePolicy("int8", "float32")),
                 plain(keras.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32"))]

COMMON = {
    "name": ["probe", "a_b", "a/b", "a/b/c", "with space", "\u00fc\u00f1\u00ef", "x" * 200, "probe:0", "0", "kernel", "a.b", "after"],
    "trainable": [True, False],
    "dtype": DTYPES + POLICIES,
}
NUMBER = [0.0, 1e-12, 1e-3, 0.1, 0.9, 1.0, 1.5, 2.0, 1e3, -1e-3, -1.0, -2.0, 1e10, -1e10, 1e38]
WINDOW = [1, 2, 3, 4, 5, [1, 2], [2, 1], [3, 2], [2, 3], [4, 3], [8, 8], [2], [2, 2, 2], [0, 1], [1, -1], [2.0, 2.0],
          100]
WEIGHTS = {
    "kernel_initializer": initializers(), "bias_initializer": initializers(),
    "kernel_regularizer": regularizers(), "bias_regularizer": regularizers(),
    "activity_regularizer": regularizers(), "kernel_constraint": constraints(),
    "bias_constraint": constraints(), "activation": activations(), "use_bias": [True, False],
}
POOLING = {
    "pool_size": WINDOW, "strides": WINDOW, "padding": ["valid", "same", "SAME", "Valid", "causal", "full"],
    "data_format": ["channels_last", "channels_first", None, "CHANNELS_LAST"],
}
NORMALIZATION = {
    "axis": [-1, 0, 1, 2, 3, 4, -2, -3, -4, [-1], [1], [2], [3], [-1, -2], [1, 2], [1, 2, 3], [1, 3], [0, 1], None, []],
}
QUANTIZATION = [None, {"class_name": "Int8QuantizationConfig", "config": {}}]

# class: {key: values}. A key that Keras writes and that is not here makes the search fail: it is not covered.
LAYERS = {
    "Dense": {**COMMON, **WEIGHTS, "units": [1, 2, 3, 7, 16, 33, 4.0, 0], "quantization_config": QUANTIZATION,
              "lora_rank": [2], "lora_alpha": [2], "bias": [True, False], "input_dim": [5]},
    "Conv2D": {**COMMON, **WEIGHTS, **{key: POOLING[key] for key in ("strides", "padding", "data_format")},
               "filters": [1, 2, 3, 4, 16, 17, 24], "kernel_size": WINDOW, "dilation_rate": WINDOW,
               "groups": [1, 2, 3, 4], "lora_rank": [2], "quantization_config": QUANTIZATION},
    "MaxPooling2D": {**COMMON, **POOLING}, "AveragePooling2D": {**COMMON, **POOLING},
    "BatchNormalization": {
        **COMMON, **NORMALIZATION, "momentum": NUMBER, "epsilon": NUMBER, "center": [True, False],
        "scale": [True, False], "beta_initializer": initializers(), "gamma_initializer": initializers(),
        "moving_mean_initializer": initializers(), "moving_variance_initializer": initializers(),
        "beta_regularizer": regularizers(), "gamma_regularizer": regularizers(),
        "beta_constraint": constraints(), "gamma_constraint": constraints(),
        "synchronized": [True, False], "renorm": [True, False],
        "renorm_clipping": [None, {"rmin": 0.5, "rmax": 2.0, "dmax": 1.0}], "renorm_momentum": NUMBER,
        "fused": [None, True, False], "virtual_batch_size": [None, 2, 4], "adjustment": [None]},
    "Normalization": {
        **COMMON, **NORMALIZATION, "invert": [True, False],
        "mean": NUMBER + [[0.5, -1.0, 2.0, 0.1, 3.0], [0.5, -1.0], [[0.5, -1.0, 2.0, 0.1, 3.0]], [0.25]],
        "variance": NUMBER + [[0.5, 1.0, 2.0, 0.1, 3.0], [0.5, 1.0], [[0.5, 1.0, 2.0, 0.1, 3.0]], [0.25]]},
    "Rescaling": {
        **COMMON, "scale": NUMBER + [[0.5], [1, 2, 3, 4, 5], [0.5, 2.0], [[0.5, 2.0]], [[[0.5, 2.0]]]],
        "offset": NUMBER + [[0.5], [1, 2, 3, 4, 5], [0.5, 2.0], [[0.5, 2.0]], [[[0.5, 2.0]]]]},
    "Dropout": {
        **COMMON, "rate": [0, 0.0, 1e-9, 0.1, 0.5, 0.9, 0.999, 1, 1.0, 1.5, -0.1], "seed": [None, 0, 1, 1337, -1, 2**40],
        "noise_shape": [None, [1, 1], [12, 1], [12, 4], [None, 1], [None, 4], [None, None], [1, 4], [3, 4], [4]]},
    "Activation": {**COMMON, "activation": activations()},
    "ReLU": {**COMMON, "max_value": NUMBER + [6, 0.5], "negative_slope": NUMBER + [0.3],
             "threshold": NUMBER + [0.5]},
    "LeakyReLU": {**COMMON, "negative_slope": NUMBER + [0.3], "alpha": NUMBER + [0.3]},
    "Softmax": {**COMMON, "axis": NORMALIZATION["axis"]},
    "Flatten": {**COMMON, "data_format": ["channels_last", "channels_first", None, "CHANNELS_LAST"]},
    "InputLayer": {
        **COMMON, "batch_shape": [[None, 5], [12, 5], [4, 5], [1, 5], [None, None], [None, 4], [None, 5, 1], [5]],
        "shape": [[5]], "batch_input_shape": [[None, 5], [None, 4]], "sparse": [True, False], "ragged": [True, False],
        "optional": [True, False]},
}
# What Keras 2 wrote, or Keras reads and does not write: swept too, but only for what it says of them itself.
UNWRITTEN = {"lora_rank", "lora_alpha", "bias", "input_dim", "fused", "virtual_batch_size", "adjustment", "alpha",
             "shape", "batch_input_shape"}
