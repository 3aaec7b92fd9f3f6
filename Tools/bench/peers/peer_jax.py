"""JAX: jitted steps, one by one or, without convolutions, a whole run in one scan; channels last."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from worker import padding

ACTIVATIONS = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
    "linear": lambda x: x,
}


def pooled(x, size, reduce):
    """Windows that do not overlap, so that a reshape finds them."""
    n, h, w, c = x.shape
    (p, q) = size
    x = x[:, : h // p * p, : w // q * q].reshape(n, h // p, p, w // q, q, c)
    return reduce(x, axis=(2, 4))


def split(work):
    """What training changes and what it only moves along (BN statistics), layer by layer."""
    trained, moving = [], []
    for kind, _, arrays in work.weights():
        arrays = [jnp.asarray(array) for array in arrays]
        trained.append(arrays[:2])
        moving.append(arrays[2:])
    return trained, moving


def convolution(config, x, kernel, groups=1):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, config.get("strides", (1, 1)), padding(config, x.shape[1:3]),
        dimension_numbers=numbers, feature_group_count=groups)


def logits(work, trained, moving, x, key, is_training=True):
    """The model's output without the last activation, and the moved statistics."""
    moved, values = [], []
    sources, image = work.reads(), x
    for index, layer in enumerate(work.layers):
        kind, config, weights = layer["class_name"], layer["config"], trained[index]
        is_last = index == len(work.layers) - 1
        act = ACTIVATIONS["linear" if is_last else config.get("activation", "linear")]
        statistics = moving[index]
        inputs = [image if place < 0 else values[place] for place in sources[index]]
        x = inputs[0]
        if kind == "Conv2D":
            x = convolution(config, x, weights[0])
            x = act(x + weights[1] if config["use_bias"] else x)
        elif kind == "DepthwiseConv2D":
            h, w, channels, multiplier = weights[0].shape
            x = convolution(config, x, weights[0].reshape(h, w, 1, -1), channels)
            x = act(x + weights[1] if config["use_bias"] else x)
        elif kind == "Dense":
            x = act(x @ weights[0] + weights[1])
        elif kind == "BatchNormalization":
            axes = tuple(range(x.ndim - 1))
            mean, variance = (x.mean(axes), x.var(axes)) if is_training else statistics
            x = (x - mean) * (weights[0] * lax.rsqrt(variance + config["epsilon"])) + weights[1]
            m = config["momentum"]
            statistics = [m * s + (1 - m) * v for s, v in zip(statistics, (mean, variance))]
        elif kind == "AveragePooling2D":
            x = pooled(x, config["pool_size"], jnp.mean)
        elif kind == "MaxPooling2D":
            x = pooled(x, config["pool_size"], jnp.max)
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        elif kind == "Dropout":
            if is_training:
                key, part = jax.random.split(key)
                kept = jax.random.bernoulli(part, 1 - config["rate"], x.shape)
                x = jnp.where(kept, x / (1 - config["rate"]), 0)
        elif kind == "Rescaling":
            x = x * config["scale"] + config["offset"]
        elif kind == "Activation":
            x = act(x)
        elif kind == "Add":
            x = sum(inputs[1:], inputs[0])
        else:
            raise ValueError(f"no {kind} here")
        moved.append(statistics)
        values.append(x)
    return x, moved


class Peer:
    def __init__(self, name, threads):
        jax.config.update("jax_platforms", "cpu")

    def versions(self):
        return {"jax": jax.__version__}

    def variants(self, work):
        if work.kind == "training":
            made = {"step by step": lambda: self.training(work, False)}
            # In a scan XLA's convolutions run on one thread, six times slower and more.
            if all("Conv2D" not in layer["class_name"] for layer in work.layers):
                made["scan"] = lambda: self.training(work, True)
            return made
        if work.kind == "gradient":
            return {"": lambda: self.gradient(work)}
        if work.kind == "lanes":
            return {
                "scan of vmap": lambda: self.lanes(work, False),
                "vmap of scan": lambda: self.lanes(work, True),
            }
        return {}

    def training(self, work, scans):
        state = split(work) + (jax.random.key(0),)
        count = work.steps * work.batch
        shape = [work.steps, work.batch]
        inputs = jnp.asarray(work.inputs[:count].reshape(shape + work.shape))
        targets = jnp.asarray(work.targets[:count])
        targets = targets.reshape(shape + list(targets.shape[1:]))
        penalties = [(index, factor) for index, factor in enumerate(work.penalties()) if factor]

        def step(state, sample):
            (trained, moving, key), (x, y) = state, sample
            key, part = jax.random.split(key)

            def loss_of(trained):
                z, moved = logits(work, trained, moving, x, part)
                penalty = sum(factor * jnp.square(trained[i][0]).sum() for i, factor in penalties)
                if work.is_autoencoder:
                    return jnp.square(z - y).mean(), moved
                chosen = jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1)
                return penalty - chosen.mean(), moved

            (loss, moved), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained)
            trained = jax.tree.map(lambda w, g: w - work.learningRate * g, trained, gradients)
            return (trained, moved, key), loss

        if scans:
            all_steps = jax.jit(lambda state, x, y: lax.scan(step, state, (x, y)), donate_argnums=0)
        else:
            one_step = jax.jit(step, donate_argnums=0)
            parts = [(inputs[i], targets[i]) for i in range(work.steps)]

        def run(steps):
            nonlocal state
            if scans:
                state, losses = all_steps(state, inputs[:steps], targets[:steps])
            else:
                losses = []
                for i in range(steps):
                    state, loss = one_step(state, parts[i])
                    losses.append(loss)
            jax.block_until_ready((state, losses))
            return losses

        return run

    def gradient(self, work):
        trained, moving = split(work)
        x = jnp.asarray(work.inputs)
        targets = jax.nn.one_hot(jnp.asarray(work.labels), 10)

        @jax.jit
        def evaluate(trained, x, targets):
            def loss_of(trained):
                z, _ = logits(work, trained, moving, x, None)
                return (jnp.maximum(z, 0) - z * targets + jnp.log1p(jnp.exp(-jnp.abs(z)))).mean()

            return jax.value_and_grad(loss_of)(trained)

        def run(steps):
            for _ in range(steps):
                loss, gradients = jax.block_until_ready(evaluate(trained, x, targets))
            return [loss] + [jnp.square(g).sum() for g in jax.tree.leaves(gradients)]

        return run

    def lanes(self, work, vmap_is_outside):
        x, target = (jnp.asarray(work.floats(key, [-1])) for key in ("inputs", "targets"))
        flat = work.floats("weights", [work.networks, -1])
        parameters, place = [], 0
        for layer in work.layers:
            for shape in layer["weights"]:
                size = int(np.prod(shape))
                parameters.append(jnp.asarray(flat[:, place : place + size].reshape([-1] + shape)))
                place += size
        full = len(x) // work.batch * work.batch
        shape = [-1, work.batch]

        def loss_of(parameters, x, t):
            y = x[:, None]
            for w, b in zip(parameters[::2], parameters[1::2]):
                y = jax.nn.relu(y @ w + b)
            return jnp.square(y[:, 0] - t).mean()

        def update(state, x, t):
            parameters, squares = state
            gradients = jax.grad(loss_of)(parameters, x, t)
            keep = work.rho
            squares = [keep * v + (1 - keep) * g * g for v, g in zip(squares, gradients)]
            rates = [work.learningRate / jnp.sqrt(v + work.epsilon) for v in squares]
            return [p - r * g for p, r, g in zip(parameters, rates, gradients)], squares

        def epoch(update, state, x, t):
            def step(state, sample):
                return update(state, *sample), None

            parts = (x[:full].reshape(shape), t[:full].reshape(shape))
            state, _ = lax.scan(step, state, parts)
            return update(state, x[full:], t[full:]) if full < len(x) else state

        if vmap_is_outside:
            one = lambda state, x, t: epoch(update, state, x, t)
            train = jax.jit(jax.vmap(one, in_axes=(0, None, None)), donate_argnums=0)
        else:
            all_networks = jax.vmap(update, in_axes=(0, None, None))
            train = jax.jit(lambda state, x, t: epoch(all_networks, state, x, t), donate_argnums=0)
        state = (parameters, [jnp.zeros_like(p) for p in parameters])
        errors = jax.jit(jax.vmap(loss_of, in_axes=(0, None, None)))
        is_first = True

        def run(steps):
            nonlocal state, is_first
            for _ in range(steps):
                state = jax.block_until_ready(train(state, x, target))
            if not is_first:
                return []
            is_first = False
            return [errors(state[0], x, target).mean()]

        return run
