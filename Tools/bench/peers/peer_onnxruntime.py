"""ONNX Runtime: inference, with and without bound inputs and outputs."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}


def network(work):
    """The model as ONNX, channels first."""
    nodes, constants = [], []
    value, count = "x", 0
    shape = work.shape
    extent = (shape[2], shape[0], shape[1]) if len(shape) == 3 else None
    flattened = None

    def constant(array):
        name = f"w{len(constants)}"
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(kind, *inputs, **attributes):
        nonlocal value, count
        count += 1
        nodes.append(helper.make_node(kind, [value, *inputs], [f"v{count}"], **attributes))
        value = f"v{count}"

    for kind, config, arrays in work.weights():
        if kind == "Conv2D":
            kernel = arrays[0].transpose(3, 2, 0, 1)
            add("Conv", constant(kernel), constant(arrays[1]))
            o, _, h, w = kernel.shape
            extent = (o, extent[1] - h + 1, extent[2] - w + 1)
        elif kind == "Dense":
            kernel = arrays[0]
            if flattened:  # rows as Keras counts them: (height, width, channel)
                c, h, w = flattened
                kernel = kernel.reshape(h, w, c, -1).transpose(2, 0, 1, 3).reshape(c * h * w, -1)
                flattened = None
            add("Gemm", constant(kernel), constant(arrays[1]))
        elif kind == "BatchNormalization":
            add("BatchNormalization", *map(constant, arrays), epsilon=config["epsilon"])
        elif kind in ("AveragePooling2D", "MaxPooling2D"):
            size = config["pool_size"]
            add("AveragePool" if kind[0] == "A" else "MaxPool", kernel_shape=size, strides=size)
            extent = (extent[0], extent[1] // size[0], extent[2] // size[1])
        elif kind == "Flatten":
            add("Flatten")
            flattened, extent = extent, None
        elif kind == "Dropout":
            continue
        elif kind != "Activation":
            raise ValueError(f"no {kind} here")
        if config.get("activation", "linear") != "linear":
            add(ACTIVATIONS[config["activation"]])
    inputs = [work.batch] + [shape[2], shape[0], shape[1]]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [work.batch, 10])],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString(), value


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
        model, output = network(work)
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        inputs = np.ascontiguousarray(np.moveaxis(work.inputs, -1, 1))
        result = np.empty((work.batch, 10), np.float32)
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
