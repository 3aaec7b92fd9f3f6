"""One peer of `bench --peers`: reads commands, one a line, and answers each with a line of JSON.

    worker.py FOLDER PEER THREADS     PEER: torch, torch-compile, keras, jax, onnxruntime or litert

    prepare WORK   builds every variant, runs each for a few steps (which compiles and warms up) and times each twice; answers with
                   the fastest, the parameter count and the first losses or outputs, by which bench sees that it is the
                   same work
    measure WORK   the seconds of one step of the fastest variant, over the work's number of steps, or fewer where that
                   would take longer than three seconds, again and again for half a second at least
    forget WORK    lets go of it

FOLDER/works.json and the arrays beside it say what the work is: model as Keras writes it, weights in Keras' layout, data.
"""

import gc
import importlib
import json
import os
import sys
import time

import numpy as np

MODULES = {
    "torch": "peer_torch",
    "torch-compile": "peer_torch",
    "keras": "peer_keras",
    "jax": "peer_jax",
    "onnxruntime": "peer_onnxruntime",
    "litert": "peer_litert",
}


class Work:
    """What works.json says of one work, with its arrays."""

    def __init__(self, folder, name, entry):
        self.folder, self.name = folder, name
        self.__dict__.update(entry)

    def floats(self, key, shape):
        return np.fromfile(f"{self.folder}/{self.files[key]}", np.float32).reshape(shape)

    @property
    def inputs(self):
        """Samples of one step after the other, channels last."""
        return self.floats("inputs", [-1] + self.shape)

    @property
    def labels(self):
        return np.fromfile(f"{self.folder}/{self.files['labels']}", np.uint8).astype(np.int64)

    @property
    def is_autoencoder(self):
        """Whether the outputs are to be the inputs, by their mean squared difference."""
        return self.__dict__.get("loss") == "mean_squared_error"

    @property
    def targets(self):
        return self.inputs if self.is_autoencoder else self.labels

    def reads(self):
        """Of each layer, which ones it reads: their places, -1 for the input."""
        places = {layer["config"]["name"]: index for index, layer in enumerate(self.layers)}
        return [[places.get(name, -1) for name in layer["reads"]] for layer in self.layers]

    def penalties(self):
        """Of each layer, the factor of its kernel's sum of squares in the loss."""
        configs = [layer["config"].get("kernel_regularizer") for layer in self.layers]
        return [config["config"]["l2"] if config else 0 for config in configs]

    def weights(self):
        """The layers with their arrays: [(class name, config, [array])]."""
        flat = self.floats("weights", [-1])
        place = 0
        result = []
        for layer in self.layers:
            arrays = []
            for shape in layer["weights"]:
                size = int(np.prod(shape))
                arrays.append(flat[place : place + size].reshape(shape).copy())
                place += size
            result.append((layer["class_name"], layer["config"], arrays))
        assert place == flat.size
        return result

    def parameter_count(self):
        """Of what training changes."""
        if self.kind == "lanes":
            return int(self.floats("weights", [-1]).size)
        total = 0
        for layer in self.layers:
            sizes = [int(np.prod(shape)) for shape in layer["weights"]]
            total += sum(sizes[:2] if layer["class_name"] == "BatchNormalization" else sizes)
        return total


def padding(config, extent):
    """What a layer pads: ((top, bottom), (left, right)). `extent`: height and width of its input."""
    if config.get("padding", "valid") == "valid":
        return (0, 0), (0, 0)
    pads = []
    for size, kernel, stride in zip(extent, config["kernel_size"], config["strides"]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def timed(run, steps):
    start = time.perf_counter()
    run(steps)
    return (time.perf_counter() - start) / steps


def measured(run, steps):
    """As PeerWork.measure: short works are repeated, so that a core that wakes up slowly matters to nobody."""
    start, count = time.perf_counter(), 0
    while True:
        run(steps)
        count += steps
        seconds = time.perf_counter() - start
        if seconds >= LEAST_SECONDS:
            return seconds / count


LEAST_SECONDS = 0.5  # of a measurement
SECONDS = 3.0  # of a measurement at most: a slow peer does fewer steps


def steps_for(run, work):
    """As many steps as the work has, or as there is time for."""
    few = min(work.steps, work.checkCount)
    return max(few, min(work.steps, int(SECONDS / timed(run, few))))


def prepare(peer, work):
    """Returns the answer, the fastest variant and its number of steps."""
    variants, failed, checks = {}, {}, []
    made = peer.variants(work)
    if not made:
        return {"unsupported": True}, None, 0
    for name, make in made.items():
        try:
            run = make()
            first = run(min(work.steps, max(work.checkCount, 1)))
            checks.append([float(value) for value in list(first)[: work.checkCount]])
            steps = steps_for(run, work)
            variants[name] = (min(timed(run, steps) for _ in range(2)), run, steps)
        except Exception as error:  # a variant that this version cannot run is no reason to stop
            failed[name] = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    if not variants:
        return {"error": "; ".join(f"{name}: {text}" for name, text in failed.items())}, None, 0
    best = min(variants, key=lambda name: variants[name][0])
    answer = {
        "best": best,
        "variants": {name: value[0] for name, value in variants.items()},
        "failed": failed,
        "checks": checks,
        "parameters": work.parameter_count(),
        "steps": variants[best][2],
    }
    return answer, variants[best][1], variants[best][2]


def main():
    folder, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    # Some libraries take their number of threads from the cores that they may use.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[:threads]))
    try:
        sys.modules["worker"] = sys.modules["__main__"]  # what peers import from here
        peer = importlib.import_module(MODULES[name]).Peer(name, threads)
    except ImportError as error:
        answer({"missing": str(error)})
        return
    answer({"versions": peer.versions()})
    works, ready = None, {}
    for line in sys.stdin:
        if works is None:  # it is written after the peers have started
            with open(f"{folder}/works.json") as file:
                works = json.load(file)
        command, work = line.split()
        if command == "prepare":
            result, run, steps = prepare(peer, Work(folder, work, works[work]))
            if run:
                ready[work] = (run, steps)
            answer(result)
        elif command == "measure":
            answer({"seconds": measured(*ready[work])})
        elif command == "forget":
            ready.pop(work, None)
            gc.collect()
            answer({})


if __name__ == "__main__":
    main()
