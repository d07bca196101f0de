"""The package in an environment where a wheel was installed: the bits of its program, and with --torch a loss that
PyTorch computes as well. Run by try-wheel.sh.

    python try-package.py MODEL TEXT [--torch]"""
import importlib.metadata
import os
import subprocess
import sys
import tempfile

import mixcse
import numpy as np

model, text, wants_torch = sys.argv[1], sys.argv[2], "--torch" in sys.argv
package = os.path.dirname(os.path.realpath(mixcse.__file__))
assert package.startswith(os.path.realpath(sys.prefix)), f"another package: {package}"
assert mixcse.__version__ == importlib.metadata.version("mixcse")
assert mixcse.program_path().startswith(package), mixcse.program_path()
version = subprocess.run([os.path.join(sys.prefix, "bin", "mixcse"), "--version"], capture_output=True, text=True)
assert version.stdout.startswith(f"mixcse {mixcse.__version__}\n"), version
for item in mixcse.components():
    assert item["path"].startswith(os.path.join(package, "lib", "cse", "plugins")), item
with tempfile.TemporaryDirectory() as folder:
    vectors = os.path.join(folder, "vectors.npy")
    assert mixcse.run(["encode", "--model", model, "--input", text, "--output", vectors]) == 0
    with open(text, encoding="utf-8") as file:
        sentences = [line.rstrip("\n") for line in file]
    assert np.array_equal(np.load(vectors), mixcse.Encoder(model).encode(sentences)), "other bits than mixcse encode"
if wants_torch:
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    z1, z2 = (torch.randn(16, 24, requires_grad=True) for _ in range(2))
    cosines = F.normalize(z1, dim=-1) @ F.normalize(z2, dim=-1).T
    expected = F.cross_entropy(cosines / 0.05, torch.arange(16))
    found = mixcse.Objective("simcse:temperature=0.05", dimension=24)(z1, z2)
    for a, b in zip(torch.autograd.grad(expected, (z1, z2)), torch.autograd.grad(found, (z1, z2)), strict=True):
        assert torch.allclose(a, b, atol=1e-5), (a, b)
    assert abs(expected.item() - found.item()) < 1e-5, (expected, found)
print(f"works: the package{' with torch' if wants_torch else ''}, {len(mixcse.components())} components at {package}")
