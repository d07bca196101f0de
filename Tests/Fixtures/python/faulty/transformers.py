"""transformers whose models fail in the FAULTY_PASS-th pass that a backward follows, as FAULTY_HOW says: raise, exit,
kill, hang. On PYTHONPATH it is found before the real one, which it then stands aside for."""

import os
import signal
import sys
import time

sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != os.path.dirname(os.path.abspath(__file__))]
del sys.modules["transformers"]
import torch  # noqa: E402
import transformers  # noqa: E402

_load = transformers.AutoModel.from_pretrained
_left = int(os.environ["FAULTY_PASS"])


def _fail(*_: object) -> None:
    global _left
    _left -= torch.is_grad_enabled()
    if _left or not torch.is_grad_enabled():
        return
    how = os.environ["FAULTY_HOW"]
    if how == "raise":
        raise RuntimeError("the device fell off the bus")
    if how == "exit":
        print("going home", flush=True)
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(1000)


def _faulty(*arguments: object, **more: object) -> object:
    model, found = _load(*arguments, **more)
    model.register_forward_pre_hook(_fail)
    return model, found


transformers.AutoModel.from_pretrained = _faulty
