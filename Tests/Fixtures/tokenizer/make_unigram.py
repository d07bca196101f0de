"""Writes unigram.json: small SentencePiece models, folders made of them, and what transformers and tokenizers make of
hostile and random lines in each, of every code point in the single normalizers, and of all shared data.

    python3 make_unigram.py SHARED_DATA_FOLDER   # transformers 5.24, tokenizers 0.23.3, sentencepiece 0.2.3, protobuf

The models are trained on fixture_text.py and a few lines in other scripts; their map of characters is one of two dozen
entries (charsmap.py), for SentencePiece's own has 240 kB. Digests are those of make_expected.py.
"""
import base64
import json
import os
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import normalizers
from transformers import AutoTokenizer

import charsmap
import hostile
from fixture_text import SENTENCES
from make_expected import BLOCK, code_points, digest_all

HERE = os.path.dirname(os.path.abspath(__file__))
# Where characters are assigned.
BLOCKS = [*range(0, 0x32000, BLOCK), 0xE0000]
OTHER = ["Größe und Maß über die Straße", "Привет, как дела сегодня?", "日本語の文章 中文句子", "한국어 문장도 있습니다", "مرحبا بالعالم",
         "नमस्ते दुनिया", "ﬁne ﬂuﬀ ① Ⅳ ½ ™", "😀 👍🏽 👨‍👩‍👧 🇩🇪", "foo_bar __init__ ▁▁ mark"]
# Traps: a mark alone, a letter with its mark, a prefix that is a key itself, nothing, several characters, line ends.
MAP = {"\u0301": "'", "e\u0301": "é", "A": "a", "\r": " ", "\n": " ", "\t": " ", "\x7f": "", "\u00ad": "", "ﬁ": "fi",
       "½": "1\u20442", "\u3000": " ", "\u00a0": " ", "Å": "Å", "ﷺ": "صلى الله عليه وسلم", "①": "1", "©": "(c)",
       "\u200d": "", "가": "가", "\u0e33": "\u0e4d\u0e32", "क": "क", "क\u093c": "\u0958", "’": "'", "\u0600": "#"}
PIECES = "\u200d \ufe0f \u0301 \u0308 \u0327 \u1100 \u1161 \u11a8 가 각 \u0600 क \u094d \u093c \u093f © ® ☎ ❤ 🇩 🇪 👍 🏽 👩 ▁ " \
    "\u2028 \u3000 ﬁ ① Ａ ﾊ ﾞ \u0e33 \u00ad \ufeff \u200b <mask> <s> </s> <unk> [MASK] [CLS] the a e é İ ẞ Σ ﷺ ½ 𝒜 \ue000 " \
    "`` '' fin ﬁn The~End \U000110bd \u0d4e \u0344 \u212b \u1e9b\u0323 \u0958 \u2adc _ , . ~ ~~ \r \n \r\n \t \x7f \x00 \u00a0"


def train(**options):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/text", "w") as file:
            file.write("\n".join(list(SENTENCES) + OTHER * 3))
        sentencepiece.SentencePieceTrainer.train(
            input=folder + "/text", model_prefix=folder + "/m", vocab_size=420, character_coverage=0.98,
            normalization_rule_name="identity", minloglevel=2, num_threads=1, hard_vocab_limit=False, **options)
        model = proto.ModelProto()
        with open(folder + "/m.model", "rb") as file:
            model.ParseFromString(file.read())
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    model.normalizer_spec.precompiled_charsmap = charsmap.build(MAP)
    return model.SerializeToString()


def models():
    bert = dict(bos_piece="[CLS]", eos_piece="[SEP]")
    return {
        "plain": train(), "user": train(user_defined_symbols=["<sep>", "foo bar"]),
        "albert": train(pad_id=0, unk_id=1, bos_id=2, eos_id=3, control_symbols=["[MASK]"], **bert),
        "deberta": train(pad_id=0, unk_id=3, bos_id=1, eos_id=2, pad_piece="[PAD]", unk_piece="[UNK]", **bert),
    }


def metaspace(scheme="always", split=True, mark="▁"):
    return {"type": "Metaspace", "replacement": mark, "prepend_scheme": scheme, "split": split}


def sequence(*parts, key="normalizers"):
    return {"type": "Sequence", key: list(parts)}


def replace(content, **pattern):
    return {"type": "Replace", "pattern": pattern, "content": content}


def spelled(base):
    """A vocabulary with tokens of all bytes but one, in the middle."""
    pieces = base["model"]["vocab"]
    pieces = pieces[:300] + [[f"<0x{i:02X}>", -12 - i / 7] for i in range(256) if i != 0x9F] + pieces[300:]
    ids = {token: i for i, (token, _) in enumerate(pieces)}
    added = [{**token, "id": ids[token["content"]]} for token in base["added_tokens"]]
    return {"model": {**base["model"], "vocab": pieces, "byte_fallback": True}, "added_tokens": added}


def added(base):
    token = {"special": False, "normalized": True, "lstrip": False, "rstrip": False, "single_word": False}
    size = len(base["model"]["vocab"])
    return [{**t, "normalized": True} for t in base["added_tokens"]] + [
        {**token, "id": size, "content": "The End", "single_word": True},
        {**token, "id": size + 1, "content": "ﬁn", "lstrip": True},
        {**token, "id": size + 2, "content": "the", "normalized": False, "rstrip": True}]


def changes(base):
    """Of the one tokenizer.json, by name; it is read as it stands."""
    split = {"type": "WhitespaceSplit"}
    return {
        "as it stands": {},
        "MiniLM": dict(normalizer=sequence(base["normalizer"], replace(" ", Regex=" {2,}")), pre_tokenizer=metaspace()),
        "first": dict(normalizer=sequence({"type": "Strip", "strip_left": True, "strip_right": True},
                                          base["normalizer"]), pre_tokenizer=metaspace("first")),
        "whole lines": dict(pre_tokenizer=metaspace("first", split=False)),
        "never": dict(normalizer={"type": "NFKC"}, pre_tokenizer=metaspace("never")),
        "another mark": dict(pre_tokenizer=metaspace(mark="_")),
        "no pre-tokenizer": dict(pre_tokenizer=None, normalizer=sequence(
            {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, replace("▁", String=" "),
            {"type": "Prepend", "prepend": "▁"})),
        "outer blanks": dict(pre_tokenizer=metaspace(split=False), normalizer=sequence(
            replace("", Regex=r"\A +| +\z"), replace(" ", Regex=r"\s{2,}|[\n\r\t]"), replace("▁", String=" "),
            replace("▁▁", Regex="\\A▁"), {"type": "NFC"})),
        "punctuation": dict(normalizer={"type": "NFD"}, pre_tokenizer=sequence(
            {"type": "Punctuation", "behavior": "Isolated"}, split, metaspace(), key="pretokenizers")),
        "BERT's": dict(pre_tokenizer=sequence({"type": "BertPreTokenizer"}, metaspace(), key="pretokenizers"),
                       normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                   "strip_accents": None, "lowercase": True}),
        "added tokens": dict(added_tokens=added(base), pre_tokenizer=metaspace("first")),
        "bytes": spelled(base),
    }


def cases(base):
    """Name, files, and which model is copied as which file."""
    xlm, camembert = "sentencepiece.bpe.model", {"tokenizer_class": "CamembertTokenizer"}
    out = [
        ("XLM-RoBERTa", "xlm-roberta", None, {xlm: "plain"}), ("user defined", "xlm-roberta", None, {xlm: "user"}),
        ("no prefix", "xlm-roberta", {"add_prefix_space": False}, {xlm: "plain"}),
        ("CamemBERT", "camembert", camembert, {xlm: "plain"}), ("ALBERT", "albert", None, {"spiece.model": "albert"}),
        ("ALBERT cased", "albert", {"do_lower_case": False, "keep_accents": True}, {"spiece.model": "albert"}),
        ("ALBERT, asked for other ends", "albert", {"add_bos_token": True, "add_eos_token": True, "bos_token": "[MASK]",
                                                    "eos_token": "<unk>"}, {"spiece.model": "albert"}),
        ("DeBERTa", "deberta-v2", None, {"spm.model": "deberta"}),
        ("DeBERTa punctuation", "deberta-v2", {"do_lower_case": True, "split_by_punct": True},
         {"spm.model": "deberta"}),
        ("DeBERTa first", "deberta-v2", {"add_prefix_space": False}, {"spm.model": "deberta"})]
    fast = {"tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "<s>", "sep_token": "</s>",
            "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    out = [(name, kind, settings, copied, None) for name, kind, settings, copied in out]
    out += [(name, "bert", fast, {}, change) for name, change in changes(base).items()]
    out += [("BERT with XLM-RoBERTa's class", "bert", {"tokenizer_class": "XLMRobertaTokenizer"}, {}, {}),
            ("another class of the same file", "camembert", {"tokenizer_class": "CamembertTokenizerFast"}, {}, {})]
    return out


def load(folder, kind, settings, copied, change, base, trained):
    files = {"config.json": {"model_type": kind, "vocab_size": 999}, "tokenizer_config.json": settings or {}}
    if change is not None:
        files["tokenizer.json"] = {**base, **change}
    for name, value in files.items():
        with open(f"{folder}/{name}", "w") as file:
            json.dump(value, file)
    for name, model in copied.items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(trained[model])
    loaded = AutoTokenizer.from_pretrained(folder)
    loaded.backend_tokenizer.no_padding()
    loaded.backend_tokenizer.no_truncation()
    return loaded


def joined(results):
    """The digest of all, which is that of one long row."""
    return digest_all([[x for ids in results for x in ids]])


def stages():
    marks = "\u302e\u0345\u0334\U00016ff0"
    kinds = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD(),
             "StripAccents": normalizers.StripAccents(), "Lowercase": normalizers.Lowercase()}
    out = {name: [joined(map(ord, kind.normalize_str("A" + c + marks + c + "Z")) for c in code_points(b))
                  for b in BLOCKS] for name, kind in kinds.items()}
    # The first key of a cluster of less than six bytes replaces it all: a border shows as what is left of the others.
    text = "\u0301{0}e\u0301 {0}\u0308\u0301 ❤\u200d{0}\u0301 {0}\u200d❤\u0301क\u094d{0}\u0301"
    mapped = normalizers.Precompiled(charsmap.build(MAP)).normalize_str
    out["Precompiled"] = [joined(map(ord, mapped(text.format(c))) for c in code_points(b)) for b in BLOCKS]
    return out


def shared(backend, root):
    out = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            with open(os.path.join(folder, name), "rb") as source:
                lines = source.read().split(b"\n")
            if lines[-1] == b"":
                lines.pop()
            found = backend.encode_batch_fast([line.decode("utf-8", "replace") for line in lines])
            out[os.path.relpath(os.path.join(folder, name), root)] = joined(e.ids for e in found)
    return out


def main():
    random, pieces = hostile.Random(1), [p.replace("~", " ") for p in PIECES.split(" ")]
    lines = ["".join(pieces[random.next(len(pieces))] for _ in range(1 + random.next(12))).encode() for _ in range(400)]
    lines = [b"", b" ", b"  ", b"   a   b  ", b"\t\ta", b"trailing ", b"<mask>", b" <mask> x<mask> ", "▁".encode()] + [
        line for line in lines if len(line) <= 60][:240]
    random_lines = {seed: list(hostile.random_lines(1000, seed)) for seed in range(1, 4)}
    trained = models()
    with tempfile.TemporaryDirectory() as folder:
        first = load(folder, "xlm-roberta", None, {"sentencepiece.bpe.model": "plain"}, None, None, trained)
        first.save_pretrained(folder)
        with open(folder + "/tokenizer.json") as file:
            base = json.load(file)
    out = {"models": {name: base64.b64encode(data).decode() for name, data in trained.items()}, "base": base,
           "lines": [line.hex() for line in lines], "stages": stages(), "cases": [],
           "charsmap": base64.b64encode(charsmap.build(MAP)).decode()}
    for name, kind, settings, copied, change in cases(base):
        with tempfile.TemporaryDirectory() as folder:
            loaded = load(folder, kind, settings, copied, change, base, trained)
        backend = loaded.backend_tokenizer
        encode = lambda many: [e.ids for e in backend.encode_batch([x.decode("utf-8", "replace") for x in many])]
        out["cases"].append({
            "name": name, "kind": kind, "settings": settings or {}, "copied": copied, "change": change,
            "special": sorted(set(loaded.all_special_ids)), "mask": loaded.mask_token_id,
            "lines": encode(lines[:24]),
            "rest": [joined(encode(lines[i:i + 25])) for i in range(24, len(lines), 25)],
            "random": [joined(encode(random_lines[seed])) for seed in range(1, 4)]})
        if name == "as it stands":
            out["shared"] = shared(backend, sys.argv[1])
    with open(HERE + "/unigram.json", "w") as file:
        json.dump(out, file, ensure_ascii=True, indent=0, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
