"""Writes architectures.json and modernbert.json: small folders of every architecture, in the form of folders.json
(make_folders.py), with the embeddings of sentence-transformers 6.2 (transformers 5.24), or the words with which a folder
is refused.

    python3 make_architectures.py        (torch, transformers, sentence-transformers, safetensors)

Weights are float16 and computed with in float32; their names have the prefix that models with a head are saved with.
"""
import base64
import json
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from safetensors.torch import save
from sentence_transformers import SentenceTransformer
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ["the", "cat", "sat", "on", "mat", "a", "dog", "ran", "##s", "##ed", "walk", "red", "house", "in", ".", "#", "<", ">"]
TEXTS = ["The cat sat on the mat.", "a dog walked in the red house . the cats sat on a mat in the house", "cat"]
LITERAL = ["the <pad> cat <mask> sat </s> on", "<s> <pad><pad> dog  <mask>s", "[UNK] cat"]
BERT_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
MPNET_WORDS = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *WORDS, "<mask>"]
SIZES = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=10, max_position_embeddings=26)
BERT = dict(SIZES, vocab_size=len(BERT_WORDS))
MPNET = dict(SIZES, model_type="mpnet", vocab_size=len(MPNET_WORDS))
DISTIL = dict(model_type="distilbert", vocab_size=len(BERT_WORDS), dim=8, n_layers=1, n_heads=2, hidden_dim=10,
              max_position_embeddings=26)
cases = []


def lines(words):
    return "".join(word + "\n" for word in words)


def byte_level():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled = [chr(b) for b in visible] + [chr(256 + i) for i in range(256 - len(visible))]
    vocab = {w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", *spelled, "Ġt", "he", "Ġthe", "at"])}
    vocab["<mask>"] = len(vocab)
    return vocab


def modern():
    """As ModernBERT's: a byte-level vocabulary, special tokens and blanks behind it."""
    vocab = {w: i for w, i in BYTES.items() if not (w.startswith("<") and len(w) > 1)}
    vocab = {w: i for i, w in enumerate(vocab)}
    flags = dict(single_word=False, lstrip=False, rstrip=False)
    added = [dict(flags, content=" " * n, normalized=True, special=False) for n in (4, 3, 2)]
    added += [dict(flags, content=w, normalized=False, special=True, lstrip=w == "[MASK]")
              for w in ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")]
    added += [dict(flags, content="[unused0]", normalized=True, special=False)]
    added = [dict(id=len(vocab) + i, **token) for i, token in enumerate(added)]
    ids = {token["content"]: token["id"] for token in added}
    piece = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    template = {"type": "TemplateProcessing", "single": piece, "pair": piece, "special_tokens": {
        w: {"id": w, "ids": [ids[w]], "tokens": [w]} for w in ("[CLS]", "[SEP]")}}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": vocab, "merges": ["Ġ t", "h e", "Ġt he", "a t"]}
    split = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    names = dict(unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]")
    return len(vocab) + len(added), {
        "tokenizer.json": {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
                           "normalizer": {"type": "NFC"}, "pre_tokenizer": split, "post_processor": template,
                           "decoder": split, "model": model},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, **names,
                                  "model_input_names": ["input_ids", "attention_mask"], "added_tokens_decoder": {
                                      str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in added}}}


BYTES = byte_level()
MODERN_SIZE, MODERN_FILES = modern()
FILES = {
    "PreTrainedTokenizerFast": MODERN_FILES,
    "BertTokenizer": {"vocab.txt": lines(BERT_WORDS)},
    "MPNetTokenizer": {"vocab.txt": lines(MPNET_WORDS)},
    "RobertaTokenizer": {"vocab.json": BYTES, "merges.txt": "#version: 0.2\nĠ t\nh e\nĠt he\na t\n"},
}


def text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def heads(config, generator):
    """The tensors of the head for masked words that are not the encoder's."""
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(**config))
    return {k: (torch.randn(p.shape, generator=generator) * 0.3).half() for k, p in model.named_parameters()
            if not k.startswith(model.base_model_prefix + ".")}


def folder(config, tokenizer, mode="mean", prefix=True, seed=1, full=None, with_head=False, **changes):
    """`config` is config.json, `full` what the weights are made from where transformers would refuse it."""
    model = AutoModel.from_config(AutoConfig.for_model(**(full or config)))
    generator = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        p.data = torch.randn(p.shape, generator=generator) * 0.3
        if name.lower().endswith("norm.weight"):
            p.data = 1 + p.data / 4
    root = model.base_model_prefix + "." if prefix else ""
    head = heads(config, generator) if with_head else {}
    state = {root + k: v.half().contiguous() for k, v in model.state_dict().items() if "position_ids" not in k}
    state.update(head)
    return {"config.json": config, "model.safetensors": {"base64": base64.b64encode(save(state, {"format": "pt"})).decode()},
            "tokenizer_config.json": {"tokenizer_class": tokenizer, "do_lower_case": True}, **FILES[tokenizer],
            "modules.json": [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
                             for i, (kind, path) in enumerate([("Transformer", ""), ("Pooling", "1_Pooling")])],
            "1_Pooling/config.json": {"word_embedding_dimension": 8, "pooling_mode": mode}, **changes}


def write(files, root):
    for name, value in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        binary = isinstance(value, dict) and "base64" in value
        with open(path, "wb") as file:
            file.write(base64.b64decode(value["base64"]) if binary else text(value).encode())


def embeddings(files, texts, through_pooler=False):
    with tempfile.TemporaryDirectory() as root:
        write(files, root)
        model = SentenceTransformer(root, device="cpu", model_kwargs={"dtype": torch.float32})
        if not through_pooler:
            return np.stack([model.encode([t], convert_to_numpy=True)[0] for t in texts])
        inner = AutoModel.from_pretrained(root, dtype=torch.float32).eval()
        with torch.no_grad():
            return np.stack([inner(**model.tokenizer([t], return_tensors="pt")).pooler_output[0].numpy() for t in texts])


def stored(files):
    return {k: v if isinstance(v, dict) and ("base64" in v or "shared" in v) else text(v) for k, v in files.items()}


def case(name, files, texts=TEXTS, pooler=None, notes=(), of=None, **settings):
    want = embeddings(of or files, texts, **settings)
    cases.append({"name": name, "files": stored(files), "texts": texts, "pooler": pooler, "notes": list(notes),
                  "want": [[float(f"{x:.8g}") for x in row] for row in want.tolist()], "refused": []})


def refused(name, files, words):
    files = {k: v for k, v in files.items() if k != "model.safetensors"}
    cases.append({"name": name, "files": stored(files), "texts": TEXTS, "pooler": None, "notes": [], "want": [],
                  "refused": words})


B, M, R = "BertTokenizer", "MPNetTokenizer", "RobertaTokenizer"
roberta = dict(SIZES, vocab_size=len(BYTES), max_position_embeddings=60)

case("DistilBERT", folder(DISTIL, B))
case("DistilBERT, sinusoidal positions, relu, the first token, no prefix",
     folder(dict(DISTIL, sinusoidal_pos_embds=True, activation="relu"), B, "cls", prefix=False))
alias = {k: v for k, v in DISTIL.items() if k not in ("dim", "n_layers", "n_heads")}
alias.update(hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
case("DistilBERT by the names of BERT", folder(alias, B))
refused("DistilBERT with two widths", folder(dict(DISTIL, hidden_size=24), B, full=DISTIL), ["hidden_size", "24", "dim"])
case("MPNet", folder(MPNET, M))
case("MPNet, the first token, tanh-gelu", folder(dict(MPNET, hidden_act="gelu_new", layer_norm_eps=1e-5), M, "cls"))
case("MPNet, special tokens in a text", folder(MPNET, M), LITERAL)
case("MPNet with another padding token in config.json", folder(dict(MPNET, pad_token_id=3), M), LITERAL)
refused("MPNet with few buckets", folder(dict(MPNET, relative_attention_num_buckets=16), M, full=MPNET),
        ["relative_attention_num_buckets", "32", "16"])
case("XLM-RoBERTa", folder(dict(roberta, model_type="xlm-roberta", type_vocab_size=1, layer_norm_eps=1e-5), R))
case("XLM-RoBERTa, padding tokens in a text", folder(dict(roberta, model_type="xlm-roberta"), R),
     ["the <pad> at<mask> he</s>the", "<s>the at<pad>"])
case("CamemBERT", folder(dict(roberta, model_type="camembert"), R, "max"))
case("ELECTRA", folder(dict(BERT, model_type="electra", embedding_size=5), B))
case("ELECTRA, one width", folder(dict(BERT, model_type="electra", embedding_size=8), B, "cls"))
case("ERNIE", folder(dict(BERT, model_type="ernie"), B))
case("ERNIE with task types", folder(dict(BERT, model_type="ernie", use_task_id=True, type_vocab_size=4), B))
case("ALBERT", folder(dict(BERT, model_type="albert", embedding_size=5), B))
case("ALBERT in groups", folder(dict(BERT, model_type="albert", embedding_size=8, num_hidden_layers=5,
                                     num_hidden_groups=3, hidden_act="gelu"), B, "max"))
albert = dict(BERT, model_type="albert", embedding_size=5)
case("ALBERT through its own pooler", folder(albert, B), pooler="cls", notes=["pooler"], through_pooler=True)
case("MPNet through its own pooler", folder(MPNET, M), pooler="cls", notes=["pooler.dense"], through_pooler=True)
refused("ALBERT with groups of layers", folder(dict(albert, inner_group_num=2), B, full=albert), ["inner_group_num", "2"])
for kind in ["deberta-v2", "modernbert-decoder", "xlm-roberta-xl"]:
    refused(f"the architecture {kind}", folder(dict(albert, model_type=kind), B, full=albert), ["model_type", kind, "mpnet"])



def finish(name):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump({"shared": {}, "cases": cases}, file, ensure_ascii=False, indent=0)
        file.write("\n")
    print(name, len(cases), os.path.getsize(os.path.join(HERE, name)))
    cases.clear()


finish("architectures.json")

T = "PreTrainedTokenizerFast"
modernbert = dict(model_type="modernbert", vocab_size=MODERN_SIZE, hidden_size=8, num_hidden_layers=4,
                  num_attention_heads=2, intermediate_size=10, max_position_embeddings=200, local_attention=6,
                  **{f"{role}_token_id": FILES[T]["tokenizer.json"]["added_tokens"][i]["id"]
                     for role, i in [("cls", 4), ("bos", 4), ("sep", 5), ("eos", 5), ("pad", 6)]})
hub = dict(modernbert, architectures=["ModernBertForMaskedLM"], position_embedding_type="absolute", norm_eps=1e-5,
           layer_norm_eps=1e-5, classifier_pooling="mean", sparse_prediction=False, reference_compile=None,
           global_attn_every_n_layers=3, global_rope_theta=160000.0, local_rope_theta=10000.0, decoder_bias=True,
           classifier_bias=False, gradient_checkpointing=False, deterministic_flash_attn=False, torch_dtype="float32")
newer = dict(modernbert, attention_bias=True, mlp_bias=True, norm_bias=True, hidden_activation="gelu_pytorch_tanh",
             layer_types=["sliding_attention", "full_attention", "full_attention", "sliding_attention"],
             rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 100.0},
                              "sliding_attention": {"rope_type": "default", "rope_theta": 9.0}})
case("ModernBERT as it is on the Hub", folder(hub, T))
case("ModernBERT, the newer names, all biases, the first token", folder(newer, T, "cls", prefix=False))
case("ModernBERT, special tokens and blanks in a text", folder(modernbert, T, prefix=False),
     ["the [PAD] cat  [MASK] sat [SEP] on", "[CLS] [PAD][PAD]    dog\t  [MASK]s     . [unused0]x", "cafe\u0301 [UNK] "])
case("ModernBERT, other bases by the older names",
     folder(dict(modernbert, global_attn_every_n_layers=2, global_rope_theta=50.0, local_rope_theta=3.0,
                 local_attention=3), T, "max", prefix=False))
with_head = dict(hub, classifier_bias=True)
case("ModernBERT, whose head for masked words is no head of embeddings", folder(with_head, T, with_head=True),
     pooler="cls", of=folder(with_head, T, "cls"))
for keys, words in [({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, ["rope_scaling", "linear", "default"]),
                    ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, ["rope_scaling", "dynamic"]),
                    ({"rope_parameters": {"full_attention": {"rope_type": "yarn", "factor": 2.0}}},
                     ["rope_parameters", "yarn"]),
                    ({"rope_parameters": {"rope_type": "default", "rope_theta": 7.0}}, ["rope_parameters", "rope_type",
                                                                                    "full_attention"]),
                    ({"rope_parameters": {"full_attention": {"rope_theta": None}}}, ["rope_parameters", "rope_theta"]),
                    ({"local_rope_theta": None}, ["local_rope_theta", "null"]),
                    ({"hidden_activation": "silu"}, ["hidden_activation", "silu", "gelu"]),
                    ({"mlp_dropout": 0.1}, ["mlp_dropout", "0.1", "embedding_dropout"]),
                    ({"layer_types": ["full_attention"]}, ["layer_types", "4 layers", "a list of 1"]),
                    ({"layer_types": ["full_attention"] * 3 + ["causal"]}, ["layer_types", "causal", "sliding_attention"]),
                    ({"sliding_window": 5}, ["sliding_window", "5", "3"]), ({"head_dim": 8}, ["head_dim", "8", "4"]),
                    ({"global_attn_every_n_layers": 0}, ["global_attn_every_n_layers", "0"]),
                    ({"num_attention_heads": 8}, ["num_attention_heads", "even"])]:
    refused("ModernBERT with " + json.dumps(keys), {"config.json": dict(modernbert, **keys)}, words)
finish("modernbert.json")
