"""Reads a folder of event files as TensorBoard does, and prints what it finds as JSON.

Usage: read_events.py FOLDER [CHECKPOINT.h5]

With a checkpoint the last histogram of every weight is compared with one that NumPy makes of the file's values.
"""
import glob
import json
import os
import sys
import tempfile

import h5py
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as PluginAccumulator,
)


def histogram_of(path, tag):
    layer, name = tag.split("/")
    with h5py.File(path) as file:
        group = file[f"model_weights/{layer}/{layer}"]
        values = np.float64(group[f"{name}:0"] if f"{name}:0" in group else group[name]).ravel()
    low, high = values.min(), values.max()
    if low == high:
        return [values.size]
    place = ((values - low) / ((high - low) / 30)).astype(int)
    return np.bincount(np.minimum(place, 29), minlength=30).tolist()


def events_of_damaged(path):
    """The events that are read before a damaged byte in the middle; TensorBoard's reader checks the checksums."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "wb") as file:
            file.write(data)
        count = 0
        try:
            for _ in EventFileLoader(copy).Load():
                count += 1
        except Exception as error:
            return count, type(error).__name__
        return count, "end"


folder = sys.argv[1]
files = sorted(glob.glob(f"{folder}/*"))
everything = {"scalars": 0, "histograms": 0}
events = EventAccumulator(folder, size_guidance=everything)
events.Reload()
tags = events.Tags()
# What TensorBoard itself shows: both kinds as tensors, each with its plugin.
shown = PluginAccumulator(folder, size_guidance={"tensors": 0})
shown.Reload()
plugins = {
    name: sorted(shown.PluginTagToContent(name)) for name in ("scalars", "histograms")
}

result = {
    "files": [os.path.basename(path) for path in files],
    "versions": [next(iter(EventFileLoader(path).Load())).file_version for path in files],
    "events": sum(1 for _ in EventFileLoader(files[0]).Load()),
    "damaged": list(events_of_damaged(files[0])),
    "plugins": plugins,
    "scalars": {
        tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]
    },
    "histograms": {
        tag: [
            {
                "step": e.step,
                "num": e.histogram_value.num,
                "total": sum(e.histogram_value.bucket),
                "ascends": e.histogram_value.bucket_limit
                == sorted(e.histogram_value.bucket_limit),
                "min": e.histogram_value.min,
                "max": e.histogram_value.max,
            }
            for e in events.Histograms(tag)
        ]
        for tag in tags["histograms"]
    },
    "times": [e.wall_time for e in events.Scalars(tags["scalars"][0])],
}
if len(sys.argv) > 2:
    weights = [tag for tag in tags["histograms"] if not tag.startswith("gradients/")]
    result["compared"] = [
        tag
        for tag in weights
        if list(events.Histograms(tag)[-1].histogram_value.bucket)
        == histogram_of(sys.argv[2], tag)
    ]
print(json.dumps(result))
