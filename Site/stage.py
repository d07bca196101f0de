"""The pages of the site as Sphinx reads them: the documents, the commands as the program describes them, the C headers,
the examples, and how all of them are ordered. Links that leave the documents become places in the repository.

    stage.py MIXCSE FOLDER      every document must have its place in PARTS below
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADERS = {path.name: path for folder in ("PluginAPI", "LibraryAPI")
           for path in (ROOT / "Sources" / folder / "include").glob("*.h")}


# What stands where.
PARTS = {
    "Start": ["Installing", "FirstComparison", "ComingFromSimCSE"],
    "Guides": ["PluginGuide", "PythonPlugins", "BareFunctions", "PluginCheck", "HotReload", "Models", "Training",
               "Evaluation", "Comparison", "Clusters", "ClusterComparison", "Reproduce", "Search", "Python", "Library",
               "Devices", "Precision"],
    "Reference": ["Commands", "Strategies", "Formats", "ExitCodes", "Environment", "PluginABI", *sorted(HEADERS),
                  "PluginKit", "Examples", "ReferenceFlags", "Glossary"],
    "Explanations": ["RealComparison", "Gradients", "Probe", "RuntimeSwap", "Faults", "Architecture", "Performance",
                     "Releasing"],
    "When something is wrong": ["Troubleshooting", "FAQ"],
}


def main(program, folder):
    pages = {path.stem: moved(path.read_text(), path) for path in (ROOT / "Documentation").glob("*.md")}
    pages["Examples"] = moved((ROOT / "Examples/README.md").read_text(), ROOT / "Examples/README.md")
    pages["Commands"], pages["PluginKit"] = commands(program), PLUGIN_KIT
    pages |= {name: f"# {name}\n\n```c\n{path.read_text()}```\n" for name, path in HEADERS.items()}
    check_messages(pages["Troubleshooting"])
    placed = [name for names in PARTS.values() for name in names]
    if unplaced := sorted(set(pages) - set(placed) - {"index"}):
        sys.exit(f"stage.py: expected a place for each page in PARTS, found none for {', '.join(unplaced)}")
    for title, names in PARTS.items():
        pages["index"] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(names) + "\n```\n"
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "Documentation", folder, ignore=shutil.ignore_patterns("*.md"))
    for name, text in pages.items():
        (folder / (name + ".md")).write_text(text)


def moved(markdown, page):
    """A page with links that lead somewhere on the site."""

    def replaced(match):
        text, target = match.groups()
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve()
        if place.name in HEADERS:
            return f"[{text}]({place.name}.md)"
        if place == ROOT / "Examples/README.md":
            return f"[{text}](Examples.md)"
        if place.parent == ROOT / "Documentation":
            return f"[{text}]({place.name}{'#' if anchor else ''}{anchor})"
        if not place.exists():
            sys.exit(f"stage.py: {page.name}: {target} is not in the repository")
        # Read on a page, a path in the repository is a name.
        where = place.relative_to(ROOT)
        return text if text.strip("`") == str(where) else f"{text} (`{where}`)"

    # Links of the documents among themselves stay.
    inside = r"(?!https?:|#)" if page.parent.name == "Examples" else r"(?=\.\./)"
    return re.sub(r"\[([^\]]+)\]\(" + inside + r"([^)]*)\)", replaced, markdown)


def check_messages(markdown):
    """Every message that the page explains is one that the program prints."""
    sources = "".join(path.read_text() for path in (ROOT / "Sources").rglob("*.swift"))
    # A text may go on in the next line of the source, and has numbers where the page has none.
    sources = re.sub(r'"\s*\+\s*"', "", sources)
    for message in re.findall(r"^`(.+)`\n\n:", markdown, re.MULTILINE):
        if message not in sources:
            sys.exit(f"Troubleshooting.md: no message says '{message}'")


def commands(program):
    """A page of all commands, from the program's own description of them."""
    described = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout
    lines = ["# Commands", "", "As `mixcse COMMAND --help` has them."]
    describe(json.loads(described)["command"], [], lines)
    return "\n".join(lines) + "\n"


def describe(command, path, lines):
    path = [*path, command["commandName"]]
    if len(path) > 1:
        lines += ["", "#" * len(path) + " " + " ".join(path), "", plain(command.get("abstract", "")), ""]
        if command.get("discussion"):
            lines += ["```text", command["discussion"].strip(), "```", ""]
        arguments = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)
                     and argument.get("valueName") not in ("help", "version")]
        for argument in arguments:
            lines += [spelled(argument), f":   {meaning(argument)}", ""]
    for child in command.get("subcommands", []):
        if child.get("shouldDisplay", True) and child["commandName"] != "help":
            describe(child, path, lines)


def spelled(argument):
    value = argument.get("valueName", "")
    names = [("--" if name["kind"] == "long" else "-") + name["name"] for name in argument.get("names") or []]
    if argument["kind"] == "positional":
        return f"`{value}`"
    text = ", ".join(names) + (f" {value}" if argument["kind"] == "option" else "")
    return f"`{text}`"


def meaning(argument):
    parts = [plain(argument.get("abstract", ""))]
    if argument.get("defaultValue") and "(default" not in parts[0]:
        parts.append(f"Default: {plain(argument['defaultValue'])}.")
    if argument.get("allValues"):
        parts.append("One of " + ", ".join(argument["allValues"]) + ".")
    if argument.get("isRepeating"):
        parts.append("Repeatable." if "epeatable" not in parts[0] else "")
    return " ".join(part for part in parts if part)


def plain(text):
    """Text that Markdown takes for nothing but text."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", " ".join(text.split()))


PLUGIN_KIT = """# PluginKit

What a plugin in Swift is written with. <a href="PluginKit/documentation/pluginkit/index.html">The symbols</a> are
built from the doc comments by DocC (over HTTP: browsers do not load its data from a disk);
[the guide](PluginGuide.md) shows it at work.
"""

main(*sys.argv[1:])
