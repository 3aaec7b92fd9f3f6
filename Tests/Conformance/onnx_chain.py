"""A Sequential model that is made from a chain of ONNX' nodes."""

import keras
import numpy as np
from cases import OutOfScope
from keras import layers


class Chain:
    """A Sequential model in the making, beside ONNX' shape of what has come out of it so far."""

    def __init__(self, x, constants):
        self.x = x
        self.shape = list(x.shape)
        self.constants = constants
        self.layers, self.weights = [], []
        # From ONNX' arrays to ours, for the input and, where the rank stays, the output.
        self.views = []
        self.is_image = False

    def add(self, layer, weights=None):
        self.layers.append(layer)
        self.weights.append(weights)

    def constant(self, node, index):
        """An input of a node that does not depend on x; None where it is left out."""
        if len(node.input) <= index or not node.input[index]:
            return None
        if node.input[index] not in self.constants:
            raise OutOfScope("weights that are computed")
        return self.constants[node.input[index]]

    def view(self, function):
        if self.layers:
            raise OutOfScope("another axis inside a chain")
        self.views.append(function)
        self.shape = list(function(np.empty(self.shape)).shape)

    def require_image(self):
        """[N, C, H, W] from here on; a single spatial axis becomes the width."""
        if self.is_image:
            return
        if len(self.shape) == 3:
            self.view(lambda a: a[:, :, None, :])
        if len(self.shape) != 4:
            raise OutOfScope(f"{len(self.shape) - 2} spatial axes")
        if self.layers and any(not isinstance(l, layers.Activation) for l in self.layers):
            raise OutOfScope("an image behind vectors")
        self.is_image = True

    def arrays(self, y):
        """Our x and y."""
        x = self.x
        for view in self.views:
            x, y = view(x), view(y) if y.ndim == x.ndim else y
        if self.is_image:
            x = np.moveaxis(x, 1, -1)
            y = np.moveaxis(y, 1, -1) if y.ndim == 4 else y
        elif x.ndim < 2:
            x, y = x.reshape(1, -1), y.reshape(1, -1)
        return tuple(np.ascontiguousarray(a, np.float32) for a in (x, y))

    def model(self, x):
        if not self.layers:
            self.add(layers.Activation("linear"))
        if x.ndim not in (2, 4):
            raise OutOfScope(f"{x.ndim - 1} axes")
        model = keras.Sequential([keras.Input(x.shape[1:]), *self.layers])
        for layer, weights in zip(self.layers, self.weights):
            if weights is not None:
                layer.set_weights([np.asarray(w, np.float32) for w in weights])
        return model
