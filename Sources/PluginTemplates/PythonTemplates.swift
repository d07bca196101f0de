// Templates in Python: one function each, on NumPy arrays; with `import torch` in the file they would be tensors, and
// the gradient functions could go.

enum PythonTemplates {
  static func source(_ kind: TemplateKind) -> String {
    switch kind {
    case .sampler: sampler
    case .loss: loss
    case .pooler: pooler
    case .augmenter: ""
    }
  }

  private static let sampler = """
    import numpy as np
    from mixcse.plugin import param, sampler


    @sampler
    def NAME(z2, *, lambda_=param(0.2, "[0, 1]", help="share of the row's own positive")):
        \"\"\"blends each positive with its neighbour and offers it as a negative

        new_i = lambda * z2_i + (1 - lambda) * z2_{i+1}, compared with every anchor; no gradient flows into it.
        \"\"\"
        return lambda_ * z2 + (1 - lambda_) * np.roll(z2, -1, axis=0)

    """

  private static let loss = """
    import numpy as np
    from mixcse.plugin import loss, param


    @loss
    def NAME(logits, target, *, temperature=param(0.05, "(0,)", log=True, help="softmax temperature")):
        \"\"\"softmax cross-entropy of each row over its candidates

        logsumexp_j logits[i, j] - logits[i, target_i]; the host has divided by the temperature already.
        \"\"\"
        logits = logits.astype(np.float64)
        peak = logits.max(axis=1)
        own = logits[np.arange(len(logits)), target]
        return np.log(np.exp(logits - peak[:, None]).sum(axis=1)) + peak - own


    @NAME.gradient
    def of_mean(logits, target):
        # With torch imported above, and tensors in place of arrays, autograd would make this function needless.
        powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        share = powers / powers.sum(axis=1, keepdims=True)
        share[np.arange(len(logits)), target] -= 1
        return share / len(logits)

    """

  private static let pooler = """
    import numpy as np
    from mixcse.plugin import pooler


    @pooler(exports="mean")  # what it computes, so that an exported model carries it; leave it out where no word fits
    def NAME(hidden, offsets, lengths):
        \"\"\"the mean over all tokens of the last layer\"\"\"
        return np.add.reduceat(hidden, offsets[:-1], axis=0) / lengths[:, None]


    @NAME.gradient
    def of_hidden(grad, lengths):
        return np.repeat(grad / lengths[:, None], lengths, axis=0)

    """
}
