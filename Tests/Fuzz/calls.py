#!/usr/bin/env python3
"""Runs the tools on every fixture under strace, and says which files and system calls they asked for.

    calls.py TOOLS [--jobs J] [--fixtures FOLDER]

TOOLS: the folder of train, eval and plan. It fails where the tool asks for another file than those on its command line,
itself, the system's libraries and the kernel's own accounts; where a helper that is confined makes another call than
those of the filter in Sources/CConfined/confine.c, or is killed by it; and where a run ends by a signal.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures"
# Libraries, what says where they are, and what the kernel tells about this process and machine.
SYSTEM = re.compile(
    r"/(lib|lib64|usr/lib|usr/lib64|usr/share/(locale|zoneinfo)|opt|sys/devices|sys/fs/cgroup|sys/kernel/mm)/"
    r"|/etc/(ld\.so\.(cache|preload)|localtime|ssl/openssl\.cnf)$"
    r"|/usr/lib/ssl/openssl\.cnf$|/proc/(self|stat|cpuinfo|meminfo|sys/vm|\d+)(/|$)|/dev/urandom$|/dev/null(/|$)")
OPENING = re.compile(r'(open|openat|openat2|creat|execve|execveat)\((?:AT_FDCWD, |\d+, )?"([^"]*)"(.*)')
CALL = re.compile(r"([a-z_0-9]+)\(")


def allowed():
    """The calls that the filter lets through, or answers with an error, from its source."""
    text = (ROOT / "Sources/CConfined/confine.c").read_text()
    return set(re.findall(r"(?:ALLOW|DENY|ALLOW_FILE|UNLESS)\(SYS_(\w+)", text))


def cases(fixtures, folder):
    """(name, tool and its arguments): every file, as the tool that reads such a file gets it."""
    io, model = str(FIXTURES / "keras/p04_mlp.io.h5"), str(FIXTURES / "keras/p04_mlp.h5")
    inputs = ["--inputs", io, "--threads", "1"]
    training = ["--model", "mlp", "--epochs", "1", "--threads", "1", "--output", "OUT/out.h5"]
    ends = {"h5": ".h5", "weights": ".weights.h5", "keras": ".keras", "mat": ".mat", "json": ".json"}
    for path in sorted(p for p in fixtures.rglob("*") if p.is_file()):
        name, folders = str(path.relative_to(fixtures)), path.relative_to(fixtures).parts[:-1]
        kind = folders[-1] if folders else ""
        if "Corpus" in folders or "Regressions" in folders:
            if kind in ends:
                copy = f"{folder}/{name.replace('/', '-')}{ends[kind]}"
                shutil.copy(path, copy)
                path = pathlib.Path(copy)
        if kind == "idx":
            place = f"{folder}/{name.replace('/', '-')}"
            os.mkdir(place)
            for file in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]:
                shutil.copy(path, f"{place}/{file}-ubyte" + (".gz" if name.endswith(".gz") else ""))
            yield name, ["train", "--data", "mnist", "--data-dir", place, *training]
        elif path.name.endswith(".weights.h5"):
            yield name, ["eval", str(path), "--model", model, *inputs]
        elif path.name.endswith(".mat") or kind in ("data", "arrays") and path.suffix == ".h5":
            yield name, ["train", "--data", str(path), *training]
        elif path.suffix in (".h5", ".keras"):
            yield f"{name} (eval)", ["eval", str(path), *inputs]
            yield f"{name} (plan)", ["plan", str(path), "--threads", "1"]
        elif path.suffix == ".json":
            yield name, ["plan", str(path), "--threads", "1"]


class Tracer:
    def __init__(self, tools, folder):
        self.tools, self.folder, self.allowed = os.path.realpath(tools), folder, allowed()

    def run(self, name, arguments):
        """(calls of confined helpers by name, helpers, faults)."""
        folder = tempfile.mkdtemp(dir=self.folder)
        try:
            words = [word.replace("OUT/", f"{folder}/out/") for word in arguments]
            os.mkdir(f"{folder}/out")
            named = {word for word in words if word.startswith("/")}
            run = subprocess.run(
                ["strace", "-ff", "-qq", "-o", f"{folder}/log", f"{self.tools}/{words[0]}", *words[1:]],
                cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                env=dict(os.environ, SWIFT_BACKTRACE="enable=no"))
            calls, helpers, faults = collections.Counter(), 0, []
            if run.returncode not in (0, 1):
                faults.append(f"exit code {run.returncode}")
            for log in pathlib.Path(folder).glob("log.*"):
                helpers += self.judge(log.read_text(errors="replace"), named, folder, calls, faults)
            return calls, helpers, [f"{name}: {fault}" for fault in sorted(set(faults))]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def judge(self, log, named, folder, calls, faults):
        """One process. Returns whether it was a helper that was confined."""
        is_confined = False
        for line in log.split("\n"):
            if line.startswith("+++ killed by"):
                # Its file is refused in one line where a helper crashes, and one without work is ended.
                if "SIGSYS" in line:
                    faults.append(line)
                continue
            if is_confined:
                call = CALL.match(line)
                if call:
                    calls[call[1]] += 1
                    if call[1] not in self.allowed:
                        faults.append(f"a confined helper called {line[:100]}")
            elif line.startswith("seccomp(SECCOMP_SET_MODE_FILTER") and line.endswith("= 0"):
                is_confined = True
            elif opening := OPENING.match(line):
                path = os.path.normpath(os.path.join(folder, opening[2]))
                if not (path in named or path.startswith((f"{folder}/", f"{self.tools}/"))
                        or SYSTEM.match(path) or any(path.startswith(f"{n}/") for n in named)):
                    faults.append(f"asked for {path}{opening[3][:60]}")
        return is_confined


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tools")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--fixtures", type=pathlib.Path, default=FIXTURES)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fixednet-calls-")
    total, helpers, runs, faults = collections.Counter(), 0, 0, []
    try:
        tracer = Tracer(options.tools, folder)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            work = list(cases(options.fixtures, folder))
            for calls, count, found in pool.map(lambda case: tracer.run(*case), work):
                total += calls
                helpers += count
                runs += 1
                faults += found
                for fault in found:
                    print(f"calls: {fault}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{runs} runs, {helpers} confined helpers, {len(faults)} failures; their calls:",
          ", ".join(f"{name} {count}" for name, count in total.most_common()))
    raise SystemExit(1 if faults or not helpers else 0)


if __name__ == "__main__":
    main()
