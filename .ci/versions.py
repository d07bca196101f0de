"""CHANGELOG.md begins with the version that Sources/Version names, `## 0.2.0 (unreleased)` until it is released, then
`## 0.2.0 (2027-01-31)`; those below have dates, and neither versions nor dates rise. Exits with 1 and says what is
wrong; with --released the first one must have a date, too, and the version is printed."""
import re
import sys
from datetime import date
from pathlib import Path

source = Path("Sources/Version/ProgramVersion.swift").read_text(encoding="utf-8")
version = re.search(r'text: StaticString = "(\d+\.\d+\.\d+)"', source)[1]
released = "--released" in sys.argv
faults = []
above = None
headings = re.findall(r"^## (.*)$", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
for place, heading in enumerate(headings):
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \((\d{4}-\d\d-\d\d|unreleased)\)", heading)
    if not found:
        faults.append(f"expected '## VERSION (DATE)', found '## {heading}'")
        continue
    *numbers, when = found.groups()
    numbers = tuple(map(int, numbers))
    if place == 0 and ".".join(map(str, numbers)) != version:
        faults.append(f"expected the program's version {version} first, found '## {heading}'")
    if when == "unreleased" and (place > 0 or released):
        faults.append(f"expected a date, found '## {heading}'")
    day = date.max if when == "unreleased" else date.fromisoformat(when)
    if above and (numbers >= above[0] or day > above[1]):
        faults.append(f"expected an older version than the one above, found '## {heading}'")
    above = (numbers, day)
if not headings:
    faults.append(f"expected '## {version} (unreleased)', found no version")
for fault in faults:
    print(f"CHANGELOG.md: {fault}", file=sys.stderr)
if faults:
    sys.exit(1)
if released:
    print(version)
