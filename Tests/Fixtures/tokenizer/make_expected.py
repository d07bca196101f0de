"""Writes expected.json and shared_digests.json: what Hugging Face's tokenizers make of hostile lines, of every code
point, of random lines, and of every text file of the shared data.

    python3 make_expected.py MODEL_FOLDER [SHARED_DATA_FOLDER]   # transformers 5.23.0, tokenizers 0.23.3

Lines are read as bytes, cut at LF only (a CR stays), and decoded with errors="replace".
A digest is sum((id[i] + 1) * P**i) mod 2**64 over all ids, special tokens included, with P = 0x100000001B3.
"""
import json
import os
import shutil
import sys
import tempfile

import numpy as np
import tokenizers
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from transformers import AutoTokenizer, BertTokenizer, RobertaTokenizer

import hostile

HERE = os.path.dirname(os.path.abspath(__file__))
P = 0x100000001B3
# Options of tokenizer_config.json beside wordpiece/vocab.txt.
WORD_PIECE_OPTIONS = {
    "cased": {"do_lower_case": False},
    "uncased": {"do_lower_case": True},
    "uncased, accents kept": {"do_lower_case": True, "strip_accents": False},
    "cased, accents stripped": {"do_lower_case": False, "strip_accents": True},
    "ideographs not set apart": {"do_lower_case": False, "tokenize_chinese_chars": False},
}
NORMALIZERS = {
    f"{clean:d}{chinese:d}{strip:d}{lower:d}": dict(clean_text=clean, handle_chinese_chars=chinese,
                                                    strip_accents=strip, lowercase=lower)
    for clean, chinese, strip, lower in [(1, 1, 1, 1), (1, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 1, 1, 1)]
    for clean, chinese, strip, lower in [tuple(map(bool, (clean, chinese, strip, lower)))]
}
BLOCK = 0x2000


class Digest:
    def __init__(self):
        self.count, self.value, self.power = 0, np.uint64(0), np.uint64(1)

    def add(self, ids):
        with np.errstate(over="ignore"):
            ids = np.asarray(ids, dtype=np.uint64) + np.uint64(1)
            powers = np.full(len(ids), P, dtype=np.uint64)
            if len(ids):
                powers[0] = self.power
                powers = np.cumprod(powers)
                self.value += (ids * powers).sum(dtype=np.uint64)
                self.power = powers[-1] * np.uint64(P)
        self.count += len(ids)

    def json(self):
        return {"count": self.count, "digest": f"{int(self.value):016x}"}


def from_folder(kind, source, config=None):
    """The fast tokenizer that transformers makes of a folder, without truncation and padding."""
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(source):
            if name.startswith(("vocab", "merges", "tokenizer", "special_tokens", "config.json")):
                shutil.copy(os.path.join(source, name), folder)
        if config is not None:
            with open(folder + "/tokenizer_config.json", "w") as out:
                json.dump(config, out)
        loaded = kind.from_pretrained(folder)
    backend = loaded.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    return backend, sorted(loaded.all_special_ids)


def all_tokenizers(model):
    out = {"all-MiniLM-L6-v2": from_folder(AutoTokenizer, model)}
    for name, options in WORD_PIECE_OPTIONS.items():
        out["wordpiece, " + name] = from_folder(
            BertTokenizer, HERE + "/wordpiece", {"tokenizer_class": "BertTokenizer", **options})
    out["byte-level"] = from_folder(RobertaTokenizer, HERE + "/byte-level")
    for name in ("wordpiece-json", "byte-level-json"):
        out[name] = (Tokenizer.from_file(f"{HERE}/{name}/tokenizer.json"), None)
    # What is special in its files and has no name, as <|endoftext|> here, is special to us alone.
    out["modernbert"] = (from_folder(AutoTokenizer, modern_folder())[0], None)
    return out


def modern_folder():
    """A folder in ModernBERT's form: byte-level-json with the parts in modernbert.json."""
    with open(HERE + "/byte-level-json/tokenizer.json", encoding="utf-8") as file:
        content = json.load(file)
    with open(HERE + "/modernbert.json", encoding="utf-8") as file:
        parts = json.load(file)
    content.update(parts["tokenizer.json"])
    folder = tempfile.mkdtemp()
    for name, value in [("tokenizer.json", content), ("tokenizer_config.json", parts["tokenizer_config.json"]),
                        ("config.json", {"model_type": "modernbert"})]:
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            json.dump(value, file)
    return folder


def encode(backend, lines):
    return [e.ids for e in backend.encode_batch([line.decode("utf-8", "replace") for line in lines])]


def expected_ids(ids):
    if len(ids) <= 100:
        return ids
    digest = Digest()
    digest.add(ids)
    return digest.json()


def digest_all(results):
    digest = Digest()
    for ids in results:
        digest.add(ids)
    return digest.json()


def code_points(block):
    return [chr(c) for c in range(block, min(block + BLOCK, 0x110000)) if not 0xD800 <= c < 0xE000]


def stage_digests():
    """What the single stages do with every code point, as digests of characters or of piece lengths."""
    out = {}
    for name, options in NORMALIZERS.items():
        normalize = normalizers.BertNormalizer(**options).normalize_str
        out["normalizer " + name] = [
            digest_all([ord(x) for x in normalize("A" + c + "\u302e\u0345\u0334\U00016ff0" + c + "Z")]
                       for c in code_points(b)) for b in range(0, 0x110000, BLOCK)]
    for name, split, text in [
            ("bert words", pre_tokenizers.BertPreTokenizer(), "a{0}b {0}{0}"),
            ("byte-level pieces", pre_tokenizers.ByteLevel(add_prefix_space=False), "a{0}1{0} {0}{0}!{0}'s{0}  {0}")]:
        out[name] = [digest_all([len(t.encode()) if name == "bert words" else len(t)
                                 for t, _ in split.pre_tokenize_str(text.format(c))] for c in code_points(b))
                     for b in range(0, 0x110000, BLOCK)]
    return out


def hostile_and_random(backends):
    expected = {"version": tokenizers.__version__, "special": {}, "hostile": [], "random": {}}
    lines = [hostile.line(parts) for parts in hostile.LINES.values()]
    results = {name: encode(backend, lines) for name, (backend, _) in backends.items()}
    for i, (name, parts) in enumerate(hostile.LINES.items()):
        expected["hostile"].append({
            "name": name, "parts": [{"hex": data.hex(), "times": times} for data, times in parts],
            "ids": {key: expected_ids(found[i]) for key, found in results.items()}})
    for name, (backend, special) in backends.items():
        expected["special"][name] = special
        expected["random"][name] = [digest_all(encode(backend, list(hostile.random_lines(1000, seed))))
                                    for seed in range(1, 21)]
    expected["stages"] = stage_digests()
    return expected


def shared_digests(backends, root):
    out = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, "rb") as source:
                data = source.read()
            lines = data.split(b"\n")
            if lines[-1] == b"":
                lines.pop()
            invalid = 0
            try:
                data.decode()
            except UnicodeDecodeError:
                invalid = sum(1 for line in lines if "\ufffd" in line.decode("utf-8", "replace"))
            entry = {"lines": len(lines), "lineEnds": "CRLF" if b"\r\n" in data else "LF", "linesNotUTF8": invalid}
            for key in ("all-MiniLM-L6-v2", "byte-level", "modernbert"):
                entry[key] = digest_all(encode(backends[key][0], lines))
            out[os.path.relpath(path, root)] = entry
            print(path, entry, file=sys.stderr)
    return out


def write(name, value):
    with open(os.path.join(HERE, name), "w") as out:
        json.dump(value, out, ensure_ascii=True, indent=0 if name == "expected.json" else 1)
        out.write("\n")


if __name__ == "__main__":
    backends = all_tokenizers(sys.argv[1])
    write("expected.json", hostile_and_random(backends))
    if len(sys.argv) > 2:
        write("shared_digests.json", shared_digests(backends, sys.argv[2]))
