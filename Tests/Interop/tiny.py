"""A BERT whose steps take milliseconds, for checks of training."""
import torch
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer


def word_tokenizer(lines, folder):
    """Writes a tokenizer that knows the words of these lines; returns its folder."""
    words = sorted({word for line in lines for word in line.lower().split() if word.isalnum()})
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    BertTokenizer(vocab={token: number for number, token in enumerate(tokens)}).save_pretrained(folder)
    BertConfig().save_pretrained(folder)
    return folder


def tiny_bert(source, folder, dropout):
    """Writes a model of two small layers with the tokenizer of the folder `source`; returns its folder."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(0)
    BertModel(BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout), add_pooling_layer=False
    ).save_pretrained(folder)
    tokenizer.model_max_length = 32
    tokenizer.save_pretrained(folder)
    return folder
