"""An encoder plugin against transformers: hidden states, all gradients, AdamW, dropout, chunks.

    parity.py LIBRARY DEVICE [--layers N] [--hidden N]

Weights are random and seeded; nothing is fetched. Exits with 1 where a bound is broken.
"""


import numpy
import torch
from transformers import BertConfig, BertModel

import encoder_abi as abi

failures = []


def bound(name, value, limit):
    """Prints a figure with its bound, and remembers where it is broken."""
    ok = value <= limit
    print(f"  {'ok  ' if ok else 'FAIL'} {name}: {value:.2e} (at most {limit:.1e})", flush=True)
    if not ok:
        failures.append(name)


def model(layers, hidden, vocabulary=3000):
    """A BERT with seeded weights, biases and gammas moved from where they begin."""
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    bert = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for name, p in bert.named_parameters():
            p.add_(torch.randn_like(p) * (0.02 if p.dim() > 1 else 0.05))
    return bert.eval()


def shape_of(config):
    return dict(
        vocabulary=config.vocab_size, hidden=config.hidden_size, layers=config.num_hidden_layers,
        heads=config.num_attention_heads, intermediate=config.intermediate_size,
        positions=config.max_position_embeddings, types=config.type_vocab_size, epsilon=config.layer_norm_eps,
        padding=config.pad_token_id)


def weights(bert):
    return {name: p.detach().cpu().numpy().copy() for name, p in bert.named_parameters()}


def padded(sequences, device):
    longest = max(len(s) for s in sequences)
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros(len(sequences), longest, dtype=torch.long)
    for i, s in enumerate(sequences):
        ids[i, : len(s)] = torch.tensor(s)
        mask[i, : len(s)] = 1
    return ids.to(device), mask.to(device)


def apart(a, b):
    """Relative distance of two lists of arrays, as vectors."""
    a, b = (numpy.concatenate([numpy.asarray(x, dtype=numpy.float64).ravel() for x in v]) for v in (a, b))
    return float(numpy.linalg.norm(a - b) / numpy.linalg.norm(b))


def reference(bert, sequences, rows, upstream, dtype=None):
    """Rows of the last layer and all gradients by transformers; `dtype`: autocast."""
    device = next(bert.parameters()).device
    ids, mask = padded(sequences, device)
    bert.zero_grad()
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        hidden = bert(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    if rows == abi.FIRST:
        out = hidden[:, 0]
    elif rows == abi.MEAN:
        out = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    else:
        out = torch.cat([hidden[i, : len(s)] for i, s in enumerate(sequences)])
    (out * torch.tensor(upstream, device=device)).sum().backward()
    return out.detach().cpu().numpy(), {n: p.grad.detach().cpu().numpy() for n, p in bert.named_parameters()}


def main():
    asked = abi.arguments().parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    bert = model(asked.layers, asked.hidden)
    shape, state, top = shape_of(bert.config), weights(bert), asked.layers
    draw = numpy.random.default_rng(3)
    sequences = [draw.integers(5, 3000, size=n).tolist() for n in (9, 32, 1, 17, 150, 8, 33, 3)]
    # The padding token in a text, whose row learns nothing from it.
    sequences[1][7] = sequences[4][20] = bert.config.pad_token_id
    counts = {abi.ALL: sum(map(len, sequences)), abi.FIRST: len(sequences), abi.MEAN: len(sequences)}
    upstream = {k: draw.standard_normal((n, asked.hidden)).astype(numpy.float32) for k, n in counts.items()}
    is_cuda = asked.device.startswith("cuda")

    def opened(precision, device=asked.device):
        encoder = abi.Encoder(asked.library, device, precision, shape)
        encoder.put(state)
        return encoder

    def run(encoder, rows, **settings):
        encoder.clear()
        out = encoder.encode(sequences, [top], rows, keep=True, **settings)[0]
        encoder.backward([upstream[rows]])
        return out, encoder.get(abi.GRADIENT)

    exact = opened(abi.F32)
    print(f"{exact.device_name}, {exact.torch}, {asked.layers} layers of {asked.hidden}")
    truth = {}
    for rows, name in ((abi.ALL, "all rows"), (abi.FIRST, "first rows"), (abi.MEAN, "means")):
        truth[rows] = reference(bert, sequences, rows, upstream[rows])
        out, gradients = run(exact, rows)
        bound(f"f32, {name}: hidden states", apart([out], [truth[rows][0]]), 2e-5)
        bound(f"f32, {name}: gradients", apart(gradients.values(), [truth[rows][1][n] for n in gradients]), 5e-5)
        worst = max(gradients, key=lambda n: apart([gradients[n]], [truth[rows][1][n]]) if "key.bias" not in n else 0)
        bound(f"f32, {name}: {worst}", apart([gradients[worst]], [truth[rows][1][worst]]), 5e-4)
    embedded = exact.encode(sequences, [0, 1, top], abi.ALL)
    ids, mask = padded(sequences, "cpu")
    with torch.no_grad():
        states = bert(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    for got, layer in zip(embedded, (0, 1, top)):
        wanted = torch.cat([states[layer][i, : len(s)] for i, s in enumerate(sequences)]).numpy()
        bound(f"f32, layer {layer}", apart([got], [wanted]), 2e-5)

    # Chunks of a batch keep its masks; a pass can be repeated; other batches have other masks.
    dropped = dict(dropout=(0.1, 0.1), batch=5)
    whole = run(exact, abi.FIRST, **dropped)
    again = run(exact, abi.FIRST, **dropped)
    bound("f32 with dropout: repeated", apart([again[0], *again[1].values()], [whole[0], *whole[1].values()]), 0)
    other = run(exact, abi.FIRST, dropout=(0.1, 0.1), batch=6)
    bound("f32 with dropout: another batch differs", 0.01 / apart([other[0]], [whole[0]]), 1)
    offsets = numpy.concatenate([[0], numpy.cumsum([len(s) for s in sequences])])
    exact.clear()
    for slot, (start, end) in enumerate(((0, 3), (3, 8))):
        part = exact.encode(
            sequences[start:end], [top], abi.FIRST, keep=True, slot=slot, first_rows=offsets[start:end], **dropped)[0]
        bound(f"f32 with dropout: chunk {slot}", apart([part], [whole[0][start:end]]), 1e-5)
    for slot, (start, end) in enumerate(((0, 3), (3, 8))):
        exact.backward([numpy.ascontiguousarray(upstream[abi.FIRST][start:end])], slot=slot)
    got = exact.get(abi.GRADIENT)
    bound("f32 with dropout: gradients by chunks", apart(got.values(), [whole[1][n] for n in got]), 1e-5)

    # AdamW against torch's, with decay.
    run(exact, abi.MEAN)
    norm = exact.gradient_norm()
    bound("gradient norm", abs(norm / numpy.sqrt(sum((g.astype(float) ** 2).sum() for g in truth[abi.MEAN][1].values()))
                               - 1), 1e-5)
    exact.step(1e-3, decay=0.01, scale=0.5)
    matrices = [p for p in bert.parameters() if p.dim() > 1]
    vectors = [p for p in bert.parameters() if p.dim() <= 1]
    groups = [dict(params=matrices, weight_decay=0.01), dict(params=vectors, weight_decay=0.0)]
    for name, p in bert.named_parameters():
        p.grad = torch.tensor(truth[abi.MEAN][1][name]) * 0.5
    torch.optim.AdamW(groups, lr=1e-3).step()
    moved, wanted = exact.get(), weights(bert)
    # The gradient of a bias of keys is 0 but for rounding, which AdamW makes steps of.
    names = [n for n in moved if not n.endswith("key.bias")]
    bound("AdamW: weights", apart([moved[n] for n in names], [wanted[n] for n in names]), 1e-5)
    bound("AdamW: gradients are zero", exact.gradient_norm(), 0)

    if is_cuda:
        cpu = opened(abi.F32, "cpu")
        for rows in (abi.FIRST, abi.ALL):
            exact.put(state)
            a, b = run(exact, rows, **dropped), run(cpu, rows, **dropped)
            bound("exact dropout, device against cpu: states", apart([a[0]], [b[0]]), 2e-5)
            bound("exact dropout, device against cpu: gradients", apart(a[1].values(), [b[1][n] for n in a[1]]), 5e-5)
        tf32 = opened(abi.TF32)
        out, gradients = run(tf32, abi.FIRST)
        bound("tf32: hidden states", apart([out], [truth[abi.FIRST][0]]), 5e-3)
        bound("tf32: gradients", apart(gradients.values(), [truth[abi.FIRST][1][n] for n in gradients]), 1e-2)
        tf32.close()

    bert = model(asked.layers, asked.hidden).to("cuda" if is_cuda else "cpu")
    fast = opened(abi.BF16)
    for rows, name in ((abi.ALL, "all rows"), (abi.FIRST, "first rows"), (abi.MEAN, "means")):
        out, gradients = run(fast, rows)
        auto = reference(bert, sequences, rows, upstream[rows], torch.bfloat16)
        theirs = apart([auto[0]], [truth[rows][0]])
        bound(f"bf16, {name}: hidden states (autocast {theirs:.1e})", apart([out], [truth[rows][0]]), 1.5 * theirs)
        theirs = apart(auto[1].values(), [truth[rows][1][n] for n in auto[1]])
        bound(f"bf16, {name}: gradients (autocast {theirs:.1e})",
              apart(gradients.values(), [truth[rows][1][n] for n in gradients]), 1.5 * theirs)
    whole = run(fast, abi.FIRST, **dropped)
    again = run(fast, abi.FIRST, **dropped)
    bound("bf16 with dropout: repeated", apart([again[0], *again[1].values()], [whole[0], *whole[1].values()]), 0)
    other = run(fast, abi.FIRST, dropout=(0.1, 0.1), batch=6)
    bound("bf16 with dropout: another batch differs", 0.01 / apart([other[0]], [whole[0]]), 1)
    for asked_for, name in (("tpu", "expected cpu, cuda"), ("cuda:99", "expected")):
        try:
            opened(abi.F32, asked_for)
            bound(f"--device {asked_for} is refused", 1, 0)
        except abi.Failure as failure:
            print(f"  ok   --device {asked_for}: {failure}")
            assert name in str(failure)
    print(f"{len(failures)} failures" if failures else "all within their bounds")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
