#!/usr/bin/env python3
"""Prints how long the suites of `swift test --no-parallel --xunit-output FILE.xml` took, the slowest first.

    times.py FILE.xml [SUITES]

Of tests that ran side by side the times would say nothing: each has that of all it waited for.
"""
import collections
import sys
import xml.etree.ElementTree as tree


def main():
    path = sys.argv[1]
    shown = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    seconds, tests = collections.Counter(), collections.Counter()
    try:
        cases = list(tree.parse(path).iter("testcase"))
    except FileNotFoundError:
        sys.exit(f"times: no '{path}'; make times writes it")
    for case in cases:
        # Target.Suite or Target.Suite.Nested; parameterised tests are one case.
        suite = ".".join(case.get("classname", "").split(".")[:2])
        seconds[suite] += float(case.get("time", 0))
        tests[suite] += 1
    print(f"{'seconds':>8}  {'tests':>5}  suite")
    for suite, time in seconds.most_common(shown):
        print(f"{time:8.1f}  {tests[suite]:5}  {suite}")
    rest = len(seconds) - shown
    if rest > 0:
        left = sum(time for _, time in seconds.most_common()[shown:])
        print(f"{left:8.1f}  {'':5}  {rest} other suites")


main()
