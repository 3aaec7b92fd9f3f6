#!/usr/bin/env python3
"""Prints how long the suites of the last `swift test --xunit-output FILE.xml` took, the slowest first.

    times.py FILE-swift-testing.xml [SUITES]

Tests run side by side: a suite's time is the sum of its tests' times on the clock, waiting for each other included.
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
        sys.exit(f"times: no '{path}'; make test writes it")
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
