"""What bench.py's tokenize part measures beside the text as it is: texts of long lines, and a vocabulary of each kind.

All texts are made of the words of the one that is given: lines of 1,000 and 100,000 words, and words of 1 MB, letters
of many words in a row. Byte-level BPE (16,384 tokens) and SentencePiece's Unigram (16,000, with XLM-RoBERTa's map of
characters) are trained on its first lines. Needs tokenizers and sentencepiece.
"""
import argparse
import json
import os

import compare

SIZE = 8_000_000  # bytes of a text, about
TRAINED_ON = 20_000  # lines


def measure(o, scratch, row):
    """The text as it is and in long lines, by every kind of vocabulary, and long lines that are cut: nanoseconds a byte
    here and of PyPI tokenizers (encode_batch_fast), o.rounds of each, for `row`."""
    folders = [("WordPiece", o.model)] + vocabularies(o.text, scratch)
    longer = texts(o.text, scratch)
    for kind, folder in folders:
        for name, path in [("the text", o.text)] + longer:
            row(f"tokenizing, {kind}, {name}", "ns/byte", *rates(o, path, folder))
        name, path = longer[1]
        row(f"tokenizing, {kind}, {name} cut at 512", "ns/byte", *rates(o, path, folder, 512))


def rates(o, path, folder, length=0):
    options = argparse.Namespace(file=os.path.abspath(path), folder=os.path.abspath(folder), max_length=length)
    ours, theirs, size = [], [], os.path.getsize(path)
    for _ in range(o.rounds):
        seconds, count = compare.ours(options, o.threads)
        ours.append(1e9 * seconds["ours"] / size)
        seconds, other = compare.package(options, o.threads)
        theirs.append(1e9 * seconds["encode_batch_fast"] / size)
        if count != other:
            raise SystemExit(f"{path}, {folder}: different numbers of tokens: {count} and {other}")
    return ours, theirs


def texts(path, folder):
    """Name and path of each text."""
    with open(path, encoding="utf-8") as file:
        words = file.read(SIZE).split()
    letters = "".join(word for word in words if word.isascii() and word.isalpha())
    made = {"lines of 1,000 words": [" ".join(words[i:i + 1000]) for i in range(0, len(words), 1000)],
            "lines of 100,000 words": [" ".join(words[i:i + 100_000]) for i in range(0, len(words), 100_000)],
            "words of 1 MB": [letters[i:i + 1_000_000] for i in range(0, len(letters) - 999_999, 1_000_000)]}
    found = []
    for name, lines in made.items():
        found.append((name, os.path.join(folder, name.replace(" ", "-").replace(",", "") + ".txt")))
        with open(found[-1][1], "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    return found


def vocabularies(path, folder):
    """Kind and folder of those that are trained."""
    with open(path, encoding="utf-8") as file:
        lines = [next(file).rstrip("\n") for _ in range(TRAINED_ON)]
    return [("byte-level BPE", byte_level(lines, os.path.join(folder, "byte-level"))),
            ("Unigram", unigram(lines, os.path.join(folder, "unigram")))]


def byte_level(lines, folder):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=16_384, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    state = json.loads(tokenizer.to_str())["model"]
    os.makedirs(folder)
    write(folder, "vocab.json", state["vocab"])
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as out:
        out.write("#version: 0.2\n")
        out.writelines(f"{a} {b}\n" for a, b in state["merges"])
    write(folder, "tokenizer_config.json", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False})
    write(folder, "config.json", {"model_type": "roberta"})
    return folder


def unigram(lines, folder):
    import sentencepiece
    os.makedirs(folder)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=os.path.join(folder, "sentencepiece.bpe"), vocab_size=16_000,
        normalization_rule_name="nmt_nfkc", minloglevel=2)
    write(folder, "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    write(folder, "config.json", {"model_type": "xlm-roberta"})
    return folder


def write(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False)
