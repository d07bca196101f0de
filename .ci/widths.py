#!/usr/bin/env python3
"""Prints every line of more than 120 characters in documents and sources that git tracks; fails if there is one.

Data that tests read as it is (Tests/Fixtures/*.json, .tsv, .txt) and the text the project ships are not looked at.
"""

import pathlib
import subprocess
import sys

LIMIT = 120
KINDS = {".md", ".swift", ".c", ".h", ".cpp", ".rs", ".py", ".sh", ".toml", ".yml", ".modulemap"}
NAMES = {"Makefile", "run"}

tracked = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
found = 0
for name in tracked:
    path = pathlib.Path(name)
    if (path.suffix not in KINDS and path.name not in NAMES) or not path.is_file():
        continue
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > LIMIT:
            found += 1
            print(f"{name}:{number}: {len(line)} characters, at most {LIMIT} are allowed")
sys.exit(found > 0)
