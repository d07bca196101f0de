"""InfoNCE without the positive in its denominator (Yeh et al., "Decoupled Contrastive Learning", ECCV 2022)."""

import torch
from mixcse.plugin import loss, param


@loss
def decoupled(logits, target, *, temperature=param(0.1, "(0,)", log=True, help="of the softmax")):
    """decoupled contrastive loss: autograd has its gradient"""
    own = logits.gather(1, target[:, None])[:, 0]
    if logits.shape[1] == 1:
        return 0 * own  # nothing to be told apart from
    return torch.logsumexp(logits.scatter(1, target[:, None], float("-inf")), dim=1) - own
