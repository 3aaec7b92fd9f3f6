#!/usr/bin/env python3
"""Plants faults into a copy of the sources, one at a time, and sees whether the tests find each.

Usage: mutants.py [NAME ...]: all faults of Tests/Mutants/*.txt, or those named. Prints one line for each, then killed /
all by list. Exits 1 if a fault is alive, 2 if nothing can be said: an entry does not fit its file, the copy does not
build, or the tests fail without any fault.

All faults are built into one copy, .build-mutants/package, each behind a switch, which an environment variable turns on
while the tests run. The sources themselves have no switch. A fault is killed when a test of the suites that its entry
names fails, when they crash, or when they hang. What `make test` would need besides the checkout (Keras, data sets)
is not used: whoever clones the package can kill them all. A fault in how files are written may write anywhere, so that
what root starts runs as nobody, in folders of its own.
"""
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

from entries import Problem, read_lists

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / ".build-mutants"
COPY = WORK / "package"
# Seconds that all suites may take without a fault. The suites of one fault hang where they take three times as long as
# all of them did, and at least two minutes: on a busy machine slow tests are no fault that was found.
LIMIT = 3600
# What swift-testing ends with when its filter leaves no test.
NOTHING_RUN = 69

SWITCH_HEADER = """
// The switch of the faults: the number of the one that is on, 0 for none.
extern int32_t cs_mutant_number;
static inline _Bool cs_mutant(int32_t number) { return cs_mutant_number == number; }
"""
SWITCH_SOURCE = """#include <stdlib.h>

#include "CSupport.h"

int32_t cs_mutant_number;

__attribute__((constructor)) static void read_switch(void) {
  const char *text = getenv("FIXEDNET_MUTANT");
  cs_mutant_number = text ? (int32_t)atol(text) : 0;
}
"""
# The switch of the confined helpers, which do not have CSupport, nor the variables of who starts them: those are read
# where the kernel has them, before a helper gives up its rights.
HELPER_HEADER = "_Bool cs_mutant(int number);\n"
HELPER_SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Bool cs_mutant(int number);

static int number_that_is_on;

_Bool cs_mutant(int number) { return number_that_is_on == number; }

__attribute__((constructor)) static void read_switch(void) {
  static char variables[1 << 17];
  const char *text = getenv("FIXEDNET_MUTANT");
  char path[40];
  snprintf(path, sizeof path, "/proc/%ld/environ", (long)getppid());
  FILE *file = text ? NULL : fopen(path, "r");
  const size_t count = file ? fread(variables, 1, sizeof variables - 1, file) : 0;
  for (size_t at = 0; at < count; at += strlen(variables + at) + 1)
    if (strncmp(variables + at, "FIXEDNET_MUTANT=", 16) == 0) text = variables + at + 16;
  number_that_is_on = text ? atoi(text) : 0;
  if (file) fclose(file);
}
"""

# Who runs faults where root builds them: the ids of nobody.
UNPRIVILEGED = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


# -- The copy ----------------------------------------------------------------------------------


def mutated(source, mutants):
    """The source of one file with all its faults, each behind its switch."""
    places = {}
    for mutant in mutants:
        places.setdefault(mutant.place(source), []).append(mutant)
    ordered = sorted(places.items(), reverse=True)
    for ((first, _), here), ((_, end), there) in zip(ordered, ordered[1:]):
        if end > first:
            raise Problem(f"{here[0].name} and {there[0].name} overlap in {here[0].file}")
    for (first, end), here in ordered:
        text = source[first:end]
        for mutant in here:
            text = mutant.guarded(text)
        source = source[:first] + text + source[end:]
    return source


def copied(name, mutants):
    """The contents of a file of the copy."""
    data = (ROOT / name).read_bytes()
    if name == "CSupport/include/CSupport.h":
        head, last, end = data.decode().rpartition("#if defined(__clang__)\n")
        return (head + SWITCH_HEADER + last + end).encode()
    if not mutants:
        return data
    source = mutated(data.decode(), mutants)
    if name.endswith(".swift") and "\nimport CSupport\n" not in "\n" + source:
        source = "import CSupport\n" + source
    if name.startswith("Sources/C"):
        source = HELPER_HEADER + source
    return source.encode()


def make_copy(mutants):
    """Writes what has changed since the last time, so that little is built again."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in names if name and (ROOT / name).is_file()}
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant.file, []).append(mutant)
    for absent in set(by_file) - wanted:
        raise Problem(f"{by_file[absent][0].name}: there is no {absent}: bring the entry up to date")
    contents = {name: copied(name, by_file.get(name, [])) for name in wanted}
    contents["CSupport/mutant.c"] = SWITCH_SOURCE.encode()
    contents["Sources/CConfined/mutant.c"] = HELPER_SOURCE.encode()
    resolved = ROOT / "Package.resolved"
    if resolved.is_file():
        contents["Package.resolved"] = resolved.read_bytes()
    for path in [p for p in COPY.rglob("*") if not p.is_dir()]:
        name = str(path.relative_to(COPY))
        if name not in contents and not name.startswith(".build/") and name != "Package.resolved":
            path.unlink()
    for name, data in contents.items():
        path = COPY / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            shutil.copymode(ROOT / name if name in wanted else __file__, path)


def build():
    """Returns the program that has all tests."""
    subprocess.run(["swift", "build", "--build-tests"], cwd=COPY, check=True)
    shown = subprocess.run(
        ["swift", "build", "--show-bin-path"], cwd=COPY, check=True, capture_output=True, text=True)
    return f"{shown.stdout.strip()}/FixedNetPackageTests.xctest"


# -- The runs ----------------------------------------------------------------------------------


class Run:
    """The tests that a filter takes, with one fault; stopped at the first failure."""

    FAILURE = re.compile(r'Test (".*?"|\S+) (?:with \d+ .*)?recorded an issue')
    COUNT = re.compile(r"Test run with (\d+) tests?")

    def __init__(self, program, filters, number, limit, to_the_end=False):
        self.failure, self.count, self.output, self.is_late = None, 0, [], False
        self.limit = limit
        folder = WORK / "tmp" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        if UNPRIVILEGED:
            os.chown(folder, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FIXEDNET_")}
        environment |= {
            "FIXEDNET_MUTANT": str(number), "HOME": str(folder), "TMPDIR": str(folder),
            "SWIFT_BACKTRACE": "enable=no"}
        command = [program, "--testing-library", "swift-testing"]
        for each in filters:
            command += ["--filter", each]
        began = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=COPY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            **UNPRIVILEGED)
        timer = threading.Timer(limit, self.expire)
        timer.start()
        self.read(to_the_end)
        self.process.wait()
        timer.cancel()
        self.seconds = time.monotonic() - began
        shutil.rmtree(folder, ignore_errors=True)

    def read(self, to_the_end):
        for line in self.process.stdout:
            self.output.append(line)
            if match := self.COUNT.search(line):
                self.count = int(match[1])
            if (match := self.FAILURE.search(line)) and not self.failure:
                self.failure = match[1]
                if not to_the_end:
                    self.stop()
                    return

    def expire(self):
        self.is_late = True
        self.stop()

    def stop(self):
        """Ends the tests and the programs that they have started."""
        listing = subprocess.run(
            ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout.split()
        children = {}
        for pid, parent in zip(listing[::2], listing[1::2]):
            children.setdefault(int(parent), []).append(int(pid))
        started = [self.process.pid]
        for pid in started:
            started += children.get(pid, [])
        for pid in started:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    @property
    def verdict(self):
        """How the tests found the fault; None where they did not."""
        if self.failure:
            return self.failure
        if self.is_late:
            return f"no end in {self.limit:.0f} s"
        code = self.process.returncode
        if code == NOTHING_RUN or code == 0 and self.count == 0:
            raise Problem("no test was run")
        if code == 0:
            return None
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def check_suites(program, mutants):
    """Every filter takes tests, and without a fault all of them pass. Returns the seconds that they take."""
    try:
        listed = subprocess.run(
            [program, "--testing-library", "swift-testing", "--list-tests"], cwd=COPY, check=True,
            capture_output=True, text=True, **UNPRIVILEGED).stdout.splitlines()
    except PermissionError:
        raise Problem(
            f"faults of root's run as nobody, who cannot enter {COPY}: run this as another user, "
            "or in a folder that all may read") from None
    filters = sorted({mutant.tests for mutant in mutants})
    for mutant in mutants:
        for each in mutant.tests.split("|"):
            if not any(re.search(each, test) for test in listed):
                raise Problem(f"{mutant.name}: no test is called '{each}': bring the entry up to date")
    run = Run(program, filters, 0, LIMIT, to_the_end=True)
    if run.verdict:
        sys.stdout.writelines(line for line in run.output if "✘" in line or "error" in line)
        raise Problem(f"without a fault the tests fail ({run.verdict}): mend that first")
    print(f"without a fault {run.count} tests pass in {run.seconds:.0f} s", flush=True)
    return run.seconds


def try_mutants(program, mutants, limit):
    """Runs all of them, one on each core. Returns the survivors."""
    alive = []
    width = max(len(m.name) for m in mutants)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {pool.submit(Run, program, [m.tests], m.number, limit): m for m in mutants}
        for finished in concurrent.futures.as_completed(runs):
            mutant, run = runs[finished], finished.result()
            try:
                verdict = run.verdict
            except Problem as problem:
                raise Problem(f"{mutant.name}: {problem}") from None
            if not verdict:
                alive.append(mutant)
            print(
                f"{'killed' if verdict else 'ALIVE '} {mutant.name:{width}} {run.seconds:5.1f} s  "
                f"{verdict or mutant.consequence}", flush=True)
    return alive


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    began = time.monotonic()
    mutants = read_lists()
    make_copy(mutants)
    if unknown := set(sys.argv[1:]) - {m.name for m in mutants}:
        raise Problem(f"there is no fault {', '.join(sorted(unknown))}")
    program = build()
    built = time.monotonic()
    tried = [m for m in mutants if not sys.argv[1:] or m.name in sys.argv[1:]]
    seconds = check_suites(program, tried)
    alive = try_mutants(program, tried, max(120, 3 * seconds))
    for area in sorted({m.area for m in tried}):
        all_here = [m for m in tried if m.area == area]
        print(f"{area:8} {sum(m not in alive for m in all_here)} / {len(all_here)}")
    print(
        f"killed {len(tried) - len(alive)} / {len(tried)}; built in {built - began:.0f} s, "
        f"run in {time.monotonic() - built:.0f} s")
    for mutant in alive:
        print(f"alive: {mutant.name} ({mutant.file}): {mutant.consequence}")
    return 1 if alive else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, subprocess.CalledProcessError) as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        sys.exit(2)
    finally:
        shutil.rmtree(WORK / "tmp", ignore_errors=True)
