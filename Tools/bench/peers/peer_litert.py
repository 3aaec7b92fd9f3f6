"""LiteRT, which TensorFlow Lite has become: inference by its interpreter, whose kernels are XNNPACK's."""

import importlib.metadata
import os
import subprocess
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Peer:
    def __init__(self, name, threads):
        pass

    def versions(self):
        return {"ai-edge-litert": importlib.metadata.version("ai-edge-litert")}

    def variants(self, work):
        if work.kind != "inference":
            return {}
        return {
            "invoke": lambda: self.inference(work, False),
            "copying in and out": lambda: self.inference(work, True),
        }

    def inference(self, work, copies):
        interpreter = Interpreter(model_path=model_file(work), num_threads=work.threads)
        interpreter.allocate_tensors()
        (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
        inputs = work.inputs
        interpreter.set_tensor(source["index"], inputs)

        def run(steps):
            for _ in range(steps):
                if copies:
                    interpreter.set_tensor(source["index"], inputs)
                interpreter.invoke()
                if copies:
                    interpreter.get_tensor(target["index"])
            return interpreter.get_tensor(target["index"])[0]

        return run


def model_file(work):
    """The .tflite of a work's model, which TensorFlow's converter writes from Keras' in a process of its own."""
    path = f"{work.folder}/{work.name}.tflite"
    if not os.path.exists(path):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "write_tflite.py")
        end = subprocess.run(
            [sys.executable, script, work.folder, work.name, path], stdin=subprocess.DEVNULL,
            capture_output=True, text=True)
        if end.returncode:
            said = end.stderr.strip().splitlines() or ["it said nothing"]
            raise RuntimeError(f"TensorFlow wrote no .tflite: {said[-1]}")
    return path
