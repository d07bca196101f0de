"""Writes Sources/Tokenizer/Unicode/*Data.swift by asking the PyPI package `tokenizers` about every code point.

The Rust crates behind it carry several Unicode versions at once (an old one for categories, another for
normalisation, the compiler's for lower case, the regex engine's for letters), so no single Unicode version gives
the same tokens. Each table below is what the package itself does with one character.

    python3 make_unicode_tables.py        # tokenizers 0.23.3
"""
import os
import textwrap

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../Sources/Tokenizer/Unicode")
CODE_POINTS = [c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xAC00 + 11172)


def bert(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **options}).normalize_str


def ranges(points):
    """Sorted code points as `A0 A9-AC ...`."""
    out, points = [], sorted(points)
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in out)


def combining_classes(nfd):
    """The canonical combining class of every code point, found by how NFD orders it against known marks."""
    known = [(1, 0x334), (6, 0x16FF0), (7, 0x93C), (8, 0x3099), (9, 0x94D)]
    known += [(k, c) for k, c in zip(range(10, 27), [0x5B0, 0x5B1, 0x5B2, 0x5B3, 0x5B4, 0x5B5, 0x5B6, 0x5B7, 0x5B8,
              0x5B9, 0x5BB, 0x5BC, 0x5BD, 0x5BF, 0x5C1, 0x5C2, 0xFB1E])]
    known += [(k, c) for k, c in zip(range(27, 36), [0x64B, 0x64C, 0x64D, 0x64E, 0x64F, 0x650, 0x651, 0x652, 0x670])]
    known += [(36, 0x711), (84, 0xC55), (91, 0xC56), (103, 0xE38), (107, 0xE48), (118, 0xEB8), (122, 0xEC8),
              (129, 0xF71), (130, 0xF72), (132, 0xF74), (202, 0x321), (214, 0x1DCE), (216, 0x31B), (218, 0x302A),
              (220, 0x316), (222, 0x59A), (224, 0x302E), (226, 0x1D16D), (228, 0x302B), (230, 0x300), (232, 0x315),
              (233, 0x35C), (234, 0x35D), (240, 0x345)]
    before = lambda a, b: a != b and nfd(chr(b) + chr(a)) == chr(a) + chr(b)  # class(a) < class(b), both not 0
    known = [(k, c) for k, c in known if before(0x334, c) or k == 1]
    for (_, a), (_, b) in zip(known, known[1:]):
        assert before(a, b), (hex(a), hex(b))
    classes = {}
    for c in CODE_POINTS:
        text = chr(c)
        if nfd(text) != text:
            continue  # decomposed first, never ordered itself
        if c not in (0x334, 0x345) and not before(c, 0x345) and not before(0x334, c):
            continue  # class 0
        same = [n for n, k in known if not before(c, k) and not before(k, c)]
        assert len(same) == 1, (hex(c), same)
        classes[c] = same[0]
    return classes


def lower_runs(mapping):
    """`first-last/step=first image` for runs of single-character mappings with a common distance."""
    out = []
    items = sorted(mapping.items())
    i = 0
    while i < len(items):
        c, d = items[i]
        best = (c, c, 1)
        for step in (1, 2):
            j, last = i, c
            while j + 1 < len(items) and items[j + 1][0] == last + step and items[j + 1][1] - items[j + 1][0] == d - c:
                j, last = j + 1, last + step
            if last > best[1]:
                best = (c, last, step)
        first, last, step = best
        out.append(f"{first:X}-{last:X}/{step}={d:X}" if last > first else f"{first:X}={d:X}")
        i += (last - first) // step + 1
    return " ".join(out)


def swift(name, comment, tables):
    lines = [f"// {line}" for line in textwrap.wrap(comment, 112)]
    lines += [f"// Written by Tests/Fixtures/tokenizer/make_unicode_tables.py with tokenizers {tokenizers.__version__}; "
              "do not edit.", "", f"enum {name} {{"]
    for i, (key, doc, text) in enumerate(tables):
        lines += [""] if i else []
        lines += [f"  /// {doc}", f'  static let {key}: StaticString = """']
        lines += ["    " + line for line in textwrap.wrap(text, 114, break_on_hyphens=False)] + ['    """']
    with open(os.path.join(TARGET, name + ".swift"), "w") as out:
        out.write("\n".join(lines + ["}"]) + "\n")


def bert_tables():
    clean, chinese = bert(clean_text=True), bert(handle_chinese_chars=True)
    strip, lower, nfd = bert(strip_accents=True), bert(lowercase=True), normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    sets = {k: set() for k in ("dropped", "whitespace", "ideographs", "marks", "punctuation", "separators")}
    decompositions, lowered = {}, {}
    for c in CODE_POINTS:
        text = chr(c)
        cleaned, decomposed, small, pieces = clean(text), nfd(text), lower(text), len(split("a" + text + "b"))
        sets["dropped"] |= {c} if cleaned == "" else set()
        sets["whitespace"] |= {c} if cleaned == " " else set()
        sets["ideographs"] |= {c} if chinese(text) != text else set()
        sets["marks"] |= {c} if decomposed == text and strip(text) == "" else set()
        sets["punctuation"] |= {c} if pieces == 3 else set()
        sets["separators"] |= {c} if pieces == 2 else set()
        if decomposed != text and c not in HANGUL:
            decompositions[c] = decomposed
        if small != text:
            lowered[c] = small
    # Vertical tab, form feed and next line separate words, but cleaning has dropped them before.
    assert sets["separators"] - sets["whitespace"] == {0x85}, sets["separators"] ^ sets["whitespace"]
    assert {c: s for c, s in lowered.items() if len(s) > 1} == {0x130: "i\u0307"}
    assert all(nfd(nfd(chr(c))) == nfd(chr(c)) for c in CODE_POINTS)
    single = {c: ord(s) for c, s in lowered.items() if len(s) == 1}
    classes = combining_classes(nfd)
    by_class = {}
    for c, k in classes.items():
        by_class.setdefault(k, []).append(c)
    swift("BertCharacterData", "What Hugging Face's BertNormalizer and BertPreTokenizer do with each character from "
          "U+0080 on.", [
              ("dropped", "Removed when text is cleaned.", ranges(sets["dropped"])),
              ("whitespace", "Turned into a space when text is cleaned; separates words (as does U+0085).",
               ranges(sets["whitespace"])),
              ("ideographs", "Set apart by spaces.", ranges(sets["ideographs"])),
              ("marks", "Non-spacing marks, removed with the accents.", ranges(sets["marks"])),
              ("punctuation", "A word of its own.", ranges(sets["punctuation"])),
              ("lower", "Lower case, `first-last/step=image of first`; U+0130 becomes two characters in code.",
               lower_runs(single)),
              ("combining", "Canonical combining classes other than 0: `=class`, then its characters.",
               " ".join(f"={k:X} {ranges(v)}" for k, v in sorted(by_class.items()))),
          ])
    swift("DecompositionData", "Full canonical decompositions (NFD), Hangul syllables left out: they are arithmetic.", [
        ("canonical", "`character=decomposition+decomposition...`",
         " ".join(f"{c:X}=" + "+".join(f"{ord(d):X}" for d in s) for c, s in sorted(decompositions.items()))),
    ])


def byte_level_tables():
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    marked = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
    marked.add_tokens([AddedToken("@@", single_word=True, normalized=False)])
    letters, numbers, spaces, words = set(), set(), set(), set()
    for c in CODE_POINTS:
        text = chr(c)
        pieces = split("a" + text + "1")
        if len(pieces) == 2:
            (letters if pieces[0][1][1] == 2 else numbers).add(c)
        elif len(split("a" + text + "!")) == 3:
            spaces.add(c)
        if len(marked.encode(text + "@@").ids) == 1:
            words.add(c)
    swift("ByteLevelCharacterData", "Classes of the regular expression by which byte-level BPE splits text, from "
          "U+0080 on.", [
              ("letters", "`\\p{L}`".replace("\\", "\\"), ranges(letters)),
              ("numbers", "`\\p{N}`", ranges(numbers)),
              ("whitespace", "`\\s`", ranges(spaces)),
              ("words", "`\\w` around added tokens that match whole words only.", ranges(words)),
          ])


if __name__ == "__main__":
    bert_tables()
    byte_level_tables()
