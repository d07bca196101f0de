"""Two devices of torch for machines without a GPU: `make_device()` compiles elsewhere.cpp against the torch that is
there and registers it; from then on torch.device("elsewhere") is one, as torch.device("cuda") would be."""
import contextlib
import functools
import hashlib
import os
import pathlib
import subprocess

import torch

NAME = "elsewhere"
SOURCE = pathlib.Path(__file__).with_suffix(".cpp")
BUILT = SOURCE.parents[3] / ".build" / "interop"


class Module:
    """torch.elsewhere, as torch.cuda is one."""

    @staticmethod
    def index(device=None):
        if isinstance(device, int):
            return device
        given = torch.device(device).index if device is not None else None
        return torch.ops.elsewhere.current() if given is None else given

    def is_available(self):
        return True

    def is_initialized(self):
        return True

    def _is_in_bad_fork(self):
        return False

    def device_count(self):
        return 2

    def current_device(self):
        return torch.ops.elsewhere.current()

    def set_device(self, device):
        torch.ops.elsewhere.set_current(self.index(device))

    @contextlib.contextmanager
    def device(self, device):
        before = self.current_device()
        self.set_device(device)
        try:
            yield
        finally:
            self.set_device(before)

    def synchronize(self, device=None):
        torch.ops.elsewhere.synchronize()

    def empty_cache(self):
        pass

    def get_amp_supported_dtype(self):
        return [torch.float16, torch.bfloat16]

    def is_bf16_supported(self, including_emulation=True):
        return True

    def get_rng_state(self, device=NAME):
        return torch.ops.elsewhere.state(self.index(device))

    def set_rng_state(self, state, device=NAME):
        torch.ops.elsewhere.set_state(self.index(device), state)

    def get_rng_state_all(self):
        return [self.get_rng_state(index) for index in range(self.device_count())]

    def set_rng_state_all(self, states):
        for index, state in enumerate(states):
            self.set_rng_state(state, index)

    def manual_seed(self, seed):
        torch.ops.elsewhere.seed(self.current_device(), seed % 2**63)

    def manual_seed_all(self, seed):
        for index in range(self.device_count()):
            # Of another device, and of the processor, other numbers.
            torch.ops.elsewhere.seed(index, (seed + 1 + index) % 2**63)


def compiled():
    """The library for this torch, built once for each version of the source."""
    key = hashlib.sha256(SOURCE.read_bytes() + torch.__version__.encode()).hexdigest()[:16]
    target = BUILT / f"libelsewhere-{key}.so"
    if target.exists():
        return target
    BUILT.mkdir(parents=True, exist_ok=True)
    torch_folder = pathlib.Path(torch.__file__).parent
    unfinished = target.with_suffix(f".{os.getpid()}")
    subprocess.run(
        [os.environ.get("CXX", "g++"), "-std=c++20", "-O1", "-fPIC", "-shared", "-w",
         f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
         "-isystem", torch_folder / "include", "-isystem", torch_folder / "include/torch/csrc/api/include", SOURCE,
         "-o", unfinished, "-L" + str(torch_folder / "lib"), "-Wl,--no-as-needed", "-ltorch_cpu", "-lc10",
         f"-Wl,-rpath,{torch_folder / 'lib'}"], check=True)
    unfinished.rename(target)
    return target


@functools.cache
def make_device():
    """The first of the two, after it is known to be what it says: nobody reads its memory from here."""
    torch.utils.rename_privateuse1_backend(NAME)
    torch.ops.load_library(str(compiled()))
    torch._register_device_module(NAME, Module())
    torch.utils.generate_methods_for_privateuse1_backend()
    device = torch.device(NAME, 0)
    check_itself(device)
    return device


def check_itself(device):
    """What the checks rely on: a tensor of the device is none of the processor's."""
    one = torch.arange(6.0, device=device).view(2, 3)
    assert one.device == device and one[1].sum().item() == 12 and one.t().cpu()[2, 1] == 5
    assert one.data_ptr() >> 62 == 1, "no address of this process"
    for broken in (one.numpy, lambda: one + torch.ones(2, 3), lambda: one + one.to(f"{NAME}:1")):
        try:
            broken()
        except (TypeError, RuntimeError) as error:
            assert "device" in str(error), error
        else:
            raise SystemExit("elsewhere: a tensor was taken for one of the processor")
    late = one.to("cpu", non_blocking=True)
    assert late.isnan().all() and torch.ops.elsewhere.late() == 1
    torch.elsewhere.synchronize()
    assert (late == one.cpu()).all() and torch.ops.elsewhere.late() == 0
    torch.manual_seed(3)
    draws = [torch.rand(4, device=device) for _ in range(2)]
    assert not torch.equal(draws[0].cpu(), draws[1].cpu())
    torch.manual_seed(3)
    torch.rand(4)
    assert torch.equal(torch.rand(4, device=device).cpu(), draws[0].cpu()), "the processor's draws move the device's"
