"""Writes the conformance cases: python make_cases.py FOLDER [--bundle FILE.tar.gz]

Needs onnx, keras, jax, h5py and pytest; `make conformance` sets up .venv-conformance with them.
"""

import argparse
import gzip
import logging
import os
import tarfile
from importlib.metadata import version

os.environ["KERAS_BACKEND"] = "jax"
logging.disable(logging.WARNING)  # that .h5 is Keras' older format

import keras_cases
import onnx_cases
from cases import CaseFolder


def bundle(folder, path):
    """One archive of all files, the same bytes for the same files."""
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for entry in sorted(p for p in folder.rglob("*") if p.is_file()):
                info = tarfile.TarInfo(str(entry.relative_to(folder)))
                info.size = entry.stat().st_size
                with open(entry, "rb") as content:
                    archive.addfile(info, content)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--bundle")
    options = parser.parse_args()
    folder = CaseFolder(options.folder)
    onnx_cases.add_cases(folder)
    keras_cases.add_cases(folder)
    folder.close({name: version(name) for name in ("onnx", "keras", "jax", "numpy", "h5py")})
    if options.bundle:
        bundle(folder.path, options.bundle)
    print(f"{len(folder.cases)} cases in {folder.path}, {len(folder.skipped)} left out")


main()
