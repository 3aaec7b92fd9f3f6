"""What storm.py mutates, and which tool reads it: the fixtures, and what the tools write of them."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time

from mutations import fill_value, mark_values, mutate, mutate_archive, mutate_hdf5, mutate_json

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures"
# Of Tests/Fixtures/layers/graphs.h5: those that the tools train and write as files with weights.
TRAINED = ["squeeze_excite", "residual", "separable_block", "nested", "transpose_same",
           "layer_normalization", "concatenate", "prelu", "conv2d_groups", "depthwise_multiplier"]


class Kind:
    """Files, how they change, and the tool that gets them: `arguments` has FILE, FOLDER and OUT in it.

    `name`: of the file in FOLDER. `beside`: other files by name; None: the same bytes.
    """

    def __init__(self, files, name, arguments, change=mutate, beside=None):
        assert files, name
        self.files, self.name, self.arguments, self.change = files, name, arguments, change
        self.beside = beside or {}

    def put(self, data, folder):
        """Writes all files. Returns the first one's path."""
        for name, content in {self.name: data, **self.beside}.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if content is None else content)
        return f"{folder}/{self.name}"


def seeds(*patterns, without=None, most=40_000):
    files = [path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))
             if without is None or without not in path.name]
    return [path.read_bytes() for path in files if 0 < path.stat().st_size <= most]


def matlab(arrays):
    """A MATLAB file of version 4: name: rows of whole numbers from 0 to 255."""
    text = b""
    for name, rows in arrays.items():
        values = [row[column] for column in range(len(rows[0])) for row in rows]
        text += struct.pack("<5i", 50, len(rows), len(rows[0]), 0, len(name) + 1)
        text += name.encode() + b"\0" + bytes(values)
    return text


def samples(count, features, classes):
    return matlab({
        "X": [[(7 * i * i + 31 * j * (i % classes + 1)) % 256 for j in range(features)]
              for i in range(count)],
        "y": [[1 + i % classes] for i in range(count)]})


def graphs():
    """name: JSON of the Functional models in graphs.h5, which holds them as plain text."""
    text = (FIXTURES / "layers/graphs.h5").read_bytes().decode("latin1")
    found, place = {}, 0
    while (place := text.find('{"module": "keras.src.models.functional"', place)) >= 0:
        model, place = json.JSONDecoder().raw_decode(text, place)
        found[model["config"]["name"]] = json.dumps(model).encode()
    return found


def run(folder, *words):
    subprocess.run(words, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def graph_kinds(tools, folder):
    texts, images = graphs(), ["--data", f"{folder}/images.mat", "--image", "6x5x4", "--threads", "1"]
    pathlib.Path(f"{folder}/images.mat").write_bytes(samples(40, 120, 3))
    files = {"h5": [], "keras": [], "weights.h5": []}
    for name in TRAINED:
        model = f"{folder}/{name}.json"
        pathlib.Path(model).write_bytes(texts[name])
        for end, found in files.items():
            if end == "weights.h5" and name != TRAINED[0]:
                continue
            run(folder, f"{tools}/train", "--model", model, *images, "--epochs", "1", "--batch", "16",
                "--output", f"{folder}/{name}.{end}")
            found.append(pathlib.Path(f"{folder}/{name}.{end}").read_bytes())
    return files["h5"], {
        "graph": Kind(list(texts.values()), "g.json", ["plan", "FILE", "--threads", "1"], mutate_json),
        "values": Kind(
            mark_values(texts.values()), "g.json", ["plan", "FILE", "--threads", "1"], fill_value),
        "graph h5": Kind(files["h5"], "g.h5", ["eval", "FILE", *images], mutate_hdf5),
        "graph zip": Kind(files["keras"], "g.keras", ["eval", "FILE", *images], mutate_archive),
        "graph w": Kind(
            files["weights.h5"], "g.weights.h5",
            ["eval", "FILE", "--model", f"{folder}/{TRAINED[0]}.json", *images]),
    }


def finished(study, count=3):
    """finished.json as a study leaves it."""
    return json.dumps({
        "options": {"quick": True, "seeds": None, "study": study["name"], "switches": [], "version": 1},
        "record": {
            "name": study["name"], "title": study["title"], "seconds": 12.5,
            "checks": [{"what": f"check {i}", "isMet": i != 1, "found": f"0.{i}"} for i in range(count)],
            "figures": [{"name": f"figure-{i}", "caption": f"Figure {i}."} for i in range(count)]}}).encode()


def unfinished(tools, folder, digits):
    """parts.json as `study perceptron` has it while it runs: early, late and whole."""
    data, reports = pathlib.Path(f"{folder}/digits"), pathlib.Path(f"{folder}/Reports")
    data.mkdir()
    (data / "ex3data1.mat").write_bytes(digits)
    kept, found = reports / "perceptron/parts.json", []
    study = subprocess.Popen(
        [f"{tools}/study", "perceptron", "--quick", "--data-dir", str(data), "--output", str(reports)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, PATH=""))
    while study.poll() is None:
        try:
            text = kept.read_bytes()  # It is renamed into place: always whole.
            if text not in found:
                found.append(text)
        except FileNotFoundError:
            pass
        time.sleep(0.001)
    return found


def study_kinds(tools, folder):
    digits = samples(40, 400, 10)
    listed = json.loads(subprocess.run(
        [f"{tools}/study", "list", "--json"], check=True, capture_output=True).stdout)
    studies = {study["name"]: study for study in listed}
    begin = ["study", "perceptron", "--quick", "--threads", "1", "--data-dir", "FOLDER", "--output",
             "OUT/R"]
    report = {f"R/{name}/report.md": b"# A report\n" for name in studies}
    others = {f"R/{name}/finished.json": finished(study) for name, study in studies.items()}
    mutated = "R/batch-norm/finished.json"
    return {
        "parts": Kind(
            unfinished(tools, folder, digits), "R/perceptron/parts.json", begin, mutate_json,
            beside={"ex3data1.mat": digits}),
        "finished": Kind(
            [finished(studies["batch-norm"], count) for count in (0, 1, 3)], mutated,
            [begin[0], "all", *begin[2:]], mutate_json,
            beside={**report, **{name: text for name, text in others.items() if name != mutated}}),
    }


def kinds(tools, folder):
    io = str(FIXTURES / "keras/p04_mlp.io.h5")
    model = str(FIXTURES / "keras/p04_mlp.h5")
    state = f"{folder}/state.h5"
    inputs = f"{folder}/four.mat"
    pathlib.Path(inputs).write_bytes(matlab({"X": [[i, 2 * i, 3 * i, 255 - i] for i in range(8)]}))
    run(folder, f"{tools}/train", "--data", str(FIXTURES / "mat/from_one.mat"), "--model", "mlp",
        "--epochs", "1", "--threads", "1", "--output", state)
    models = seeds("keras/*.h5", "dialects/*.h5", "malformed/m9*.h5", without=".weights.")
    trained, others = graph_kinds(tools, folder)
    training = ["--model", "mlp", "--epochs", "1", "--threads", "1", "--output", "OUT/out.h5"]
    return {
        "h5": Kind(models, "m.h5", ["eval", "FILE", "--inputs", io, "--threads", "1"], mutate_hdf5),
        "plan": Kind(models, "m.h5", ["plan", "FILE", "--threads", "1"], mutate_hdf5),
        "weights": Kind(
            seeds("dialects/*.weights.h5", "keras/*.h5"), "m.weights.h5",
            ["eval", "FILE", "--model", model, "--inputs", io, "--threads", "1"]),
        "keras": Kind(
            seeds("archives/*.keras", "dialects/*.keras", "layers/*.keras"), "m.keras",
            ["eval", "FILE", "--inputs", inputs, "--threads", "1"], mutate_archive),
        "resume": Kind(
            [pathlib.Path(state).read_bytes(), *trained], "s.h5",
            ["train", "--resume", "FILE", "--epochs", "2", "--threads", "1", "--output", "OUT/s.h5"],
            mutate_hdf5),
        "csv": Kind(seeds("Corpus/csv/*.csv"), "d.csv", ["train", "--data", "FILE", *training]),
        "npz": Kind(seeds("Corpus/npz/*.npz"), "d.npz", ["train", "--data", "FILE", *training]),
        "image": Kind(
            seeds("pictures/*.png", "pictures/*.jpg"), "a/1.png",
            ["train", "--data", "FOLDER", "--image", "8x9x3", *training],
            beside={f"{name}.png": (FIXTURES / "pictures/grey.png").read_bytes()
                    for name in ["a/2", "b/1", "b/2"]}),
        "mat": Kind(seeds("mat/*.mat", "data/*.mat"), "d.mat", ["train", "--data", "FILE", *training]),
        "data": Kind(seeds("data/*.h5", "arrays/*.h5"), "d.h5", ["train", "--data", "FILE", *training]),
        "idx": Kind(
            seeds("idx/*"), "train-images-idx3-ubyte.gz",
            ["train", "--data", "mnist", "--data-dir", "FOLDER", *training[2:], "--model", "softmax"],
            beside={f"{name}-ubyte.gz": None
                    for name in ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]}),
        "json": Kind(
            seeds("**/*.json") + seeds("Corpus/json/*"), "m.json", ["plan", "FILE", "--threads", "1"],
            mutate_json),
        **others,
        **study_kinds(tools, folder),
    }
