"""Makes the small files under Tests/Fixtures that other programs' dialects and damage are tested with.

Usage: make_fixtures.py FIXTURES, where FIXTURES holds keras/p01_lenet5.h5, keras/p04_mlp.h5 and
keras/p11_lenet_bn_first.h5 (written by Keras 3.15 and TF-Keras 2.21) and small_adam.* (make_keras.py). Needs h5py and
numpy only.
"""
import gzip
import io
import json
import os
import shutil
import struct
import sys
import zipfile

import h5py
import numpy as np

root = sys.argv[1]


def dump(name):
    """All weights of a legacy file, in file order, as float32 little-endian: an independent reading."""
    with h5py.File(f"{root}/keras/{name}.h5", "r") as file, open(
        f"{root}/keras/{name}.f32", "wb"
    ) as out:
        group = file["model_weights"]
        for layer in group.attrs["layer_names"]:
            for weight in group[layer].attrs["weight_names"]:
                out.write(group[layer][weight][()].astype("<f4").tobytes())


def dialect(name):
    """A copy of p04 that is to be changed; its weights must read the same."""
    path = f"{root}/dialects/{name}.h5"
    shutil.copy(f"{root}/keras/p04_mlp.h5", path)
    os.chmod(path, 0o644)
    return h5py.File(path, "r+")


def fixed(strings):
    return np.array([s.encode() for s in strings])


def keras():
    for name in ("p01_lenet5", "p04_mlp", "p11_lenet_bn_first"):
        dump(name)
    with dialect("fixed_strings") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = fixed(group.attrs["layer_names"])
        for layer in group.attrs["layer_names"]:
            attributes = group[layer.decode()].attrs
            attributes["weight_names"] = fixed(attributes["weight_names"])
    with dialect("chunked_names") as file:
        attributes = file["model_weights"].attrs
        names = attributes["layer_names"]
        del attributes["layer_names"]
        attributes["layer_names0"] = fixed(names[:2])
        attributes["layer_names1"] = fixed(names[2:])
    with dialect("float64_big_endian_gzip") as file:
        group = file["model_weights"]
        for layer in group.attrs["layer_names"]:
            for weight in group[layer].attrs["weight_names"]:
                values = group[layer][weight][()].astype(">f8")
                del group[layer][weight]
                group[layer].create_dataset(
                    weight, data=values, chunks=values.shape, compression="gzip", shuffle=True,
                    fletcher32=True)
    with dialect("bare_names") as file:  # Keras 3.0
        group = file["model_weights"]
        for layer in group.attrs["layer_names"]:
            short = []
            for weight in group[layer].attrs["weight_names"]:
                short.append(weight.split("/")[-1].split(":")[0])
                group[layer][short[-1]] = group[layer][weight][()]
            group[layer].attrs["weight_names"] = short
    with dialect("slash_names") as file:  # a Keras 2 layer called block/dense
        config = file.attrs["model_config"].replace('"name": "dense"', '"name": "block/dense"')
        file.attrs["model_config"] = config
        group = file["model_weights"]
        group.attrs["layer_names"] = ["block/dense", "dense_1", "dense_2"]
        group.create_group("block/dense")
        for weight in group["dense"].attrs["weight_names"]:
            group["block/dense"]["block/" + weight] = group["dense"][weight][()]
        names = ["block/" + weight for weight in group["dense"].attrs["weight_names"]]
        group["block/dense"].attrs["weight_names"] = names
        del group["dense"]
    with dialect("bad_state") as file:
        file.create_group("fixednet").attrs["format_version"] = "one"
    with h5py.File(f"{root}/dialects/only.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.zeros(4, "f4")
        file.create_group("vars")
    with open(f"{root}/dialects/archive.keras", "wb") as out:
        out.write(b"PK\x03\x04" + bytes(1000))


def arrays():
    with h5py.File(f"{root}/arrays/arrays.h5", "w") as file:
        file["x"] = np.arange(24, dtype="f4").reshape(2, 3, 4) / 8
        file["double"] = np.array([1 / 3, -2.5])
        file["int"] = np.array([[1, -2], [300, 4]], dtype="i2")
        file["bytes"] = np.array([0, 255], dtype="u1")
        file["complex"] = np.array([1j])
        file["text"] = ["a", "b"]
        file["group/y"] = np.ones(3, "f8")
        file["empty"] = np.zeros((0, 4), "f4")
        file.create_dataset("unwritten", (1 << 10, 1 << 10), "f4")
        file.create_dataset("huge", (1 << 20, 1 << 20), "f4", chunks=(1 << 10, 1 << 10))


def idx():
    def put(name, data):
        with open(f"{root}/idx/{name}", "wb") as out:
            out.write(data)

    def pack(data):
        return gzip.compress(data, mtime=0)

    header = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 3, 4)
    good = header + bytes(range(24))
    put("good", good)
    put("good.gz", pack(good))
    put("short", good[:-1])
    put("long", good + b"!")
    put("cut.gz", pack(good)[:-10])
    put("trailing.gz", pack(good) + b"tail")
    put("two_members.gz", pack(good) + pack(good))
    put("longer_inside.gz", pack(good + bytes(1000)))
    put("shorter_inside.gz", pack(good[:-5]))
    damaged = bytearray(pack(good))
    damaged[-6] ^= 1
    put("bad_crc.gz", bytes(damaged))
    put("bomb.gz", pack(struct.pack(">BBBBIII", 0, 0, 8, 3, 60000, 128, 128) + bytes(1 << 20)))
    put("overflow", struct.pack(">BBBBIII", 0, 0, 8, 3, 1 << 31, 1 << 31, 1 << 31))
    put("zero", struct.pack(">BBBBIII", 0, 0, 8, 3, 0, 28, 28))
    put("floats", struct.pack(">BBBBIII", 0, 0, 13, 3, 1, 1, 1) + bytes(4))
    put("rank1", struct.pack(">BBBBI", 0, 0, 8, 1, 8) + bytes(8))
    put("text", b"this is not IDX data at all")
    put("empty", b"")



def optimizers():
    """p04 with the memory of Adam as TF-Keras' old and new classes order it; m of weight i is i + 1/4, v is i + 1/2."""
    for name, class_name, interleaved in (
        ("legacy_adam", "Adam", False), ("custom_adam", "Custom>Adam", True),
    ):
        with dialect(name) as file:
            config = {"loss": "categorical_crossentropy", "optimizer_config": {
                "class_name": class_name, "config": {"name": "Adam", "learning_rate": 0.001}}}
            file.attrs["training_config"] = json.dumps(config)
            group = file["model_weights"]
            shapes = [
                group[layer][weight].shape
                for layer in group.attrs["layer_names"]
                for weight in group[layer].attrs["weight_names"]
            ]
            places = [(m, i) for m in (0.25, 0.5) for i in range(len(shapes))]
            if interleaved:
                places.sort(key=lambda place: place[1])
            del file["optimizer_weights"]
            memory = file.create_group("optimizer_weights")
            memory["iter:0"] = np.int64(5)
            names = ["iter:0"]
            for m, i in places:
                names.append(f"Adam/{i}/{'m' if m == 0.25 else 'v'}:0")
                memory[names[-1]] = np.full(shapes[i], i + m, "f4")
            memory.attrs["weight_names"] = names


def weights():
    """Other forms of small_adam.weights.h5."""

    def change(name):
        path = f"{root}/dialects/{name}.weights.h5"
        shutil.copy(f"{root}/keras/small_adam.weights.h5", path)
        return h5py.File(path, "r+")

    with change("tf_keras_2_13") as file:
        file.move("layers", "_layer_checkpoint_dependencies")
    with change("bfloat16") as file:
        values = file["layers/dense/vars/0"]
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = (values[()].view("u4") >> 16).astype("u2")
        file["layers/dense/vars/0"].attrs["dtype"] = "bfloat16"
    with change("layer_besides") as file:
        file["layers/dense_1/vars/0"] = np.zeros((3, 3), "f4")
    with change("variable_besides") as file:
        file["layers/dense/vars/2"] = np.zeros(3, "f4")
    with change("variable_missing") as file:
        del file["layers/dense/vars/1"]
    with change("external") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = h5py.ExternalLink("other.h5", "/x")
    with change("optimizer_short") as file:
        del file["optimizer/vars/11"]
    with h5py.File(f"{root}/dialects/alone.h5", "w") as file:  # save_weights("alone.h5") of Keras 2
        with h5py.File(f"{root}/keras/p04_mlp.h5", "r") as whole:
            for name in whole["model_weights"]:
                whole.copy(f"model_weights/{name}", file)
            file.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]


def archives():
    """A model of one dense layer as .keras, whole and damaged."""
    config = {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {
        "name": "tiny", "layers": [
            {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, 4]}},
            {"class_name": "Dense", "config": {
                "name": "out", "units": 3, "activation": "softmax"}},
        ]}}
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file["layers/dense/vars/0"] = np.arange(12, dtype="f4").reshape(4, 3) / 8
        file["layers/dense/vars/1"] = np.array([-1, 0, 0.5], "f4")
        file.create_group("vars")
    text, h5 = json.dumps(config).encode(), image.getvalue()
    whole = {"metadata.json": b"{}", "config.json": text, "model.weights.h5": h5}

    def pack(members, method=zipfile.ZIP_DEFLATED, comment=b""):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as file:
            for name, data in members:
                file.writestr(zipfile.ZipInfo(name), data, method)
            file.comment = comment
        return bytearray(out.getvalue())

    def put(name, data):
        with open(f"{root}/archives/{name}.keras", "wb") as out:
            out.write(data)

    def change(name, member, place, value, local=False):
        """Writes `value` at `place` of a member's header in the directory, or of its local header."""
        data = pack(whole.items())
        start = bytes(data).rindex(member) - 46 if not local else bytes(data).index(member) - 30
        data[start + place:start + place + len(value)] = value
        put(name, data)

    os.makedirs(f"{root}/archives", exist_ok=True)
    put("good", pack(whole.items()))
    put("stored_with_comment", pack(whole.items(), zipfile.ZIP_STORED, b"a comment PK\5\6"))
    put("cut", pack(whole.items())[:-30])
    put("head_only", pack(whole.items())[:40])
    put("trailing", pack(whole.items()) + b"tail")
    h5name, jsonname = b"model.weights.h5", b"config.json"
    change("bad_crc", h5name, 16, b"\1\2\3\4")
    change("encrypted", h5name, 8, b"\1\0")
    change("method", h5name, 10, b"\x0c\0")
    change("huge_declared", h5name, 24, struct.pack("<I", 0xFFFFFFF0))
    change("zip64", h5name, 24, b"\xff" * 4)
    change("short_declared", jsonname, 24, struct.pack("<I", len(text) - 9))
    change("far_offset", jsonname, 42, struct.pack("<I", 1 << 30))
    change("other_name", jsonname, 30, b"c0nfig.json", local=True)
    change("packed_beyond", h5name, 20, struct.pack("<I", 1 << 20))
    damaged = pack(whole.items())
    start = bytes(damaged).index(h5name) + len(h5name)
    damaged[start + 20:start + 40] = bytes(20)
    put("bad_deflate", damaged)
    disks = pack(whole.items())
    disks[-18:-16] = b"\1\0"
    put("two_disks", disks)
    put("duplicate", pack([*whole.items(), ("config.json", text)]))
    put("no_config", pack([("model.weights.h5", h5)]))
    put("no_weights", pack([("config.json", text)]))
    put("sharded", pack([("config.json", text), ("model.weights.json", b"{}")]))
    put("numpy", pack([("config.json", text), ("model.weights.npz", b"PK")]))
    put("not_hdf5", pack([("config.json", text), ("model.weights.h5", bytes(2000))]))
    put("cut_hdf5", pack([("config.json", text), ("model.weights.h5", h5[:-900])]))
    put("bomb_config", pack([("config.json", b" " * (17 << 20)), ("model.weights.h5", h5)]))
    put("bomb_weights", pack([("config.json", text), ("model.weights.h5", bytes(17 << 20))]))
    put("bad_json", pack([("config.json", text[:-5]), ("model.weights.h5", h5)]))
    put("bad_utf8", pack([("config.json", b"\xff\xfe"), ("model.weights.h5", h5)]))
    unsafe = text.replace(b'"Dense"', b'"Lambda"')
    put("lambda", pack([("config.json", unsafe), ("model.weights.h5", h5)]))
    put("only_paths", pack([("../config.json", text), ("/model.weights.h5", h5)]))


if __name__ == "__main__":
    keras()
    arrays()
    idx()
    optimizers()
    weights()
    archives()
