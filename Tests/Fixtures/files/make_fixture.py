"""Makes the checkpoint and .npy files the reader tests use. Needs torch, safetensors, numpy.

Every float tensor number i holds values[i](k) = ((7 k + 3 i) mod 101 - 50) / 64 in row-major order: exact in float16
and bfloat16, so that the tests can compute what they expect.
"""
import os
import zipfile
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(here, name)


def values(i, *shape, dtype=torch.float32):
    count = int(np.prod(shape)) if shape else 1
    k = torch.arange(count, dtype=torch.float64)
    return (((7 * k + 3 * i) % 101 - 50) / 64).reshape(shape).to(dtype)


save_file(
    {
        "bert.embeddings.word_embeddings.weight": values(0, 5, 4),
        "bert.encoder.layer.0.output.LayerNorm.gamma": values(1, 4, dtype=torch.float16),
        "bert.encoder.layer.0.output.LayerNorm.beta": values(2, 4, dtype=torch.bfloat16),
        "bert.embeddings.position_ids": torch.arange(6).reshape(1, 6),
        "scalar": values(3),
        "empty": torch.zeros(0, 3),
    },
    path("tiny.safetensors"),
    metadata={"format": "pt", "note": "naïve \"quotes\""},
)


def checkpoint():
    shared = values(5, 6, 4)
    state = OrderedDict()
    state["roberta.plain"] = values(0, 3, 4)
    state["half"] = values(1, 7, dtype=torch.float16)
    state["bfloat"] = values(2, 7, dtype=torch.bfloat16)
    state["transposed"] = values(3, 4, 3).t()
    state["parameter"] = torch.nn.Parameter(values(4, 2, 2))
    state["whole"] = shared
    state["rows"] = shared[2:5]
    state["column"] = shared[:, 1]
    state["expanded"] = values(6, 1, 3).expand(2, 3)
    state["integers"] = torch.arange(5)
    state["scalar"] = values(7)
    state["empty"] = torch.zeros(0, 3)
    state["epoch"] = 3
    state._metadata = OrderedDict([("", {"version": 1})])
    return state


for protocol in (2, 3, 4, 5):
    torch.save(checkpoint(), path(f"torch_p{protocol}.bin"), pickle_protocol=protocol)
torch.save(dict(checkpoint()), path("torch_dict.bin"))
torch.save(checkpoint(), path("torch_legacy.bin"), _use_new_zipfile_serialization=False)
torch.save({"state_dict": checkpoint(), "optimizer": {}, "step": 3}, path("torch_nested.bin"))


def repack(name, method, wide):
    # With a limit of ten bytes, zipfile writes zip64 records for a small archive too.
    zipfile.ZIP64_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT = 10 if wide else 0x7FFFFFFF
    source = zipfile.ZipFile(path("torch_p2.bin"))
    with zipfile.ZipFile(path(name), "w", method) as target:
        for info in source.infolist():
            with target.open(info.filename, "w", force_zip64=wide) as record:
                record.write(source.read(info.filename))


repack("torch_deflate.bin", zipfile.ZIP_DEFLATED, False)
repack("torch_zip64.bin", zipfile.ZIP_STORED, True)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/cse-was-executed",)


torch.save({"weight": values(0, 2), "x": Evil()}, path("torch_hostile.bin"))

matrix = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
np.save(path("f4.npy"), matrix)
np.save(path("f8.npy"), matrix.astype(np.float64) * (1 + 1e-12))
np.save(path("fortran.npy"), np.asfortranarray(matrix))
np.save(path("vector.npy"), matrix[0])
np.save(path("int.npy"), np.arange(4).reshape(2, 2))
np.save(path("big_endian.npy"), matrix.astype(">f4"))
for version in ((2, 0), (3, 0)):
    with open(path(f"v{version[0]}.npy"), "wb") as file:
        np.lib.format.write_array(file, matrix, version=version)
