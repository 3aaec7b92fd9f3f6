#!/usr/bin/env python3
"""Runs the tools on mutated files: models, checkpoints to resume, data, JSON, one file per run.

    storm.py TOOLS [--count N] [--seconds T] [--seed S] [--kind KIND] [--jobs J]

TOOLS: the folder of train, eval and plan. An interrupt (Ctrl-C) ends it early, with the table of what was done. A run fails
that ends by a signal or another exit code than 0 and 1, that says more or less than one line when it fails (warnings and
notes aside), that takes more than 2 seconds of the processor, or of wall clock twice on a machine that is not busy, or more
than 256 MiB above what the tool needs for the file before it was mutated. Files that fail are kept in .build/storm.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures"
SECONDS, MEMORY = 2.0, 256 << 10  # KiB as getrusage counts
LAST = 60  # seconds of wall clock, after which a run is killed
INTERESTING = [0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 1 << 15, 1 << 16, (1 << 31) - 1, 1 << 31,
               (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1]


def mutate(random, data, others):
    """A few changes of bytes, numbers, lengths; parts of other files."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 3, 5, 9])):
        if not data:
            break
        place, what = random.randrange(len(data)), random.randrange(9)
        if what <= 2:
            data[place] ^= 1 << random.randrange(8)
        elif what == 3:
            data[place] = random.randrange(256)
        elif what == 4:
            width = random.choice([1, 2, 4, 8])
            number = random.choice(INTERESTING) & ((1 << 8 * width) - 1)
            data[place:place + width] = number.to_bytes(width, random.choice(["little", "big"]))
        elif what == 5:
            del data[place:place + random.choice([1, 2, 4, 8, 64, 1024])]
        elif what == 6:
            data[place:place] = data[place:place + random.choice([1, 8, 64])]
        elif what == 7:
            other = random.choice(others)
            start = random.randrange(len(other))
            part = other[start:start + random.choice([4, 16, 64, 512])]
            data[place:place + len(part)] = part
        else:
            del data[place:]
    return bytes(data)


def seeds(*patterns, without=None, most=40_000):
    files = [path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))
             if without is None or without not in path.name]
    return [path.read_bytes() for path in files if 0 < path.stat().st_size <= most]


class Kind:
    """What is mutated, and how a tool gets it: `arguments` has FILE and OUT in it."""

    def __init__(self, files, name, arguments):
        self.files, self.name, self.arguments = files, name, arguments


def kinds(tools, folder):
    io = str(FIXTURES / "keras/p04_mlp.io.h5")
    model = str(FIXTURES / "keras/p04_mlp.h5")
    state = f"{folder}/state.h5"
    data = str(FIXTURES / "mat/from_one.mat")
    subprocess.run(
        [f"{tools}/train", "--data", data, "--model", "mlp", "--epochs", "1", "--threads", "1",
         "--output", state],
        check=True, stdout=subprocess.DEVNULL)
    models = seeds("keras/*.h5", "dialects/*.h5", "malformed/m9*.h5", without=".weights.")
    return {
        "h5": Kind(models, "m.h5", ["eval", "FILE", "--inputs", io, "--threads", "1"]),
        "plan": Kind(models, "m.h5", ["plan", "FILE", "--threads", "1"]),
        "weights": Kind(
            seeds("dialects/*.weights.h5", "keras/*.h5"), "m.weights.h5",
            ["eval", "FILE", "--model", model, "--inputs", io, "--threads", "1"]),
        "keras": Kind(
            seeds("archives/*.keras", "dialects/*.keras"), "m.keras",
            ["eval", "FILE", "--inputs", io, "--threads", "1"]),
        "resume": Kind(
            [pathlib.Path(state).read_bytes()], "s.h5",
            ["train", "--resume", "FILE", "--epochs", "2", "--threads", "1", "--output", "OUT/s.h5"]),
        "mat": Kind(
            seeds("mat/*.mat", "data/*.mat"), "d.mat",
            ["train", "--data", "FILE", "--model", "mlp", "--epochs", "1", "--threads", "1",
             "--output", "OUT/out.h5"]),
        "data": Kind(
            seeds("data/*.h5", "arrays/*.h5"), "d.h5",
            ["train", "--data", "FILE", "--model", "mlp", "--epochs", "1", "--threads", "1",
             "--output", "OUT/out.h5"]),
        "idx": Kind(
            seeds("idx/*"), "train-images-idx3-ubyte.gz",
            ["train", "--data", "mnist", "--data-dir", "FOLDER", "--model", "softmax", "--epochs", "1",
             "--threads", "1", "--output", "OUT/out.h5"]),
        "json": Kind(
            seeds("**/*.json") + seeds("Corpus/json/*"), "m.json",
            ["plan", "FILE", "--threads", "1"]),
    }


def end(process):
    """Not Popen.kill, which may take the end from who waits for it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def measured(arguments, folder):
    """(exit code or negative signal, seconds of wall clock and processor, peak KiB, standard error)."""
    with tempfile.TemporaryFile(dir=folder) as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=dict(os.environ, SWIFT_BACKTRACE="enable=no"), process_group=0)
        timer = threading.Timer(LAST, end, (process.pid,))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        timer.cancel()
        seconds = time.monotonic() - start
        errors.seek(0)
        code = os.waitstatus_to_exitcode(status)
        used = usage.ru_utime + usage.ru_stime
        return code, (seconds, used), usage.ru_maxrss, errors.read().decode(errors="replace")


class Storm:
    def __init__(self, tools, seed, seconds):
        self.tools, self.seed = os.path.abspath(tools), seed
        self.end = time.monotonic() + seconds
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = tempfile.mkdtemp(prefix="fixednet-storm-", dir=memory)
        self.kinds = kinds(self.tools, self.folder)
        self.base = {name: self.whole(name) for name in self.kinds}

    def stop(self):
        """No file is begun any more."""
        self.end = 0

    def run(self, name, data):
        kind = self.kinds[name]
        folder = tempfile.mkdtemp(dir=self.folder)
        try:
            path = f"{folder}/{kind.name}"
            with open(path, "wb") as file:
                file.write(data)
            if name == "idx":
                for other in ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]:
                    shutil.copy(path, f"{folder}/{other}-ubyte.gz")
            places = {"FILE": path, "FOLDER": folder}
            first, *rest = kind.arguments
            words = [places.get(word, word.replace("OUT/", f"{folder}/")) for word in rest]
            return measured([f"{self.tools}/{first}"] + words, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def whole(self, name):
        """KiB that the tool takes for files that nobody touched."""
        return max(self.run(name, data)[2] for data in self.kinds[name].files[:8])

    def trials(self, pool, count, names):
        """Results in order. Only a few wait at a time: a child's peak begins with its parent's, which must stay small."""
        waiting = collections.deque()
        for index in range(count):
            waiting.append((index, pool.submit(self.trial, index, names)))
            while len(waiting) > 64 or index == count - 1 and waiting:
                first, future = waiting.popleft()
                yield first, future.result()

    def trial(self, index, names):
        if time.monotonic() > self.end:
            return None
        generator = random.Random(f"{self.seed}-{index}")
        name = names[index % len(names)]
        kind = self.kinds[name]
        data = mutate(generator, generator.choice(kind.files), kind.files)
        code, (seconds, used), memory, errors = self.run(name, data)
        if seconds > SECONDS:
            code, (seconds, used), memory, errors = self.run(name, data)
        is_busy = os.getloadavg()[0] > os.cpu_count()
        lines = [line for line in errors.split("\n")
                 if line and ": warning: " not in line and ": note: " not in line]
        fault = None
        if code not in (0, 1):
            fault = f"exit code {code}"
        elif code == 1 and len(lines) != 1:
            fault = f"{len(lines)} lines"
        elif used > SECONDS or seconds > SECONDS and not is_busy:
            fault = f"{seconds:.1f} s, {used:.1f} s of the processor"
        elif memory > self.base[name] + MEMORY:
            fault = f"{memory >> 10} MiB"
        if fault:
            place = ROOT / ".build/storm"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index}-{kind.name}").write_bytes(data)
        return name, code, used, memory - self.base[name], fault


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tools")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    storm = Storm(options.tools, options.seed, options.seconds)
    names = options.kind or list(storm.kinds)
    runs, refused, longest, largest = (collections.Counter() for _ in range(4))
    faults = []
    signal.signal(signal.SIGINT, lambda *_: storm.stop())
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for index, result in storm.trials(pool, options.count, names):
                if result is None:
                    continue
                name, code, used, memory, fault = result
                runs[name] += 1
                refused[name] += code == 1
                longest[name] = max(longest[name], used)
                largest[name] = max(largest[name], memory)
                if fault:
                    faults.append(fault)
                    print(f"storm: {name} {index}: {fault}", flush=True)
    finally:
        shutil.rmtree(storm.folder, ignore_errors=True)
    print(f"{'files':10}{'runs':>8}{'refused':>9}{'CPU seconds':>13}{'MiB more':>10}")
    for name in names:
        print(f"{name:10}{runs[name]:8}{refused[name]:9}{longest[name]:13.2f}{largest[name] >> 10:10}")
    print(f"{sum(runs.values())} files, {sum(refused.values())} refused, {len(faults)} failures")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
