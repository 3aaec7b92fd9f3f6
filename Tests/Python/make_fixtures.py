"""Makes the small files under Tests/Fixtures that other programs' dialects and damage are tested with.

Usage: make_fixtures.py FIXTURES, where FIXTURES holds keras/p01_lenet5.h5, keras/p04_mlp.h5 and
keras/p11_lenet_bn_first.h5 (written by Keras 3.15 and TF-Keras 2.21). Needs h5py and numpy only.
"""
import gzip
import os
import shutil
import struct
import sys

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


keras()
arrays()
idx()
