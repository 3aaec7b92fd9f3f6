"""Five training steps of one image each, by Keras, for Tests/FixedNetFilesTests/OneImageTests.swift.

usage: one_image_steps.py OUT.h5

OUT.h5 holds the model's JSON (attribute model_config of init), the images (x, label), the weights at the start
(init/LAYER/WEIGHT), and for every optimiser the losses and the weights after each step
(NAME/loss, NAME/after1/LAYER/WEIGHT ...).
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import keras
import numpy as np

STEPS = 5
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "nesterov": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "clipped": lambda: keras.optimizers.SGD(0.1, clipvalue=0.02),
}


def make_model():
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((14, 13, 2)),
            layers.Conv2D(5, 3, padding="same", activation="tanh", name="conv1"),
            layers.AveragePooling2D(2, name="pool1"),
            layers.Conv2D(18, (3, 2), activation="relu", name="conv2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(21, activation="sigmoid", kernel_regularizer=keras.regularizers.L2(0.01), name="dense1"),
            layers.Dense(4, activation="softmax", name="dense2"),
        ]
    )


def write_weights(file, group, model):
    for layer in model.layers:
        for weight in layer.weights:
            file[f"{group}/{layer.name}/{weight.name}"] = np.asarray(weight)


def main(path):
    keras.utils.set_random_seed(11)
    model = make_model()
    start = [w + np.random.default_rng(3).normal(0, 0.05, w.shape).astype("f4") for w in model.get_weights()]
    random = np.random.default_rng(4)
    x = random.uniform(-1, 1, (STEPS, 14, 13, 2)).astype("f4")
    label = random.integers(0, 4, STEPS)
    with h5py.File(path, "w") as file:
        file.create_group("init").attrs["model_config"] = model.to_json()
        file["x"], file["label"] = x, label.astype("f4")
        model.set_weights(start)
        write_weights(file, "init", model)
        for name, optimizer in OPTIMIZERS.items():
            model.set_weights(start)
            model.compile(optimizer=optimizer(), loss="sparse_categorical_crossentropy")
            losses = []
            for step in range(STEPS):
                losses.append(model.train_on_batch(x[step : step + 1], label[step : step + 1]))
                if step in (0, STEPS - 1):
                    write_weights(file, f"{name}/after{step + 1}", model)
            file[f"{name}/loss"] = np.array(losses, "f4")


main(sys.argv[1])
