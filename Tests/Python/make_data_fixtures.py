"""Makes the small data files under Tests/Fixtures/data: forms that people have data in, and two-class models of Keras.

Usage: make_data_fixtures.py FIXTURES (needs NumPy, SciPy, h5py, Keras 3 and Octave). What Keras answers is in
binary.json.
"""
import json
import os
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np
from scipy import io, sparse

root = os.path.join(sys.argv[1], "data")
os.makedirs(root, exist_ok=True)
random = np.random.default_rng(11)
count, width = 8, 6
values = random.integers(0, 100, (count, width)) / 64
labels = np.arange(count) % 4


def path(name):
    return os.path.join(root, name)


def mat(name, **arrays):
    io.savemat(path(name), arrays, do_compression=True)


def hdf5(name, options=None, **arrays):
    with h5py.File(path(name), "w") as file:
        for key, array in arrays.items():
            chosen = (options or {}).get(key, {})
            file.create_dataset(key, data=array, **chosen)


def matlab():
    column = labels.reshape(-1, 1)
    # The value at (row, column, channel) of sample n is 1000 n + 100 row + 10 column + channel.
    image = np.add.outer(np.add.outer([0, 100], [0, 10, 20]), [0, 1]).astype(float)
    images = np.stack([image + 1000 * n for n in range(count)])
    mat("samples_last.mat", X=np.moveaxis(images, 0, -1), y=column)
    mat("samples_first.mat", X=images, y=column)
    mat("rows.mat", X=images.reshape(count, -1), y=column)
    mat("columns.mat", X=np.stack([i.ravel(order="F") for i in images]), y=column)
    mat("other_names.mat", data=values.T, label=column.T, order=np.array(["label", "data"], dtype=object))
    mat("transposed.mat", X=values.T, y=column.T)
    mat("struct.mat", dataset={"train": {"images": values, "labels": column}})
    mat("signs.mat", X=values, y=np.where(column % 2 == 0, -1.0, 1.0))
    mat("minus.mat", X=values, y=-np.ones((count, 1)))
    mat("no_zero.mat", X=values, y=column % 3 + 1.0)
    mat("one_to_four.mat", X=values, y=column + 1.0)
    mat("sparse_y.mat", X=values, y=sparse.csc_matrix(np.eye(4)[labels]))
    mat("weighted.mat", X=values, y=column, sample_weight=np.arange(count) / 4, names=column)
    octave = (
        f"X = {json.dumps(values.tolist()).replace('], [', '; ').replace('[[', '[').replace(']]', ']')};"
        f"y = {labels.tolist()}'; x = X;"
        f"save('{path('octave_text.mat')}', 'X', 'y'); save('-binary', '{path('octave_binary.mat')}', 'X', 'y');"
        f"save('-hdf5', '{path('octave_hdf5.mat')}', 'X', 'y'); save('-hdf5', '{path('octave_hdf5.h5')}', 'x', 'y');"
    )
    subprocess.run(["octave", "--no-init-file", "--eval", octave], check=True)


def arrays():
    hdf5("groups.h5", **{"train/data": values, "train/target": labels})
    hdf5("cats.h5", train_set_x=values, train_set_y=labels, list_classes=np.array([b"no", b"cat"]))
    hdf5("train_test.h5", x_train=values, y_train=labels, x_test=values, y_test=labels)
    hdf5("lzf.h5", {"x": {"compression": "lzf"}}, x=np.zeros((8, 64)), y=labels)
    hdf5("boolean.h5", x=values > 0.8, y=labels % 2 == 0)
    hdf5("half.h5", x=values.astype("float16"), y=labels.astype("float16"))
    hdf5("half_big.h5", x=values.astype(">f2"), y=labels)
    hdf5("strings.h5", x=values, y=np.array([b"a", b"b"] * 4))
    hdf5("reversed.h5", x=values.T, y=labels.reshape(1, -1))
    hdf5("reversed_images.h5", x=np.zeros((count, 1, 3, 2)), y=labels.reshape(1, -1))
    hdf5("from_one.h5", x=values, y=labels + 1)
    hdf5("one_class.h5", x=values, y=np.full(count, 2))
    hdf5("years.h5", x=values, y=1990 + 3 * labels)
    weights = np.arange(count) / 4
    hdf5("weighted.h5", x=values, y=labels, sample_weight=weights, ids=labels, when=labels)
    hdf5("negative_weight.h5", x=values, y=labels, sample_weight=weights - 0.5)
    hdf5("short_weight.h5", x=values, y=labels, sample_weight=weights[:5])
    hdf5("test_weight.h5", x=values, y=labels, sample_weight=weights, x_test=values, y_test=labels)
    # An enumeration of other values is no boolean.
    kind = h5py.enum_dtype({"RED": 0, "GREEN": 1}, basetype="i1")
    with h5py.File(path("colours.h5"), "w") as file:
        file["x"] = values
        file.create_dataset("y", data=(labels % 2).astype("i1"), dtype=kind)


def models():
    """One output for two classes: behind a sigmoid, and as a logit; and one number."""
    x = random.normal(size=(40, 6)).astype("float32")
    y = (x @ random.normal(size=6) + 2 * random.normal(size=40) > 0.2).astype("int32")
    hdf5("two.h5", x=x, y=y)
    hdf5("two_one_hot.h5", x=x, y=np.eye(2)[y])
    answers = {}
    for name, activation, loss in [
        ("sigmoid", "sigmoid", "binary_crossentropy"),
        ("logit", None, keras.losses.BinaryCrossentropy(from_logits=True)),
        ("number", None, "mean_squared_error"),
    ]:
        keras.utils.set_random_seed(5)
        model = keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, activation)], name=name)
        threshold = 0.5 if activation else 0.0
        accuracy = keras.metrics.BinaryAccuracy(threshold=threshold)
        model.compile(keras.optimizers.SGD(0.5), loss, metrics=[accuracy])
        model.fit(x, y, epochs=8, batch_size=8, verbose=0)
        found, hits = model.evaluate(x, y, batch_size=40, verbose=0)
        guess = (model.predict(x, verbose=0).ravel() > threshold).astype(int)
        assert activation or ((model.predict(x, verbose=0).ravel() > 0.5) != guess).any()
        counts = [[int(((y == a) & (guess == b)).sum()) for b in (0, 1)] for a in (0, 1)]
        answers[name] = {"loss": float(found), "accuracy": float(hits), "confusion": counts}
        model.save(path(f"{name}.keras"))
    with open(path("binary.json"), "w") as file:
        json.dump(answers, file, indent=1)


matlab()
arrays()
models()
