#!/usr/bin/env python3
"""Lists the public symbols without a comment, of the symbol graphs that `make docs` leaves in a folder.

    undocumented.py FOLDER
"""
import json
import pathlib
import sys


def undocumented(graph):
    # What a protocol, or a type of Swift's own, says about a member serves for all that have it.
    inherited = {r["source"] for r in graph["relationships"] if "sourceOrigin" in r}
    for symbol in graph["symbols"]:
        identifier = symbol["identifier"]["precise"]
        is_written_here = "location" in symbol and "::SYNTHESIZED::" not in identifier
        is_extension = symbol["kind"]["identifier"] == "swift.extension"
        if is_written_here and not is_extension and "docComment" not in symbol \
                and identifier not in inherited:
            place = symbol["location"]
            path = place["uri"].split("/Sources/")[-1]
            yield f"{path}:{place['position']['line'] + 1}: {'.'.join(symbol['pathComponents'])}"


def main():
    graphs = sorted(pathlib.Path(sys.argv[1]).glob("**/extracted-symbols/**/*.symbols.json"))
    if not graphs:
        sys.exit(f"undocumented: no symbol graphs in '{sys.argv[1]}'; make docs writes them")
    found = [line for graph in graphs for line in undocumented(json.loads(graph.read_text()))]
    for line in found:
        print(line)
    if found:
        sys.exit(f"undocumented: {len(found)} public symbols have no comment")


if __name__ == "__main__":
    main()
