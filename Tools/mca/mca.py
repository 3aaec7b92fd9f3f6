#!/usr/bin/env python3
"""What the kernels' inner loops can reach on processors that are not here, by LLVM's model of them (llvm-mca).

    mca.py CLANG LLVM_MCA

Compiles the kernels as a release build does, takes the loops of one block that are mostly fused multiply-adds, and
prints for each kernel its longest one: multiply-adds of a turn, and the part of the model's own peak that it reaches.
The peak is that of the kernel `peak_fma`, ten chains without memory. Caches are not in the model: every load hits the first.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROCESSORS = {
    "avx512": {"sapphirerapids": "Sapphire Rapids", "znver4": "Zen 4"},
    "avx2": {"skylake": "Skylake", "alderlake": "Alder Lake", "znver3": "Zen 3", "znver4": "Zen 4"},
}
TURNS = 200
# Loops that compute more than they move: at least so many multiply-adds, and such a part of the instructions.
LEAST, PART = 6, 0.3


def loops(assembly):
    """(function, instructions, multiply-adds) of every block that jumps back to itself."""
    function = label = None
    code = []
    for line in assembly.splitlines():
        if named := re.match(r"([A-Za-z_][\w.]*):", line):
            function, label = named[1], None
        elif block := re.match(r"(\.LBB\w+):", line):
            label, code = block[1], []
        elif label and (text := line.split("#")[0].strip()) and not text.startswith("."):
            jump = re.match(r"j\w+\s+(\.LBB\w+)", text)
            if not jump:
                code.append(text)
                continue
            products = sum(bool(re.match(r"vfn?m(add|sub)", one)) for one in code)
            if jump[1] == label and products >= LEAST and products >= PART * len(code):
                yield function, code, products
            if jump[1] == label or text.startswith("jmp"):
                label = None


def cycles(mca, code, processor):
    """Of one turn of a loop."""
    report = subprocess.run(
        [mca, "-mtriple=x86_64", f"-mcpu={processor}", f"-iterations={TURNS}", "-"],
        input="\n".join(code) + "\n", capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", report)[1]) / TURNS


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: mca.py CLANG LLVM_MCA")
    clang, mca = sys.argv[1:]
    for name, processors in PROCESSORS.items():
        with tempfile.NamedTemporaryFile(suffix=".s") as file:
            subprocess.run(
                [clang, "-std=gnu11", "-O2", "--target=x86_64-unknown-linux-gnu", "-I", ROOT / "CSupport/include", "-S",
                 "-o", file.name, ROOT / f"CSupport/Kernels/kernels_{name}.c"], check=True)
            assembly = pathlib.Path(file.name).read_text()
        longest, count = {}, {}
        for function, code, products in loops(assembly):
            count[function] = count.get(function, 0) + 1
            if function not in longest or products > longest[function][1]:
                longest[function] = (code, products)
        rates = {
            function: [products / cycles(mca, code, processor) for processor in processors]
            for function, (code, products) in longest.items()}
        peak = rates["peak_fma"]
        print(f"\n| {name} | loops | fma | {' | '.join(processors.values())} |")
        print("|---" * (3 + len(processors)) + "|")
        for function, rate in sorted(rates.items(), key=lambda row: (-row[1][0] / peak[0], row[0])):
            parts = [f"{100 * own / best:.0f} %" for own, best in zip(rate, peak)]
            print(f"| {function} | {count[function]} | {longest[function][1]} | {' | '.join(parts)} |")


if __name__ == "__main__":
    main()
