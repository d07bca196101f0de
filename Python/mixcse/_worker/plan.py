"""What a component plans: its options with the run's sizes put in, written into a cse_plan."""

import ctypes as c
from typing import Any

from ..plugin import Block, Component, Encoding, State
from . import abi

#: Behind the doorbell: names of states, weights and blocks (PlanTexts in Swift).
_ROOM, _WEIGHTS, _BLOCKS = 256, 16, 32
_VIEWS = {"z1": 0, "z2": 1, "z3": 2}


class Planned:
    """The plan of one instance for the run's limits."""

    #: Where names go; set when the process starts.
    texts = 0

    def __init__(self, component: Component, settings: dict[str, Any], limits: abi.Limits) -> None:
        self.component, self.settings, self.limits = component, settings, limits
        blocks = component.options.get("blocks", ())
        new = [self._uses_new(block) for block in blocks]
        #: By block: the number of its new vectors, None where it has none.
        self.new = [sum(new[:index]) if uses else None for index, uses in enumerate(new)]
        #: How many sets of new vectors there are.
        self.count = sum(new)

    def label(self, index: int) -> str:
        """What a block is called."""
        label: str = self.component.options["blocks"][index].label
        return label or (self.component.name if index == 0 else f"{self.component.name}-{index + 1}")

    def _uses_new(self, block: Block) -> bool:
        if block.rows == "new" and block.columns == "new":
            raise NotImplementedError("a block has new vectors on one side, rows or columns; found both")
        return "new" in (block.rows, block.columns)

    def size(self, extent: int | str | None) -> int:
        """A number, "dim", or the value of an int parameter."""
        if extent is None:
            return 0
        if isinstance(extent, int):
            return extent
        if extent == "dim":
            return int(self.limits.dim)
        value = self.settings.get(extent)
        if not isinstance(value, int) or isinstance(value, bool):
            raise NotImplementedError(f"a size: expected a number, 'dim' or an int parameter, found '{extent}'")
        return value

    def write(self, plan: abi.Plan) -> None:
        """Fills the host's struct."""
        component, options = self.component, self.component.options
        inputs = set(component.inputs)
        own_views = self.limits.n_views - self.limits.n_added_views
        if component.kind != "pooler" and inputs & {"z3", "u3"} and own_views < 3:
            raise NotImplementedError(f"it needs hard negatives, z3, and this run has {own_views} views of its own")
        plan.flags = (
            (abi.NEEDS_SCORES if "scores" in inputs else 0) | (abi.NEEDS_CLASSES if "classes" in inputs else 0)
            | (abi.EDIT_CELLS if options.get("edits") else 0) | (abi.FIRST_GROUP if options.get("first_group") else 0)
            | (abi.FIRST_TOKEN if options.get("first_token") else 0))
        if component.kind == "pooler":
            plan.out_dim = self.size(options["width"])
            plan.n_layers = len(options["layers"])
            for index, layer in enumerate(options["layers"]):
                c.c_int32.from_address(plan.layers + 4 * index).value = layer
        plan.n_states, plan.n_weights = len(component.states), len(component.weights)
        kept = ((0, plan.states, component.states), (_WEIGHTS, plan.weights, component.weights))
        for start, address, tensors in kept:
            for index, (name, tensor) in enumerate(tensors.items()):
                entry = abi.Declaration.from_address(address + index * c.sizeof(abi.Declaration))
                self._declare(entry, tensor)
                entry.name = self._text(start + index, name)
        plan.n_blocks = len(options.get("blocks", ()))
        for index, block in enumerate(options.get("blocks", ())):
            row = abi.BlockStruct.from_address(plan.blocks + index * c.sizeof(abi.BlockStruct))
            self._compare(row, block, index)
            row.label = self._text(_BLOCKS + index, self.label(index))

        plan.n_encodings = len(component.encodings)
        for index, encoding in enumerate(component.encodings.values()):
            address = plan.encodings + index * c.sizeof(abi.EncodingStruct)
            self._encode(abi.EncodingStruct.from_address(address), encoding)

    def _encode(self, entry: abi.EncodingStruct, encoding: Encoding) -> None:
        if encoding.view not in _VIEWS or encoding.by not in abi.ENCODED_BY:
            raise NotImplementedError(
                f"an encoding: expected a view z1, z2 or z3 by {', '.join(abi.ENCODED_BY)}; found {encoding}")
        entry.view, entry.by = _VIEWS[encoding.view], abi.ENCODED_BY[encoding.by]
        if encoding.by != "guide":
            entry.dropout = -1 if encoding.dropout is None else encoding.dropout
        entry.decay = encoding.decay if encoding.by == "average" else 0
        entry.guide = encoding.guide if encoding.by == "guide" else 0

    def _text(self, slot: int, text: str) -> int:
        address = Planned.texts + slot * _ROOM
        encoded = text.encode()[: _ROOM - 1] + b"\0"
        c.memmove(address, encoded, len(encoded))
        return address

    def _declare(self, entry: abi.Declaration, tensor: Any) -> None:
        entry.ndim = len(tensor.shape)
        for axis, extent in enumerate(tensor.shape):
            entry.shape[axis] = self.size(extent)
        start = tensor.start
        if isinstance(start, tuple):
            entry.init, entry.a, entry.b = abi.START[start[0]], start[1], start[2]
        elif isinstance(start, str):
            entry.init = abi.START[start]
        elif start:
            entry.init, entry.a = abi.START["constant"], start
        if isinstance(tensor, State):
            if tensor.integer:
                entry.bits, entry.lanes = 64, 1
        else:
            entry.flags = 0 if tensor.decay else abi.NO_DECAY
            entry.lr_mult = tensor.learning_rate

    def _compare(self, entry: abi.BlockStruct, block: Block, index: int) -> None:
        entry.rows, entry.cols = self._side(block.rows, index), self._side(block.columns, index)
        private, count = self.size(block.private), block.count
        if private:
            entry.per_row = private
        elif count is not None:
            entry.fixed = self.size(count)
        flags = (abi.DOT if block.dot else 0) | (abi.PRIVATE if private else 0) | (abi.BASE if block.base else 0)
        if is_detached(block):
            flags |= abi.DETACH_ROWS if block.rows == "new" else abi.DETACH_COLUMNS
        entry.flags, entry.group = flags, block.group

    def _side(self, name: str, index: int) -> int:
        if name in _VIEWS:
            return _VIEWS[name]
        if name == "new":
            return abi.NEW + (self.new[index] or 0)
        if name in self.component.states:
            return abi.STATE + list(self.component.states).index(name)
        if name in self.component.encodings:
            return abi.ENCODING + list(self.component.encodings).index(name)
        raise NotImplementedError(
            f"rows and columns of a block: expected z1, z2, z3, new, a state or an encoding, found '{name}'")


def is_detached(block: Block) -> bool:
    """Whether no gradient flows into a block's new vectors, or into its columns."""
    if block.detached is not None:
        return block.detached
    return "new" in (block.rows, block.columns) or block.columns not in _VIEWS
