"""ONNX Runtime: inference, with and without bound inputs and outputs."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from worker import padding

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}


def convolution(config, arrays, is_depthwise, extent):
    """Kernel as [out][in / groups][h][w], attributes, and the output's extent."""
    kernel, groups = arrays[0].transpose(3, 2, 0, 1), 1
    if is_depthwise:
        h, w, groups, _ = arrays[0].shape
        kernel = arrays[0].transpose(2, 3, 0, 1).reshape(-1, 1, h, w)
    strides = list(config.get("strides", (1, 1)))
    (top, bottom), (left, right) = padding(config, extent[1:])
    attributes = {"strides": strides, "pads": [top, left, bottom, right], "group": groups}
    sizes = zip(extent[1:], (top + bottom, left + right), kernel.shape[2:], strides)
    extent = (len(kernel), *((size + pad - k) // stride + 1 for size, pad, k, stride in sizes))
    return kernel, attributes, extent


def network(work):
    """The model as ONNX, channels first: its bytes, the output's name and width."""
    nodes, constants, values = [], [], []
    shape, reads = work.shape, work.reads()
    first = (shape[2], shape[0], shape[1]) if len(shape) == 3 else None
    width = 0

    def constant(array):
        name = f"w{len(constants)}"
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(kind, value, *inputs, **attributes):
        name = f"v{len(nodes)}"
        nodes.append(helper.make_node(kind, [value, *inputs], [name], **attributes))
        return name

    for index, (kind, config, arrays) in enumerate(work.weights()):
        # The name, the extent of an image, and what a Flatten layer has taken apart.
        inputs = [("x", first, None) if place < 0 else values[place] for place in reads[index]]
        value, extent, flattened = inputs[0]
        if kind in ("Conv2D", "DepthwiseConv2D"):
            kernel, attributes, extent = convolution(config, arrays, kind[0] == "D", extent)
            bias = [constant(arrays[1])] if config["use_bias"] else []
            value = add("Conv", value, constant(kernel), *bias, **attributes)
        elif kind == "Dense":
            kernel = arrays[0]
            if flattened:  # rows as Keras counts them: (height, width, channel)
                c, h, w = flattened
                kernel = kernel.reshape(h, w, c, -1).transpose(2, 0, 1, 3).reshape(c * h * w, -1)
                flattened = None
            value = add("Gemm", value, constant(kernel), constant(arrays[1]))
            width = kernel.shape[1]
        elif kind == "BatchNormalization":
            value = add(
                "BatchNormalization", value, *map(constant, arrays), epsilon=config["epsilon"])
        elif kind in ("AveragePooling2D", "MaxPooling2D"):
            size = config["pool_size"]
            name = "AveragePool" if kind[0] == "A" else "MaxPool"
            value = add(name, value, kernel_shape=size, strides=size)
            extent = (extent[0], extent[1] // size[0], extent[2] // size[1])
        elif kind == "Flatten":
            value = add("Flatten", value)
            flattened, extent = extent, None
        elif kind == "Add":
            value = add("Add", value, inputs[1][0])
        elif kind not in ("Activation", "Dropout"):
            raise ValueError(f"no {kind} here")
        if config.get("activation", "linear") != "linear":
            value = add(ACTIVATIONS[config["activation"]], value)
        values.append((value, extent, flattened))
    image = [shape[2], shape[0], shape[1]] if first else shape
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [work.batch] + image)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [work.batch, width])],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return model.SerializeToString(), value, width


class Peer:
    def __init__(self, name, threads):
        self.threads = threads

    def versions(self):
        return {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}

    def variants(self, work):
        if work.kind != "inference":
            return {}
        return {
            "bound": lambda: self.inference(work, True),
            "run": lambda: self.inference(work, False),
        }

    def inference(self, work, is_bound):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = work.threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        model, output, width = network(work)
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        inputs = work.inputs
        if inputs.ndim == 4:
            inputs = np.moveaxis(inputs, -1, 1)
        inputs = np.ascontiguousarray(inputs)
        result = np.empty((work.batch, width), np.float32)
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(inputs))
        value = onnxruntime.OrtValue.ortvalue_from_numpy(result)
        binding.bind_ortvalue_output(output, value)

        def run(steps):
            if not is_bound:
                for _ in range(steps):
                    outputs = session.run([output], {"x": inputs})[0]
                return outputs[0]
            for _ in range(steps):
                session.run_with_iobinding(binding)
            return value.numpy()[0]

        return run
