#!/usr/bin/env python3
"""Measures what a machine's processors give, with the release programs alone.

Usage: many_cores.py [--programs FOLDER] [--output FILE.json] [--quick] [--scaling | --crowded]

FOLDER has fixednet, or train and bench (default: .build/release of the checkout that this file is in). Needs Python 3.9,
Linux, and nothing that is not there already; where taskset or a control group cannot be had, that part is left out and
said to be. Without --scaling or --crowded both are measured:

  scaling  training steps over models, batches, instruction sets and 1, 2, 4, ... threads, by `bench --json`, beside the
           bound that each plan's schedule sets; and the hashes of what is trained, which must all be equal.
  crowded  too many threads, and processors that others use: bound to one processor, sixteen threads, two trainings at
           once, a quota of 1.5 processors. Each beside the best number of threads for the same, in turn, in rounds; the
           least time of each counts. All hashes must be equal.

The results are one JSON object, with a description of the machine: processor, counts, limits, kernel, load. Exit status 1
where hashes differ, or where a crowded case takes more than 1.3 times the best.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

LIMIT = 1.3
MODELS = ["lenet", "lenet-plain"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = pathlib.Path(__file__).resolve().parents[2] / ".build" / "release"
    parser.add_argument("--programs", type=pathlib.Path, default=built, metavar="FOLDER")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--quick", action="store_true", help="a minute or two instead of half an hour")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--scaling", action="store_true")
    part.add_argument("--crowded", action="store_true")
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


class Programs:
    """The tools, each by itself or as a part of fixednet."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        self.whole = self.folder / "fixednet"
        if not self.whole.exists() and not (self.folder / "train").exists():
            sys.exit(f"{folder} has neither fixednet nor train; give --programs")

    def command(self, tool):
        return [str(self.whole), tool] if self.whole.exists() else [str(self.folder / tool)]

    def report(self, tool, *options, isa=None):
        environment = dict(os.environ, **({"FIXEDNET_ISA": isa} if isa else {}))
        result = subprocess.run(
            self.command(tool) + [str(option) for option in options] + ["--json"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if result.returncode != 0:
            sys.exit(f"{tool} {' '.join(map(str, options))}: {result.stderr.strip()}")
        return json.loads(result.stdout)


def text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def instruction_sets():
    flags = next((line for line in text("/proc/cpuinfo").splitlines() if line.startswith("flags")), "").split()
    sets = [name for name, flag in [("avx2", "avx2"), ("avx512", "avx512f")] if flag in flags]
    return sets or ["portable"]


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in text("/proc/cpuinfo").splitlines()
                if line.startswith("model name")), platform.machine())
    return {
        "cpu": cpu, "processors": os.cpu_count(), "usable": len(os.sched_getaffinity(0)),
        "instructionSets": instruction_sets(), "kernel": platform.release(), "groups": text("/proc/self/cgroup").split(),
        "load": list(os.getloadavg()), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


# -- scaling ------------------------------------------------------------------------------------------------------


def scaling(programs, quick):
    usable = len(os.sched_getaffinity(0))
    batches = [16, 48, 128] if quick else [16, 32, 48, 64, 128, 256, 1024]
    models = ["lenet-plain"] if quick else ["lenet", "lenet-plain", "deep-mlp", "cnn"]
    rows, hashes = [], []
    for isa in instruction_sets():
        for batch in batches:
            say(f"scaling: {isa}, batch {batch}")
            options = ["--models", ",".join(models), "--batch", batch, "--threads", usable]
            options += ["--quick", "--rounds", 2] if quick else ["--rounds", 5]
            for row in programs.report("bench", *options, isa=isa)["training"]:
                rows.append({
                    "instructionSet": isa, "model": row["model"], "batch": batch, "threads": row["threads"],
                    "stepSeconds": row["epochSecondsMedian"] / row["steps"],
                    "leastStepSeconds": row["epochSecondsMin"] / row["steps"],
                    "speedup": row["speedup"], "speedupBound": row["speedupBound"],
                })
        counts = sorted({1, 2, usable} | ({3, 16} if not quick else set()))
        for model in MODELS[:1] if quick else MODELS:
            for threads in counts:
                say(f"hash: {isa}, {model}, {threads} threads")
                report = programs.report("train", "--model", model, "--epochs", 1, "--threads", threads, isa=isa)
                hashes.append({"instructionSet": isa, "model": model, "threads": threads,
                               "sha256": report["weightsSHA256"]})
    same = all(len({row["sha256"] for row in hashes if row["model"] == model}) <= 1 for model in MODELS)
    return {"steps": rows, "hashes": hashes, "hashesEqual": same}


# -- crowded ------------------------------------------------------------------------------------------------------


class QuotaGroup:
    """A control group with a quota, of version 1 or 2; `folder` is None where none can be made."""

    def __init__(self, processors):
        self.folder = None
        name = f"fixednet-{os.getpid()}"
        period, quota = 100_000, int(100_000 * processors)
        for base, files in [
            ("/sys/fs/cgroup", {"cpu.max": f"{quota} {period}"}),
            ("/sys/fs/cgroup/cpu", {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}),
            ("/sys/fs/cgroup/cpu,cpuacct", {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}),
        ]:
            folder = pathlib.Path(base) / name
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                for file, value in files.items():
                    (folder / file).write_text(str(value), encoding="utf-8")
                self.folder = folder
                return
            except OSError:
                self._remove(folder)

    @staticmethod
    def _remove(folder):
        try:
            folder.rmdir()
        except OSError:
            pass

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

    def close(self):
        if self.folder:
            self._remove(self.folder)


def trainings(programs, count, threads, epochs, model, processor=None, group=None):
    """The mean time of an epoch of `count` trainings at once, and their hashes and numbers of threads."""

    def prepare():
        if processor is not None:
            os.sched_setaffinity(0, {processor})
        if group is not None:
            group.enter()

    command = programs.command("train") + ["--model", model, "--epochs", str(epochs), "--json"]
    if threads is not None:
        command += ["--threads", str(threads)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
               for _ in range(count)]
    reports = []
    for process in running:
        output, errors = process.communicate()
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}: {errors.strip()}")
        reports.append(json.loads(output))
    seconds = sum(epoch["seconds"] for report in reports for epoch in report["history"]) / (count * epochs)
    return seconds, {report["weightsSHA256"] for report in reports}, reports[0]["threads"]


def crowded(programs, quick):
    usable = sorted(os.sched_getaffinity(0))
    rounds, epochs = (2, 1) if quick else (5, 2)
    group = QuotaGroup(1.5)
    # What is measured; and what else may be the best for the same: numbers of threads, nil for the default one.
    few = [1, 2] if len(usable) > 1 else [1]
    cases = [
        ("one processor, the default", dict(count=1, processor=usable[0]), [None], [1]),
        ("one processor, 2 threads", dict(count=1, processor=usable[0]), [2], [1]),
        ("one processor, 16 threads", dict(count=1, processor=usable[0]), [16], [1]),
        ("16 threads", dict(count=1), [16], few),
        ("the default", dict(count=1), [None], few),
        ("two trainings at once, the default", dict(count=2), [None], few),
        ("two trainings at once, 2 threads each", dict(count=2), [2], few),
    ]
    if group.folder and len(usable) > 1:
        cases += [
            ("a quota of 1.5 processors, the default", dict(count=1, group=group), [None], few),
            ("a quota of 1.5 processors, 16 threads", dict(count=1, group=group), [16], few),
        ]
    rows, hashes = [], {}
    try:
        for model in MODELS[:1] if quick else MODELS:
            for name, how, (own,), others in cases:
                times = {threads: [] for threads in [own] + others}
                taken = None
                for _ in range(rounds):
                    for threads in times:
                        seconds, found, used = trainings(programs, threads=threads, epochs=epochs, model=model, **how)
                        times[threads].append(seconds)
                        hashes.setdefault(model, set()).update(found)
                        if threads == own:
                            taken = used
                best = min(others, key=lambda threads: min(times[threads]))
                ratio = min(times[own]) / min(times[best])
                say(f"{model}, {name}: {min(times[own]):.3f} s an epoch on {taken} threads, best {min(times[best]):.3f} s "
                    f"on {best}, ratio {ratio:.2f}")
                rows.append({"model": model, "case": name, "threads": taken, "epochSeconds": times[own],
                             "bestThreads": best, "bestEpochSeconds": times[best], "ratio": ratio})
    finally:
        group.close()
    return {
        "cases": rows, "quotaGroup": str(group.folder) if group.folder else None, "limit": LIMIT,
        "withinLimit": all(row["ratio"] <= LIMIT for row in rows),
        "hashes": {model: sorted(found) for model, found in hashes.items()},
        "hashesEqual": all(len(found) == 1 for found in hashes.values()),
    }


def main():
    options = arguments()
    programs = Programs(options.programs)
    results = {"machine": machine(), "quick": options.quick}
    if not options.crowded:
        results["scaling"] = scaling(programs, options.quick)
    if not options.scaling:
        results["crowded"] = crowded(programs, options.quick)
    report = json.dumps(results, indent=1)
    if options.output:
        options.output.write_text(report + "\n", encoding="utf-8")
    else:
        print(report)
    parts = [results[part] for part in ("scaling", "crowded") if part in results]
    if not all(part["hashesEqual"] for part in parts):
        sys.exit("hashes differ")
    if not all(part.get("withinLimit", True) for part in parts):
        sys.exit(f"a crowded case takes more than {LIMIT} times the best")


if __name__ == "__main__":
    main()
