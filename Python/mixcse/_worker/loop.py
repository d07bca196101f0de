"""Answers the host's questions until the host is gone: about one plugin file, or as an encoder."""

import ctypes as c
import faulthandler
import json
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

from . import abi
from .file import PluginFile, Refused, explain, versions

_REPORT = 5
_KILL_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38


def report(texts: list[str]) -> None:
    """Tells the host how the start went, in netstrings."""
    parts = [text.encode("utf-8", "replace") for text in texts]
    left = b"".join(b"%d:%s," % (len(part), part) for part in parts)
    while left:
        left = left[os.write(_REPORT, left):]
    os.close(_REPORT)


def confine(parent: int, is_tied: bool, memory: int) -> None:
    """Dies with the host, gains no privileges, leaves no core file, and takes so much memory at most (0: any)."""
    libc = c.CDLL(None)
    if is_tied:
        libc.prctl(_KILL_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")
    except OSError:
        pass
    # A terminal or a scheduler sends these to everybody; the host decides when this process ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    # A crash in a package shows the line that led to it.
    faulthandler.enable()


def main(arguments: list[str]) -> None:
    load_path, path, sha256 = arguments[:3]
    parent, tied, memory, shown, shown_bytes, shared, shared_bytes, doorbell = map(int, arguments[3:])
    confine(parent, bool(tied), memory)
    try:
        import numpy  # noqa: F401
    except ImportError:
        who, packages = "plugins in Python need", "numpy"
        if load_path == abi.ENCODER:
            who, packages = "--encoder transformers needs", "numpy torch transformers"
        report(["refused", f"{sys.executable} has no NumPy, which {who}: {sys.executable} -m pip install {packages}, "
                "or name another Python in MIXCSE_PYTHON"])
        os._exit(0)
    from .memory import Bell, Regions

    regions = Regions((shown, shown_bytes), (shared, shared_bytes))
    bell = Bell(doorbell)
    if load_path == abi.ENCODER:
        from . import encoder

        encoder.main(json.loads(path), regions, bell, report)
    try:
        file = PluginFile(load_path, path, sha256)
        registry = file.run()
        texts = file.texts(registry)
    except Refused as error:
        report(["refused", str(error)])
        os._exit(0)
    from .instance import Instance
    from .plan import Planned

    Planned.texts = doorbell + (c.sizeof(abi.Doorbell) + 63 & ~63)
    instances: dict[int, Instance] = {}
    report(["ready", versions(), *texts])
    # The first instance takes what has just been run; each further one runs the file again, with globals of its own.
    ready = [registry]
    while True:
        while not bell.wait():
            pass
        shared_bell = bell.shared
        call, function = shared_bell.call or 0, shared_bell.function
        if function == abi.OPEN:
            bell.answer(_open(file, regions, ready, instances, call, shared_bell.arguments[0] or 0))
        elif function == abi.LEAVE:
            instances.pop(call, None)
            bell.answer(abi.OK)
        else:
            given = [one or 0 for one in shared_bell.arguments]
            bell.answer(instances[call].answer(abi.FUNCTIONS[function], call, shared_bell.batch, given))


def _open(
    file: PluginFile, regions: "object", ready: list[Any], instances: dict[int, Any], call: int, address: int
) -> int:
    """Makes an instance of the component that the text at `address` names; an error's text goes there."""
    from .instance import Instance

    kind, name, key = c.string_at(address).decode().split("\n")
    try:
        registry = ready.pop() if ready else file.run()
        component = next(one for one in registry.components if (one.kind, one.name) == (kind, name))
        instances[call] = Instance(component, int(key), file, regions)  # type: ignore[arg-type]
    except BaseException as error:
        text = str(error) if isinstance(error, Refused) else explain(error, file.path)
        c.memmove(address, text.encode()[:4000] + b"\0", len(text.encode()[:4000]) + 1)
        return abi.INTERNAL
    return abi.OK
