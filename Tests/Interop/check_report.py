"""A comparison's report.html in a real browser: it loads, needs nothing else, shows its parts, fits its window, prints.

check_report.py REPORT: exits with 1 and a reason where something is missing.
"""
import json
import os
import re
import struct
import sys
import zlib
from urllib.parse import unquote

import browser
from browser import scratch

report = os.path.abspath(sys.argv[1])


def chromium(*flags, page=report):
    return browser.chromium(*flags, page=page)


def pixels(path):
    """Width, height and rows of a PNG with 8 bits a channel."""
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    place, packed = 8, b""
    while place < len(data):
        (length,), kind = struct.unpack(">I", data[place:place + 4]), data[place + 4:place + 8]
        body = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        place += 12 + length
    assert depth == 8
    stride = width * {2: 3, 6: 4, 0: 1}[color] + 1
    raw = zlib.decompress(packed)
    return width, height, [raw[i * stride:(i + 1) * stride] for i in range(height)]


def check_screenshot(width, dark):
    path = f"{scratch.name}/{width}-{dark}.png"
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    chromium(f"--screenshot={path}", f"--window-size={width},1600", scheme)
    found, height, rows = pixels(path)
    assert (found, height) == (width, 1600), f"{found} x {height}"
    # PNG's filters leave zeros where a row is like its neighbour: a blank page has next to nothing else.
    busy = sum(any(row[1:]) for row in rows)
    assert busy > 200, f"{width} wide, dark {dark}: only {busy} rows of 1600 have anything on them"
    return rows


text = open(report, encoding="utf-8").read()
# Links lead to the folders of runs beside the report, so that they hold wherever the output folder goes.
links = re.findall(r'href="([^"]*)"', text)
strange = [link for link in links if not re.fullmatch(r"runs/[A-Za-z0-9%._=-]+/", link)]
assert not strange, f"links that do not lead to a run's folder: {strange[:3]}"
rest = re.sub(r"<code>.*?</code>", "", re.sub(r'href="runs/[^"]*"', "", text), flags=re.S)
outside = re.search(r"(src|href)\s*=|@import|url\((?!#)|https?://", rest)
assert not outside, f"the page refers to something outside itself: {outside}"
if os.path.isdir(os.path.join(os.path.dirname(report), "runs")):
    assert links, "no run is linked to its folder"
    gone = [link for link in links if not os.path.isdir(os.path.join(os.path.dirname(report), unquote(link)))]
    assert not gone, f"links to folders that are not there: {gone[:3]}"

# A wrapper asks the page itself, in frames as wide as windows: scripts are allowed here, not in the report. Everything
# that is folded away is looked at, too.
WIDTHS = (390, 639, 640, 800, 1280, 1400)
probe = f"{scratch.name}/probe.html"
with open(probe, "w") as file:
    file.write(f"""<!DOCTYPE html><meta charset="utf-8"><body><script>
for (const width of {list(WIDTHS)}) {{
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${{width}}px;height:900px;border:0`;
  frame.src = "file://{report}";
  frame.onload = () => {{
    const page = frame.contentDocument, root = page.documentElement, look = page.defaultView.getComputedStyle;
    const folded = [...page.querySelectorAll("details:not([open])")], closed = root.scrollWidth;
    folded.forEach(d => d.open = true);
    const all = selector => [...page.querySelectorAll(selector)];
    const height = element => element.getBoundingClientRect().height;
    const matrix = page.querySelector("table.matrix"), row = page.querySelector("table.verdict tbody tr");
    const cells = all("td.number").filter(c => width >= 640 && look(c).textAlign !== "right");
    const labels = all("figure").map(f => [...f.querySelectorAll("svg text.end")].filter(
      t => t.getBoundingClientRect().left < f.getBoundingClientRect().left - 1).length);
    document.body.append("[" + JSON.stringify({{
      width, scroll: Math.max(closed, root.scrollWidth), folded: folded.length, figures: all("figure").length,
      small: all("figure svg text").filter(t => height(t) < 9).length,
      flat: all("figure > svg").filter(s => height(s) < 40).length,
      matrix: matrix ? look(matrix.rows[1]).display : "none", first: matrix ? matrix.getBoundingClientRect().top
        < (page.querySelector("#answer") || root).getBoundingClientRect().top : true,
      row: row ? look(row).display : "none", ragged: cells.length, cut: labels.reduce((a, b) => a + b, 0),
    }}) + "]");
  }};
  document.body.append(frame);
}}
</script></body>""")
dom = chromium("--dump-dom", "--allow-file-access-from-files", "--virtual-time-budget=20000", page=probe)
sizes = [json.loads(size) for size in re.findall(r"\[(\{[^\]]*\})\]", dom)]
assert len(sizes) == len(WIDTHS), "the page did not load in every frame: " + dom[-500:]
for size in sizes:
    at = f"at {size['width']} pixels"
    assert size["scroll"] <= size["width"], f"{at} the page is {size['scroll']} wide"
    assert size["small"] == 0, f"{at} {size['small']} labels of charts are less than 9 pixels high"
    assert size["cut"] == 0, f"{at} {size['cut']} labels of charts begin outside of them"
    assert size["flat"] == 0, f"{at} {size['flat']} charts have no height"
    assert size["folded"] > 0, f"{at} nothing is folded away"
    assert size["first"] and size["matrix"] in ("table-row", "none"), f"{at} the table of all scores is {size}"
    wanted = "table-row" if size["width"] >= 640 else "block"
    assert size["row"] in (wanted, "none"), f"{at} a row of verdicts is shown as {size['row']}, expected {wanted}"
    assert size["ragged"] == 0, f"{at} {size['ragged']} numbers are not at the right of their column"

dom = chromium("--dump-dom")
for part in ("id=\"answer\"", "id=\"curves\"", "id=\"record\"", "<title"):
    assert part in dom, f"{part} is missing in the browser's document"
assert "<parsererror" not in dom
assert any(words in dom for words in ("no difference shown", "better", "worse", "nothing can be said", "One strategy"))

light = check_screenshot(1400, dark=False)
assert light != check_screenshot(1400, dark=True), "dark looks like light"
check_screenshot(500, dark=False)

pdf = f"{scratch.name}/report.pdf"
chromium(f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
data = open(pdf, "rb").read()
pages = len(re.findall(rb"/Type\s*/Page\b", data))
assert data[:5] == b"%PDF-" and len(data) > 10000, f"{len(data)} bytes of PDF"
assert 1 <= pages <= 4, f"{pages} printed pages, at most 4 are wanted"
print(f"chromium shows {report}: {sizes[0]['figures']} figures, {pages} printed pages")
