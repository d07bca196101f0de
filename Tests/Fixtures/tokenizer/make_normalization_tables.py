"""Writes Sources/Tokenizer/Unicode/GraphemeData.swift and CompatibilityData.swift: where text has borders between
grapheme clusters, and what NFC, NFKC, NFKD and StripAccents do, as the PyPI package `tokenizers` sees it.

    python3 make_normalization_tables.py    # tokenizers 0.23.3; regex 2025.11.3, which has Unicode 17 as tokenizers has

Classes of grapheme clusters are those of `regex`; that they are the package's is asserted by what a Precompiled
normalizer does with pairs of characters.
"""
import regex
from tokenizers import normalizers

from charsmap import build
from make_unicode_tables import HANGUL, ranges, swift

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, CODE_POINTS))
CLASSES = ["Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T"]


def having(prop):
    return {ord(c) for c in regex.findall(rf"\p{{{prop}}}", TEXT)}


def check(classes):
    """A cluster of less than six bytes is looked up as a whole, and its shortest prefix in the map replaces all."""
    joined = normalizers.Precompiled(build({"a": "Y"})).normalize_str
    found = {c for c in CODE_POINTS if c and joined("a" + chr(c)) == "Y"}
    assert found == classes["Extend"] | classes["ZWJ"] | classes["SpacingMark"]
    found = set()
    for block in range(0, 0x110000, 0x2000):
        points = [c for c in CODE_POINTS if block <= c < block + 0x2000 and c]
        if points:
            mapped = normalizers.Precompiled(build({chr(c): "Y" for c in points})).normalize_str
            found |= {c for c in points if mapped(chr(c) + "b") == "Y"}
    assert found == classes["Prepend"]
    mark = normalizers.Precompiled(build({"\u0308": "Y"})).normalize_str
    found = {c for c in CODE_POINTS if mark(chr(c) + "\u0308\u0301") == chr(c) + "Y"}
    assert found == classes["Control"] | {0x0D, 0x0A}


def grapheme_tables():
    classes = {name: having("GCB=" + name) for name in CLASSES}
    check(classes)
    notes = {
        "Control": "Stands alone, as do CR and LF.", "Extend": "Belongs to the character before it.",
        "ZWJ": "The zero width joiner.", "Regional_Indicator": "Letters of flags.",
        "Prepend": "Belongs to the character behind it.", "SpacingMark": "Belongs to the character before it, too.",
        "L": "Leading consonants of Hangul.", "V": "Vowels of Hangul.", "T": "Trailing consonants of Hangul."}
    keys = {"Control": "controls", "Extend": "extending", "ZWJ": "joiner", "Regional_Indicator": "regional",
            "Prepend": "prepended", "SpacingMark": "spacing", "L": "leading", "V": "vowels", "T": "trailing"}
    tables = [(keys[name], notes[name], ranges(classes[name])) for name in CLASSES]
    tables += [
        ("pictographic", "Emoji and their like, which a joiner joins.", ranges(having("Extended_Pictographic"))),
        ("conjunctConsonants", "Indic consonants that a linker joins.", ranges(having("InCB=Consonant"))),
        ("conjunctLinkers", "What joins Indic consonants.", ranges(having("InCB=Linker"))),
        ("conjunctExtending", "What may stand between them.", ranges(having("InCB=Extend"))),
    ]
    swift("GraphemeData", "Classes of characters by which text is cut into grapheme clusters (Unicode Standard Annex "
          "29); Hangul syllables are arithmetic.", tables)


def compatibility_tables():
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    nfc, nfkc = normalizers.NFC().normalize_str, normalizers.NFKC().normalize_str
    strip = normalizers.StripAccents().normalize_str
    points = [c for c in CODE_POINTS if c not in HANGUL]
    compatible = {c: nfkd(chr(c)) for c in points if nfkd(chr(c)) != nfd(chr(c))}
    excluded = {c for c in points if nfd(chr(c)) != chr(c) and nfc(chr(c)) != chr(c)}
    for c in points:
        assert nfkc(chr(c)) == nfc(nfkd(chr(c))), hex(c)
        assert c in excluded or c < 0x80 or nfd(chr(c)) == chr(c) or nfc(nfd(chr(c))) == chr(c), hex(c)
    swift("CompatibilityData", "What the normalization forms do beside canonical decomposition, and StripAccents.", [
        ("compatible", "Full compatibility decompositions (NFKD) that differ from the canonical ones.",
         " ".join(f"{c:X}=" + "+".join(f"{ord(d):X}" for d in s) for c, s in sorted(compatible.items()))),
        ("excluded", "Characters with a canonical decomposition that are never composed again.", ranges(excluded)),
        ("accents", "Marks of every kind, which StripAccents removes.",
         ranges(c for c in CODE_POINTS if strip(chr(c)) == "")),
    ])


if __name__ == "__main__":
    grapheme_tables()
    compatibility_tables()
