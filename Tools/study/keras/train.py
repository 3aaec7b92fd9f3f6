"""Trains one network in Keras as `study architectures` has trained it: train.py FOLDER

FOLDER/work.json says what: the layers as Keras writes them, which ones each reads and the shapes of its weights (their values are
in FOLDER/weights, float32), batch, epochs, steps, Adam's learning rate, which a cosine brings to 0 over the steps.
FOLDER/NAME.x holds the samples of train, test and, for an autoencoder, broken, a byte a value, which
is divided by 255; NAME.y the labels. FOLDER/order has a row per epoch, the samples in the order of their batches.
Writes FOLDER/result.json: per epoch training loss and accuracy, test loss and accuracy; the seconds of a step of `fit`
(the median over the epochs behind the first); and of an autoencoder the area under the curve, by the errors of its
reconstructions. Runs on the backend that KERAS_BACKEND names (default: jax), on as many cores as the study has threads.
"""

import json
import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def samples(folder, name, work):
    """x and y of a part; an autoencoder's y is its x."""
    import numpy as np

    x = np.fromfile(f"{folder}/{name}.x", np.uint8).reshape([-1] + work["shape"])
    x = x.astype(np.float32) / np.float32(255)
    if work["is_autoencoder"]:
        return x, x
    return x, np.fromfile(f"{folder}/{name}.y", np.uint8).astype(np.int32)


def network(folder, work):
    import keras
    import numpy as np

    flat = np.fromfile(f"{folder}/weights", "<f4")
    place = 0
    image = keras.Input(work["shape"])
    values = {work["input"]: image}
    for entry in work["layers"]:
        layer = getattr(keras.layers, entry["class_name"]).from_config(entry["config"])
        inputs = [values[name] for name in entry["reads"]]
        output = values[layer.name] = layer(inputs[0] if len(inputs) == 1 else inputs)
        arrays = []
        for shape in entry["weights"]:
            size = int(np.prod(shape))
            arrays.append(flat[place : place + size].reshape(shape))
            place += size
        layer.set_weights(arrays)
    model = keras.Model(image, output)
    assert place == flat.size == sum(w.size for w in model.get_weights())
    rate = keras.optimizers.schedules.CosineDecay(work["learning_rate"], work["steps"])
    loss = "mean_squared_error" if work["is_autoencoder"] else "sparse_categorical_crossentropy"
    model.compile(
        keras.optimizers.Adam(rate, epsilon=1e-7), loss,
        metrics=[] if work["is_autoencoder"] else ["accuracy"])
    return model


def area(low, high):
    """The chance that a value of `high` is above one of `low`."""
    import numpy as np

    difference = high[:, None] - low[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def main():
    folder = sys.argv[1]
    with open(f"{folder}/work.json") as file:
        work = json.load(file)
    # Before the libraries are loaded: they count the cores then.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[: work["threads"]]))
    import keras
    import numpy as np

    model = network(folder, work)
    x, y = samples(folder, "train", work)
    test = samples(folder, "test", work)
    orders = np.fromfile(f"{folder}/order", "<i4").reshape(work["epochs"], -1)
    steps = -(-len(x) // work["batch"])
    epochs, seconds = [], []
    for order in orders:
        data = x[order], y[order]
        start = time.perf_counter()
        history = model.fit(*data, batch_size=work["batch"], shuffle=False, verbose=0).history
        seconds.append((time.perf_counter() - start) / steps)
        result = model.evaluate(*test, batch_size=work["batch"], verbose=0, return_dict=True)
        epochs.append([
            history["loss"][0], history.get("accuracy", [0])[0], result["loss"],
            result.get("accuracy", 0)])
    found = None
    if work["is_autoencoder"]:
        def errors(x):
            return np.mean(np.square(model.predict(x, verbose=0) - x), axis=1)

        found = area(errors(test[0]), errors(samples(folder, "broken", work)[0]))
    backend = keras.backend.backend()
    versions = f"Keras {keras.__version__} on {backend} {sys.modules[backend].__version__}"
    with open(f"{folder}/result.json", "w") as file:
        json.dump({
            "versions": versions, "epochs": [[float(v) for v in row] for row in epochs],
            "step": float(np.median(seconds[1:] or seconds)), "area": found}, file)


main()
