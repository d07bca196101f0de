"""Seconds the peer takes to embed the lines of a file with mean pooling; loading and one warm-up batch are not counted.

    encode.py st MODEL TEXT THREADS      sentence-transformers, batches of 128
    encode.py onnx MODEL TEXT THREADS    ONNX Runtime, float32, sorted by length, batches of 128 padded to their longest
"""
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
    model.encode(lines, batch_size=128, show_progress_bar=False)
    return time.perf_counter() - began


def onnx(folder, lines, threads):
    import numpy as np
    import onnxruntime
    import torch
    from transformers import AutoModel, AutoTokenizer
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tokenizer(["one sentence", "and another one"], padding=True, return_tensors="pt")

    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(input_ids=input_ids, attention_mask=attention_mask,
                              token_type_ids=token_type_ids).last_hidden_state

    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "model.onnx")
        batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
        torch.onnx.export(States(), tuple(example[n] for n in names), path, input_names=names, output_names=["states"],
                          dynamic_shapes={n: {0: batch, 1: length} for n in names}, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    tokenizer(lines[:128])
    began = time.perf_counter()
    ids = tokenizer(lines, truncation=True, max_length=512)["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    result = np.zeros((len(ids), model.config.hidden_size), np.float32)
    for start in range(0, len(order), 128):
        members = order[start:start + 128]
        width = len(ids[members[0]])
        tokens = np.zeros((len(members), width), np.int64)
        mask = np.zeros_like(tokens)
        for row, member in enumerate(members):
            tokens[row, :len(ids[member])] = ids[member]
            mask[row, :len(ids[member])] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        states = session.run(None, feed)[0]
        result[members] = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    return time.perf_counter() - began


def main():
    kind, folder, text, threads = sys.argv[1:]
    with open(text, encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    run = {"st": sentence_transformers, "onnx": onnx}[kind]
    print(json.dumps({"seconds": run(folder, lines, int(threads))}))


if __name__ == "__main__":
    main()
