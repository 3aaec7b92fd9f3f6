#!/usr/bin/env python3
"""Writes Tests/Fixtures/layers/graphs.h5: small networks, one for each layer, activation and merge, with Keras' outputs
(inference) and gradients (training) on 18 samples.

    make_layers.py OUTPUT      with Keras 3 on JAX

Groups: /x/SHAPE the samples, /labels, and for each network its name with attribute `config` (model.to_json()), dataset `y`,
and LAYER/w0, w1, ... the weights, LAYER/g0, ... the gradients of the mean cross-entropy by the trainable ones.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import jax
import keras
import numpy as np
from keras import layers as L

COUNT = 18
IMAGE, ROWS = (6, 5, 4), (13, 3)


def end(x):
    return L.Dense(3, activation="softmax")(L.Flatten()(x) if len(x.shape) > 2 else x)


def pair(x):
    """Two values of x' shape."""
    return L.Conv2D(4, 3, padding="same", activation="tanh")(x), L.Conv2D(4, 1)(x)


def conv(x):
    return L.Conv2D(4, 2)(x)


def row(x):
    return L.Conv1D(4, 2)(x)


def mean(x):
    return L.GlobalAveragePooling2D(keepdims=True)(x)


def residual(x):
    x = L.ReLU()(L.Conv2D(4, 3, padding="same")(x))
    y = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(x))
    return L.ReLU()(L.Add()([x, y]))


def separable_block(x):
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False)(conv(x))
    x = L.ReLU()(L.BatchNormalization()(x))
    x = L.Conv2D(6, 1, use_bias=False)(x)
    return L.ReLU()(L.BatchNormalization()(x))


def squeeze_excite(x):
    a, b = pair(x)
    return L.Multiply()([a, L.Dense(4, activation="sigmoid")(mean(b))])


def nested(x):
    inner = keras.Sequential(
        [keras.Input((5, 4, 4)), L.Conv2D(4, 1, name="c"), L.Activation("tanh")], name="inner")
    i = keras.Input((5, 4, 4))
    outer = keras.Model(i, L.Add()([inner(i), i]), name="outer")
    return outer(conv(x))


IMAGES = {
    "reshape_image": lambda x: conv(L.Reshape((4, 5, 6))(L.Conv2D(4, 1)(x))),
    "reshape_rows": lambda x: L.Conv1D(3, 2)(L.Reshape((-1, 10))(L.Conv2D(4, 1)(x))),
    "reshape_flattened": lambda x: conv(L.Reshape((5, 6, 4))(L.Flatten()(L.Conv2D(4, 1)(x)))),
    "permute": lambda x: L.Permute((3, 1, 2))(conv(x)),
    "repeat_vector": lambda x: L.RepeatVector(3)(L.Flatten()(conv(x))),
    "zero_padding2d": lambda x: conv(L.ZeroPadding2D(((1, 2), (0, 3)))(L.Conv2D(4, 1)(x))),
    "cropping2d": lambda x: L.Cropping2D((1, 2))(L.Conv2D(4, 1)(x)),
    "upsampling2d": lambda x: L.Conv2D(2, 3, strides=2)(L.UpSampling2D((2, 3))(L.Conv2D(4, 1)(x))),
    "concatenate": lambda x: L.Concatenate()([*pair(x), x]),
    "concatenate_flattened": lambda x: L.Concatenate()(
        [L.Flatten()(pair(x)[0]), L.Dense(5)(L.Flatten()(x))]),
    "add_three": lambda x: L.Add()([*pair(x), x]),
    "add_itself": lambda x: (lambda t: L.Add()([t, t]))(conv(x)),
    "add_flattened": lambda x: L.Add()([L.Flatten()(pair(x)[0]), L.Dense(120)(L.Flatten()(x))]),
    "subtract": lambda x: L.Subtract()(list(pair(x))),
    "average": lambda x: L.Average()([*pair(x), x]),
    "multiply": lambda x: L.Multiply()([*pair(x), x]),
    "maximum": lambda x: L.Maximum()([*pair(x), x]),
    "minimum": lambda x: L.Minimum()([*pair(x), x]),
    "subtract_from_mean": lambda x: L.Subtract()([mean(pair(x)[1]), pair(x)[0]]),
    "maximum_of_mean": lambda x: L.Maximum()([mean(pair(x)[1]), pair(x)[0]]),
    "minimum_one_channel": lambda x: L.Minimum()([pair(x)[0], L.Conv2D(1, 1)(pair(x)[1])]),
    "multiply_one_value": lambda x: L.Multiply()([pair(x)[0], L.Conv2D(1, 1)(mean(pair(x)[1]))]),
    "multiply_data": lambda x: L.Multiply()([x, pair(x)[0]]),
    "fan_out": lambda x: (lambda t: L.Add()([L.Conv2D(4, 1)(t), L.Maximum()([t, L.Conv2D(4, 1)(t)])]))(
        conv(x)),
    "squeeze_excite": squeeze_excite,
    "residual": residual,
    "separable_block": separable_block,
    "nested": nested,
    "conv2d_groups": lambda x: L.Conv2D(6, 3, groups=2, activation="relu", padding="same")(conv(x)),
    "conv2d_groups_strides": lambda x: L.Conv2D(4, (2, 3), groups=4, strides=2)(L.Conv2D(8, 1)(x)),
    "conv2d_dilation": lambda x: L.Conv2D(5, 3, dilation_rate=2, activation="tanh", padding="same")(
        conv(x)),
    "conv2d_dilation_groups": lambda x: L.Conv2D(6, (3, 2), dilation_rate=(2, 3), groups=2)(
        L.Conv2D(4, 1)(x)),
    "transpose_same": lambda x: L.Conv2DTranspose(
        5, 3, strides=2, padding="same", activation="tanh")(conv(x)),
    "transpose_valid": lambda x: L.Conv2DTranspose(5, (3, 2), strides=(2, 1))(conv(x)),
    "transpose_apart": lambda x: L.Conv2DTranspose(2, 2, strides=3, use_bias=False)(conv(x)),
    "depthwise": lambda x: L.DepthwiseConv2D(3, padding="same", activation="relu")(conv(x)),
    "depthwise_multiplier": lambda x: L.DepthwiseConv2D((2, 3), strides=2, depth_multiplier=3)(conv(x)),
    "depthwise_dilation": lambda x: L.DepthwiseConv2D(2, dilation_rate=2, padding="same")(conv(x)),
    "separable": lambda x: L.SeparableConv2D(5, 3, depth_multiplier=2, activation="tanh")(conv(x)),
    "global_average": lambda x: L.GlobalAveragePooling2D()(conv(x)),
    "global_max": lambda x: L.GlobalMaxPooling2D()(L.Conv2D(4, 2, activation="relu")(x)),
    "global_keepdims": lambda x: L.Conv2D(3, 1)(mean(conv(x))),
    "layer_normalization": lambda x: L.LayerNormalization()(conv(x)),
    "layer_normalization_flattened": lambda x: L.LayerNormalization()(L.Flatten()(conv(x))),
    "layer_normalization_no_scale": lambda x: L.LayerNormalization(scale=False)(conv(x)),
    "layer_normalization_no_center": lambda x: L.LayerNormalization(center=False)(conv(x)),
    "prelu": lambda x: L.PReLU()(conv(x)),
    "prelu_shared": lambda x: L.PReLU(shared_axes=[1, 2])(conv(x)),
    "prelu_one": lambda x: L.PReLU(shared_axes=[1, 2, 3])(conv(x)),
    "prelu_flattened": lambda x: L.PReLU()(L.Flatten()(conv(x))),
    "softmax_pixels": lambda x: L.Softmax()(conv(x)),
    "conv2d_softmax": lambda x: L.Conv2D(5, 2, activation="softmax")(x),
    "log_softmax": lambda x: L.Dense(5, activation="log_softmax")(L.Flatten()(x)),
    "log_softmax_pixels": lambda x: L.Conv2D(5, 2, activation="log_softmax")(x),
    "dense_pixels": lambda x: L.Dense(5, activation="tanh")(conv(x)),
    "elu_layers": lambda x: L.Dense(7, activation=L.ELU(0.7))(L.Flatten()(L.ELU(alpha=0.5)(conv(x)))),
}
for name in ("elu celu selu gelu silu mish softplus softsign squareplus exponential log_sigmoid "
             "tanh_shrink hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink sparse_plus "
             "sparse_sigmoid relu6 leaky_relu").split():  # exponential once: twice is infinite
    IMAGES[f"activation_{name}"] = lambda x, name=name: L.Activation(name)(
        L.Dense(4, activation=None if name == "exponential" else name)(L.Flatten()(conv(x))))

ROW_NETWORKS = {
    "conv1d": lambda x: L.Conv1D(5, 3, activation="relu")(L.Conv1D(4, 2, padding="same", strides=2)(x)),
    "conv1d_causal": lambda x: L.Conv1D(5, 3, padding="causal", dilation_rate=2)(
        L.Conv1D(4, 2, padding="causal", strides=2)(x)),
    "conv1d_groups": lambda x: L.Conv1D(6, 3, groups=2)(row(x)),
    "max_pooling1d": lambda x: L.MaxPooling1D(3, 2, padding="same")(L.Conv1D(4, 2, activation="relu")(x)),
    "average_pooling1d": lambda x: L.AveragePooling1D(2)(row(x)),
    "global_average1d": lambda x: L.GlobalAveragePooling1D()(row(x)),
    "global_max1d": lambda x: L.GlobalMaxPooling1D(keepdims=True)(row(x)),
    "depthwise1d": lambda x: L.DepthwiseConv1D(3, depth_multiplier=2, strides=2, activation="relu")(row(x)),
    "separable1d": lambda x: L.SeparableConv1D(5, 3, depth_multiplier=2, padding="same")(row(x)),
    "zero_padding1d": lambda x: row(L.ZeroPadding1D((1, 2))(row(x))),
    "cropping1d": lambda x: L.Cropping1D((1, 2))(row(x)),
    "upsampling1d": lambda x: row(L.UpSampling1D(3)(row(x))),
    "layer_normalization1d": lambda x: L.LayerNormalization()(row(x)),
    "prelu1d": lambda x: L.PReLU(shared_axes=[1])(row(x)),
    "dense_rows": lambda x: L.Dense(5, activation="relu", use_bias=False)(L.Dense(4)(x)),
}


def leaves(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            for path, leaf in leaves(layer):
                yield f"{layer.name}_{path}", leaf
        else:
            yield layer.name, layer


def write(file, name, body, shape, x, labels, generator):
    keras.utils.clear_session()
    i = keras.Input(shape)
    model = keras.Model(i, end(body(i)), name=name)
    for weight in model.weights:
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 9
        value = generator.normal(size=weight.shape) / np.sqrt(max(fan, 1))
        weight.assign((np.abs(value) + 0.5 if "variance" in weight.path else value).astype("float32"))
    group = file.create_group(name)
    group.attrs["config"] = model.to_json()
    group["y"] = np.array(model(x, training=False))
    trained = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]

    def loss(trained):
        y, _ = model.stateless_call(trained, others, x, training=True)
        return keras.losses.sparse_categorical_crossentropy(labels, y).mean()

    gradients = {id(v): g for v, g in zip(model.trainable_variables, jax.grad(loss)(trained))}
    for path, layer in leaves(model):
        number = 0
        for index, weight in enumerate(layer.weights):
            group[f"{path}/w{index}"] = np.array(weight)
            if id(weight) in gradients:
                group[f"{path}/g{number}"] = np.array(gradients[id(weight)])
                number += 1


def main():
    generator = np.random.default_rng(17)
    labels = generator.integers(0, 3, COUNT).astype("int32")
    with h5py.File(sys.argv[1], "w", libver="latest") as file:
        file["labels"] = labels
        for shape, networks in ((IMAGE, IMAGES), (ROWS, ROW_NETWORKS)):
            x = generator.normal(size=(COUNT,) + shape).astype("float32")
            file["x/" + "x".join(map(str, shape))] = x
            for name, body in networks.items():
                write(file, name, body, shape, x, labels, generator)


main()
