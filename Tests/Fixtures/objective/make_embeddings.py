"""Mean and CLS embeddings of a few lines by transformers, for SentenceEmbedderTests.
Run: python make_embeddings.py MODEL_FOLDER > embeddings.json"""
import json
import sys

import torch
from transformers import AutoModel, AutoTokenizer

LINES = [
    "A man is playing a guitar.", "The committee postponed its decision until the spring session.", "",
    "Wie spät ist es? 12:30 — naïve café!", "word " * 700, "A man is playing a guitar.",
]
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModel.from_pretrained(sys.argv[1]).eval()
result = {"lines": LINES, "avg": [], "cls": []}
with torch.no_grad():
    for line in LINES:
        hidden = model(**tokenizer(line, truncation=True, max_length=512, return_tensors="pt")).last_hidden_state[0]
        result["avg"].append([round(x, 6) for x in hidden.mean(0).tolist()])
        result["cls"].append([round(x, 6) for x in hidden[0].tolist()])
json.dump(result, sys.stdout)
