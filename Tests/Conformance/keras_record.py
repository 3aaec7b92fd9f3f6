"""What Keras' own unit tests compute, recorded while they run: the tests say with their expected values that it is right.

Keras' package holds them. Every call with numbers (not while a model is compiled) of a layer, a loss, an optimiser and a
schedule is taken down with all that it depends on.
"""

import contextlib
import importlib
import json
import sys
from unittest import mock

import jax
import keras
import numpy as np
import pytest
from keras.src import testing
from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

MODULES = [
    *("layers.core.dense_test", "layers.convolutional.conv_test", "layers.reshaping.flatten_test"),
    *("layers.pooling.average_pooling_test", "layers.pooling.max_pooling_test"),
    *("layers.normalization.batch_normalization_test", "layers.preprocessing.normalization_test"),
    *("layers.preprocessing.rescaling_test", "layers.regularization.dropout_test"),
    *("layers.activations.activation_test", "layers.activations.relu_test"),
    *("layers.activations.leaky_relu_test", "layers.activations.softmax_test"),
    *("losses.losses_test", "optimizers.schedules.learning_rate_schedule_test"),
    *("optimizers.sgd_test", "optimizers.rmsprop_test", "optimizers.adam_test"),
    "optimizers.optimizer_test",
]


def number(value):
    """The array that a value stands for; None for a symbol, a tracer, or no array at all."""
    if isinstance(value, (keras.KerasTensor, jax.core.Tracer, str)) or value is None:
        return None
    try:
        array = np.asarray(value)
    except Exception:  # sparse and ragged arrays, lists of several shapes
        return None
    return None if array.dtype == object else array.copy()


def description(instance):
    """(class, config) by which Keras makes it again; the config is None where it cannot."""
    try:
        return type(instance).__name__, json.loads(json.dumps(instance.get_config()))
    except Exception:  # made of functions, arrays or other layers
        return type(instance).__name__, None


class Recorder:
    """A plugin of pytest: `layers`, `losses`, `optimizers` and `schedules` hold what was called."""

    def __init__(self):
        self.layers, self.losses, self.optimizers, self.schedules = [], [], [], []
        self.test, self.failed, self.passed = "", [], 0

    @pytest.fixture(autouse=True)
    def recording(self, request):
        keras.utils.set_random_seed(0)
        module = request.node.module.__name__.split(".")[-1].removesuffix("_test")
        self.test = f"{module}.{request.node.name.removeprefix('test_')}"
        self.runs = {}
        with contextlib.ExitStack() as stack:
            for owner, name, record in (
                (keras.layers.Layer, "__call__", self.record_layer),
                (keras.losses.Loss, "__call__", self.record_loss),
                (BaseOptimizer, "apply", self.record_step),
            ):
                stack.enter_context(self.patched(owner, name, record))
            for kind in LearningRateSchedule.__subclasses__():
                stack.enter_context(self.patched(kind, "__call__", self.record_rate))
            stack.enter_context(self.patched(testing.TestCase, "run_layer_test", self.shorten))
            yield

    def patched(self, owner, name, record):
        original = getattr(owner, name)

        def replacement(instance, *arguments, **named):
            return record(original, instance, *arguments, **named)

        return mock.patch.object(owner, name, replacement)

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.passed += report.passed
            if report.failed:
                self.failed.append(report.nodeid)

    def shorten(self, original, instance, *arguments, **named):
        """Without training, which says nothing about values."""
        named |= {"run_training_check": False, "run_mixed_precision_check": False}
        return original(instance, *arguments, **named)

    def record_layer(self, original, layer, *arguments, **named):
        result = original(layer, *arguments, **named)
        x = number(arguments[0]) if arguments else None
        y = number(result)
        if x is not None and y is not None:
            extra = [v for v in (*arguments[1:], *named.values()) if v is not None and v is not False]
            weights = [number(w) for w in layer.get_weights()]
            self.layers.append((self.test, *description(layer), weights, x, y, bool(extra)))
        return result

    def record_loss(self, original, loss, y_true, y_pred, sample_weight=None):
        result = original(loss, y_true, y_pred, sample_weight)
        arrays = [number(a) for a in (y_true, y_pred, result)]
        if all(a is not None for a in arrays):
            self.losses.append((self.test, *description(loss), *arrays, number(sample_weight)))
        return result

    def record_step(self, original, optimizer, grads, trainable_variables=None):
        """`runs`: the steps of each optimiser of this test, or None where one cannot be followed."""
        variables = trainable_variables
        if variables is None:
            variables = optimizer._trainable_variables
        values = [[number(a) for a in arrays] for arrays in (grads, variables)]
        if any(getattr(variable, "constraint", None) is not None for variable in variables):
            # The weight's own, which no description of the optimiser has.
            return original(optimizer, grads, trainable_variables)
        start = (optimizer, keras.optimizers.serialize(optimizer), values[1], [])
        result = original(optimizer, grads, trainable_variables)
        if any(a is None for a in sum(values, [])):
            return result
        if id(optimizer) not in self.runs:
            self.runs[id(optimizer)] = start
            self.optimizers.append((self.test, *start[1:]))
        after = [number(v) for v in variables]
        self.runs[id(optimizer)][3].append((values[0], after))
        return result

    def record_rate(self, original, schedule, step):
        result = original(schedule, step)
        values = number(step), number(result)
        if all(v is not None and v.ndim == 0 for v in values):
            self.schedules.append((self.test, *description(schedule), *map(float, values)))
        return result


def record(files=()):
    """Runs Keras' tests, and those of `files`."""
    recorder = Recorder()
    modules = [f"keras.src.{name}" for name in MODULES]
    # What some of the tests import and is not installed; only those that use it fail.
    absent = {name: mock.MagicMock() for name in ("conftest", "grain", "tensorflow")}
    absent["conftest"].skip_if_backend = lambda *_: lambda function: function
    absent = {name: value for name, value in absent.items() if name not in sys.modules}
    sys.modules.update(absent)
    for name in modules:
        importlib.import_module(name)
    for name in absent:
        del sys.modules[name]
    options = ["-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-W", "ignore"]
    # Minutes of compilation for what no model here has.
    left_out = "lora quant float8 sparse fit pickle tf_ mask 1d 3d ctc accumulation generator iter"
    options += ["-k", " and ".join(f"not {word}" for word in left_out.split())]
    pytest.main([*options, "--pyargs", *modules, *files], plugins=[recorder])
    return recorder
