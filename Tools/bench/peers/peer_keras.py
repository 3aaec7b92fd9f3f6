"""Keras on TensorFlow: a whole run in one tf.function, its steps compiled by XLA or not, and `fit`."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf


def network(work, drops_last_activation=True, batch=None):
    """The model with the work's weights, its last activation left to the loss; for `batch` samples, or any number."""
    image = keras.Input(work.shape, batch_size=batch)
    values = []
    for index, (entry, reads) in enumerate(zip(work.weights(), work.reads())):
        kind, config, arrays = entry
        config = dict(config)
        if drops_last_activation and index == len(work.layers) - 1 and "activation" in config:
            config["activation"] = "linear"
        layer = getattr(keras.layers, kind).from_config(config)
        inputs = [image if place < 0 else values[place] for place in reads]
        values.append(layer(inputs[0] if len(inputs) == 1 else inputs))
        layer.set_weights(arrays)
    return keras.Model(image, values[-1])


def loss_of(work):
    if work.is_autoencoder:
        return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Peer:
    def __init__(self, name, threads):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def versions(self):
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def variants(self, work):
        if work.kind == "training":
            return {
                "tf.function": lambda: self.training(work, False),
                "tf.function, XLA": lambda: self.training(work, True),
                "fit": lambda: self.fit(work, False),
                "fit, XLA": lambda: self.fit(work, True),
            }
        if work.kind == "gradient":
            return {
                "tf.function": lambda: self.gradient(work, False),
                "tf.function, XLA": lambda: self.gradient(work, True),
            }
        return {}

    def training(self, work, compiles):
        model = network(work)
        inputs, targets = tf.constant(work.inputs), tf.constant(work.targets)
        loss_function = loss_of(work)
        variables = [v.value for v in model.trainable_variables]
        batch, rate = work.batch, work.learningRate

        @tf.function(jit_compile=compiles)
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.add_n([loss_function(y, model(x, training=True))] + model.losses)
            for variable, gradient in zip(variables, tape.gradient(loss, variables)):
                variable.assign_sub(rate * gradient)
            return loss

        @tf.function
        def run(steps):
            losses = tf.TensorArray(tf.float32, steps)
            for i in tf.range(steps):
                x = tf.ensure_shape(inputs[i * batch : (i + 1) * batch], [batch] + work.shape)
                y = targets[i * batch : (i + 1) * batch]
                y = tf.ensure_shape(y, [batch] + list(targets.shape[1:]))
                losses = losses.write(i, step(x, y))
            return losses.stack()

        return lambda steps: run(tf.constant(steps)).numpy()

    def fit(self, work, compiles):
        model = network(work)
        model.compile(
            keras.optimizers.SGD(work.learningRate),
            loss_of(work),
            jit_compile=compiles,
            steps_per_execution=work.steps,
        )
        inputs, targets = tf.constant(work.inputs), tf.constant(work.targets)

        def run(steps):
            count = work.batch * steps
            model.fit(inputs[:count], targets[:count], batch_size=work.batch, shuffle=False, verbose=0)
            return []

        return run

    def gradient(self, work, compiles):
        model = network(work)
        inputs = tf.constant(work.inputs)
        targets = tf.one_hot(work.labels, 10)
        variables = [v.value for v in model.trainable_variables]

        @tf.function(jit_compile=compiles)
        def evaluate():
            with tf.GradientTape() as tape:
                z = model(inputs, training=True)
                terms = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=z)
                loss = tf.reduce_mean(terms)
            return loss, tape.gradient(loss, variables)

        def run(steps):
            for _ in range(steps):
                loss, gradients = evaluate()
            return [loss.numpy()] + [np.square(g.numpy()).sum() for g in gradients]

        return run
