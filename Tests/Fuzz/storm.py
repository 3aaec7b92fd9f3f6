#!/usr/bin/env python3
"""Runs the tools on mutated files: models, checkpoints to resume, data, JSON, what studies keep; one file per run.

    storm.py TOOLS [--count N] [--seconds T] [--seed S] [--kind KIND] [--jobs J]

TOOLS: the folder of train, eval, plan and study. kinds.py says what is mutated, mutations.py how. An interrupt (Ctrl-C)
ends it early, with the table of what was done. A run fails that ends by a signal or another exit code than 0 and 1, that
says more or less than one line when it fails (warnings and notes aside), that takes 2 seconds of the processor more than
the tool needs for the files before they were mutated, or of wall clock twice on a machine that is not busy, or more than
256 MiB above what it needs for them. Files that fail are kept in .build/storm.
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

from kinds import kinds

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS, MEMORY = 2.0, 256 << 10  # KiB as getrusage counts
MISSING = 999  # for an exit code, where a run that said that all is well has not written its output
LAST = 60  # seconds of wall clock, after which a run is killed


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
            env=dict(os.environ, SWIFT_BACKTRACE="enable=no", PATH="", HOME=folder, FIXEDNET_DATA=""),
            process_group=0)
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
            places = {"FILE": kind.put(data, folder), "FOLDER": folder}
            first, *rest = kind.arguments
            words = [places.get(word, word.replace("OUT/", f"{folder}/")) for word in rest]
            code, *others = measured([f"{self.tools}/{first}"] + words, folder)
            outputs = [word for word, said in zip(words, rest) if said.startswith("OUT/")]
            if code == 0 and not all(os.path.exists(path) for path in outputs):
                code = MISSING
            return code, *others
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def whole(self, name):
        """Seconds and KiB that the tool takes for files that nobody touched, and how many of the files it takes."""
        runs = [self.run(name, data) for data in self.kinds[name].files[:8]]
        return (max(used for _, (_, used), _, _ in runs), max(memory for _, _, memory, _ in runs),
                sum(code == 0 for code, *_ in runs), len(runs))

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
        data = kind.change(generator, generator.choice(kind.files), kind.files)
        usual, base, *_ = self.base[name]
        code, (seconds, used), memory, errors = self.run(name, data)
        if seconds > SECONDS + usual:
            code, (seconds, used), memory, errors = self.run(name, data)
        is_busy = os.getloadavg()[0] > os.cpu_count()
        lines = [line for line in errors.split("\n")
                 if line and ": warning: " not in line and ": note: " not in line]
        fault = None
        if code == MISSING:
            fault = "exit code 0 without the output"
        elif code not in (0, 1):
            fault = f"exit code {code}"
        elif code == 1 and len(lines) != 1:
            fault = f"{len(lines)} lines"
        elif used > SECONDS + usual or seconds > SECONDS + usual and not is_busy:
            fault = f"{seconds:.1f} s, {used:.1f} s of the processor"
        elif memory > base + MEMORY:
            fault = f"{memory >> 10} MiB"
        if fault:
            place = ROOT / ".build/storm"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index}-{os.path.basename(kind.name)}").write_bytes(data)
        return name, code, used, memory - base, fault


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
