"""ModernBERT in an encoder plugin against transformers: hidden states and all gradients, in layers of both kinds.

    parity_modern.py LIBRARY DEVICE

Weights are random and seeded; nothing is fetched. Exits with 1 where a bound is broken.
"""

import argparse

import numpy
import torch
from transformers import ModernBertConfig, ModernBertModel

import encoder_abi as abi
from parity import apart, bound, failures, padded, reference, weights

REACH, HIDDEN, VOCABULARY = 8, 128, 500


def model(types, is_biased):
    """A ModernBERT with seeded weights, all of them moved from where they begin."""
    torch.manual_seed(11)
    config = ModernBertConfig(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, num_hidden_layers=len(types), num_attention_heads=2,
        intermediate_size=192, max_position_embeddings=512, local_attention=2 * REACH, layer_types=types,
        attention_bias=is_biased, mlp_bias=is_biased, norm_bias=is_biased, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, cls_token_id=1, sep_token_id=2, attn_implementation="eager")
    modern = ModernBertModel(config)
    with torch.no_grad():
        for p in modern.parameters():
            p.add_(torch.randn_like(p) * 0.05)
    return modern.eval()


def plain_name(name, layers):
    """What the header calls a tensor of transformers."""
    name, kind = name.rsplit(".", 1)
    tables = {"embeddings.tok_embeddings": "embeddings.word_embeddings", "embeddings.norm": "embeddings.LayerNorm"}
    if name in tables:
        return f"{tables[name]}.{kind}"
    if name == "final_norm":
        return f"encoder.layer.{layers - 1}.output.LayerNorm.{kind}"
    _, number, part = name.split(".", 2)
    behind = {"attn.Wqkv": "attention.self.query_key_value", "attn.Wo": "attention.output.dense",
              "mlp_norm": "attention.output.LayerNorm", "mlp.Wi": "intermediate.dense", "mlp.Wo": "output.dense",
              "attn_norm": "output.LayerNorm"}[part]
    # The norm before a layer's attention is that of the sum behind the layer before it.
    return f"encoder.layer.{int(number) - (part == 'attn_norm')}.{behind}.{kind}"


def check(asked, types, is_biased):
    local = [int(t == "sliding_attention") for t in types]
    name = "".join("gl"[i] for i in local) + (", biased" if is_biased else "")
    modern = model(types, is_biased)
    top, config = len(types), modern.config
    own_names = {plain_name(n, top): n for n, _ in modern.named_parameters()}
    state = weights(modern)
    bases = [config.rope_parameters[t]["rope_theta"] for t in ("full_attention", "sliding_attention")]
    shape = dict(
        vocabulary=VOCABULARY, hidden=HIDDEN, layers=top, heads=2, intermediate=192, positions=0, types=0,
        epsilon=config.norm_eps, global_base=bases[0], local_base=bases[1], local_layers=local, reach=REACH,
        padding=config.pad_token_id, no_bias=0 if is_biased else abi.ATTENTION_MAPS | abi.FEED_FORWARD_MAPS | abi.NORMS)
    draw = numpy.random.default_rng(3)
    sets = {"long": (9, 40, 1, 17, 150, 10, 33, 3), "short": (9, 5, 1, 3)}
    sets = {key: [draw.integers(5, VOCABULARY, size=n).tolist() for n in lengths] for key, lengths in sets.items()}
    # The padding token in a text, whose row learns nothing from it.
    sets["long"][1][7] = sets["short"][0][3] = config.pad_token_id

    def opened(precision, device=asked.device):
        encoder = abi.Encoder(asked.library, device, precision, shape, family=abi.MODERNBERT)
        assert sorted(encoder.names) == sorted(own_names), set(encoder.names) ^ set(own_names)
        encoder.put({plain: state[own] for plain, own in own_names.items()})
        return encoder

    def run(encoder, sequences, rows, upstream, **settings):
        encoder.clear()
        out = encoder.encode(sequences, [top], rows, keep=True, **settings)[0]
        encoder.backward([upstream])
        return out, encoder.get(abi.GRADIENT)

    exact, fast = opened(abi.F32), opened(abi.BF16)
    print(f"{exact.device_name}, {exact.torch}; {fast.torch}: layers {name}")
    if asked.device.startswith("cuda"):
        bound("local layers have a window of flash attention", int("padded" in fast.torch), 0)
    for key, sequences in sets.items():
        for rows, said in ((abi.ALL, "all rows"), (abi.FIRST, "first rows"), (abi.MEAN, "means")):
            count = sum(map(len, sequences)) if rows == abi.ALL else len(sequences)
            upstream = draw.standard_normal((count, HIDDEN)).astype(numpy.float32)
            truth = reference(modern, sequences, rows, upstream)
            auto = reference(modern, sequences, rows, upstream, torch.bfloat16)
            for encoder, kind in ((exact, "f32"), (fast, "bf16")):
                out, gradients = run(encoder, sequences, rows, upstream)
                wanted = {n: truth[1][own_names[n]] for n in gradients}
                of_states, of_gradients, of_one = 2e-5, 5e-5, 5e-4
                if encoder is fast:
                    of_states = 1.5 * apart([auto[0]], [truth[0]])
                    of_gradients = 1.5 * apart([auto[1][own_names[n]] for n in wanted], wanted.values())
                    of_one = None
                bound(f"{kind}, {key}, {said}: hidden states", apart([out], [truth[0]]), of_states)
                bound(f"{kind}, {key}, {said}: gradients", apart(gradients.values(), wanted.values()), of_gradients)
                if of_one:
                    worst = max(gradients, key=lambda n: apart([gradients[n]], [wanted[n]]))
                    bound(f"{kind}, {key}, {said}: {worst}", apart([gradients[worst]], [wanted[worst]]), of_one)
    sequences = sets["long"]
    ids, mask = padded(sequences, "cpu")
    with torch.no_grad():
        states = modern(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    for layer, got in enumerate(exact.encode(sequences, list(range(top + 1)), abi.ALL)):
        wanted = torch.cat([states[layer][i, : len(s)] for i, s in enumerate(sequences)]).numpy()
        bound(f"f32, layer {layer}", apart([got], [wanted]), 2e-5)
    # First rows of a layer in the middle are those of all its rows; chunks of a batch keep its masks.
    offsets = numpy.concatenate([[0], numpy.cumsum([len(s) for s in sequences])])
    dropped = dict(dropout=(0.1, 0.2), batch=5)
    for layer in range(1, top + 1):
        every = exact.encode(sequences, [layer], abi.ALL, **dropped)[0]
        first = exact.encode(sequences, [layer], abi.FIRST, **dropped)[0]
        bound(f"f32 with dropout, layer {layer}: first rows", apart([first], [every[offsets[:-1]]]), 1e-5)
        part = exact.encode(sequences[3:], [layer], abi.ALL, first_rows=offsets[3:-1], **dropped)[0]
        bound(f"f32 with dropout, layer {layer}: a chunk", apart([part], [every[offsets[3] :]]), 1e-5)
    still = exact.encode(sequences, [top], abi.ALL)[0]
    bound("f32: dropout changes states", 0.01 / apart([every], [still]), 1)
    upstream = draw.standard_normal((len(sequences), HIDDEN)).astype(numpy.float32)
    for encoder, kind in ((exact, "f32"), (fast, "bf16")):
        whole, again = (run(encoder, sequences, abi.FIRST, upstream, **dropped) for _ in range(2))
        bound(f"{kind} with dropout: repeated",
              apart([again[0], *again[1].values()], [whole[0], *whole[1].values()]), 0)
    if asked.device.startswith("cuda"):
        there = opened(abi.F32, "cpu")
        a, b = run(exact, sequences, abi.ALL, every, **dropped), run(there, sequences, abi.ALL, every, **dropped)
        bound("exact dropout, device against cpu: states", apart([a[0]], [b[0]]), 2e-5)
        bound("exact dropout, device against cpu: gradients", apart(a[1].values(), [b[1][n] for n in a[1]]), 5e-5)
        there.close()
    exact.close()
    fast.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("device")
    asked = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    whole, near = "full_attention", "sliding_attention"
    check(asked, [whole, near, near, whole], False)
    check(asked, [near, whole, near], True)
    print(f"{len(failures)} failures" if failures else "all within their bounds")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
