"""The lists of faults, Tests/Mutants/*.txt.

An entry, in a list:

    name: what a user would see go wrong
      file   Sources/FixedNetCore/Optimizer.swift
      code   Double(learningRate) ⟨* → /⟩ first
      tests  OptimizerTests|TrainingTests

`code` is a piece of one line that occurs once in the file, with the fault marked: ⟨expression → faulty expression⟩ or
⟦statement → faulty statement⟧; a faulty statement may be empty. `tests` is what `swift test --filter` takes.
"""
import pathlib
import re
import zlib

LISTS = pathlib.Path(__file__).resolve().parent


class Problem(Exception):
    """Why nothing can be said about the tests."""


class Mutant:
    """One entry of a list."""

    def __init__(self, area, name, consequence):
        self.area, self.name, self.consequence = area, name, consequence
        self.file = self.code = self.tests = ""
        self.number = zlib.crc32(name.encode()) & 0x7FFFFFFF

    def check(self):
        missing = [field for field in ("file", "code", "tests") if not getattr(self, field)]
        if missing:
            raise Problem(f"{self.area}.txt: {self.name} has no {missing[0]}")
        match = re.fullmatch(r"(.*)(?:⟨(.+?) → (.+)⟩|⟦(.+?) →(.*)⟧)(.*)", self.code)
        if not match:
            raise Problem(f"{self.area}.txt: {self.name}: no ⟨was → fault⟩ or ⟦was → fault⟧")
        before, was, fault, statement, faulty, after = match.groups()
        self.is_statement = statement is not None
        self.was, self.fault = (statement, faulty.strip()) if self.is_statement else (was, fault)
        self.before, self.context = before, before + self.was + after

    def place(self, source):
        """Where the faulty text begins and ends."""
        count = source.count(self.context)
        if count != 1:
            raise Problem(
                f"{self.area}.txt: {self.name}: '{self.context}' must occur once in {self.file}, "
                f"found {count} times: bring the entry up to date")
        first = source.index(self.context) + len(self.before)
        return first, first + len(self.was)

    def guarded(self, other):
        """The fault where the switch says so, else `other`."""
        if not self.is_statement:
            return f"(cs_mutant({self.number}) ? ({self.fault}) : ({other}))"
        if self.file.endswith(".swift"):
            return f"if cs_mutant({self.number}) {{ {self.fault} }} else {{ {other} }}"
        return f"if (cs_mutant({self.number})) {{ {self.fault} }} else {{ {other} }}"


def read_lists():
    mutants = []
    for path in sorted(LISTS.glob("*.txt")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if not line.startswith(" "):
                name, _, consequence = line.partition(": ")
                mutants.append(Mutant(path.stem, name, consequence))
                continue
            field, _, value = line.strip().partition(" ")
            if field not in ("file", "code", "tests"):
                raise Problem(f"{path.name}:{number}: file, code or tests, found '{field}'")
            setattr(mutants[-1], field, value.strip())
    for mutant in mutants:
        mutant.check()
    if len({m.number for m in mutants}) != len(mutants):
        raise Problem("two faults have the same name or number: rename one")
    return mutants
