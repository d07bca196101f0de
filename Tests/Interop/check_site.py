"""The site in a real browser: every page loads from a disk, fits a telephone and a desk, and leads nowhere outside.

check_site.py FOLDER [PICTURES]: exits with 1 and a reason; PICTURES: a folder for screenshots of some pages.
"""
import json
import os
import re
import sys
from pathlib import Path

from browser import chromium, scratch

WIDTHS = (390, 1280)
site = Path(sys.argv[1]).resolve()
pages = sorted(page.name for page in site.glob("*.html") if page.name not in ("genindex.html", "search.html"))
assert len(pages) > 30, f"{site}: only {len(pages)} pages"

for page in pages:
    text = (site / page).read_text(encoding="utf-8")
    outside = re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+', text)
    assert not outside, f"{page} needs {outside.group(0)}"
    for target in re.findall(r'href="(?!https?:|mailto:)([^"#?]+)', text):
        place = (site / target).resolve()
        assert place.exists(), f"{page}: {target} is not there"

probe = f"{scratch.name}/probe.html"
with open(probe, "w", encoding="utf-8") as file:
    file.write(f"""<!DOCTYPE html><meta charset="utf-8"><body><script>
(async () => {{
  for (const page of {json.dumps(pages)}) for (const width of {list(WIDTHS)}) {{
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${{width}}px;height:900px;border:0`;
    frame.src = "file://{site}/" + page;
    await new Promise(done => {{ frame.onload = done; document.body.append(frame); }});
    const root = frame.contentDocument.documentElement, main = frame.contentDocument.querySelector("article");
    frame.replaceWith("[" + JSON.stringify({{
      page, width, scroll: root.scrollWidth, height: main ? main.getBoundingClientRect().height : 0
    }}) + "]");
  }}
}})();
</script></body>""")
dom = chromium("--dump-dom", "--allow-file-access-from-files", "--virtual-time-budget=120000", page=probe)
sizes = [json.loads(size) for size in re.findall(r"\[(\{\"page\"[^\]]*\})\]", dom)]
assert len(sizes) == len(pages) * len(WIDTHS), f"{len(sizes)} of {len(pages) * len(WIDTHS)} frames loaded"
for size in sizes:
    assert size["height"] > 100, f"{size['page']} shows nothing at {size['width']} pixels"
    assert size["scroll"] <= size["width"], f"{size['page']} is {size['scroll']} wide at {size['width']} pixels"
if len(sys.argv) > 2:
    os.makedirs(sys.argv[2], exist_ok=True)
    for page in ("index", "Comparison", "Commands", "Troubleshooting"):
        for width in WIDTHS:
            chromium(f"--screenshot={os.path.abspath(sys.argv[2])}/{page}-{width}.png", f"--window-size={width},1600",
                     page=f"{site}/{page}.html")
print(f"site: {len(pages)} pages fit {' and '.join(map(str, WIDTHS))} pixels, and all their links lead somewhere")
