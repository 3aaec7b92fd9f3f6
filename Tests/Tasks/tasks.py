#!/usr/bin/env python3
"""Ten tasks that people come with, from the shell, each in at most three commands and a minute.

    tasks.py FIXEDNET [TASK...]

FIXEDNET: the program. The data are scikit-learn's own, or drawn here; what the program reaches stands beside what
scikit-learn reaches on the same samples, and may be at most a margin below it. Prints a table; exits 1 if a task is
missed. Needs scikit-learn, SciPy and Pillow: `make tasks` installs them.
"""
import contextlib
import json
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.io
from PIL import Image
from sklearn import datasets, decomposition, linear_model, metrics, model_selection, neural_network, pipeline, preprocessing

PROGRAM = [sys.argv[1]] if len(sys.argv) > 1 else []
SECONDS = 60
LIMIT = 3  # commands


class Task:
    """A folder, and the commands that are run in it."""

    def __init__(self, folder):
        self.folder, self.commands = folder, []

    def run(self, command):
        """The program's standard output."""
        self.commands.append(command)
        result = subprocess.run(PROGRAM + shlex.split(command), cwd=self.folder, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"'{command}': {result.stderr.strip()}")
        return result.stdout

    def report(self, command):
        return json.loads(self.run(f"{command} --json"))

    def table(self, name, features, answers, names=None, answer="label"):
        """A CSV with the names of its columns."""
        names = [f"f{index + 1}" for index in range(features.shape[1])] if names is None else names
        with open(self.folder / name, "w", encoding="utf-8") as file:
            file.write(",".join(str(column).replace(" ", "_") for column in [*names, answer]) + "\n")
            for row, value in zip(features, answers):
                file.write(",".join(f"{number:.9g}" for number in row) + f",{value}\n")


def halves(features, answers, seed=0, stratify=True):
    """Training and test, a quarter."""
    return model_selection.train_test_split(
        features, answers, test_size=0.25, random_state=seed, stratify=answers if stratify else None)


def classifier():
    return pipeline.make_pipeline(
        preprocessing.StandardScaler(), neural_network.MLPClassifier((32,), max_iter=500, random_state=0))


def tables(task, data, options, names=None):
    """Accuracy of a table with a file for training and one for the test, and scikit-learn's."""
    x, x_test, y, y_test = halves(data.data, data.target)
    called = np.array(names if names is not None else data.target_names)
    task.table("train.csv", x, called[y])
    task.table("test.csv", x_test, called[y_test])
    task.run(f"train --data train.csv --test-fraction 0 --output m.h5 {options} --quiet")
    found = task.report("eval m.h5 --data test.csv --test-fraction 0")["accuracy"]
    return found, classifier().fit(x, y).score(x_test, y_test)


def iris(task):
    return tables(
        task, datasets.load_iris(),
        "--model mlp:16 --standardize --optimizer adam --learning-rate 0.01 --batch 16 --epochs 100")


def breast_cancer(task):
    return tables(
        task, datasets.load_breast_cancer(),
        "--model mlp:16 --standardize --optimizer adam --batch 16 --epochs 40")


def wine(task):
    return tables(
        task, datasets.load_wine(), "--model mlp:16 --standardize --optimizer adam --batch 16 --epochs 60",
        names=["Barolo", "Grignolino", "Barbera"])


def diabetes(task):
    """R2 of numbers."""
    data = datasets.load_diabetes()
    x, x_test, y, y_test = halves(data.data, data.target, stratify=False)
    task.table("train.csv", x, y, data.feature_names, "progression")
    task.table("test.csv", x_test, y_test, data.feature_names, "progression")
    task.run(
        "train --data train.csv --target progression --regression --test-fraction 0 --model mlp:32 --standardize "
        "--optimizer adam --learning-rate 0.01 --epochs 60 --batch 16 --l2 1 --output m.h5 --quiet")
    found = task.report("eval m.h5 --data test.csv --test-fraction 0")["r2"]
    return found, linear_model.RidgeCV(np.logspace(-3, 2, 20)).fit(x, y).score(x_test, y_test)


def digits():
    data = datasets.load_digits()
    return halves(np.round(data.images * 255 / 16).astype(np.uint8), data.target)


def by_pixels(x, x_test, y, y_test):
    model = classifier()
    return model.fit(x.reshape(len(x), -1) / 255, y).score(x_test.reshape(len(x_test), -1) / 255, y_test)


CNN = "--model cnn:16,32 --optimizer adam --learning-rate 0.003 --batch 32 --epochs 12"


def pictures(task):
    """A folder of PNGs for each class."""
    x, x_test, y, y_test = digits()
    for part, images, labels in [("train", x, y), ("test", x_test, y_test)]:
        for index, (image, label) in enumerate(zip(images, labels)):
            folder = task.folder / "digits8" / part / f"digit {label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{index}.png")
    task.run(f"train --data digits8 {CNN} --output m.h5 --quiet")
    return task.report("eval m.h5")["accuracy"], by_pixels(x, x_test, y, y_test)


def pixel_table(task):
    """A CSV as of Fashion-MNIST: label,pixel1,..."""
    x, x_test, y, y_test = digits()
    for name, images, labels in [("train.csv", x, y), ("test.csv", x_test, y_test)]:
        rows = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
        head = ",".join(["label"] + [f"pixel{index + 1}" for index in range(64)])
        np.savetxt(task.folder / name, rows, "%d", ",", header=head, comments="")
    task.run(f"train --data train.csv --image 8x8 --standardize --test-fraction 0 {CNN} --output m.h5 --quiet")
    found = task.report("eval m.h5 --data test.csv --test-fraction 0")["accuracy"]
    return found, by_pixels(x, x_test, y, y_test)


def idx(task):
    """Four IDX files as of EMNIST, labels from 1."""
    x, x_test, y, y_test = digits()
    for part, images, labels in [("train", x, y), ("test", x_test, y_test)]:
        start = task.folder / f"emnist-letters-{part}"
        (start.with_name(start.name + "-images-idx3-ubyte")).write_bytes(
            struct.pack(">4B3I", 0, 0, 8, 3, *images.shape) + images.tobytes())
        (start.with_name(start.name + "-labels-idx1-ubyte")).write_bytes(
            struct.pack(">4BI", 0, 0, 8, 1, len(labels)) + (labels + 1).astype(np.uint8).tobytes())
    task.run(f"train --data emnist-letters-train-images-idx3-ubyte {CNN} --output m.h5 --quiet")
    return task.report("eval m.h5")["accuracy"], by_pixels(x, x_test, y, y_test)


def numpy(task):
    x, x_test, y, y_test = digits()
    np.savez(
        task.folder / "d.npz", x_train=(x / 255).astype(np.float32), y_train=y,
        x_test=(x_test / 255).astype(np.float32), y_test=y_test)
    task.run(f"train --data d.npz {CNN} --output m.h5 --quiet")
    return task.report("eval m.h5")["accuracy"], by_pixels(x, x_test, y, y_test)


def svhn(task):
    """A .mat as of SVHN: X [height, width, 3, samples], y with 10 for the digit 0."""
    x, x_test, y, y_test = digits()
    draw = np.random.default_rng(0)

    def coloured(images):
        tint = draw.uniform(0.5, 1, (len(images), 1, 1, 3))
        return np.round(images[..., None] * tint).astype(np.uint8)

    x, x_test = coloured(x), coloured(x_test)
    for name, images, labels in [("train.mat", x, y), ("test.mat", x_test, y_test)]:
        scipy.io.savemat(
            task.folder / name,
            {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]})
    task.run(f"train --data train.mat --test-fraction 0 --standardize {CNN} --output m.h5 --quiet")
    found = task.report("eval m.h5 --data test.mat --test-fraction 0")["accuracy"]
    return found, by_pixels(x, x_test, y, y_test)


def anomalies(task):
    """The ROC AUC of an autoencoder's error: what is no healthy tissue; beside the error of as many principal components."""
    data = datasets.load_breast_cancer()
    scaled = preprocessing.StandardScaler().fit(data.data[data.target == 1]).transform(data.data)
    x, x_test, y, y_test = halves(scaled, data.target)
    names = np.array(["malignant", "benign"])
    task.table("train.csv", x, names[y], data.feature_names)
    task.table("test.csv", x_test, names[y_test], data.feature_names)
    task.run(
        "train --data train.csv --target inputs --normal benign --test-fraction 0 --model mlp:8 --optimizer adam "
        "--learning-rate 0.005 --batch 16 --epochs 100 --output m.h5 --quiet")
    found = task.report("eval m.h5 --data test.csv --test-fraction 0")["anomalyROCAUC"]
    components = decomposition.PCA(8).fit(x[y == 1])
    errors = ((components.inverse_transform(components.transform(x_test)) - x_test) ** 2).mean(1)
    return found, metrics.roc_auc_score(y_test == 0, errors)


def photograph(task):
    """One photograph, by a network that saw cuttings of two."""
    draw = np.random.default_rng(0)
    photographs = {name: datasets.load_sample_image(f"{name}.jpg") for name in ["china", "flower"]}
    for name, image in photographs.items():
        (task.folder / "cuttings" / name).mkdir(parents=True)
        for index in range(120):
            size = draw.integers(120, 400)
            top, left = draw.integers(0, image.shape[0] - size), draw.integers(0, image.shape[1] - size)
            cutting = Image.fromarray(image[top:top + size, left:left + size])
            cutting.save(task.folder / "cuttings" / name / f"{index}.jpg")
        Image.fromarray(image).save(task.folder / f"{name} whole.png")
    task.run(
        "train --data cuttings --image 24x24x3 --model cnn:8,16 --optimizer adam --epochs 15 --batch 16 --output m.h5 --quiet")
    lines = task.run("predict m.h5 'china whole.png' 'flower whole.png'").splitlines()
    return sum(f"{name} whole.png: {name} " in line for name, line in zip(photographs, lines)) / 2, 1.0


# Of each, how far below scikit-learn it may be.
TASKS = {
    "iris": (iris, 0.03), "breast-cancer": (breast_cancer, 0.02), "wine": (wine, 0.03), "diabetes": (diabetes, 0.03),
    "pictures": (pictures, 0.01), "pixel-table": (pixel_table, 0.01), "idx": (idx, 0.01), "numpy": (numpy, 0.01),
    "svhn": (svhn, 0.01), "anomalies": (anomalies, 0.02), "photograph": (photograph, 0.0),
}


def main():
    names = sys.argv[2:] or list(TASKS)
    if not PROGRAM or any(name not in TASKS for name in names):
        sys.exit(f"tasks: usage: tasks.py FIXEDNET [{' '.join(TASKS)}]")
    PROGRAM[0] = str(pathlib.Path(PROGRAM[0]).resolve())
    failed = False
    print(f"{'task':14} {'commands':>8} {'seconds':>8} {'FixedNet':>9} {'scikit-learn':>13}")
    for name in names:
        function, margin = TASKS[name]
        with tempfile.TemporaryDirectory() as folder:
            task = Task(pathlib.Path(folder))
            start = time.monotonic()
            try:
                found, other = function(task)
            except RuntimeError as error:
                failed = True
                print(f"{name:14} {error}")
                continue
            seconds = time.monotonic() - start
        missed = found < other - margin or len(task.commands) > LIMIT or seconds > SECONDS
        failed = failed or missed
        print(
            f"{name:14} {len(task.commands):8} {seconds:8.1f} {found:9.4f} {other:13.4f}{'  missed' if missed else ''}",
            flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
