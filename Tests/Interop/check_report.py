"""A comparison's report.html in a real browser: it loads, needs nothing else, shows its parts, fits its window, prints.

check_report.py REPORT [CHROMIUM]: exits with 1 and a reason where something is missing.
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

report = os.path.abspath(sys.argv[1])
browser = sys.argv[2] if len(sys.argv) > 2 else shutil.which("chromium") or shutil.which("google-chrome")
if not browser:
    sys.exit("check_report.py: no chromium found; install Debian's package `chromium`")
scratch = tempfile.TemporaryDirectory()


def chromium(*flags, page=report):
    # No network, no profile of the user's; a container has no sandbox and little /dev/shm.
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={scratch.name}/profile", *flags, "file://" + page]
    done = subprocess.run(command, capture_output=True, timeout=180)
    assert done.returncode == 0, f"chromium ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
    return done.stdout.decode()


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
    chromium(f"--screenshot={path}", f"--window-size={width},1600", f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    found, height, rows = pixels(path)
    assert (found, height) == (width, 1600), f"{found} x {height}"
    # PNG's filters leave zeros where a row is like its neighbour: a blank page has next to nothing else.
    busy = sum(any(row[1:]) for row in rows)
    assert busy > 300, f"{width} wide, dark {dark}: only {busy} rows of 1600 have anything on them"
    return rows


text = open(report, encoding="utf-8").read()
assert not re.search(r"(src|href)\s*=|@import|url\((?!#)|https?://", re.sub(r"<code>.*?</code>", "", text, flags=re.S)), \
    "the page refers to something outside itself"

# A wrapper asks the page itself, in a frame as wide as a window: scripts are allowed here, not in the report.
probe = f"{scratch.name}/probe.html"
with open(probe, "w") as file:
    file.write(f"""<!DOCTYPE html><meta charset="utf-8"><body><script>
const wait = [];
for (const width of [400, 1400]) {{
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${{width}}px;height:900px;border:0`;
  frame.src = "file://{report}";
  wait.push(new Promise(done => frame.onload = () => {{
    const page = frame.contentDocument, root = page.documentElement;
    const small = [...page.querySelectorAll("figure svg text")].filter(t => t.getBoundingClientRect().height < 9).length;
    const tall = [...page.querySelectorAll("figure svg")].filter(s => s.getBoundingClientRect().height < 60).length;
    document.body.append(`[${{width}}: scroll ${{root.scrollWidth}}, small ${{small}}, flat ${{tall}}, `
      + `figures ${{page.querySelectorAll("figure").length}}, height ${{root.scrollHeight}}]`);
    done();
  }}));
  document.body.append(frame);
}}
</script></body>""")
dom = chromium("--dump-dom", "--allow-file-access-from-files", "--virtual-time-budget=20000", page=probe)
sizes = re.findall(r"\[(\d+): scroll (\d+), small (\d+), flat (\d+), figures (\d+), height (\d+)\]", dom)
assert len(sizes) == 2, "the page did not load in a frame: " + dom[-500:]
for width, scroll, small, flat, figures, height in (map(int, size) for size in sizes):
    assert scroll <= width, f"at {width} pixels the page is {scroll} wide"
    assert small == 0, f"at {width} pixels {small} labels of charts are less than 9 pixels high"
    assert flat == 0, f"at {width} pixels {flat} charts have no height"

dom = chromium("--dump-dom")
for part in ("id=\"verdict\"", "id=\"curves\"", "id=\"record\"", "<svg", "<title"):
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
assert data[:5] == b"%PDF-" and pages >= 1 and len(data) > 10000, f"{len(data)} bytes of PDF, {pages} pages"
print(f"chromium shows {report}: {sizes[0][4]} figures, {pages} printed pages")
