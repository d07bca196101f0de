"""Writes folders.json: small model folders of many kinds, with what sentence-transformers 6.2 (transformers 5.24) makes
of a few texts: their embeddings, or, where a folder is refused here, the words that the message must have.

    python3 make_folders.py        (torch, transformers, sentence-transformers, safetensors)

Weights are float16 and computed with in float32. A file is text, or {"base64": ...}, or {"shared": NAME} for one of
`shared`. "pooler" is what --pooler is given; without it the folder's own is used. `notes` are words that must be said.
"""
import base64
import io
import json
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from safetensors.torch import save
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "The", "Cat", "sat", "on", "mat", "a", "dog", "ran",
         "##s", "##ed", "query", ":", "walk", "red", "house", "in", "."]
TEXTS = ["The cat sat on the mat.", "a dog walked in the red house . the cats sat on a mat in the house", "cat"]
LITERAL = ["the [SEP] cat [MASK] sat [PAD] on the mat", "[CLS] [PAD] [PAD] dog"]
MT = "sentence_transformers.models."


def bert_config(**changes):
    return {"model_type": "bert", "vocab_size": len(WORDS), "hidden_size": 12, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 24, "type_vocab_size": 2,
            **changes}


def randomised(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.3).half().float()
    for name, parameter in model.named_parameters():
        if name.endswith("LayerNorm.weight"):
            parameter.data = (1 + parameter.data / 4).half().float()
    return model.state_dict()


BERT = randomised(BertModel(BertConfig(**{k: v for k, v in bert_config().items() if k != "model_type"})), 1)
BERT = {k: v for k, v in BERT.items() if "position_ids" not in k}
HEAD = {"mlp.dense.weight": torch.randn(12, 12, generator=torch.Generator().manual_seed(9)).half().float(),
        "mlp.dense.bias": torch.randn(12, generator=torch.Generator().manual_seed(8)).half().float()}


def spelled_bytes():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in visible]
    return [chr(b) for b in visible] + [chr(256 + i) for i in range(len(others))]


BYTE_VOCAB = {w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", *spelled_bytes(), "Ġt", "he", "Ġthe", "at"])}
BYTE_VOCAB["<mask>"] = len(BYTE_VOCAB)
MERGES = "#version: 0.2\nĠ t\nh e\nĠt he\na t\n"
ROBERTA_CONFIG = {"model_type": "roberta", "vocab_size": len(BYTE_VOCAB), "hidden_size": 8, "num_hidden_layers": 1,
                  "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 66, "type_vocab_size": 1,
                  "layer_norm_eps": 1e-5}
ROBERTA = randomised(RobertaModel(RobertaConfig(**{k: v for k, v in ROBERTA_CONFIG.items() if k != "model_type"}),
                                  add_pooling_layer=False), 2)
ROBERTA = {k: v for k, v in ROBERTA.items() if "position_ids" not in k}


def binary(data):
    return {"base64": base64.b64encode(data).decode()}


def tensors(state, dtype=torch.float16):
    return binary(save({k: v.to(dtype).contiguous() for k, v in state.items()}, {"format": "pt"}))


def pickled(value, **settings):
    file = io.BytesIO()
    torch.save(value, file, **settings)
    return binary(file.getvalue())


SHARED = {"bert": tensors(BERT), "roberta": tensors(ROBERTA), "vocab": "".join(w + "\n" for w in WORDS)}
BARE = {"config.json": bert_config(), "model.safetensors": {"shared": "bert"}, "vocab.txt": {"shared": "vocab"},
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True}}
BYTES = {"config.json": ROBERTA_CONFIG, "model.safetensors": {"shared": "roberta"}, "vocab.json": BYTE_VOCAB,
         "merges.txt": MERGES, "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer"}}
cases = []


def content(value):
    if isinstance(value, dict) and "shared" in value:
        value = SHARED[value["shared"]]
    if isinstance(value, dict) and "base64" in value:
        return base64.b64decode(value["base64"])
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()


def write(folder, files):
    for name, value in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content(value))


def embeddings(files, texts):
    with tempfile.TemporaryDirectory() as folder:
        write(folder, files)
        model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": torch.float32})
        return np.stack([model.encode([text], convert_to_numpy=True)[0] for text in texts])


def stored(files):
    def one(value):
        binary = isinstance(value, dict) and ("shared" in value or "base64" in value)
        return value if binary or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {name: one(value) for name, value in files.items()}


def case(name, files, texts=TEXTS, pooler=None, want=None, notes=(), like=None):
    """`want`: its embeddings where another folder, `like`, or a formula gives them."""
    files = {k: v for k, v in files.items() if v is not None}
    if want is None:
        want = embeddings(like or files, texts)
    cases.append({"name": name, "files": stored(files), "texts": list(texts), "pooler": pooler, "notes": list(notes),
                  "want": [[float(f"{x:.8g}") for x in row] for row in want.tolist()], "refused": []})


def refused(name, files, words, pooler=None):
    cases.append({"name": name, "files": stored({k: v for k, v in files.items() if v is not None}), "texts": TEXTS,
                  "pooler": pooler, "notes": [], "want": [], "refused": [word for word in words if word]})


def modules(*entries, prefix=MT):
    return [{"idx": i, "name": str(i), "path": path, "type": prefix + kind if "." not in kind else kind}
            for i, (kind, path) in enumerate(entries)]


PLAIN = ("Transformer", ""), ("Pooling", "1_Pooling")
DIM = {"word_embedding_dimension": 12}


def pooled(pooling=None, *more, base=BARE, **files):
    files = {k.replace("__", "/"): v for k, v in files.items()}
    return {**base, "modules.json": modules(*PLAIN, *more),
            "1_Pooling/config.json": {**DIM, **(pooling or {"pooling_mode_mean_tokens": True})}, **files}


def dense(index, out, into=12, activation="activation.Tanh", bias=True, residual=False, seed=3, old=False, **changes):
    g = torch.Generator().manual_seed(seed + index)
    state = {"linear.weight": torch.randn(out, into, generator=g) * 0.4}
    if bias:
        state["linear.bias"] = torch.randn(out, generator=g) * 0.4
    if residual and into != out:
        state["residual.weight"] = torch.randn(out, into, generator=g) * 0.4
    config = {"in_features": into, "out_features": out, "bias": bias,
              "activation_function": "torch.nn.modules." + activation, **changes}
    if residual:
        config["use_residual"] = True
    weights = ("pytorch_model.bin", pickled(state, _use_new_zipfile_serialization=False)) if old else (
        "model.safetensors", tensors(state, torch.float32))
    return {f"{index}_Dense/config.json": config, f"{index}_Dense/{weights[0]}": weights[1]}


# Every pooling mode, in both spellings, and several.
OLD = ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
for key in OLD:
    case(f"pooling_mode_{key}", pooled({f"pooling_mode_{k}": k == key for k in OLD}))
for mode in ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]:
    case(f"pooling_mode {mode}", {**pooled(), "1_Pooling/config.json": {"embedding_dimension": 12, "pooling_mode": mode}})
case("several old modes", pooled({f"pooling_mode_{k}": True for k in OLD}))
case("several new modes in their order", pooled({"pooling_mode": ["mean", "cls", "max"]}))
case("no mode is the mean", pooled({"pooling_mode_cls_token": False}))
case("include_prompt false without a prompt", pooled({"pooling_mode_mean_tokens": True, "include_prompt": False}))
mixed = {"config.json": bert_config(output_hidden_states=True), "1_WeightedLayerPooling/config.json":
         {**DIM, "layer_start": 0, "num_hidden_layers": 2},
         "1_WeightedLayerPooling/model.safetensors": tensors({"layer_weights": torch.tensor([1.0, 0, 1])}, torch.float32),
         "2_Pooling/config.json": {**DIM, "pooling_mode_mean_tokens": True},
         "modules.json": modules(("Transformer", ""), ("WeightedLayerPooling", "1_WeightedLayerPooling"),
                                 ("Pooling", "2_Pooling"))}
case("the first and last layer", {**BARE, **mixed})
case("output_hidden_states in config_args", {**BARE, **mixed, "config.json": bert_config(), "sentence_bert_config.json":
     {"max_seq_length": 20, "do_lower_case": False, "config_args": {"output_hidden_states": True}}})
refused("layers without output_hidden_states", {**BARE, **mixed, "config.json": bert_config()},
        ["WeightedLayerPooling", "output_hidden_states"])
refused("the first token of several layers", {**BARE, **mixed, "2_Pooling/config.json":
        {**DIM, "pooling_mode_cls_token": True}}, ["cls", "mixture of layers"])

# What stands behind the pooling.
D = ("Dense", "2_Dense")
for name in ["linear.Identity", *("activation." + a for a in ["Tanh", "ReLU", "GELU", "Sigmoid", "SiLU", "LeakyReLU", "ELU",
             "Softplus", "Softsign", "Mish", "Hardswish", "Hardtanh", "ReLU6", "SELU"])]:
    case(f"Dense to 5, {name}", {**pooled(None, D), **dense(2, 5, activation=name)})
case("Dense without a bias", {**pooled(None, D), **dense(2, 5, bias=False)})
case("Dense up", {**pooled(None, D), **dense(2, 20, activation="linear.Identity")})
case("Dense with its own input added", {**pooled(None, D), **dense(2, 12, residual=True)})
case("Dense with its input mapped and added", {**pooled(None, D), **dense(2, 7, residual=True)})
case("Dense in the older form", {**pooled(None, D), **dense(2, 5, old=True)})
case("Dense behind two modes", {**pooled({"pooling_mode": ["cls", "mean"]}, D), **dense(2, 5, into=24)})
case("two Dense and a Normalize between", {**pooled(None, D, ("Normalize", "3_Normalize"), ("Dense", "4_Dense")),
     **dense(2, 9), **dense(4, 6, into=9, activation="linear.Identity")})
case("Dropout, Dense, LayerNorm, Normalize", {
     **pooled(None, ("Dropout", "2_Dropout"), ("Dense", "3_Dense"), ("LayerNorm", "4_LayerNorm"), ("Normalize", "5_Normalize")),
     "2_Dropout/config.json": {"dropout": 0.3}, **dense(3, 6), "4_LayerNorm/config.json": {"dimension": 6},
     "4_LayerNorm/model.safetensors": tensors({"norm.weight": torch.linspace(0.5, 2, 6), "norm.bias":
                                               torch.linspace(-1, 1, 6)}, torch.float32)})
case("Normalize", pooled(None, ("Normalize", "2_Normalize")))
case("Normalize with a file", pooled(None, ("Normalize", "2_Normalize"), **{"2_Normalize__config.json":
     {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}}))
refused("a function of its own in Dense", {**pooled(None, D), **dense(2, 5, activation_function="my.code.Swish")},
        ["Dense", "my.code.Swish", "--pooler"])
refused("Dense on tokens", {**pooled(None, D), **dense(2, 5, module_input_name="token_embeddings")},
        ["module_input_name", "token_embeddings"])
refused("a width that does not fit", {**pooled(None, D), **dense(2, 5, into=13)}, ["in_features", "12", "13"])
case("Dense with another pooler", {**pooled(None, D), **dense(2, 5)}, pooler="cls_before_pooler",
     like=pooled({"pooling_mode": "cls"}), notes=["Dense 12 -> 5", "left out"])
case("Dense with the folder's own pooler named", {**pooled(None, D), **dense(2, 5)}, pooler="avg", like=pooled(),
     notes=["Dense 12 -> 5", "left out"])
for kind in ["CNN", "LSTM", "BoW", "WordWeights", "Router"]:
    refused(f"the module {kind}", pooled(None, (kind, "2_" + kind)), [MT + kind, "--pooler"])
refused("a class of its own", pooled(None, ("my_code.Head", "2_Head")), ["my_code.Head", "--pooler"])
case("an unknown module and --pooler", pooled(None, ("CNN", "2_CNN")), pooler="avg", like=pooled(),
     notes=["the module " + MT + "CNN", "avg is used in its place"])
refused("no encoder", {"modules.json": modules(("StaticEmbedding", "")), "tokenizer.json": "{}"},
        ["modules.json", "StaticEmbedding"])
refused("no pooling", {**BARE, "modules.json": modules(("Transformer", ""))}, ["no Pooling module"])

# Where modules are, and what they are called.
inner = {"0_Transformer/" + k: v for k, v in BARE.items()}
case("0_Transformer", {**inner, "config.json": {"__version__": "0.2.5"}, "1_Pooling/config.json":
     {**DIM, "pooling_mode_mean_tokens": True}, "modules.json": modules(("Transformer", "0_Transformer"), PLAIN[1])})
case("the order of the list, not of idx", {**pooled(None, D, ("Normalize", "3_Normalize")), **dense(2, 5), "modules.json":
     [{**m, "idx": 9 - m["idx"]} for m in modules(*PLAIN, D, ("Normalize", "3_Normalize"))]})
case("modules in folders of other names", {**BARE, **{k.replace("2_Dense", "proj"): v for k, v in dense(2, 5).items()},
     "pool/config.json": {**DIM, "pooling_mode_max_tokens": True},
     "modules.json": modules(("Transformer", ""), ("Pooling", "pool"), ("Dense", "proj"))})
NEW = "sentence_transformers.sentence_transformer.modules."
case("names of version 6", {**pooled(None, D), **dense(2, 5), "modules.json": [
     {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
     {"idx": 1, "name": "1", "path": "1_Pooling", "type": NEW + "pooling.Pooling"},
     {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.base.modules.dense.Dense"}]})

# sentence_bert_config.json and config_sentence_transformers.json.
def settings(**keys):
    return {"sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False, **keys}}


cased = {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}}
case("max_seq_length", {**pooled(), **settings(max_seq_length=6)})
case("max_seq_length null", {**pooled(), **settings(max_seq_length=None)})
case("model_max_length", {**pooled(), "tokenizer_config.json": {**BARE["tokenizer_config.json"], "model_max_length": 7}})
case("do_lower_case", {**pooled(), **cased, **settings(do_lower_case=True)})
case("tokenizer_args", {**pooled(), **settings(tokenizer_args={"do_lower_case": False, "model_max_length": 9})})
case("config_args", {**pooled(), **settings(config_args={"hidden_act": "relu"})})
case("model_args", {**pooled(), **settings(model_args={"attn_implementation": "eager"})})
refused("model_args that change the model", {**pooled(), **settings(model_args={"num_labels": 2, "variant": "x"})},
        ["num_labels"])
refused("a key nobody knows", {**pooled(), **settings(add_noise=True)}, ["add_noise", "true"])
refused("another task", {**pooled(), **settings(transformer_task="fill-mask")}, ["transformer_task", "fill-mask"])
refused("query expansion", {**pooled(), **settings(query_expansion={"strategy": "fixed", "length": 32})}, ["query_expansion"])
refused("another output", {**pooled(), **settings(modality_config={"text": {"method": "forward", "method_output_name":
        "pooler_output"}}, module_output_name="token_embeddings")}, ["modality_config", "pooler_output"])
case("query_length", {**pooled(), **settings(query_length=4)}, notes=["query_length", "not applied"])


def whole(**keys):
    return {"config_sentence_transformers.json": {"prompts": {"query": "query: ", "none": ""}, "default_prompt_name": None,
                                                  **keys}}


case("prompts without a default", {**pooled(), **whole()})
case("the default prompt", {**pooled(), **whole(default_prompt_name="query")}, notes=["query: "])
case("an empty default prompt", {**pooled(), **whole(default_prompt_name="none")})
case("truncate_dim", {**pooled(), **whole(truncate_dim=5)})
case("truncate_dim behind Normalize", {**pooled(None, ("Normalize", "2_Normalize")), **whole(truncate_dim=5)})
refused("a prompt that is left out of the pooling", {**pooled({"pooling_mode": "mean", "include_prompt": False}),
        **whole(default_prompt_name="query")}, ["include_prompt", "--pooler"])
for kind in ["SparseEncoder", "CrossEncoder", "MultiVectorEncoder"]:
    refused(f"a {kind}", {**pooled(), **whole(model_type=kind)}, ["model_type", kind])

# As version 6 itself saves them.
for name, files in [("Dense", {**pooled(None, D, ("Normalize", "3_Normalize")), **dense(2, 5)}),
                    ("lower case and a limit", {**pooled(), **cased, **settings(do_lower_case=True, max_seq_length=7)}),
                    ("prompts", {**pooled({"pooling_mode": ["cls", "max"]}), **whole(default_prompt_name="query", truncate_dim=17)})]:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as out:
        write(folder, files)
        SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": torch.float32}).save(out, create_model_card=False)
        saved = {}
        for root, _, names in os.walk(out):
            for file in names:
                path = os.path.join(root, file)
                data = open(path, "rb").read()
                saved[os.path.relpath(path, out)] = data.decode() if file.endswith((".json", ".txt")) else binary(data)
        saved["model.safetensors"] = {"shared": "bert"}
    case(f"saved by version 6: {name}", saved, notes=["query: "] if name == "prompts" else [])

# Checkpoints.
def checkpoint(**files):
    return {**BARE, "model.safetensors": None, **{k.replace("__", "."): v for k, v in files.items()}}


prefixed = {"bert." + k: v for k, v in BERT.items()}
for name, value in [
        ("torch's older form", pickled(BERT, _use_new_zipfile_serialization=False)),
        ("torch's older form, half", pickled({k: v.half() for k, v in BERT.items()}, _use_new_zipfile_serialization=False)),
        ("a state_dict inside", pickled({"state_dict": {"model." + k: v for k, v in BERT.items()}, "epoch": 3})),
        ("a compiled model inside", pickled({"model": {"_orig_mod." + k: v for k, v in prefixed.items()}, "step": 1})),
        ("float64", pickled({k: v.double() for k, v in BERT.items()}))]:
    case(name, checkpoint(pytorch_model__bin=value), pooler="avg", like=pooled())
case("float64 in safetensors", {**BARE, "model.safetensors": tensors(BERT, torch.float64)}, pooler="avg", like=pooled())


def through_head(texts):
    first = embeddings(pooled({"pooling_mode": "cls"}), texts)
    return np.tanh(first @ HEAD["mlp.dense.weight"].numpy().T + HEAD["mlp.dense.bias"].numpy())


for name, state in [("a checkpoint of SimCSE", {**prefixed, **HEAD}),
                    ("the same without BERT's own pooler", {k: v for k, v in {**prefixed, **HEAD}.items() if "pooler" not in k}),
                    ("with a head for masked words", {**prefixed, **HEAD, "lm_head.bias": torch.zeros(3)})]:
    case(name, checkpoint(pytorch_model__bin=pickled(state)), pooler="cls", want=through_head(TEXTS), notes=["mlp.dense"])
refused("weights for ONNX Runtime only", {**checkpoint(), "onnx/model.onnx": "x"}, ["onnx", "save_pretrained"])
refused("weights for TensorFlow only", {**checkpoint(), "tf_model.h5": "x"}, ["tf_model.h5", "TensorFlow"])
refused("weights of half precision beside none", {**checkpoint(), "model.fp16.safetensors": "x"}, ["model.fp16.safetensors"])
refused("a pointer of Git LFS", {**checkpoint(), "pytorch_model.bin":
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n"}, ["git lfs pull"])
refused("a vocabulary that is a pointer", {**BARE, "vocab.txt":
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868\n"}, ["git lfs pull"], pooler="avg")
refused("an adapter", {k: v for k, v in {**BARE, "adapter_config.json": "{}", "config.json": None}.items()}, ["adapter", "merge"])
refused("an adapter beside its base", {**pooled(), "adapter_config.json": "{}"}, ["adapter", "merge"])

# config.json.
small = {k: v for k, v in bert_config().items()}
case("config_args and an activation", {**pooled(), "config.json": bert_config(hidden_act="gelu_new")})
case("keys that transformers passes over", {**pooled(), "config.json": bert_config(
    directionality="bidi", pooler_type="first_token_transform", adapters={}, use_cache=False, pruned_heads={})})
for key, value in [("position_embedding_type", "relative_key_query"), ("is_decoder", True), ("add_cross_attention", True),
                   ("quantization_config", {"bits": 4}), ("pruned_heads", {"0": [1]}), ("hidden_act", "silu")]:
    refused(f"{key} {json.dumps(value)}", {**pooled(), "config.json": bert_config(**{key: value})},
            [key, "" if isinstance(value, dict) else str(value).lower() if isinstance(value, bool) else value])
case("code of its own in config.json", {**pooled(), "config.json": bert_config(auto_map={"AutoModel": "modeling.My"})},
     like=pooled(), notes=["auto_map"])
refused("another architecture", {**pooled(), "config.json": bert_config(model_type="deberta")}, ["model_type", "deberta"])
refused("no architecture", {**pooled(), "config.json": {k: v for k, v in small.items() if k != "model_type"}},
        ["model_type", "Add it to the file"])

# Texts that hold special tokens literally, and settings of tokenizers.
case("special tokens in a text", pooled(), texts=LITERAL)
case("special tokens in a text, cut as text", {**pooled(), "tokenizer_config.json":
     {**BARE["tokenizer_config.json"], "split_special_tokens": True}}, texts=LITERAL)
case("cut on the left", {**pooled(), **settings(max_seq_length=6), "tokenizer_config.json":
     {**BARE["tokenizer_config.json"], "truncation_side": "left"}})
byte_texts = ["the <pad> at<mask> he</s>the", "<pad><pad>at the", "<s>the at<pad>"]
byte_pooled = {**BYTES, "modules.json": modules(*PLAIN), "1_Pooling/config.json":
               {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}, **settings(max_seq_length=64)}
case("RoBERTa", byte_pooled, texts=["the cat", " the", "at the at"])
case("RoBERTa with padding tokens in a text", byte_pooled, texts=byte_texts)
# The first and the last are built, and the folder lacks what they are made of.
for name, word in [("XLMRobertaTokenizer", "sentencepiece.bpe.model"), ("MyOwnTokenizer", "MyOwnTokenizer"),
                   ("MPNetTokenizer", "<s>")]:
    refused(f"the tokenizer {name}", {**pooled(), "tokenizer_config.json": {"tokenizer_class": name}}, [word])
refused("tokens around every text beyond the word matrix", {**pooled(), "config.json": bert_config(vocab_size=3),
        "model.safetensors": tensors({**BERT, "embeddings.word_embeddings.weight": BERT["embeddings.word_embeddings.weight"][:3]})},
        ["[SEP]", "id 3", "word matrix"])
cut = {**BERT, "embeddings.word_embeddings.weight": BERT["embeddings.word_embeddings.weight"][:20]}
case("tokens beyond the word matrix", {**pooled(), "config.json": bert_config(vocab_size=20), "model.safetensors": tensors(cut)},
     texts=["the cat"], notes=["4 tokens", "red", "id 20", "word matrix"])

with open(os.path.join(HERE, "folders.json"), "w", encoding="utf-8") as file:
    json.dump({"shared": SHARED, "cases": cases}, file, ensure_ascii=False, indent=0)
    file.write("\n")
print(len(cases), os.path.getsize(os.path.join(HERE, "folders.json")))
