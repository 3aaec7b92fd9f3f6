"""Runs the tools on a case's files, and says what became of it."""
import json
import os
import re
import subprocess

import h5py
import numpy as np

EQUAL, RAN, REFUSED, WRONG, POOR, CRASH, LAX = "equal", "ran", "refused", "WRONG", "POOR", "CRASH", "LAX"
WORST = [EQUAL, RAN, REFUSED, LAX, POOR, WRONG, CRASH]

# (the last part of a case's name, Keras' words): what Keras 3 refuses or breaks on, and has one sense only.
KINDER = [
    # Weights are in the file: how they would start or be held is not asked, unless they are trained.
    (r"_initializer=|_regularizer=|_constraint=", r"^m\.(keras|h5)|^json"),
    # Of a loss, an optimiser or a schedule nothing depends on its name.
    (r"^\w+ (\{.*\} )?name=", r"Argument `name` must be a string"),
    # JSON does not tell 3 from 3.0.
    (r"=-?\d+$", r"must be a float|should be float|InvalidArgumentError|TypeError"),
    (r"=\[?-?\d+\.0", r"^m|^json|^train|^eval"),
    # Keras 2's forms, and the names of the Keras versions that had a path for one.
    (r" axis=\[1\]$| reduction=.auto|^\w+ as |(fused|adjustment)=|epsilon=null|BatchNormalization .* axis=\[-?\d\]", r""),
    (r' name="a/b', r""),
    # What Keras 2 had a default for, or what a file says elsewhere too.
    (r" without (pool_size|offset|batch_shape)$", r""),
    (r"activation=.*alpha|(virtual_batch_size|bias|lora_\w+|alpha|input_dim|(batch_input_)?shape)=null", r""),
    # The type of an input is a type, and Keras 3 takes no policy for it.
    (r"^InputLayer .* dtype=", r"could not be deserialized"),
]


SHAPED = {"units", "filters", "kernel_size", "pool_size", "strides", "batch_shape", "axis", "name", "activation", ""}
MISFIT = r"must be shape .* found shape|expects an image of at least|layers with weights must be|put a Flatten"


def kinder(case, verdict, text):
    """The verdict, where KINDER knows why a file that Keras refuses is read."""
    if verdict == LAX and any(re.search(name, case[0]) and re.search(words, text) for name, words in KINDER):
        return "kinder"
    return verdict


class Tools:
    def __init__(self, folder):
        self.folder = folder

    def run(self, tool, *arguments, cwd):
        try:
            # One thread: the cases run beside each other.
            command = [os.path.join(self.folder, tool), *arguments, "--threads", "1"]
            done = subprocess.run(command, cwd=cwd, capture_output=True,
                                  text=True, timeout=120, errors="replace")
        except subprocess.TimeoutExpired:
            return 124, "", "120 seconds were not enough"
        return done.returncode, done.stdout, done.stderr


def named(word, text):
    """Whether `text` has the word as it is, not as a part of another word or of a path."""
    if word.startswith("/"):
        return word in text
    return word == "" or re.search(rf"(?<![A-Za-z0-9_/]){re.escape(word)}(?![A-Za-z0-9_/])", text) is not None


def refusal(code, errors, names):
    """The verdict on an exit status other than 0. `names`: groups of words, one of each of which must be there."""
    if code not in (1, 64):
        return CRASH, f"exit {code}: {errors.strip()[-300:]}"
    lines = [line for line in errors.strip().split("\n") if not line.startswith("Usage") and "See '" not in line
             and "--help" not in line]
    text = " ".join(lines)
    # What a key of shapes or names did is told by the weights or the samples that do not fit.
    if len(lines) == 1 and SHAPED & set(names[-1]) and re.search(MISFIT, text):
        return REFUSED, text[:400]
    if len(lines) != 1 or not all(any(named(word, text) for word in group) for group in names):
        return POOR, text[:400]
    return REFUSED, text[:400]


def close(ours, truth, absolute=1e-5, relative=1e-4):
    """None, or what differs."""
    ours, truth = np.asarray(ours, "f8"), np.asarray(truth, "f8")
    if ours.shape != truth.shape:
        return f"shape {ours.shape}, Keras {truth.shape}"
    if np.allclose(ours, truth, rtol=relative, atol=absolute, equal_nan=True):
        return None
    return f"differs by {np.nanmax(np.abs(ours - truth)):.3g} of {np.nanmax(np.abs(truth)):.3g}"


def largest(weights):
    """NaN where one is not finite, or where Keras gave none."""
    return np.nan if isinstance(weights, str) else max((np.max(np.abs(w), initial=0) for w in weights), default=0)


def updates(ours, truth, start, relative):
    """None, or what differs: weights after steps from `start`, relative to how far each tensor went."""
    if len(ours) != len(truth):
        return f"{len(ours)} weights, Keras {len(truth)}"
    for number, (a, b, s) in enumerate(zip(ours, truth, start)):
        if a.shape != b.shape:
            return f"weight {number}: shape {a.shape}, Keras {b.shape}"
        if not np.isfinite(b).all():
            if np.array_equal(np.isfinite(a), np.isfinite(b)):
                continue
            return f"weight {number}: finite, Keras not"
        step = np.max(np.abs(b - s)) if b.size else 0
        # Steps that are larger than the weights themselves multiply every rounding before them.
        factor = 10 if step > 3 * np.max(np.abs(s), initial=0) else 1
        bound = factor * relative * step + 4e-7 * np.max(np.abs(s), initial=0) + 1e-9
        error = np.max(np.abs(a - b)) if b.size else 0
        if not error <= bound:
            return f"weight {number}: differs by {error:.3g} after a step of {step:.3g}"
    return None


def evaluate(tools, folder, files, truth, names, absolute=1e-5, relative=1e-4):
    """The verdict on `eval FILES --inputs`. `truth`: Keras' outputs, or the text of its refusal."""
    for old in ("out.h5",):
        if os.path.exists(os.path.join(folder, old)):
            os.remove(os.path.join(folder, old))
    code, out, err = tools.run("eval", *files, "--inputs", "inputs.h5", "--outputs", "out.h5", cwd=folder)
    if code != 0:
        return refusal(code, err, names)
    if isinstance(truth, str):
        return LAX, f"taken; Keras: {truth}"
    with h5py.File(os.path.join(folder, "out.h5")) as file:
        ours = file["y"][()]
    found = close(ours.reshape(ours.shape[0], -1) if ours.size == truth.size else ours,
                  truth.reshape(truth.shape[0], -1) if ours.size == truth.size else truth, absolute, relative)
    return (EQUAL, out + err) if found is None else (WRONG, found)
