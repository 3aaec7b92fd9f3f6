"""Models in Keras' dialects with Keras' own outputs: Tests/Fixtures/layers.

    KERAS_BACKEND=jax python Tests/Python/make_dialects.py Tests/Fixtures/layers
    python Tests/Python/make_dialects.py Tests/Fixtures/layers tf_keras

Every case is NAME.keras (or .h5) and NAME.io.h5 with x and y = model.predict(x). `half` models are compared with what
their float32 twins compute from the same weights, as that is what is computed here.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import numpy as np

folder = sys.argv[1]
isTF = len(sys.argv) > 2
if isTF:
    import tf_keras as keras
else:
    import keras
L = keras.layers
random = np.random.default_rng(15)


def values(*shape):
    return random.normal(1.0, 2.0, shape).astype("float32")


def save(name, model, x, ending, twin=None):
    model.predict(x[:1], verbose=0)
    # Weights that no initialiser gives; Normalization keeps what it has adapted to.
    for layer in model.layers:
        if not isinstance(layer, L.Normalization):
            layer.set_weights(
                [random.uniform(0.2, 0.9, w.shape).astype(w.dtype) for w in layer.get_weights()])
    if twin is not None:
        twin.set_weights([np.asarray(w, "float32") for w in model.get_weights()])
    y = (twin or model).predict(x, verbose=0)
    model.save(f"{folder}/{name}.{ending}")
    with h5py.File(f"{folder}/{name}.io.h5", "w") as file:
        file["x"] = x.astype("float32")
        file["y"] = np.asarray(y, "float32")


def sequential(shape, *layers, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def adapted(layer, shape):
    layer.adapt(values(20, *shape) * random.uniform(0.5, 5.0, shape).astype("float32"))
    return layer


def image(name, *layers, shape=(4, 3, 2), dtype="float32", x=None):
    x = values(5, *shape) if x is None else x
    save(name, sequential(shape, *layers, L.Flatten(), L.Dense(3), dtype=dtype), x,
         "h5" if isTF else "keras")


def vector(name, *layers, width=4, x=None, twin=None):
    x = values(5, width) if x is None else x
    save(name, sequential((width,), *layers, L.Dense(2)), x, "h5" if isTF else "keras", twin)


if isTF:
    image("tf_normalization_pixels", adapted(L.Normalization(axis=(1, 2)), (4, 3, 2)))
    image("tf_normalization_all", adapted(L.Normalization(axis=None), (4, 3, 2)))
    image("tf_normalization_given", L.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0]))
    image("tf_rescaling_list", L.Rescaling([1.0, 2.0], offset=[0.5, -0.5]))
    vector("tf_leaky_object", L.Dense(5, activation=L.LeakyReLU(0.15)), L.LeakyReLU(0.05))
    image("tf_matrix", L.Rescaling(0.5), L.BatchNormalization(), shape=(5, 4))
    keras.backend.set_floatx("float16")
    half = sequential((4,), L.Dense(3, activation="relu"), L.Dense(2), dtype="float16")
    keras.backend.set_floatx("float32")
    twin = sequential((4,), L.Dense(3, activation="relu"), L.Dense(2))
    save("tf_half", half, values(5, 4).astype("float16"), "h5", twin)
    sys.exit()

for kind in ["pixels", "rows", "all", "elements", "columns"]:
    axis = {"pixels": (1, 2), "rows": 1, "all": None, "elements": (1, 2, 3), "columns": (2, -1)}
    image(f"normalization_{kind}", adapted(L.Normalization(axis=axis[kind]), (4, 3, 2)))
image("normalization_inverse", adapted(L.Normalization(invert=True), (4, 3, 2)))
image("normalization_inverse_pixels", adapted(L.Normalization(axis=(1, 2), invert=True), (4, 3, 2)))
image("normalization_scalar", L.Normalization(mean=1.5, variance=4.0))
image("normalization_given", L.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0]))
image("normalization_given_rows",
      L.Normalization(axis=(1, 3), mean=[1.0, 2.0], variance=[3.0, 4.0]))
image("normalization_given_pixels",
      L.Normalization(axis=(1, 2), mean=values(4, 3).tolist(),
                      variance=random.uniform(1, 2, (4, 3)).tolist()))
image("matrix", L.Rescaling(2.0), L.Dropout(0.5), L.BatchNormalization(), L.ReLU(),
      adapted(L.Normalization(), (5, 4)), shape=(5, 4))
image("matrix_rows", adapted(L.Normalization(axis=1), (5, 4)), shape=(5, 4))
image("rescaling_channels", L.Rescaling([1.0, 2.0], offset=[0.5, -0.5]))
image("rescaling_offset", L.Rescaling(2.0, offset=np.array([0.5, -0.5])))
image("rescaling_pixels", L.Rescaling(values(4, 3, 1), offset=1.0))
vector("rescaling_features", L.Dense(3), L.Rescaling(np.array([1.0, 2.0, 3.0])), L.Dense(2))
save("rescaling_flattened",
     sequential((4, 3, 2), L.Flatten(), L.Rescaling(values(24), offset=values(24)), L.Dense(3)),
     values(5, 4, 3, 2), "keras")
whole = random.integers(0, 256, (5, 4, 3, 2))
image("uint8", L.Rescaling(1 / 255), dtype="uint8", x=whole)
image("uint8_pool", L.MaxPooling2D(2), L.Conv2D(2, 1), dtype="uint8", x=whole)
image("int32", L.Normalization(mean=[100.0, 50.0], variance=[1e3, 1e4]), dtype="int32",
      x=whole - 128)
for name in ["leaky_relu", "relu6"]:
    image(f"activation_{name}", L.Conv2D(3, 2, activation=name), L.Activation(name))
vector("activation_layers", L.Dense(5, activation=L.LeakyReLU()),
       L.Dense(4, activation=L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5)),
       L.Activation(L.LeakyReLU(negative_slope=0.2)), L.Dense(3, activation=L.Softmax()))
image("bn_without", L.BatchNormalization(scale=False), L.BatchNormalization(center=False),
      L.BatchNormalization(scale=False, center=False))
vector("long_name", L.Dense(3, name="n" * 5000))
vector("float64", L.Dense(3, dtype="float64"), L.Dense(2, dtype="float64"))
half = sequential((4,), L.Dense(3, dtype="float16"), L.Dense(2, dtype="float16"))
save("float16", half, values(5, 4), "keras", sequential((4,), L.Dense(3), L.Dense(2)))
mixed = sequential((4,), L.Dense(3, dtype="mixed_bfloat16"), L.Dense(2, dtype="mixed_bfloat16"))
save("mixed_bfloat16", mixed, values(5, 4), "keras", sequential((4,), L.Dense(3), L.Dense(2)))
without = keras.Sequential([L.Flatten(), L.Dense(3, activation="relu"), L.Dense(2)])
save("without_input", without, values(5, 4, 3), "keras")
