#!/usr/bin/env python3
"""Makes system calls of the tools fail, one at a time: the n-th call of a kind in one run, by strace's own injection.

    inject.py TOOLS [--places N] [--only COMMAND] [--calls CALL,...] [--seconds T] [--seed S]

TOOLS: the folder of the program fixednet. Each command below runs once untouched, which counts its calls, and then with
one call failing, at N places spread over all of its calls of the kind. A run fails the test
- that ends by a signal, or with an exit code that the tools do not have;
- that says with exit code 0 that all is well, and has other outputs than the untouched run;
- that fails and says nothing, or more than a line and its advice;
- after which a file that was there before is neither what it was nor what the untouched run makes of it.
Prints a line for each failure and a table; exits 1 if there is one. Kept in .build/inject: what strace said of each.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a call of the kind may fail with. Memory (mmap, brk) is not among them: Swift's runtime ends a program that gets none.
CALLS = {
    "openat": "EACCES", "read": "EIO", "pread64": "EIO", "write": "ENOSPC", "pwrite64": "ENOSPC", "fsync": "EIO",
    "fdatasync": "EIO", "close": "EIO", "rename": "EACCES", "renameat": "EACCES", "renameat2": "EACCES",
    "unlink": "EACCES", "unlinkat": "EACCES", "mkdir": "EACCES", "ftruncate": "EFBIG", "fallocate": "ENOSPC",
    "lseek": "EINVAL", "fstat": "EIO", "newfstatat": "EIO", "statx": "EIO", "stat": "EIO", "access": "EACCES",
    "getdents64": "EIO", "memfd_create": "ENFILE", "fcntl": "EAGAIN", "flock": "EWOULDBLOCK", "dup": "EMFILE",
    "dup2": "EMFILE", "dup3": "EMFILE", "pipe2": "EMFILE", "socketpair": "EMFILE", "vfork": "EAGAIN",
    "clone3": "EAGAIN", "clone": "EAGAIN", "fork": "EAGAIN", "execve": "ENOENT", "wait4": "ECHILD", "waitid": "ECHILD",
    "poll": "EINTR", "ppoll": "EINTR", "kill": "EPERM", "prctl": "EINVAL", "prlimit64": "EPERM", "setrlimit": "EPERM",
    "fchmod": "EPERM", "chmod": "EPERM", "fchown": "EPERM", "link": "EPERM", "readlink": "EINVAL", "getcwd": "ENOENT",
    "getrandom": "EAGAIN", "sched_getaffinity": "EINVAL", "ioctl": "ENOTTY", "statfs": "EIO", "copy_file_range": "EIO",
}
# Exit codes of the tools: success, failure, wrong use.
CODES = {0, 1, 64}

# Each in a folder with what `prepare` makes. `keeps`: files that are there before.
COMMANDS = {
    "train": ("train --model softmax --data data.csv --epochs 2 --batch 16 --threads 1 --quiet --output old.h5 "
              "--history old.csv --validation-fraction 0.2", ["old.h5", "old.best.h5", "old.csv"]),
    "resume": ("train --resume run.h5 --epochs 3 --checkpoint --threads 1 --quiet", ["run.h5"]),
    "eval": ("eval run.h5 --json --outputs old-out.h5 --threads 1", ["old-out.h5", "run.h5"]),
    "predict": ("predict run.h5 data.csv --output old-p.csv", ["old-p.csv", "run.h5"]),
    "plan": ("plan run.h5 --json --svg old.svg --model-json old.json", ["old.svg", "old.json", "run.h5"]),
    "plot": ("train --model softmax --data data.csv --epochs 1 --threads 1 --quiet --plot old.png", ["old.png"]),
    "keras": ("train --model softmax --data data.csv --epochs 1 --threads 1 --quiet --output old.keras", ["old.keras"]),
    "study": ("study softmax --quick --output reports", []),
}
OLD = b"what was there before\n"
# What differs from run to run and says nothing.
TIMES = re.compile(
    rb'"(?:seconds|secondsToFirstStep|imagesPerSecond)": [^,}]*|[0-9.]+ s in all.*|[0-9,]+ images/s.*|[(;] ?[0-9.]+ s\b')


def prepare(tool, folder):
    """Data, a checkpoint, and an older file wherever a command writes one."""
    folder.mkdir(parents=True)
    draw = random.Random(1)
    rows = ["a,b,c,label"]
    for _ in range(60):
        values = [draw.gauss(0, 1) for _ in range(3)]
        rows.append(",".join(f"{value:.4f}" for value in values) + f",{'xyz'[values.index(max(values))]}")
    (folder / "data.csv").write_text("\n".join(rows) + "\n")
    first = "train --model softmax --data data.csv --epochs 2 --batch 16 --threads 1 --quiet --output run.h5"
    subprocess.run([tool, *first.split()], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for name in ["old.h5", "old.best.h5"]:
        shutil.copy(folder / "run.h5", folder / name)
    for name in ["old.csv", "old-out.h5", "old-p.csv", "old.svg", "old.json", "old.png", "old.keras"]:
        (folder / name).write_bytes(OLD)


CHECKPOINTS = ["old.h5", "old.best.h5", "run.h5", "run.best.h5", "old.keras", "old.best.keras"]


def contents(tool, folder):
    """What every file below says, but locks: nil for a checkpoint that cannot be read."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name.endswith(".lock"):
            continue
        if name in CHECKPOINTS:
            found[name] = weights(tool, path)
        elif name == "old.csv":
            # A line for each epoch, without its seconds.
            found[name] = re.sub(r",[^,\n]*$", "", path.read_text(), flags=re.MULTILINE).rstrip("\n")
        elif name.endswith(".png"):
            # gnuplot, which draws it, may lack a font.
            found[name] = "a figure" if path.read_bytes().startswith(b"\x89PNG") else hashlib.sha256(path.read_bytes()).hexdigest()
        elif name.startswith("reports/") and path.suffix not in [".csv", ".dat"]:
            found[name] = "a report with its times"
        else:
            found[name] = hashlib.sha256(TIMES.sub(b"", path.read_bytes())).hexdigest()
    return found


def weights(tool, path):
    """The hash that eval finds in a checkpoint; what else the file holds if it is none; nil if it cannot be read."""
    data = path.read_bytes()
    if data == OLD:
        return "what was there before"
    run = subprocess.run([tool, "eval", path.name, "--json"], cwd=path.parent, capture_output=True)
    if run.returncode != 0:
        return None
    return json.loads(run.stdout)["weightsSHA256"]


def run(tool, command, folder, *options, log):
    arguments = ["strace", "-f", "-qq", "-o", str(log), *options, "--", tool, *command.split()]
    try:
        result = subprocess.run(arguments, cwd=folder, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None, b"", b"it did not end within 120 s"
    return result.returncode, TIMES.sub(b"", result.stdout), result.stderr


def counts(log):
    """Calls of the program itself, by kind: its first process; helpers are confined and may fail as they like."""
    found, first = collections.Counter(), None
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+) +([a-z_0-9]+)\(", line)
        if match:
            first = first or match[1]
            found[match[2]] += 1
    return found


class Injection:
    def __init__(self, options):
        self.options = options
        self.tool = str(pathlib.Path(options.tools, "fixednet").resolve())
        self.work = ROOT / ".build" / "inject"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.random = random.Random(options.seed)
        self.failures, self.runs, self.refused = [], collections.Counter(), collections.Counter()
        self.end = time.monotonic() + options.seconds

    def command(self, name):
        command, keeps = COMMANDS[name]
        model = self.work / f"{name}-before"
        prepare(self.tool, model)
        before = contents(self.tool, model)
        after_folder = self.work / f"{name}-after"
        shutil.copytree(model, after_folder)
        log = self.work / f"{name}.trace"
        code, output, errors = run(self.tool, command, after_folder, "-e", "trace=" + ",".join(CALLS), log=log)
        if code != 0:
            sys.exit(f"inject: '{command}' fails untouched: {errors.decode(errors='replace')}")
        self.wanted = (output, contents(self.tool, after_folder), before, keeps)
        wanted_calls = self.options.calls.split(",") if self.options.calls else list(CALLS)
        for call, count in sorted(counts(log).items()):
            if call not in wanted_calls:
                continue
            places = range(1, count + 1)
            if count > self.options.places:
                places = sorted(self.random.sample(places, self.options.places))
            for place in places:
                if time.monotonic() > self.end:
                    return
                self.inject(name, command, model, call, place)

    def inject(self, name, command, model, call, place):
        with tempfile.TemporaryDirectory(dir=self.work) as temporary:
            folder = pathlib.Path(temporary, "f")
            shutil.copytree(model, folder)
            log = self.work / f"{name}-{call}-{place}.trace"
            code, output, errors = run(
                self.tool, command, folder, "-e", f"trace={call}", "-e",
                f"inject={call}:error={CALLS[call]}:when={place}", log=log)
            self.runs[name] += 1
            fault = self.fault(code, output, errors.decode(errors="replace"), contents(self.tool, folder))
            if code != 0:
                self.refused[name] += 1
            if fault:
                self.failures.append((name, call, place))
                print(f"{name}: {call} {place} ({CALLS[call]}): {fault}", flush=True)
            else:
                log.unlink(missing_ok=True)

    def fault(self, code, output, errors, found):
        """What is wrong with how a run ended; nil where nothing is."""
        wanted, after, before, keeps = self.wanted
        if code == 127 and "while loading shared libraries" in errors:
            return None
        if code not in CODES:
            return f"ended with {code}: {errors.strip()[:300]}"
        if code != 0 and not errors.strip():
            return f"exit code {code} and no word"
        if code != 0 and len(errors.strip().splitlines()) > 3:
            return f"{len(errors.strip().splitlines())} lines: {errors.strip()[:300]}"
        # Where gnuplot fails, a figure's data and script are there, and a line says how to draw it.
        is_drawn = code != 0 or "gnuplot" not in errors + output.decode(errors="replace")
        if code == 0 and output != wanted and is_drawn:
            return f"exit code 0 and another output: {output[:200]!r}"
        for path in after:
            if code == 0 and found.get(path) != after[path] and (is_drawn or not path.endswith((".png", ".svg"))):
                return f"exit code 0, but {path} is {'other' if path in found else 'not there'}"
        for path in keeps:
            now, whole = found.get(path), after.get(path)
            # A checkpoint of an epoch before the last, a history as far as it is known: as good.
            is_earlier = now and (path in CHECKPOINTS or path == "old.csv" and whole.startswith(now))
            if now not in (before.get(path), whole) and not is_earlier:
                return f"{path} is neither what it was nor what it should become"
        return None

    def table(self):
        print(f"{'command':10} {'runs':>6} {'refused':>8} {'failures':>9}")
        for name in self.runs:
            failures = sum(failure[0] == name for failure in self.failures)
            print(f"{name:10} {self.runs[name]:6} {self.refused[name]:8} {failures:9}")
        print(f"{sum(self.runs.values())} runs, {len(self.failures)} failures")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tools")
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--only", choices=list(COMMANDS))
    parser.add_argument("--calls")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not shutil.which("strace"):
        sys.exit("inject: needs strace: apt-get install strace")
    injection = Injection(options)
    try:
        for name in [options.only] if options.only else COMMANDS:
            injection.command(name)
    except KeyboardInterrupt:
        pass
    injection.table()
    sys.exit(1 if injection.failures else 0)


if __name__ == "__main__":
    main()
