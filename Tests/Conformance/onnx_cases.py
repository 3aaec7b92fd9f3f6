"""The test cases of the onnx package whose graph is a chain of the layers that this program has, as Keras models.

The node cases are computed by the package; those converted from PyTorch lie in it as files. What a case expects is
ONNX', never Keras': Keras only writes the model. Images go from NCHW to NHWC; a window whose padding is at the other end
than Keras' "same" has it, runs over the mirrored image; a convolution along one axis is one over images of height 1.
"""

from pathlib import Path

import numpy as np
import onnx
from cases import OutOfScope
from onnx_chain import Chain
from keras import layers
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

WINDOWS = ("Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool")


def sources():
    """(group, name, model, inputs, outputs) of every case."""
    for case in collect_testcases(None):
        if case.model is not None:
            inputs, outputs = case.data_sets[0][:2]
            yield "onnx-node", case.name, case.model, inputs, outputs
    data = Path(onnx.__file__).parent / "backend/test/data"
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for folder in sorted((data / kind).iterdir()):
            if (folder / "model.onnx").exists():
                tensors = [read_tensors(folder, name) for name in ("input", "output")]
                yield f"onnx-{kind}", folder.name, onnx.load(folder / "model.onnx"), *tensors


def read_tensors(folder, name):
    """The arrays of a case's first data set; None for what is no tensor."""
    found = []
    while (path := folder / f"test_data_set_0/{name}_{len(found)}.pb").exists():
        tensor = onnx.TensorProto()
        try:
            tensor.ParseFromString(path.read_bytes())
            found.append(numpy_helper.to_array(tensor))
        except Exception:  # a sequence or an optional value
            found.append(None)
    return found


# -- windows

def windows(chain, node, attributes, count):
    """(kernel, strides, padding name) of a convolution or pooling; sets the shape to `count` channels.

    The image is mirrored where that brings the padding to the end at which Keras has it.
    """
    spatial = chain.shape[2:]
    kernel = list(attributes["kernel_shape"])
    strides = list(attributes.get("strides", [1] * len(kernel)))
    dilations = list(attributes.get("dilations", [1] * len(kernel)))
    pads = list(attributes.get("pads", [0] * 2 * len(kernel)))
    if len(kernel) == 1:  # along the width
        kernel, strides, dilations = [1, *kernel], [1, *strides], [1, *dilations]
        pads = [0, pads[0], 0, pads[1]]
    if any(d != 1 for d in dilations):
        raise OutOfScope("dilations")
    mode = attributes.get("auto_pad", b"NOTSET").decode()
    found = [
        extent(mode, attributes.get("ceil_mode", 0), *axis)
        for axis in zip(spatial, kernel, strides, pads[:2], pads[2:])
    ]
    for name in ("valid", "same"):
        for mirrored in (False, True):
            if all(
                matches(name, mirrored, *axis) for axis in zip(spatial, kernel, strides, found)
            ):
                if mirrored:
                    chain.view(lambda a: a[:, :, ::-1, ::-1])
                chain.shape = [chain.shape[0], count, *(out for _, out in found)]
                return kernel, strides, name, mirrored
    raise OutOfScope("padding that is neither valid nor same")


def extent(mode, is_ceiling, size, kernel, stride, before, after):
    """(padding in front, outputs) along one axis, by ONNX' definition."""
    if mode == "VALID":
        return 0, (size - kernel) // stride + 1
    if mode.startswith("SAME"):
        out = -(-size // stride)
        total = max(0, (out - 1) * stride + kernel - size)
        return (total // 2 if mode == "SAME_UPPER" else total - total // 2), out
    span = size + before + after - kernel
    out = (-(-span // stride) if is_ceiling else span // stride) + 1
    if is_ceiling and (out - 1) * stride >= size + before:
        out -= 1
    return before, out


def matches(name, mirrored, size, kernel, stride, found):
    """Whether Keras' padding `name` puts the same windows over the axis, or over the mirrored one."""
    before, out = found
    if mirrored:
        before = (out - 1) * stride + kernel - before - size
    if name == "valid":
        return (before, out) == (0, (size - kernel) // stride + 1)
    expected = -(-size // stride)
    return (before, out) == (max(0, (expected - 1) * stride + kernel - size) // 2, expected)


def convolution(chain, node, attributes):
    kernel = chain.constant(node, 1)
    if kernel.ndim == 3:
        attributes.setdefault("kernel_shape", kernel.shape[2:])
        kernel = kernel[:, :, None, :]
    attributes.setdefault("kernel_shape", kernel.shape[2:])
    if kernel.ndim != 4:
        raise OutOfScope(f"{kernel.ndim - 2} spatial axes")
    chain.require_image()
    if attributes.get("group", 1) != 1:
        raise OutOfScope("groups")
    bias = chain.constant(node, 2)
    size, strides, padding, mirrored = windows(chain, node, attributes, kernel.shape[0])
    kernel = np.transpose(kernel, (2, 3, 1, 0))
    if mirrored:
        kernel = kernel[::-1, ::-1]
    layer = layers.Conv2D(
        kernel.shape[-1], size, strides=strides, padding=padding, use_bias=bias is not None
    )
    chain.add(layer, [kernel] if bias is None else [kernel, bias])


def pooling(chain, node, attributes):
    chain.require_image()
    if len(node.output) > 1:
        raise OutOfScope("indices as an output")
    if attributes.get("storage_order", 0):
        raise OutOfScope("storage order")
    if node.op_type.startswith("Global"):
        attributes = {"kernel_shape": chain.shape[2:], "strides": chain.shape[2:]}
    padded = any(attributes.get("pads", [0])) or attributes.get("auto_pad", b"").startswith(b"SAME")
    if attributes.get("count_include_pad", 0) and padded:
        raise OutOfScope("averages over padding")
    size, strides, padding, _ = windows(chain, node, attributes, chain.shape[1])
    kind = layers.MaxPooling2D if "MaxPool" in node.op_type else layers.AveragePooling2D
    chain.add(kind(size, strides=strides, padding=padding))


# -- the other operations


def normalization(chain, node, attributes):
    if attributes.get("training_mode", 0) or any(node.output[1:]):
        raise OutOfScope("training mode")
    if len(chain.shape) == 5:
        chain.view(lambda a: a.reshape(*a.shape[:2], -1, a.shape[-1]))
    if len(chain.shape) > 2:
        chain.require_image()
    weights = [chain.constant(node, index) for index in range(1, 5)]
    layer = layers.BatchNormalization(axis=-1, epsilon=attributes.get("epsilon", 1e-5))
    chain.add(layer, weights)


def product(chain, node, attributes):
    if chain.is_image:
        raise OutOfScope("a product behind images")
    kernel = chain.constant(node, 1)
    bias = chain.constant(node, 2)
    if attributes.get("transA", 0):
        if chain.layers:
            raise OutOfScope("transA inside a chain")
        chain.x = chain.x.T
        chain.shape.reverse()
    if kernel.ndim != 2 or len(chain.shape) != 2:
        raise OutOfScope("a product of batches")
    if attributes.get("transB", 0):
        kernel = kernel.T
    kernel = kernel * np.float32(attributes.get("alpha", 1))
    if bias is not None:
        if bias.ndim == 2 and bias.shape[0] != 1:
            raise OutOfScope("one bias per row")
        scaled = bias.reshape(-1) * np.float32(attributes.get("beta", 1))
        bias = np.broadcast_to(scaled, kernel.shape[1:])
    chain.add(
        layers.Dense(kernel.shape[1], use_bias=bias is not None),
        [kernel] if bias is None else [kernel, bias],
    )
    chain.shape = [chain.shape[0], kernel.shape[1]]


def element_wise(*made):
    """An operation on each value: a function from attributes to layers."""

    def convert(chain, node, attributes):
        for make in made:
            chain.add(make(attributes))

    return convert


def slope_per_channel(chain, node, attributes):
    slope = chain.constant(node, 1)
    if slope.size != 1:
        raise OutOfScope("a slope per channel")
    chain.add(layers.LeakyReLU(negative_slope=float(slope.reshape(-1)[0])))


def clip(chain, node, attributes):
    limits = []
    for index, name in ((1, "min"), (2, "max")):
        value = chain.constant(node, index)
        limits.append(attributes.get(name) if value is None else float(value))
    low, high = limits
    if low is not None and high is not None and low > high:
        raise OutOfScope("a least value above the greatest")
    if low is None and high is not None:  # min(x, high) = high - relu(high - x)
        chain.add(layers.Rescaling(-1.0, high))
        chain.add(layers.ReLU())
        chain.add(layers.Rescaling(-1.0, high))
    elif low is not None:  # low + min(relu(x - low), high - low)
        chain.add(layers.Rescaling(1.0, -low))
        chain.add(layers.ReLU(max_value=None if high is None else high - low))
        chain.add(layers.Rescaling(1.0, low))


def softmax(chain, node, attributes):
    axis = attributes.get("axis", -1)
    if len(chain.shape) == 1:
        raise OutOfScope("a single axis")
    if chain.is_image:
        raise OutOfScope("softmax of an image inside a chain")
    if len(chain.shape) > 2 or axis not in (-1, 1):
        chain.view(lambda a: np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]))
    chain.add(layers.Softmax())


def flatten(chain, node, attributes):
    axis = attributes.get("axis", 1)
    if axis not in (1, 1 - len(chain.shape)):
        raise OutOfScope("Flatten that keeps another axis than the batch")
    if chain.is_image:
        raise OutOfScope("Flatten in the order of NCHW")
    chain.add(layers.Flatten())
    chain.shape = [chain.shape[0], int(np.prod(chain.shape[1:]))]


def dropout(chain, node, attributes):
    if len(node.output) > 1:
        raise OutOfScope("the mask as an output")
    if len(node.input) > 2:
        raise OutOfScope("training mode")
    chain.add(layers.Dropout(attributes.get("ratio", 0.5)))


OPERATIONS = {
    "Conv": convolution,
    "MaxPool": pooling,
    "AveragePool": pooling,
    "GlobalMaxPool": pooling,
    "GlobalAveragePool": pooling,
    "BatchNormalization": normalization,
    "Gemm": product,
    "MatMul": product,
    "Relu": element_wise(lambda a: layers.Activation("relu")),
    "Sigmoid": element_wise(lambda a: layers.Activation("sigmoid")),
    "Tanh": element_wise(lambda a: layers.Activation("tanh")),
    "LeakyRelu": element_wise(lambda a: layers.LeakyReLU(negative_slope=a.get("alpha", 0.01))),
    "ThresholdedRelu": element_wise(lambda a: layers.ReLU(threshold=a.get("alpha", 1.0))),
    "HardSigmoid": element_wise(
        lambda a: layers.Rescaling(a.get("alpha", 0.2), a.get("beta", 0.5)),
        lambda a: layers.ReLU(max_value=1.0),
    ),
    "Neg": element_wise(lambda a: layers.Rescaling(-1.0)),
    "Identity": element_wise(),
    "PRelu": slope_per_channel,
    "Clip": clip,
    "Softmax": softmax,
    "Flatten": flatten,
    "Dropout": dropout,
}


# -- from a graph to a case


def convert(model, inputs, outputs):
    """(Keras model, x, y) of a case. Throws: OutOfScope."""
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        values = [a.t for a in node.attribute if a.name == "value"]
        if node.op_type == "Constant" and values:
            constants[node.output[0]] = numpy_helper.to_array(values[0])
        else:
            nodes.append(node)
    for node in nodes:
        if node.op_type not in OPERATIONS:
            raise OutOfScope(f"operation {node.op_type}")
    names = [i.name for i in model.graph.input]
    if len(names) != len(inputs):
        names = [name for name in names if name not in constants]
    given = dict(zip(names, inputs))
    if not nodes or nodes[0].input[0] not in given:
        raise OutOfScope("no node behind the input")
    x, y = given.pop(nodes[0].input[0]), outputs[0]
    for node, following in zip(nodes, nodes[1:]):
        if following.input[0] != node.output[0]:
            raise OutOfScope("a graph that is no chain")
    if getattr(x, "dtype", None) not in (np.float32, np.float64, np.uint8):
        raise OutOfScope(f"values of type {getattr(x, 'dtype', type(x).__name__)}")
    chain = Chain(x, constants | given)
    for node in nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        OPERATIONS[node.op_type](chain, node, attributes)
    if not chain.is_image and len(chain.shape) not in (2, 4):
        shape = [x.shape[0], -1] if x.ndim > 2 else [1, -1]
        if any(isinstance(l, (layers.Flatten, layers.Dense)) for l in chain.layers) and x.ndim != 2:
            raise OutOfScope(f"{x.ndim} axes")
        chain.views.append(lambda a: a.reshape(shape))
    x, y = chain.arrays(y)
    return chain.model(x), x, y


def add_cases(folder):
    for group, name, model, inputs, outputs in sources():
        if "_expanded" in name:  # the same case once more, as a graph of simpler operations
            continue
        try:
            model, x, y = convert(model, inputs, outputs)
        except OutOfScope as reason:
            folder.skip(group, name, reason)
            continue
        folder.add(group, name.removeprefix("test_"), "outputs", model, {"x": x, "y": y})
