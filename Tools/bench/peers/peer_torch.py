"""PyTorch: eager, or every step compiled; both with channels first and last."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from worker import padding


class Constant(nn.Module):
    """x -> x * scale + offset"""

    def __init__(self, scale, offset):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset


class Sum(nn.Module):
    """x, y -> x + y"""

    def forward(self, *inputs):
        return sum(inputs[1:], inputs[0])


class Graph(nn.Module):
    """Layers that read each other: -1 is the input."""

    def __init__(self, layers, reads):
        super().__init__()
        self.layers, self.reads = nn.ModuleList(layers), reads

    def forward(self, x):
        values = []
        for layer, reads in zip(self.layers, self.reads):
            values.append(layer(*(x if place < 0 else values[place] for place in reads)))
        return values[-1]


ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}


def activation(name):
    if name == "softmax":
        return [nn.Softmax(dim=1)]
    return [] if name == "linear" else [ACTIVATIONS[name]()]


def convolution(config, kernel, bias, groups, extent):
    """The layer, with zeros around its input where it pads, and its output's extent. `kernel`: [out][in / groups][h][w]"""
    outputs, inputs, height, width = kernel.shape
    strides = tuple(config.get("strides", (1, 1)))
    layer = nn.Conv2d(
        inputs * groups, outputs, (height, width), strides, groups=groups, bias=bias is not None)
    layer.weight.data = kernel
    if bias is not None:
        layer.bias.data = bias
    (top, bottom), (left, right) = padding(config, extent[1:])
    sizes = zip(extent[1:], (top + bottom, left + right), (height, width), strides)
    extent = (outputs, *((size + pad - k) // stride + 1 for size, pad, k, stride in sizes))
    if top == bottom and left == right:
        layer.padding = (top, left)
        return [layer], extent
    return [nn.ZeroPad2d((left, right, top, bottom)), layer], extent


def network(work, drops_last_activation):
    """The model with the work's weights, channels first."""
    modules, extents, flattened = [], [], []
    shape = work.shape
    first = (shape[2], shape[0], shape[1]) if len(shape) == 3 else None
    entries, reads = work.weights(), work.reads()
    for index, (kind, config, arrays) in enumerate(entries):
        source = reads[index][0]
        extent = first if source < 0 else extents[source]
        # channels, height, width that a Flatten layer has taken apart
        channels = None if source < 0 else flattened[source]
        taken = channels if kind not in ("Dense", "Flatten") else None
        is_last = index == len(entries) - 1
        drops = is_last and drops_last_activation
        arrays = [torch.from_numpy(array) for array in arrays]
        layers = []
        if kind in ("Conv2D", "DepthwiseConv2D"):
            kernel, groups = arrays[0].permute(3, 2, 0, 1).contiguous(), 1
            if kind == "DepthwiseConv2D":
                h, w, groups, multiplier = arrays[0].shape
                kernel = arrays[0].permute(2, 3, 0, 1).reshape(-1, 1, h, w).contiguous()
            bias = arrays[1] if config["use_bias"] else None
            layers, extent = convolution(config, kernel, bias, groups, extent)
            layers += activation(config.get("activation", "linear"))
        elif kind == "Dense":
            kernel = arrays[0]
            if channels:  # rows as Keras counts them: (height, width, channel)
                c, h, w = channels
                kernel = kernel.reshape(h, w, c, -1).permute(2, 0, 1, 3).reshape(c * h * w, -1)
            layer = nn.Linear(*kernel.shape)
            layer.weight.data, layer.bias.data = kernel.t().contiguous(), arrays[1]
            layers.append(layer)
            if not drops:
                layers += activation(config["activation"])
        elif kind == "BatchNormalization":
            make = nn.BatchNorm2d if extent else nn.BatchNorm1d
            layer = make(len(arrays[0]), eps=config["epsilon"], momentum=1 - config["momentum"])
            layer.weight.data, layer.bias.data = arrays[0], arrays[1]
            layer.running_mean.data, layer.running_var.data = arrays[2], arrays[3]
            layers.append(layer)
        elif kind in ("AveragePooling2D", "MaxPooling2D"):
            size = tuple(config["pool_size"])
            layers.append((nn.AvgPool2d if kind[0] == "A" else nn.MaxPool2d)(size))
            extent = (extent[0], extent[1] // size[0], extent[2] // size[1])
        elif kind == "Flatten":
            layers.append(nn.Flatten())
            taken, extent = extent, None
        elif kind == "Dropout":
            layers.append(nn.Dropout(config["rate"]))
        elif kind == "Rescaling":
            layers.append(Constant(config["scale"], config["offset"]))
        elif kind == "Activation":
            if not drops:
                layers += activation(config["activation"])
        elif kind == "Add":
            layers.append(Sum())
        else:
            raise ValueError(f"no {kind} here")
        modules.append(layers[0] if len(layers) == 1 else nn.Sequential(*layers))
        extents.append(extent)
        flattened.append(taken)
    if reads == [[index - 1] for index in range(len(reads))]:
        return nn.Sequential(*modules)
    return Graph(modules, reads)


def channels_first(inputs):
    if inputs.ndim < 4:
        return torch.from_numpy(inputs)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(inputs, -1, 1)))


class Peer:
    def __init__(self, name, threads):
        self.compiles = name == "torch-compile"
        self.threads = threads
        torch.set_num_interop_threads(1)

    def versions(self):
        return {"torch": torch.__version__}

    def compiled(self, function):
        return torch.compile(function, dynamic=False) if self.compiles else function

    def variants(self, work):
        torch.set_num_threads(work.threads)
        torch._dynamo.reset()
        if work.kind == "lanes":
            return {"bmm": lambda: self.lanes(work)}
        if work.kind == "gradient":
            return {"": lambda: self.gradient(work)}
        make = self.training if work.kind == "training" else self.inference
        formats = {
            "channels first": torch.contiguous_format,
            "channels last": torch.channels_last,
        }
        made = {name: lambda f=value: make(work, f) for name, value in formats.items()}
        if work.kind == "inference" and not self.compiles:
            made["TorchScript"] = lambda: make(work, torch.contiguous_format, True)
        return made

    def training(self, work, memory_format):
        model = network(work, True).to(memory_format=memory_format).train()
        inputs = channels_first(work.inputs).contiguous(memory_format=memory_format)
        targets = torch.from_numpy(work.targets)
        optimizer = torch.optim.SGD(model.parameters(), lr=work.learningRate, foreach=True)
        kernels = [module.weight for module in model.modules() if isinstance(module, nn.Conv2d)
                   and module.groups == 1]
        factor = max(work.penalties())  # all plain convolutions have it, or no layer has
        loss_function = F.mse_loss if work.is_autoencoder else F.cross_entropy

        def whole_loss(x, y):
            loss = loss_function(model(x), y)
            return loss + factor * sum(k.square().sum() for k in kernels) if factor else loss

        loss_of = self.compiled(whole_loss)
        batch = work.batch

        def run(steps):
            losses = []
            for step in range(steps):
                part = slice(step * batch, (step + 1) * batch)
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(inputs[part], targets[part])
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            return losses

        return run

    def inference(self, work, memory_format, is_scripted=False):
        model = network(work, False).to(memory_format=memory_format).eval()
        inputs = channels_first(work.inputs).contiguous(memory_format=memory_format)
        if is_scripted:
            model = torch.jit.freeze(torch.jit.trace(model, inputs))
        model = self.compiled(model)

        def run(steps):
            with torch.inference_mode():
                for _ in range(steps):
                    outputs = model(inputs)
            return outputs[0]

        return run

    def gradient(self, work):
        model = network(work, True)
        inputs = torch.from_numpy(work.inputs)
        targets = F.one_hot(torch.from_numpy(work.labels), 10).float()
        parameters = list(model.parameters())
        loss_of = self.compiled(
            lambda: F.binary_cross_entropy_with_logits(model(inputs), targets)
        )

        def run(steps):
            for _ in range(steps):
                loss = loss_of()
                gradients = torch.autograd.grad(loss, parameters)
            return [loss.detach()] + [g.square().sum() for g in gradients]

        return run

    def lanes(self, work):
        x, target = (torch.from_numpy(work.floats(key, [-1])) for key in ("inputs", "targets"))
        flat = torch.from_numpy(work.floats("weights", [work.networks, -1]))
        parameters, place = [], 0
        for kernel in work.layers:
            for shape in kernel["weights"]:
                size = int(np.prod(shape))
                part = flat[:, place : place + size].reshape([-1] + (shape if len(shape) == 2 else [1] + shape))
                parameters.append(part.clone().requires_grad_())
                place += size
        squares = [torch.zeros_like(p) for p in parameters]

        def outputs(x):
            y = x.reshape(1, -1, 1).expand(work.networks, -1, 1)
            for index in range(0, len(parameters), 2):
                y = torch.relu(torch.baddbmm(parameters[index + 1], y, parameters[index]))
            return y[:, :, 0]

        loss_of = self.compiled(lambda x, t: ((outputs(x) - t) ** 2).mean(1).sum())

        def run(steps):
            for _ in range(steps):
                for first in range(0, len(x), work.batch):
                    part = slice(first, first + work.batch)
                    gradients = torch.autograd.grad(loss_of(x[part], target[part]), parameters)
                    with torch.no_grad():
                        torch._foreach_mul_(squares, work.rho)
                        torch._foreach_addcmul_(squares, gradients, gradients, 1 - work.rho)
                        roots = torch._foreach_add(squares, work.epsilon)
                        torch._foreach_sqrt_(roots)
                        torch._foreach_addcdiv_(parameters, gradients, roots, -work.learningRate)
            with torch.no_grad():
                return [((outputs(x) - target) ** 2).mean()]

        return run
