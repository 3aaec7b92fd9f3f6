"""Makes the small MATLAB and HDF5 data files under Tests/Fixtures/mat, and beside them NumPy's reading as .f64.

Usage: make_mat_fixtures.py FIXTURES MATFILE73, where MATFILE73 is "scipy" for everything but version 7.3 (needs NumPy
and SciPy) or "h5py" for version 7.3 and the .h5 files (needs NumPy and h5py).
"""
import os
import struct
import sys
import zlib

import numpy as np

root = os.path.join(sys.argv[1], "mat")
random = np.random.default_rng(7)
# Values that every class can hold, and that a wrong order or a wrong width would change.
values = np.arange(1, 16).reshape(5, 3)
labels = np.array([1, 2, 3, 1, 2]).reshape(5, 1)


def path(name):
    return os.path.join(root, name)


def dump(name, array):
    """Row-major float64, little-endian."""
    np.ascontiguousarray(array).astype("<f8").tofile(path(name))


def classes():
    from scipy import io

    kinds = ["double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
    arrays = {}
    for kind in kinds:
        array = values.astype(kind)
        if kind in ("double", "single"):
            array = array / 8 - 1
        if kind.startswith("int"):
            array = -array
        arrays[kind] = array
    arrays["logical"] = values % 2 == 0
    arrays["cube"] = np.arange(24.0).reshape(2, 3, 4)
    arrays["empty"] = np.zeros((0, 3))
    arrays["row"] = np.arange(4.0).reshape(1, 4)
    refused = {
        "complex": values + 1j, "text": "hello", "cell": np.array([1, "two"], dtype=object),
        "struct": {"a": 1.0, "b": 2.0},
    }
    from scipy import sparse

    refused["sparse"] = sparse.csc_matrix(values.astype(float))
    io.savemat(path("classes.mat"), arrays | refused, do_compression=False)
    io.savemat(path("classes_zlib.mat"), arrays | refused, do_compression=True)
    for name, array in arrays.items():
        dump(f"{name}.f64", io.loadmat(path("classes.mat"))[name])
    four = {name: arrays[name] for name in ("double", "single", "uint8", "int16", "uint16", "int32", "row")}
    io.savemat(path("classes_v4.mat"), four | {name: refused[name] for name in ("complex", "text", "sparse")}, format="4")
    for name, array in four.items():
        assert np.array_equal(io.loadmat(path("classes_v4.mat"))[name], array), name
    big_endian()


def big_endian():
    """Version 5 and 4 as a big-endian machine writes them (by hand: SciPy writes its own machine's order only)."""
    array = values / 8 - 1
    def element(kind, data):
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)
    matrix = (
        element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 5, 3)) + element(1, b"double")
        + element(9, array.T.astype(">f8").tobytes())
    )
    header = b"MATLAB 5.0 MAT-file, big-endian".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    with open(path("big_endian.mat"), "wb") as out:
        out.write(header + element(14, matrix))
    with open(path("big_endian_v4.mat"), "wb") as out:
        out.write(struct.pack(">5i", 1000, 5, 3, 0, 7) + b"double\0" + array.T.astype(">f8").tobytes())
    from scipy import io

    for name in ("big_endian.mat", "big_endian_v4.mat"):
        assert np.array_equal(io.loadmat(path(name))["double"], array), name


def data_sets():
    """`X` and `y` in the forms that people have them in."""
    from scipy import io

    def save(name, **arrays):
        io.savemat(path(f"{name}.mat"), arrays, do_compression=True)

    x = values / 8
    save("from_one", X=x, y=labels)
    save("row_labels", X=x.astype("float32"), y=labels.T.astype("uint8"))
    save("from_zero", X=values.astype("uint8"), y=(labels - 1).astype("int32"))
    ten = np.arange(20) % 10 + 1
    # 2 x 3 images of 2 channels: the value at (row, column, channel) is 100 row + 10 column + channel.
    image = np.add.outer(np.add.outer([0, 100], [0, 10, 20]), [0, 1])
    images = np.stack([(image + 1000 * n).ravel(order="F") for n in range(20)])
    save("digits_ten", X=images.astype(float), y=ten.reshape(-1, 1).astype("uint8"))
    save("one_hot", X=x, y=np.eye(3)[labels.ravel() - 1])
    save("own_test", X=x, y=labels, X_test=x[:2] + 1, y_test=labels[:2])
    save("half_test", X=x, y=labels, X_test=x[:2])
    save("targets", X=x, y=x[:, :2] * 1.5)
    save("no_y", X=x, answers=labels)
    save("short_y", X=x, y=labels[:4])
    save("negative", X=x, y=labels - 2)
    save("many", X=x, y=labels * 200)
    save("nan", X=np.where(values == 6, np.nan, values), y=labels)
    save("infinite", X=np.where(values == 9, np.inf, values), y=labels)
    save("beyond_float", X=np.where(values == 4, 1e300, values), y=labels)
    save("nan_label", X=x, y=np.where(labels == 3, np.nan, labels))
    save("two_hot", X=x, y=np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1]]))
    save("empty_x", X=np.zeros((0, 3)), y=np.zeros((0, 1)))
    save("cube_x", X=np.zeros((5, 2, 2)), y=labels)
    save("complex_x", X=x + 1j, y=labels)
    dump("digits_ten.f64", images)


def damaged():
    with open(path("from_one.mat"), "rb") as file:
        good = file.read()
    def save(name, data):
        with open(path(f"{name}.mat"), "wb") as out:
            out.write(data)
    length = struct.unpack("<I", good[132:136])[0]
    save("cut", good[: 136 + length // 2])
    save("bad_zlib", good[:150] + bytes([good[150] ^ 0xFF]) + good[151:])
    save("bad_checksum", good[: 136 + length - 1] + bytes([good[136 + length - 1] ^ 1]) + good[136 + length :])
    save("short_tag", good + b"\x0f\0\0")
    save("unknown_type", good[:128] + b"\x10" + good[129:])
    save("empty_file", b"")
    save("text", b"label,pixel\n1,0\n2,255\n" * 20)
    save("version3", good[:124] + b"\0\3IM" + good[128:])
    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)
    def matrix(rows, columns, data):
        return element(14, element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", rows, columns))
            + element(1, b"X") + element(9, data))
    save("huge", good[:128] + matrix(1 << 20, 1 << 20, bytes(64)))
    save("claims_more", good[:128] + matrix(1000, 1000, bytes(64)))
    packed = zlib.compress(matrix(100_000, 1000, bytes(64)))
    save("claims_more_zlib", good[:128] + struct.pack("<II", 15, len(packed)) + packed)
    save("negative_extent", good[:128] + matrix(-5, 3, bytes(64)))
    save("cut_v4", struct.pack("<5i", 0, 50, 30, 0, 2) + b"X\0" + bytes(80))


def version73():
    """As MATLAB writes it: 512 bytes of text in front, extents reversed, MATLAB_class on every dataset."""
    import h5py

    name = path("v73.mat")
    with h5py.File(name, "w", userblock_size=512) as file:
        def save(key, array, kind, **options):
            dataset = file.create_dataset(key, data=array, **options)
            dataset.attrs.create("MATLAB_class", np.bytes_(kind))
            return dataset
        save("X", (values / 8).T, "double", chunks=(3, 5), compression="gzip", shuffle=True)
        save("y", labels.T.astype("uint8"), "uint8")
        save("logical", (values % 2 == 0).T.astype("uint8"), "logical").attrs["MATLAB_int_decode"] = np.int32(1)
        save("cube", np.arange(24.0).reshape(2, 3, 4).T, "single")
        save("text", np.array([[104], [105]], dtype="uint16"), "char").attrs["MATLAB_int_decode"] = np.int32(2)
        save("empty", np.array([0, 3], dtype="uint64"), "double").attrs["MATLAB_empty"] = np.uint8(1)
        pair = np.dtype([("real", "<f8"), ("imag", "<f8")])
        save("complex", np.zeros((3, 5), dtype=pair), "double")
        references = np.array([[file["X"].ref]], dtype=h5py.ref_dtype)
        save("cell", references, "cell")
        file.create_group("struct").attrs.create("MATLAB_class", np.bytes_("struct"))
        group = file.create_group("sparse")
        group.attrs.create("MATLAB_class", np.bytes_("double"))
        group.attrs["MATLAB_sparse"] = np.uint64(5)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + struct.pack("<H", 0x0200) + b"IM"
    with open(name, "r+b") as file:
        file.write(header)
    with open(name, "rb") as file:
        data = file.read()
    with open(path("v73_cut.mat"), "wb") as out:
        out.write(data[: len(data) // 2])
    with open(path("v73_headless.mat"), "wb") as out:
        out.write(data[:512] + bytes(len(data) - 512))
    with h5py.File(path("images.h5"), "w") as file:
        file["x"] = np.arange(10 * 2 * 3).reshape(10, 2, 3).astype("uint8")
        file["y"] = np.arange(10).reshape(10, 1).astype("float64") % 4
    with h5py.File(path("one_hot.h5"), "w") as file:
        file["x"] = np.arange(6 * 2 * 2 * 3).reshape(6, 2, 2, 3) / 16
        file["y"] = np.eye(3, dtype="float32")[[0, 1, 2, 2, 1, 0]]
        file["x_test"] = np.arange(2 * 2 * 2 * 3).reshape(2, 2, 2, 3) / 32
        file["y_test"] = np.eye(3, dtype="float32")[[2, 0]]
    with h5py.File(path("targets.h5"), "w") as file:
        file["x"] = np.arange(12).reshape(4, 3) / 4
        file["y"] = np.array([0.5, -1, 2, 3])
    with h5py.File(path("whole_targets.h5"), "w") as file:
        file["x"] = np.arange(12).reshape(4, 3) / 4
        file["y"] = np.array([5, -1, 2, 3])
    with h5py.File(path("flat.h5"), "w") as file:
        file["x"] = np.arange(12.0)
        file["y"] = np.arange(12)
    with h5py.File(path("no_y.h5"), "w") as file:
        file["x"] = np.arange(12.0).reshape(4, 3)
        file["labels"] = np.arange(4)


os.makedirs(root, exist_ok=True)
if sys.argv[2] == "scipy":
    classes()
    data_sets()
    damaged()
else:
    version73()
