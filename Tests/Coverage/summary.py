"""Prints the share of lines that ran, of each module and of all, from what `llvm-cov export -summary-only` writes."""

import collections
import json
import os
import sys

lines = collections.defaultdict(lambda: [0, 0])
root = os.getcwd() + "/"
for entry in json.load(sys.stdin)["data"][0]["files"]:
    parts = entry["filename"].removeprefix(root).split("/")
    counts = entry["summary"]["lines"]
    for name in ("/".join(parts[:2]), "all"):
        lines[name][0] += counts["covered"]
        lines[name][1] += counts["count"]
width = max(map(len, lines))
for name, (covered, count) in sorted(lines.items(), key=lambda item: (item[0] == "all", item[0])):
    print(f"{name:{width}}  {100 * covered / max(count, 1):5.1f} %  {covered} of {count} lines")
