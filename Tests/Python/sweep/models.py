"""The models that hold the layer under test, called "probe": as a Sequential's config, with the inputs' shape."""
import keras

BEGIN = {  # what a layer needs at least
    "Dense": {"units": 3, "activation": "tanh"}, "Conv2D": {"filters": 3, "kernel_size": (3, 2), "activation": "tanh"},
    "MaxPooling2D": {"pool_size": (2, 2)}, "AveragePooling2D": {"pool_size": (2, 2)},
    "BatchNormalization": {"momentum": 0.9, "epsilon": 0.01}, "Normalization": {},
    "Rescaling": {"scale": 0.5, "offset": 0.25}, "Dropout": {"rate": 0.0}, "Activation": {"activation": "relu"},
    "ReLU": {}, "LeakyReLU": {"negative_slope": 0.2}, "Softmax": {}, "Flatten": {}, "InputLayer": {"shape": (5,)},
}
REFUSED = {("Dense", "image"), ("Softmax", "image")}  # whatever the keys say: tried as it is only
VECTOR, IMAGE = (5,), (6, 5, 2)


def probe(class_name):
    options = dict(BEGIN[class_name])
    return getattr(keras.layers, class_name)(name="probe", **options)


def dense(units, name="after", **options):
    return keras.layers.Dense(units, name=name, **options)


def contexts(class_name):
    """(name, layers) of every model that the layer is tried in."""
    layers = keras.layers
    vector, image = layers.Input(VECTOR, name="input"), layers.Input(IMAGE, name="input")
    conv = lambda: layers.Conv2D(2, 2, name="before", activation="tanh")
    end = lambda: [layers.Flatten(name="flatten"), dense(3)]
    if class_name == "InputLayer":
        return [("vector", [layers.InputLayer(shape=VECTOR, name="probe"), dense(4, "before"), dense(3)])]
    found = {
        "Dense": [("hidden", [vector, probe("Dense"), dense(3)]), ("last", [vector, dense(4, "before"), probe("Dense")]),
                  ("image", [image, probe("Dense"), *end()])],
        "Conv2D": [("first", [image, probe("Conv2D"), *end()]), ("second", [image, conv(), probe("Conv2D"), *end()])],
        "Softmax": [("last", [vector, dense(3, "before"), probe("Softmax")])],
        "Flatten": [("image", [image, conv(), probe("Flatten"), dense(3)])],
    }.get(class_name, [])
    if class_name in ("MaxPooling2D", "AveragePooling2D", "BatchNormalization", "Activation", "ReLU", "LeakyReLU",
                      "Normalization", "Rescaling", "Softmax"):
        found.append(("image", [image, conv(), probe(class_name), *end()]))
    if class_name in ("BatchNormalization", "Normalization", "Rescaling", "MaxPooling2D", "AveragePooling2D"):
        found.append(("image input", [image, probe(class_name), *end()]))
    if class_name in ("BatchNormalization", "Activation", "ReLU", "LeakyReLU", "Softmax", "Dropout", "Flatten",
                      "Rescaling"):
        found.append(("hidden", [vector, dense(4, "before"), probe(class_name), dense(3)]))
    if class_name in ("Normalization", "Rescaling", "BatchNormalization"):
        found.append(("vector input", [vector, probe(class_name), dense(3)]))
    if class_name in ("Activation",):
        found.append(("last", [vector, dense(3, "before"), probe(class_name)]))
    return found


def sequential(layers):
    return keras.Sequential(layers, name="sweep")
