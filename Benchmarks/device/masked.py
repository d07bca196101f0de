"""An encoder plugin's masked language modelling against transformers: loss and all gradients, parts, repeated bits.

    masked.py LIBRARY DEVICE [--layers N] [--hidden N]

As parity.py, whose model and bounds it takes. More words are guessed than the library scores at once.
"""


import numpy
import torch
from transformers import BertForMaskedLM

import encoder_abi as abi
import parity
from parity import apart, bound, padded


def whole_model(layers, hidden):
    """The BERT of parity.py below a head whose biases and gammas are moved from where they begin."""
    bert = parity.model(layers, hidden)
    torch.manual_seed(8)
    model = BertForMaskedLM(bert.config)
    model.bert.load_state_dict(bert.state_dict())
    with torch.no_grad():
        for name, p in model.cls.named_parameters():
            if "decoder.weight" not in name:
                p.add_(torch.randn_like(p) * (0.05 if p.dim() > 1 else 0.2))
    return model.eval()


def weights(model, of=lambda p: p):
    """By the plugin's names; the table of words is there once."""
    return {name.removeprefix("bert."): of(p).detach().float().cpu().numpy().copy()
            for name, p in model.named_parameters()}


def reference(model, sequences, positions, labels, factor, dtype=None):
    """The summed loss, and `factor` times its gradients, by transformers; `dtype`: autocast."""
    device = next(model.parameters()).device
    ids, mask = padded(sequences, device)
    model.zero_grad()
    chosen = mask.flatten().nonzero().flatten()[torch.tensor(positions, device=device)]
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        scores = model(input_ids=ids, attention_mask=mask).logits.flatten(0, 1)[chosen].float()
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels, device=device), reduction="sum")
    (loss * factor).backward()
    return float(loss.detach()), weights(model, lambda p: p.grad)


def main():
    asked = abi.arguments().parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    model = whole_model(asked.layers, asked.hidden)
    shape, state, factor = parity.shape_of(model.config), weights(model), 0.37 / 600
    draw = numpy.random.default_rng(4)
    sequences = [draw.integers(5, 3000, size=n).tolist() for n in (9, 320, 1, 17, 150, 8, 330, 3)]
    positions = numpy.sort(draw.choice(sum(map(len, sequences)), 600, replace=False))
    labels = draw.integers(5, 3000, size=600)

    def opened(precision):
        encoder = abi.Encoder(asked.library, asked.device, precision, shape, masked_head=abi.MASKED_HEAD)
        encoder.put(state)
        return encoder

    def run(encoder, **settings):
        encoder.clear()
        return encoder.learn(sequences, positions, labels, factor, **settings), encoder.get(abi.GRADIENT)

    exact = opened(abi.F32)
    print(f"{exact.device_name}, {exact.torch}, {asked.layers} layers of {asked.hidden}")
    assert set(exact.names) == set(state), set(exact.names) ^ set(state)
    truth = reference(model, sequences, positions, labels, factor)
    loss, gradients = run(exact)
    bound("f32: loss", abs(loss / truth[0] - 1), 1e-6)
    bound("f32: gradients", apart(gradients.values(), [truth[1][n] for n in gradients]), 5e-5)
    worst = max(gradients, key=lambda n: apart([gradients[n]], [truth[1][n]]) if "key.bias" not in n else 0)
    bound(f"f32: {worst}", apart([gradients[worst]], [truth[1][worst]]), 5e-4)
    # A pass leaves what another one kept, and adds to its gradients.
    upstream = draw.standard_normal((len(sequences), asked.hidden)).astype(numpy.float32)
    exact.clear()
    exact.encode(sequences, [asked.layers], abi.FIRST, keep=True)
    exact.learn(sequences, positions, labels, factor)
    exact.backward([upstream])
    both = exact.get(abi.GRADIENT)
    exact.clear()
    exact.encode(sequences, [asked.layers], abi.FIRST, keep=True)
    exact.backward([upstream])
    alone = exact.get(abi.GRADIENT)
    bound("f32: beside a kept pass", apart(both.values(), [alone[n] + gradients[n] for n in both]), 1e-6)

    dropped = dict(dropout=(0.1, 0.1), batch=5 | 1 << 63)
    whole, again = run(exact, **dropped), run(exact, **dropped)
    bound("f32 with dropout: repeated", apart([[again[0]], *again[1].values()], [[whole[0]], *whole[1].values()]), 0)
    offsets = numpy.concatenate([[0], numpy.cumsum([len(s) for s in sequences])])
    exact.clear()
    total = 0.0
    for start, end in ((0, 3), (3, 8)):
        part = (positions >= offsets[start]) & (positions < offsets[end])
        total += exact.learn(
            sequences[start:end], positions[part] - offsets[start], labels[part], factor,
            first_rows=offsets[start:end], **dropped)
    bound("f32 with dropout: loss by chunks", abs(total / whole[0] - 1), 1e-6)
    got = exact.get(abi.GRADIENT)
    bound("f32 with dropout: gradients by chunks", apart(got.values(), [whole[1][n] for n in got]), 1e-5)

    model = whole_model(asked.layers, asked.hidden).to("cuda" if asked.device.startswith("cuda") else "cpu")
    fast = opened(abi.BF16)
    loss, gradients = run(fast)
    auto = reference(model, sequences, positions, labels, factor, torch.bfloat16)
    theirs = abs(auto[0] / truth[0] - 1)
    bound(f"bf16: loss (autocast {theirs:.1e})", abs(loss / truth[0] - 1), max(1.5 * theirs, 1e-4))
    theirs = apart(auto[1].values(), [truth[1][n] for n in auto[1]])
    bound(f"bf16: gradients (autocast {theirs:.1e})",
          apart(gradients.values(), [truth[1][n] for n in gradients]), 1.5 * theirs)
    whole, again = run(fast, **dropped), run(fast, **dropped)
    bound("bf16 with dropout: repeated", apart([[again[0]], *again[1].values()], [[whole[0]], *whole[1].values()]), 0)
    print(f"{len(parity.failures)} failures" if parity.failures else "all within their bounds")
    raise SystemExit(1 if parity.failures else 0)


if __name__ == "__main__":
    main()
