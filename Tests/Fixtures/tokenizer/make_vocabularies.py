"""Trains the fixture vocabularies with the PyPI package `tokenizers` on text written for them (fixture_text.py).

    python3 make_vocabularies.py          # tokenizers 0.23.3

byte-level/            vocab.json, merges.txt, tokenizer_config.json: RoBERTa's layout
byte-level-json/       tokenizer.json of the same vocabulary, with add_prefix_space and added tokens of every kind
modernbert.json        what a tokenizer.json in ModernBERT's form has in place of byte-level-json's parts: text in normal
                       form, special tokens and blanks behind the vocabulary; and the settings beside it
wordpiece/vocab.txt    a cased WordPiece vocabulary; the tests put different options beside it
wordpiece-json/        tokenizer.json of the same vocabulary, text not cleaned but lower-cased, with added tokens that are
                       matched after cleaning

The package's WordPiece trainer breaks ties at random: a new run gives another, equally good wordpiece/vocab.txt, after
which make_expected.py has to run again. The byte-level vocabulary comes out the same every time.
"""
import json
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import fixture_text

HERE = os.path.dirname(os.path.abspath(__file__))


def folder(name):
    path = os.path.join(HERE, name)
    os.makedirs(path, exist_ok=True)
    return path


def write(path, value):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False, separators=(",", ":"))
        out.write("\n")


def byte_level():
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(fixture_text.lines(), trainers.BpeTrainer(
        vocab_size=3000, special_tokens=special, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    state = json.loads(tokenizer.to_str())
    vocabulary = dict(sorted(state["model"]["vocab"].items(), key=lambda item: item[1]))
    vocabulary["<mask>"] = len(vocabulary)
    path = folder("byte-level")
    write(path + "/vocab.json", vocabulary)
    with open(path + "/merges.txt", "w", encoding="utf-8") as out:
        out.write("#version: 0.2\n")
        out.writelines(f"{a} {b}\n" for a, b in state["model"]["merges"])
    write(path + "/tokenizer_config.json", {
        "tokenizer_class": "RobertaTokenizer", "add_prefix_space": False, "model_max_length": 512,
        "mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "single_word": False,
                       "normalized": False, "special": True}})
    with_parts = Tokenizer(models.BPE(vocabulary, [tuple(m) for m in state["model"]["merges"]]))
    with_parts.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    with_parts.decoder = decoders.ByteLevel()
    with_parts.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    with_parts.add_special_tokens(special + [AddedToken("<mask>", lstrip=True, special=True)])
    with_parts.add_tokens([AddedToken("whole", single_word=True), AddedToken("<right>", rstrip=True, normalized=False),
                           AddedToken("<both>", lstrip=True, rstrip=True), AddedToken("<bo")])
    with_parts.save(folder("byte-level-json") + "/tokenizer.json", pretty=False)
    modernbert(len(vocabulary))


def modernbert(size):
    flags = dict(single_word=False, lstrip=False, rstrip=False)
    added = [dict(flags, content="|||IP_ADDRESS|||", normalized=True, special=False)]
    added += [dict(flags, content=" " * n, normalized=True, special=False) for n in range(24, 1, -1)]
    added += [dict(flags, content="|||EMAIL|||", normalized=True, special=False)]
    added += [dict(flags, content=w, normalized=False, special=True, lstrip=w == "[MASK]")
              for w in ("<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")]
    # One that is written in another form than text has when it is looked for.
    added += [dict(flags, content=w, normalized=True, special=False) for w in ("[unused0]", "cafe\u0301", "[unused1]")]
    added = [dict(id=size + i, **token) for i, token in enumerate(added)]
    ids = {token["content"]: token["id"] for token in added}
    single = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
              {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    names = {role + "_token": f"[{role.upper()}]" for role in ("unk", "cls", "sep", "pad", "mask")}
    write(HERE + "/modernbert.json", {
        "tokenizer.json": {
            "added_tokens": added, "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "post_processor": {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": {
                w: {"id": w, "ids": [ids[w]], "tokens": [w]} for w in ("[CLS]", "[SEP]")}}},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, "clean_up_tokenization_spaces": True,
            "model_input_names": ["input_ids", "attention_mask"], **names, "added_tokens_decoder": {
                str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in added}}})


def word_piece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = [chr(c) for c in [*range(0x21, 0x7F), *range(0xA1, 0x180), *range(0x386, 0x3CF), *range(0x401, 0x460),
                                *range(0x300, 0x310), *range(0x1100, 0x1113), *range(0x1161, 0x1176)]]
    lines = fixture_text.lines() + [line.lower() for line in fixture_text.SENTENCES] + ["".join(letters)]
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=2600, special_tokens=special, initial_alphabet=letters, limit_alphabet=1200, show_progress=False))
    vocabulary = dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))
    # Combining characters inside a word, for the options that keep accents or decompose.
    for c in [*range(0x300, 0x310), 0x328, 0x345, 0x302E, 0x302F, *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]:
        for token in ("##" + chr(c), chr(c)):
            vocabulary.setdefault(token, len(vocabulary))
    assert list(vocabulary.values()) == list(range(len(vocabulary)))
    with open(folder("wordpiece") + "/vocab.txt", "w", encoding="utf-8") as out:
        out.writelines(token + "\n" for token in vocabulary)
    with_parts = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=30))
    with_parts.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=None, clean_text=False)
    with_parts.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    with_parts.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    with_parts.add_special_tokens(special)
    with_parts.add_tokens([AddedToken("Straße", normalized=True), AddedToken("[Node]", normalized=True, lstrip=True),
                           AddedToken("[Raw]", normalized=False, rstrip=True),
                           AddedToken("café", normalized=True, single_word=True)])
    with_parts.save(folder("wordpiece-json") + "/tokenizer.json", pretty=False)


if __name__ == "__main__":
    byte_level()
    word_piece()
