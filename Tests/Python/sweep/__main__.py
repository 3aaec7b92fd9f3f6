"""Changes every config key to every value and compares with Keras; `make sweep`.

Usage: sweep [--tools FOLDER] [--family NAME ...] [--match TEXT] [--every N] [--jobs N] [--report FILE] [--keep FOLDER]
A case is `equal` (Keras' outputs, loss or weights), `refused` in one line that names what is refused, `kinder` (Keras
refuses it; `judge.KINDER` says why it is read all the same) or `ran` (drawn numbers: nothing to compare). Exit status 1
for anything else: a wrong result, a refusal that names nothing, a crash, a key that is not covered.
"""
import argparse
import collections
import importlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # its steps need no compiler: ten times as fast here
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
FAMILIES = ["layers", "training"]
FAILURES = ("LAX", "POOR", "WRONG", "CRASH", "BROKEN", "NOT COVERED")


def options():
    root = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", default=os.path.join(root, ".build/release"))
    parser.add_argument("--family", nargs="*", default=FAMILIES)
    parser.add_argument("--match", default="")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth case")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--job", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--report", help="a line of JSON per case")
    parser.add_argument("--keep", help="the files of what fails")
    return parser.parse_args()


def work(arguments):
    """One process: every `jobs`-th case; a line of JSON for each."""
    import judge
    tools = judge.Tools(os.path.abspath(arguments.tools))
    for family in arguments.family:
        module = importlib.import_module(family)
        if arguments.job == 0:
            for key in getattr(module, "uncovered", list)():
                record(arguments, {"family": family, "number": -1, "case": key, "verdict": "NOT COVERED", "text": ""})
        cases = [(n, case) for n, case in enumerate(module.cases()) if arguments.match in case[0]]
        random.Random(0).shuffle(cases)  # a part of them is a part of everything
        for number, case in cases[::arguments.every][arguments.job::arguments.jobs]:
            folder = tempfile.mkdtemp(prefix="sweep-")
            try:
                verdict, text = module.run(case, tools, folder)
                verdict = judge.kinder(case, verdict, text)
            except Exception:
                verdict, text = "BROKEN", traceback.format_exc()[-600:]
            kept = ""
            if verdict in FAILURES and arguments.keep:
                kept = re.sub(r"[^A-Za-z0-9_.=-]+", "_", f"{family}_{number}_{case[0]}")[:100]
                shutil.rmtree(os.path.join(arguments.keep, kept), ignore_errors=True)
                shutil.copytree(folder, os.path.join(arguments.keep, kept))
            shutil.rmtree(folder, ignore_errors=True)
            record(arguments, {"family": family, "number": number, "case": case[0], "verdict": verdict, "text": text,
                               "kept": kept})


def record(arguments, result):
    with open(f"{arguments.report}.{arguments.job}", "a") as file:
        file.write(json.dumps(result) + "\n")


def main():
    arguments = options()
    if arguments.job is not None:
        work(arguments)
        return
    start = time.time()
    folder = tempfile.mkdtemp(prefix="sweep-")
    report = arguments.report or os.path.join(folder, "report")
    workers = []
    for job in range(arguments.jobs):
        open(f"{report}.{job}", "w").close()
        workers.append(subprocess.Popen([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--report", report,
                                         "--job", str(job)], stderr=subprocess.DEVNULL))
    broken = sum(worker.wait() != 0 for worker in workers)
    results = [json.loads(line) for job in range(arguments.jobs) for line in open(f"{report}.{job}")]
    shutil.rmtree(folder)
    results.sort(key=lambda result: (result["family"], result["number"]))
    for result in results:
        if result["verdict"] in FAILURES:
            print(f"{result['verdict']} {result['case']}: {result['text']}"[:500])
    counts = collections.Counter((result["family"], result["verdict"]) for result in results)
    for family in arguments.family:
        mine = {verdict: count for (name, verdict), count in counts.items() if name == family}
        print(f"{family}: {sum(mine.values())} cases; "
              + ", ".join(f"{count} {verdict}" for verdict, count in sorted(mine.items())))
    failed = sum(result["verdict"] in FAILURES for result in results) + broken
    print(f"{len(results)} cases, {failed} failed, {time.time() - start:.0f} s")
    sys.exit(1 if failed or not results else 0)


if __name__ == "__main__":
    main()
