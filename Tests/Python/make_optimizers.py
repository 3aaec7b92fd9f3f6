"""Makes Tests/Fixtures/optimizers: models that Keras trained, saved, and trained on.

Usage: make_optimizers.py FOLDER keras | tf_keras | legacy | refused | tf_refused. With tf_... and legacy the program is
TF-Keras 2, else Keras 3 (KERAS_BACKEND=jax). Every model is trained for SAVED steps, each over all samples, and saved;
then the same model goes on for 5 more, without going through a file. FOLDER/<which>.json has for each file the weights
after 1 and 5 of them, and for `keras` the rates of the schedules at many steps. Where the program itself can load a file
with the optimiser's memory, it must come to the same weights.
"""
import json
import os
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
folder, which = sys.argv[1:]
if which in ("tf_keras", "legacy", "tf_refused"):
    import tf_keras as keras
else:
    import keras
import h5py
import numpy as np

SAVED = 6
optimizers = keras.optimizers
schedules = keras.optimizers.schedules
numbers = np.random.default_rng(11)
X = numbers.standard_normal((16, 4)).astype("f4")
Y = numbers.integers(0, 3, 16)

SCHEDULES = {
    "exponential": lambda: schedules.ExponentialDecay(0.1, 4, 0.7),
    "staircase": lambda: schedules.ExponentialDecay(0.1, 4, 0.7, staircase=True),
    "piecewise": lambda: schedules.PiecewiseConstantDecay([3, 6, 8], [0.1, 0.05, 0.02, 0.01]),
    # Behind a decay of 9 steps Keras on JAX computes NaN: compiled, 9 / 9 is more than 1.
    "polynomial": lambda: schedules.PolynomialDecay(0.1, 8, 0.01, power=1.7),
    "polynomial_cycle": lambda: schedules.PolynomialDecay(0.1, 4, 0.01, power=2.0, cycle=True),
    "inverse": lambda: schedules.InverseTimeDecay(0.1, 4, 0.8),
    "inverse_staircase": lambda: schedules.InverseTimeDecay(0.1, 4, 0.8, staircase=True),
    "cosine": lambda: schedules.CosineDecay(0.1, 9, alpha=0.05),
    "warmup": lambda: schedules.CosineDecay(0.01, 9, 0.02, warmup_target=0.1, warmup_steps=7),
    "restarts": lambda: schedules.CosineDecayRestarts(0.1, 3, t_mul=2.0, m_mul=0.8, alpha=0.05),
    "restarts_even": lambda: schedules.CosineDecayRestarts(0.1, 4, t_mul=1.0, m_mul=0.9),
}
CONSTANT = {
    "sgd": lambda rate: optimizers.SGD(rate),
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "nesterov": lambda rate: optimizers.SGD(rate, momentum=0.8, nesterov=True),
    "rmsprop": lambda rate: optimizers.RMSprop(rate, rho=0.8),
    "rmsprop_all": lambda rate: optimizers.RMSprop(
        rate, momentum=0.5, centered=True, epsilon=1e-4),
    "adam": lambda rate: optimizers.Adam(rate, beta_1=0.8, epsilon=1e-5),
    "adamw": lambda rate: optimizers.AdamW(rate, weight_decay=0.3, beta_2=0.99),
    "nadam": lambda rate: optimizers.Nadam(rate, beta_1=0.8, epsilon=1e-5),
    "adagrad": lambda rate: optimizers.Adagrad(rate, initial_accumulator_value=0.02, epsilon=1e-4),
}
DECAYED = {
    "weight_decay": lambda: optimizers.SGD(0.1, weight_decay=0.2),
    "weight_decay_momentum": lambda: optimizers.SGD(
        SCHEDULES["exponential"](), momentum=0.9, weight_decay=0.2, clipnorm=0.05),
    "weight_decay_rmsprop": lambda: optimizers.RMSprop(0.01, weight_decay=0.5),
    "weight_decay_adam": lambda: optimizers.Adam(SCHEDULES["warmup"](), weight_decay=0.2),
    "weight_decay_nadam": lambda: optimizers.Nadam(SCHEDULES["restarts"](), weight_decay=0.2),
    "weight_decay_adagrad": lambda: optimizers.Adagrad(0.05, weight_decay=0.2),
}
CLIPPED = {
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.05),
    "clipvalue": lambda: optimizers.SGD(0.1, momentum=0.5, clipvalue=0.01),
    "global_clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.05),
}


def rate(name):
    return 0.05 if name in ("sgd", "momentum", "nesterov") else 0.01


def cases():
    if which == "keras":
        for name, make in CONSTANT.items():
            yield name, lambda: make(rate(name)), ["keras", "h5"]
        methods = ["sgd", "adam", "momentum", "rmsprop"]
        for index, (name, schedule) in enumerate(SCHEDULES.items()):
            method = methods[index % len(methods)]
            yield name, lambda: CONSTANT[method](schedule()), ["keras"]
        for name, make in (CLIPPED | DECAYED).items():
            yield name, make, ["keras"]
    elif which == "tf_keras":
        yield "tf_sgd", lambda: optimizers.SGD(schedules.CosineDecay(0.1, 9)), ["h5", "keras"]
        yield "tf_rmsprop", lambda: CONSTANT["rmsprop_all"](0.01), ["h5", "keras"]
        yield "tf_adam", lambda: CONSTANT["adam"](SCHEDULES["exponential"]()), ["h5", "keras"]
        yield "tf_name", lambda: "adam", ["keras"]
        yield "tf_adamw", lambda: CONSTANT["adamw"](0.01), ["h5", "keras"]
        yield "tf_adagrad", lambda: CONSTANT["adagrad"](SCHEDULES["cosine"]()), ["h5", "keras"]
    elif which == "legacy":
        legacy = optimizers.legacy
        yield "legacy_sgd", lambda: legacy.SGD(0.05, momentum=0.9, decay=0.1), ["h5"]
        yield "legacy_rmsprop", lambda: legacy.RMSprop(0.01, epsilon=1e-2), ["h5"]
        yield "legacy_rmsprop_momentum", lambda: legacy.RMSprop(
            0.01, momentum=0.5, epsilon=1e-2), ["h5"]
        yield "legacy_adam", lambda: legacy.Adam(SCHEDULES["exponential"]()), ["h5"]
    else:
        if "tf_keras" in sys.modules:
            yield "tf_nadam", lambda: optimizers.Nadam(0.01), ["h5", "keras"]
            yield "legacy_nadam", lambda: optimizers.legacy.Nadam(0.01), ["h5"]
            yield "legacy_adagrad", lambda: optimizers.legacy.Adagrad(0.01), ["h5"]
            return
        options = dict(learning_rate=0.01)
        for name in ("Adadelta", "Adamax", "Ftrl", "Lion", "Lamb"):
            yield name.lower(), lambda: getattr(optimizers, name)(**options), ["keras"]
        yield "adafactor", lambda: optimizers.Adafactor(**options), ["keras"]
        yield "amsgrad", lambda: optimizers.Adam(amsgrad=True), ["keras"]
        yield "use_ema", lambda: optimizers.RMSprop(0.1, use_ema=True), ["keras"]
        yield "accumulation", lambda: optimizers.SGD(
            0.1, gradient_accumulation_steps=2), ["keras"]
        yield "loss_scale", lambda: optimizers.LossScaleOptimizer(optimizers.Adam()), ["keras"]


def model(optimizer):
    keras.utils.set_random_seed(5)
    network = keras.Sequential(
        [
            keras.layers.Input((4,)), keras.layers.Dense(3, activation="tanh", name="a"),
            keras.layers.Dense(3, activation="softmax", name="b"),
        ], name="small")
    network.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    return network


def fit(network, steps):
    network.fit(X, Y, batch_size=16, epochs=steps, shuffle=False, verbose=0)


def weights(network):
    return np.concatenate([np.asarray(w).ravel() for w in network.get_weights()])


def check(path, after):
    """The program's own way through the file, where it has one: Keras 3 reads no memory from a .h5."""
    is_legacy_archive = path.endswith(".keras") and which == "legacy"
    if (path.endswith(".h5") and which == "keras") or is_legacy_archive:
        return
    network = keras.models.load_model(path)
    fit(network, 5)
    difference = np.abs(weights(network) - after).max()
    assert difference < 1e-6, (path, difference)


def pack(path):
    """Keras' archives are not compressed; these are kept in a repository."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def texts(values):
    return [float(str(np.float32(value))) for value in values]


result = {"saved": SAVED, "files": {}}
for name, make, ends in cases():
    network = model(make())
    fit(network, SAVED)
    paths = [f"{folder}/{name}.{end}" for end in ends]
    for path in paths:
        network.save(path)
    if which in ("refused", "tf_refused"):
        for path in paths:
            if path.endswith(".keras"):
                pack(path)
        continue
    start = weights(network)
    fit(network, 1)
    first = weights(network)
    fit(network, 4)
    for path in paths:
        check(path, weights(network))
        if path.endswith(".keras"):
            pack(path)
        result["files"][os.path.basename(path)] = {
            "start": texts(start), "after1": texts(first), "after5": texts(weights(network))}
if which == "keras":
    steps = list(range(0, 40)) + [63, 64, 100, 1000, 12345]
    result["steps"] = steps
    result["rates"] = {
        name: texts([float(schedule()(step)) for step in steps])
        for name, schedule in SCHEDULES.items()}
    result["configs"] = {
        name: schedules.serialize(schedule()) for name, schedule in SCHEDULES.items()}
    with h5py.File(f"{folder}/data.h5", "w") as file:
        file["x"], file["y"] = X, Y.astype("i4")
if not which.endswith("refused"):
    with open(f"{folder}/{which}.json", "w") as out:
        json.dump(result, out)
