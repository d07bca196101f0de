"""Rows of all ranks: what strategies compare is the whole batch, whichever process encoded it."""

import torch
import torch.distributed as dist

from ._errors import ArgumentError


class Ranks:
    """The processes that train together, as one batch sees them."""

    def __init__(self, group: "dist.ProcessGroup | None", enabled: bool) -> None:
        together = enabled and dist.is_available() and dist.is_initialized()
        self.group = group
        self.count = dist.get_world_size(group) if together else 1
        self.rank = dist.get_rank(group) if together else 0
        self._rows: list[int] = []
        self._place = torch.device("cpu")
        if self.rank < 0:
            raise ArgumentError("process_group: expected one that this process belongs to, found another", 64)

    def begin(self, rows: int, device: torch.device) -> None:
        """Tells each rank how many rows every other one has; device: where the rows are."""
        self._rows = [rows]
        if self.count > 1:
            # Gloo takes nothing of some devices, NCCL nothing of the CPU.
            kinds = [pair.partition(":")[0] for pair in dist.get_backend_config(self.group).split(",")]
            self._place = device if device.type in kinds else torch.device("cpu" if "cpu" in kinds else kinds[0])
            own = torch.tensor([rows], dtype=torch.int64, device=self._place)
            everyone = [torch.empty_like(own) for _ in range(self.count)]
            dist.all_gather(everyone, own, group=self.group)
            self._rows = [int(other.item()) for other in everyone]

    @property
    def own(self) -> slice:
        """This rank's rows among those of all."""
        start = sum(self._rows[: self.rank])
        return slice(start, start + self._rows[self.rank])

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """The rows of all ranks, in the order of the ranks: [all rows, ...], where they can be exchanged. No gradient
        passes."""
        if self.count == 1:
            return rows
        rows = rows.to(self._place)
        room = max(self._rows)
        padded = rows.new_zeros((room, *rows.shape[1:]))
        padded[: len(rows)] = rows
        everyone = [torch.empty_like(padded) for _ in range(self.count)]
        dist.all_gather(everyone, padded, group=self.group)
        return torch.cat([other[:count] for other, count in zip(everyone, self._rows)])
