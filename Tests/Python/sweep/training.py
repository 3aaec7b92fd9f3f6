"""The sweep over the config keys of losses, optimisers and schedules: a file's own compile_config, evaluated and trained."""
import json
import os

import keras
import numpy as np

import files
import judge
import values

STEPS = 3
FLAG = [True, False]
RATE = [0.0, 1e-3, 0.1, 1.0, 2.0, -0.1]
LOSSES = {  # class: (the model's end, the answers, {key: values})
    "MeanSquaredError": ("linear", "numbers", {}), "MeanAbsoluteError": ("linear", "numbers", {}),
    "Huber": ("linear", "numbers", {"delta": [0.1, 0.5, 1.0, 2.0]}), "LogCosh": ("linear", "numbers", {}),
    "MeanSquaredLogarithmicError": ("sigmoid", "unit", {}), "MeanAbsolutePercentageError": ("linear", "numbers", {}),
    "CosineSimilarity": ("linear", "numbers", {"axis": [-1, 0, 1]}), "Poisson": ("sigmoid", "unit", {}),
    "Hinge": ("tanh", "signs", {}), "SquaredHinge": ("tanh", "signs", {}), "KLDivergence": ("softmax", "one-hot", {}),
    "CategoricalHinge": ("linear", "one-hot", {}),
    "BinaryCrossentropy": ("sigmoid", "unit", {}), "CategoricalCrossentropy": ("softmax", "one-hot", {}),
    "SparseCategoricalCrossentropy": ("softmax", "labels", {"ignore_class": [None, 0, 1, 2, 3, -1, 255]}),
    "BinaryFocalCrossentropy": ("sigmoid", "unit", {"apply_class_balancing": FLAG, "alpha": RATE + [0.5],
                                                    "gamma": [0.0, 0.5, 1.0, 2.0, 3.5]}),
    "CategoricalFocalCrossentropy": ("softmax", "one-hot", {"alpha": RATE + [0.5, [0.2, 0.3, 0.5]],
                                                            "gamma": [0.0, 0.5, 1.0, 2.0, 3.5]}),
}
LOSS_KEYS = {
    "name": ["loss", "mine"], "dtype": ["float32", "float16", "float64", None], "from_logits": FLAG,
    "reduction": ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None, "auto"],
    "label_smoothing": [0.0, 0.1, 0.5, 1.0], "axis": [-1, 0, 1, -2, 2],
}
SCHEDULES = {
    "ExponentialDecay": dict(initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5, staircase=True),
    "PiecewiseConstantDecay": dict(boundaries=[1, 2], values=[0.1, 0.05, 0.01]),
    "PolynomialDecay": dict(initial_learning_rate=0.1, decay_steps=2, end_learning_rate=0.01, power=2.0, cycle=True),
    "InverseTimeDecay": dict(initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5, staircase=True),
    "CosineDecay": dict(initial_learning_rate=0.1, decay_steps=3, alpha=0.1, warmup_target=0.2, warmup_steps=1),
    "CosineDecayRestarts": dict(initial_learning_rate=0.1, first_decay_steps=2),
}
SCHEDULE_KEYS = {
    "name": ["mine"], "initial_learning_rate": RATE, "decay_steps": [1, 2, 3, 1000, 0, 2.5], "decay_rate": RATE,
    "staircase": FLAG, "boundaries": [[1, 2], [1.0, 2.0], [2, 1], [1]], "values": [[0.1, 0.2, 0.3], [0.1]],
    "end_learning_rate": RATE, "power": [0.5, 1.0, 2.0], "cycle": FLAG, "alpha": RATE, "warmup_target": [None, 0.2],
    "warmup_steps": [0, 1, 2], "first_decay_steps": [1, 2], "t_mul": [1.0, 2.0], "m_mul": [0.5, 1.0],
}
OPTIMIZER_KEYS = {
    "name": ["mine", "SGD"], "learning_rate": RATE, "weight_decay": [None, 0.0, 0.01, 0.5],
    "clipnorm": [None, 0.01, 1.0, 0.0], "global_clipnorm": [None, 0.01, 1.0], "clipvalue": [None, 0.001, 1.0],
    "use_ema": FLAG, "ema_momentum": [0.5, 0.99], "ema_overwrite_frequency": [None, 1, 2],
    "loss_scale_factor": [None, 1.0, 8.0], "gradient_accumulation_steps": [None, 2, 3],
    "momentum": [0.0, 0.5, 0.9, 1.0], "nesterov": FLAG, "rho": [0.0, 0.5, 0.9, 0.999], "centered": FLAG,
    "initial_accumulator_value": [0.0, 0.01, 0.1, 1.0], "epsilon": [1e-7, 1e-3, 0.1, 1.0], "beta_1": [0.0, 0.5, 0.9], "beta_2": [0.0, 0.5, 0.9, 0.999], "amsgrad": FLAG,
}
OPTIMIZERS = {"SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
              "RMSprop": [{}, {"momentum": 0.5, "centered": True}], "Adam": [{}, {"amsgrad": True}],
              "AdamW": [{}], "Nadam": [{}], "Adagrad": [{}, {"initial_accumulator_value": 0.0}]}
OTHERS = ("Adadelta", "Adafactor", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "ScheduleFreeAdamW")


def optimizer(name, options):
    return getattr(keras.optimizers, name)(**{"learning_rate": 0.05, **options})


def schedule(name):
    return getattr(keras.optimizers.schedules, name)(**SCHEDULES[name])


def uncovered():
    """Keys, and classes, that this Keras writes and that are not above."""
    missing = [f"{name}.{key}" for name, (_, _, own) in LOSSES.items()
               for key in getattr(keras.losses, name)().get_config() if key not in {**LOSS_KEYS, **own}]
    missing += [f"{name}.{key}" for name in OPTIMIZERS for key in optimizer(name, {}).get_config()
                if key not in OPTIMIZER_KEYS]
    missing += [f"{name}.{key}" for name in SCHEDULES for key in schedule(name).get_config() if key not in SCHEDULE_KEYS]
    missing += [cls.__name__ for cls in values.classes(
        keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule) if cls.__name__ not in SCHEDULES]
    return missing


def spelled(loss):
    """The forms in which Keras writes, or reads, a loss without options."""
    name = values.snake(type(loss).__name__)
    function = {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    return [name, type(loss).__name__, function, [values.plain(loss)], {"after": values.plain(loss)}, [name],
            {"after": name}, {"class_name": type(loss).__name__, "config": {}}]


def cases():
    """(name, kind, class, loss, optimiser, key, value): both as JSON."""
    sgd = values.plain(optimizer("SGD", {}))
    mse = values.plain(keras.losses.MeanSquaredError())
    for name, (end, answers, own) in LOSSES.items():
        loss = values.plain(getattr(keras.losses, name)())
        yield f"{name}", "loss", name, loss, sgd, "", None
        for form in spelled(getattr(keras.losses, name)()):
            yield f"{name} as {json.dumps(form)[:60]}", "loss", name, form, sgd, "", None
        for key in {**loss["config"], **own, "dtype": None}:
            for value in {**LOSS_KEYS, **own}.get(key, []) + values.GENERIC:
                yield (f"{name} {key}={json.dumps(value)[:60]}", "loss", name,
                       files.changed(loss, ["config", key], value), sgd, key, value)
    for name, bases in OPTIMIZERS.items():
        for number, options in enumerate(bases):
            base = values.plain(optimizer(name, options))
            yield f"{name} {options}", "optimizer", name, mse, base, "", None
            for key in base["config"]:
                for value in OPTIMIZER_KEYS.get(key, []) + ([] if number else values.GENERIC):
                    yield (f"{name} {options} {key}={json.dumps(value)[:60]}", "optimizer", name, mse,
                           files.changed(base, ["config", key], value), key, value)
    for name in SCHEDULES:
        base = values.plain(optimizer("SGD", {"learning_rate": schedule(name)}))
        yield f"{name}", "schedule", name, mse, base, "", None
        for key in base["config"]["learning_rate"]["config"]:
            for value in SCHEDULE_KEYS.get(key, []) + values.GENERIC:
                # Keras computes a whole schedule in whole numbers then; this program does not tell 2 from 2.0.
                if key == "initial_learning_rate" and type(value) is int:
                    continue
                yield (f"{name} {key}={json.dumps(value)[:60]}", "schedule", name, mse,
                       files.changed(base, ["config", "learning_rate", "config", key], value), key, value)
    for name in OTHERS:
        if hasattr(keras.optimizers, name):
            yield f"{name}", "optimizer", name, mse, values.plain(getattr(keras.optimizers, name)()), "", None


def answers(kind, random):
    labels = random.integers(0, 3, files.COUNT)
    return {"numbers": random.normal(0, 1, (files.COUNT, 3)), "unit": random.uniform(0.05, 0.95, (files.COUNT, 3)),
            "signs": np.where(random.normal(0, 1, (files.COUNT, 3)) < 0, -1.0, 1.0), "one-hot": np.eye(3)[labels],
            "labels": labels}[kind].astype("i4" if kind == "labels" else "f4")


def run(case, tools, folder):
    verdict, text, truth = compared(case, tools, folder, STEPS)
    # Where weights run away, the second step already multiplies the first one's last bits.
    if verdict == judge.WRONG and judge.largest(truth) > 1e4:
        verdict, text, _ = compared(case, tools, folder, 1)
    return verdict, text


def compared(case, tools, folder, steps):
    """(verdict, what happened, Keras' weights)"""
    name, kind, class_name, loss, optimiser, key, value = case
    end, answer, _ = LOSSES[class_name] if kind == "loss" else ("linear", "numbers", {})
    if key == "from_logits" and value is True:
        end = "linear"
    model = keras.Sequential([keras.layers.Input((4,), name="input"), keras.layers.Dense(6, activation="tanh", name="before"),
                              keras.layers.Dense(3, activation=end, name="after")], name="sweep")
    files.random_weights(model)
    compiled = {"optimizer": optimiser, "loss": loss, "loss_weights": None, "metrics": None, "weighted_metrics": None,
                "run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
    files.write_keras(os.path.join(folder, "m.keras"), model, compile_config=compiled)
    random = np.random.default_rng(3)
    x = random.normal(0, 1, (files.COUNT, 4)).astype("f4")
    y = answers(answer, random)
    files.write_arrays(os.path.join(folder, "data.h5"), x=x, y=y)
    try:
        loaded = files.load(os.path.join(folder, "m.keras"), compile=True)
        start = [np.asarray(w).astype("f8") for w in loaded.get_weights()]
        losses, truth = files.train(loaded, x, y, steps)
    except files.Refused as error:
        losses, truth = None, str(error)
    names = [[class_name, values.snake(class_name), "loss" if kind == "loss" else "learning rate"]]
    names.append([key or class_name, class_name, values.snake(class_name), "learning rate", str(value)])
    data = ["--data", "data.h5", "--test-fraction", "0"] + (["--regression"] if answer in ("numbers", "unit", "signs") else [])
    found = []
    if kind == "loss":
        code, out, err = tools.run("eval", "m.keras", *data, "--json", cwd=folder)
        printed = json.loads(out).get("loss") if code == 0 else None
        if code != 0:
            found.append(judge.refusal(code, err, names))
        elif printed is not None:  # a loss that is left out is not wrong
            if truth is None or isinstance(truth, str):
                found.append((judge.LAX, f"eval: loss {printed}; Keras: {truth}"))
            else:
                found.append((judge.EQUAL, "") if np.isclose(printed, losses[0], rtol=2e-5, atol=2e-6, equal_nan=True)
                             else (judge.WRONG, f"eval: loss {printed}, Keras {losses[0]}"))
    code, out, err = tools.run("train", "--model", "m.keras", *data, "--batch", str(files.COUNT), "--epochs", str(steps),
                               "--json", "--output", "out.weights.h5", cwd=folder)
    if code != 0:
        found.append(judge.refusal(code, err, names))
    elif isinstance(truth, str):
        found.append((judge.LAX, f"trained; Keras: {truth}"))
    else:
        ours = files.read_weights(os.path.join(folder, "out.weights.h5"), loaded)
        error = judge.updates(ours, truth, start, 1e-4 if class_name in OPTIMIZERS and class_name != "SGD" else 3e-5)
        found.append((judge.WRONG, f"train: {error}") if error else (judge.EQUAL, ""))
    return *max(found, key=lambda item: judge.WORST.index(item[0])), truth
