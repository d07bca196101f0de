"""Seconds the peer takes to embed the lines of a file with mean pooling; loading and one warm-up batch are not counted.

    encode.py st MODEL TEXT THREADS               sentence-transformers, batches of 128
    encode.py onnx MODEL TEXT THREADS             ONNX Runtime, float32
    encode.py openvino-f32 MODEL TEXT THREADS     OpenVINO, float32; openvino-bf16: its hint for bfloat16

ONNX Runtime and OpenVINO get the same exported graph, and sentences sorted by length in batches of 128, each padded to
its longest. With a fifth argument the embeddings go there as .npy.
"""
import functools
import json
import os
import sys
import tempfile
import time


def sentence_transformers(folder, lines, threads):
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu")
    model.encode(lines[:128], batch_size=128)
    began = time.perf_counter()
    result = model.encode(lines, batch_size=128, show_progress_bar=False)
    return time.perf_counter() - began, result


def export(folder, path):
    """The encoder as an ONNX file, its tokenizer, the names of its inputs and the width of its states."""
    import torch
    from transformers import AutoModel, AutoTokenizer
    kind = {} if "distilbert" in folder_type(folder) else {"add_pooling_layer": False}
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", **kind).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    example = tokenizer(["one sentence", "and another one"], padding=True, return_tensors="pt")
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in example]

    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *values):
            return self.model(**dict(zip(names, values))).last_hidden_state

    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    torch.onnx.export(States(), tuple(example[n] for n in names), path, input_names=names, output_names=["states"],
                      dynamic_shapes=(tuple({0: batch, 1: length} for _ in names),), dynamo=True, verbose=False)
    return tokenizer, names, model.config.hidden_size


def folder_type(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)["model_type"]


def onnx_session(path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, feed)[0]


def openvino_session(path, threads, precision):
    import openvino
    compiled = openvino.Core().compile_model(path, "CPU", {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})
    return lambda feed: compiled(feed)[0]


def in_batches(open_session, folder, lines, threads):
    import numpy as np
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "model.onnx")
        tokenizer, names, width = export(folder, path)
        run = open_session(path, threads)

    def embed(lines):
        ids = tokenizer(lines, truncation=True, max_length=512)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        result = np.zeros((len(ids), width), np.float32)
        for start in range(0, len(order), 128):
            members = order[start:start + 128]
            tokens = np.full((len(members), len(ids[members[0]])), tokenizer.pad_token_id, np.int64)
            mask = np.zeros_like(tokens)
            for row, member in enumerate(members):
                tokens[row, :len(ids[member])] = ids[member]
                mask[row, :len(ids[member])] = 1
            feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
            states = run({name: feed[name] for name in names})
            result[members] = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return result

    embed(lines[:128])
    began = time.perf_counter()
    result = embed(lines)
    return time.perf_counter() - began, result


RUNS = {
    "st": sentence_transformers,
    "onnx": functools.partial(in_batches, onnx_session),
    "openvino-f32": functools.partial(in_batches, functools.partial(openvino_session, precision="f32")),
    "openvino-bf16": functools.partial(in_batches, functools.partial(openvino_session, precision="bf16")),
}


def main():
    kind, folder, text, threads, *output = sys.argv[1:]
    with open(text, encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    seconds, embeddings = RUNS[kind](folder, lines, int(threads))
    if output:
        import numpy
        numpy.save(output[0], embeddings)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
