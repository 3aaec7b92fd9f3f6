"""Loads a model of ours with Keras 3 and goes on with it.

Usage: go_on.py FILE.keras DATA.h5 STEPS OUT.h5. Every step is over all samples. Prints the optimiser's iterations, and
writes all weights, one behind the other.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np

path, data, steps, out = sys.argv[1:]
model = keras.models.load_model(path)
with h5py.File(data) as file:
    x, y = file["x"][()], file["y"][()]
model.fit(x, y, batch_size=len(x), epochs=int(steps), shuffle=False, verbose=0)
print("iterations", int(model.optimizer.iterations.numpy()))
with h5py.File(out, "w") as file:
    file["weights"] = np.concatenate([np.asarray(w).ravel() for w in model.get_weights()])
