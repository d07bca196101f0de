"""Writes folders.json: small tokenizer folders with a text each, and the ids that AutoTokenizer of transformers 5.24
gives for it. `refused` marks folders that are refused here: where transformers gives tokens other ids than the folder's
files say, or two tokens one id, or takes a class that it does not know for another.
    python3 make_folders.py   (transformers and tokenizers, no PyTorch)"""
import json
import os
import shutil
import tempfile

from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "The", "Cat", "x", "foo", "<", ">", "/", "e", "##n",
         "##t", "n", "t", "é", "É", "b", "[", "]", "mask", "m"]
TEXT = "The cat x <ent>foo</ent> <b> [MASK]"
SPECIAL = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)


def vocabulary(words=WORDS, end="\n"):
    return "".join(word + end for word in words)


def tokenizer(**changes):
    base = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": w, **SPECIAL} for i, w in enumerate(WORDS[:5])],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": False},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(WORDS)}},
    }
    base.update(changes)
    return base


cases = []


def case(name, files, text=TEXT, refused=False, model="bert", copied={}):
    files = {"config.json": {"model_type": model, "vocab_size": 99}, **files}
    files = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in files.items() if v}
    with tempfile.TemporaryDirectory() as folder:
        for key, value in files.items():
            with open(os.path.join(folder, key), "w", encoding="utf-8", newline="") as file:
                file.write(value)
        for key, source in copied.items():
            shutil.copy(os.path.join(HERE, source), os.path.join(folder, key))
        ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    cases.append({"name": name, "files": files, "copied": copied, "text": text, "ids": ids,
                  "refused": refused})


ENT = ["<ent>", "</ent>"]
# Added tokens that the vocabulary does not have.
for kind, base in [("vocab.txt", {"vocab.txt": vocabulary()}), ("tokenizer.json", {"tokenizer.json": tokenizer()})]:
    def named(name, settings, text=TEXT, refused=False, **files):
        case(f"{kind}, {name}", {**base, "tokenizer_config.json": settings and {"tokenizer_class": "BertTokenizer",
             **settings}, **{k.replace("__", "."): v for k, v in files.items()}}, text, refused)
    named("additional_special_tokens", {"additional_special_tokens": ENT})
    named("extra_special_tokens", {"extra_special_tokens": ENT})
    named("extra_special_tokens by name", {"extra_special_tokens": {"a": "<ent>", "b": "</ent>"}})
    named("the newer key before the older", {"extra_special_tokens": ENT[:1], "additional_special_tokens": ENT[1:]})
    named("the map alone", None, special_tokens_map__json={"additional_special_tokens": ENT})
    named("settings before the map", {"additional_special_tokens": ["<b>"]},
          special_tokens_map__json={"additional_special_tokens": ENT})
    named("no map beside listed tokens", {"added_tokens_decoder": {"0": {"content": "[PAD]", "special": True}}},
          special_tokens_map__json={"additional_special_tokens": ENT})
    named("listed tokens", {"added_tokens_decoder": {"27": {"content": "</ent>", "special": True},
                                                    "26": {"content": "<ent>", "special": False}}})
    named("listed tokens with a gap", {"added_tokens_decoder": {"40": {"content": "<ent>", "special": True}}},
          refused=True)
    named("added_tokens.json", {}, added_tokens__json={"</ent>": 27, "<ent>": 26})
    named("added_tokens.json with a gap", {}, added_tokens__json={"<ent>": 30}, refused=True)
    named("another mask", {"mask_token": "<m>"}, TEXT + " <m>")
    named("another first token, and the order of all", {"cls_token": "<c>", "bos_token": "<b>",
          "own_token": "</ent>", "additional_special_tokens": ["<ent>"]})
    named("a token with blanks to its left", {"additional_special_tokens": [
        {"__type": "AddedToken", "content": "<ent>", "lstrip": True}, "</ent>"]})
    named("a token twice, and one of the vocabulary", {"additional_special_tokens": ["<ent>", "<ent>", "cat"]})
    named("upper case in a token", {"additional_special_tokens": ["<ENT>"]}, "x <ENT> x <ent>")

# Which file decides on lower case.
for lower in [True, False]:
    json_file = tokenizer()
    json_file["normalizer"]["lowercase"] = lower
    for name in [None, "BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "PreTrainedTokenizerFast",
                 "TokenizersBackend", "SomeTokenizer"]:
        for option in [None, True, False]:
            settings = {}
            if name:
                settings["tokenizer_class"] = name
            if option is not None:
                settings["do_lower_case"] = option
            case(f"tokenizer.json lower {lower}, {name}, do_lower_case {option}",
                 {"tokenizer.json": json_file, "tokenizer_config.json": settings}, "The Cat É",
                 refused=name == "SomeTokenizer")
for name in ["PreTrainedTokenizerFast", "BertTokenizer"]:
    case(f"config.json names {name}", {"tokenizer.json": tokenizer(), "tokenizer_config.json": {"do_lower_case": True},
         "config.json": {"model_type": "bert", "tokenizer_class": name}}, "The Cat É")
    settings = {"tokenizer_class": name, "do_lower_case": False}
    case(f"Lowercase beside BERT's normalizer, {name}", {"tokenizer_config.json": settings, "tokenizer.json": tokenizer(
        normalizer={"type": "Sequence", "normalizers": [{"type": "Lowercase"}, tokenizer()["normalizer"]]})},
         "The Cat É")
    case(f"a shorter longest word, {name}", {"tokenizer_config.json": settings, "tokenizer.json": tokenizer(
        model={**tokenizer()["model"], "max_input_chars_per_word": 2})}, "The Cat x")
    case(f"an added token in tokenizer.json alone, {name}", {"tokenizer_config.json": {
        **settings, "added_tokens_decoder": {"0": {"content": "[PAD]", "special": True}}},
        "tokenizer.json": tokenizer(added_tokens=tokenizer()["added_tokens"] + [
            {"id": 26, "content": "<ent>", **SPECIAL}])})
case("vocab.txt without a class", {"vocab.txt": vocabulary(), "tokenizer_config.json": {"do_lower_case": False}})

# Tokens that come twice, blank lines, white space at the end of lines.
EXTRA = {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "additional_special_tokens": ["<ent>"]}}
case("a word twice", {"vocab.txt": vocabulary(["[PAD]", "cat", *WORDS[1:]])})
case("a special token twice", {"vocab.txt": vocabulary(WORDS + ["[CLS]"])})
case("two blank lines at the end", {"vocab.txt": vocabulary() + "\n\n"})
case("a blank line inside", {"vocab.txt": vocabulary(WORDS[:5] + [""] + WORDS[6:] + ["the"])})
case("a blank line and an added token", {"vocab.txt": vocabulary() + "\n", **EXTRA})
case("no line end at the end", {"vocab.txt": vocabulary()[:-1], **EXTRA})
case("line ends of Windows", {"vocab.txt": vocabulary(end="\r\n"), **EXTRA})
case("white space at the ends of lines", {"vocab.txt": vocabulary(end=" \t\u00a0\u3000\n"), **EXTRA})
case("a blank before a word", {"vocab.txt": vocabulary(WORDS[:5] + [" the"] + WORDS[6:]), **EXTRA})
case("a word twice and an added token", {"vocab.txt": vocabulary(["[PAD]", "cat", *WORDS[1:]]), **EXTRA}, refused=True)
case("two blank lines and an added token", {"vocab.txt": vocabulary() + "\n\n", **EXTRA}, refused=True)

# Byte-level BPE: where a blank is put in front.
for name in [None, "RobertaTokenizer", "PreTrainedTokenizerFast"]:
    for option in [None, True, False]:
        settings = {"tokenizer_class": name} if name else {}
        if option is not None:
            settings["add_prefix_space"] = option
        case(f"byte level, {name}, add_prefix_space {option}", {"tokenizer_config.json": settings}, "The Cat is <bo",
             model="roberta", copied={"tokenizer.json": "byte-level-json/tokenizer.json"})

# MPNet's class: BERT's words with RoBERTa's special tokens, of which the mask takes blanks before it along.
MPNET_WORDS = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *WORDS[5:], "<mask>"]
MPNET_JSON = tokenizer(
    added_tokens=[{"id": MPNET_WORDS.index(w), "content": w, **SPECIAL, "lstrip": w == "<mask>"}
                  for w in ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]],
    post_processor={"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True,
                    "add_prefix_space": False},
    model={**tokenizer()["model"], "vocab": {w: i for i, w in enumerate(MPNET_WORDS)}})
MPNET_TEXT = "The cat  <mask> x <pad></s>b [UNK] <unk> Zzz É [MASK] <S>"
for kind, base in [("vocab.txt", {"vocab.txt": vocabulary(MPNET_WORDS)}), ("tokenizer.json", {"tokenizer.json": MPNET_JSON})]:
    for name in [None, "MPNetTokenizer", "MPNetTokenizerFast"]:
        for lower in [None, True, False]:
            settings = {"tokenizer_class": name} if name else {}
            if lower is not None:
                settings["do_lower_case"] = lower
            case(f"MPNet, {kind}, {name}, do_lower_case {lower}", {**base, "tokenizer_config.json": settings}, MPNET_TEXT,
                 model="mpnet")
    case(f"MPNet, {kind}, an added token", {**base, "tokenizer_config.json": {
         "tokenizer_class": "MPNetTokenizer", "additional_special_tokens": ["<ent>"]}}, MPNET_TEXT + TEXT, model="mpnet")

# Of the classes ALBERT's alone (make_unigram.py) lets these put other tokens around a text.
for name, files, settings in [
        ("RoBERTa", {}, {"tokenizer_class": "RobertaTokenizer", "bos_token": "<mask>"}),
        ("MPNet", {"vocab.txt": vocabulary(MPNET_WORDS)}, {"tokenizer_class": "MPNetTokenizer", "eos_token": "<mask>"}),
        ("BERT", {"vocab.txt": vocabulary()}, {"tokenizer_class": "BertTokenizer", "bos_token": "[MASK]", "eos_token": "x"}),
        ("MPNet with tokenizer.json", {"tokenizer.json": MPNET_JSON}, {"tokenizer_class": "MPNetTokenizer",
                                                                         "eos_token": "<mask>"})]:
    case(f"add_bos_token and add_eos_token, {name}",
         {**files, "tokenizer_config.json": {**settings, "add_bos_token": True, "add_eos_token": True}}, "the cat x",
         model="mpnet" if "MPNet" in name else name.lower(),
         copied={} if files else {"vocab.json": "byte-level/vocab.json", "merges.txt": "byte-level/merges.txt"})

with open(os.path.join(HERE, "folders.json"), "w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in cases) + "\n]\n")
