"""One instance of a component: the host's calls by their names in the header, as calls of the user's functions."""

from functools import partial
from typing import Any

import numpy as np

from ..plugin import Cells
from . import abi
from .caller import Caller, Problem, Values
from .plan import Planned


class Instance(Caller):
    """A component, called by the host."""

    def plan(self, limits: int, plan: int, _: int) -> None:
        self.planned = Planned(self.component, self.parameters(), abi.Limits.from_address(limits))
        self.planned.write(abi.Plan.from_address(plan))

    def _state(self, index: int) -> Any:
        return self.made(self._tensor(self.call.states, index))

    def commit(self, batch: int, *_: int) -> None:
        makers = self._batch(batch) if batch else self._everywhere()
        for index, name in enumerate(self.component.states):
            makers[name] = partial(self._state, index)
        values, settings = Values(makers), self.parameters()
        function = self.component.commit_function
        assert function is not None
        code = function.__code__
        given = {}
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            if name not in settings and name not in makers:
                raise Problem(f"the commit function asks for '{name}', which it is not given")
            given[name] = settings[name] if name in settings else values[name]
        function(**given)

    def on_logits(self, address: int, loss: int, _: int) -> None:
        x = abi.Logits.from_address(address)
        makers = self._batch(x.batch) if x.batch else self._everywhere()
        makers["logits"] = lambda: self.shown(self.regions.tensor(x.logits))
        makers["sim"] = lambda: self.shown(self.regions.tensor(x.sim))
        makers["target"] = lambda: self._numbers(x.target, x.rows, np.int64)
        makers["block_start"] = lambda: self._numbers(x.block_start, x.n_blocks + 1, np.int64)
        values = Values(makers)
        wants = bool(x.dlogits or x.dsim)
        leaves = self._score(values, wants, loss, x.rows, x.row_loss or 0)
        if not wants:
            return
        gradients = self._gradients(values, leaves)
        excluded = np.isneginf(self.regions.tensor(x.logits))
        for name, target in (("logits", x.dlogits), ("sim", x.dsim)):
            if target and gradients.get(name) is not None:
                array = self.regions.tensor(target)
                found = self.numpy(gradients[name], f"the gradient of {name}", array.shape)
                array += np.where(excluded, 0, found) if excluded.any() else found
        slope = gradients.get("temperature")
        if slope is not None and x.dtemperature:
            self.regions.numbers(x.dtemperature, 1, np.float64)[0] = float(slope)
        self._add_weights(gradients)

    def on_embeds(self, address: int, loss: int, _: int) -> None:
        batch = abi.Batch.from_address(address)
        values = Values(self._batch(address))
        wants = bool(batch.dz or batch.du)
        leaves = self._score(values, wants, loss, batch.rows, 0)
        if wants:
            gradients = self._gradients(values, leaves)
            self._add_views(batch, gradients)
            self._add_weights(gradients)

    def _score(self, values: Values, wants: bool, loss: int, rows: int, row_loss: int) -> dict[str, Any]:
        """Calls a loss, writes its value, and lets autograd run back from it."""
        value, leaves = self._call(values, wants)
        is_tensor = self.torch is not None and isinstance(value, self.torch.Tensor)
        shape = tuple(value.shape) if is_tensor else np.shape(value)
        if shape not in ((), (rows,)):
            raise Problem(f"expected the loss, a number, or that of each row, [{rows}]; found the shape {list(shape)}")
        numbers_found = self.numpy(value, "the loss", shape).astype(np.float64)
        if shape and row_loss:
            self.regions.numbers(row_loss, rows, np.float64)[:] = numbers_found
        self.regions.numbers(loss, 1, np.float64)[0] = numbers_found.mean()
        if leaves and is_tensor and value.requires_grad:
            (value.mean() if shape else value).backward()
        return leaves

    def sample(self, address: int, out: int, _: int) -> None:
        assert self.planned is not None
        candidates = abi.Candidates.from_address(out)
        values = self._sampler_values(address, candidates)
        result = self._call(values, False)[0]
        entries = self._entries(result)
        vectors = self.regions.pointers(candidates.vectors or 0, candidates.n_vectors)
        for index, (block, entry) in enumerate(zip(self.component.options["blocks"], entries)):
            own = candidates.first_own + index
            number = self.planned.new[index]
            if number is not None:
                target = self.regions.tensor(vectors[number])
                target[...] = self.numpy(entry.vectors, f"new vectors of block '{self.planned.label(index)}'",
                                         target.shape)
            elif entry.vectors is not None:
                raise Problem(f"block '{self.planned.label(index)}' compares {block.rows} with {block.columns}, so it "
                              "has no new vectors; return None for it, or Cells(gain=..., bias=...)")
            if entry.used is not None:
                self.regions.numbers(candidates.n_cols, candidates.n_blocks, np.int64)[own] = int(entry.used)
            self._edit(candidates, own, entry)
        if len(entries) > len(self.component.options["blocks"]):
            self._edit(candidates, 0, entries[-1])

    def _sampler_values(self, address: int, candidates: abi.Candidates | None) -> Values:
        makers = self._batch(address)
        if candidates is not None:
            makers["sim"] = lambda: self.shown(self._tensor(candidates.sim, 0))
        else:
            # Backward is not shown them once more.
            units = abi.Batch.from_address(address).u
            makers["sim"] = lambda: self.shown(self._tensor(units, 0) @ self._tensor(units, 1).T)
        return Values(makers)

    def _entries(self, result: Any) -> list[Cells]:
        blocks = len(self.component.options["blocks"])
        listed = list(result) if isinstance(result, (tuple, list)) else [result]
        if len(listed) not in (blocks, blocks + 1):
            raise Problem(f"it returned {len(listed)} entries, expected {blocks}, one for each block (and one more to "
                          "edit the host's own)")
        return [entry if isinstance(entry, Cells) else Cells(entry) for entry in listed]

    def _edit(self, candidates: abi.Candidates, block: int, entry: Cells) -> None:
        if entry.gain is None and entry.bias is None:
            return
        if not self.component.options["edits"]:
            raise Problem("it edits cells, which @sampler(..., edits=True) has to say")
        for list_address, value, what in ((candidates.gain, entry.gain, "gain"), (candidates.bias, entry.bias, "bias")):
            if value is None:
                continue
            target = self._tensor(list_address, block)
            found = self.numpy(value, what, target.shape)
            if what == "gain":
                target *= found
            else:
                target += found

    def sample_backward(self, address: int, dvectors: int, _: int) -> None:
        assert self.planned is not None
        batch = abi.Batch.from_address(address)
        values = self._sampler_values(address, None)
        addresses = self.regions.pointers(dvectors, self.planned.count)
        by_block = [None if number is None or not addresses[number] else self.regions.tensor(addresses[number])
                    for number in self.planned.new]
        if self.component.gradient_function is not None:
            shown = [None if one is None else self.shown(one) for one in by_block]
            gradients = self._gradients(values, {}, grad=shown[0] if len(shown) == 1 else shown)
        else:
            result, leaves = self._call(values, True)
            entries = self._entries(result)
            self._propagate([(entry.vectors, one) for entry, one in zip(entries, by_block) if one is not None])
            gradients = self._gradients(values, leaves)
        self._add_views(batch, gradients)
        self._add_weights(gradients)

    def _propagate(self, pairs: list[tuple[Any, np.ndarray]]) -> None:
        """Lets autograd run back from vectors with their gradients."""
        live = [(vectors, gradient) for vectors, gradient in pairs
                if self.torch is not None and isinstance(vectors, self.torch.Tensor) and vectors.requires_grad]
        if live and self.torch is not None:
            self.torch.autograd.backward([vectors for vectors, _ in live], [self.shown(one) for _, one in live])

    def _pooler_values(self, address: int) -> tuple[abi.Tokens, Values]:
        tokens = abi.Tokens.from_address(address)
        makers = self._everywhere()

        def offsets() -> np.ndarray:
            return self.regions.numbers(tokens.offsets, tokens.n_seqs + 1, np.int64)

        makers["offsets"] = lambda: self.shown(offsets())
        makers["lengths"] = lambda: self.made(np.diff(offsets()))
        makers["segments"] = lambda: self.made(np.repeat(np.arange(tokens.n_seqs), np.diff(offsets())))
        makers["token_ids"] = lambda: self._numbers(tokens.token_ids, tokens.n_tokens, np.int32)
        makers["token_flags"] = lambda: self._numbers(tokens.token_flags, tokens.n_tokens, np.uint8)
        layers = [self.shown(one) for one in self.regions.tensors(tokens.layers, tokens.n_layers)]
        makers["hidden"] = lambda: layers[-1]
        makers["layers"] = lambda: layers
        return tokens, Values(makers)

    def pool(self, address: int, out: int, _: int) -> None:
        values = self._pooler_values(address)[1]
        result = self._call(values, False)[0]
        target = self.regions.tensor(out)
        target[...] = self.numpy(result, "the vectors", target.shape)

    def pool_backward(self, address: int, out: int, gradient: int) -> None:
        tokens, values = self._pooler_values(address)
        given = self.regions.tensor(gradient)
        if self.component.gradient_function is not None:
            gradients = self._gradients(values, {}, grad=self.shown(given))
        else:
            result, leaves = self._call(values, True)
            self._propagate([(result, given)])
            gradients = self._gradients(values, leaves)
        targets = self.regions.tensors(tokens.dlayers, tokens.n_layers)
        if "layers" in gradients:
            for target, value in zip(targets, gradients["layers"]):
                self._add(target, value, "the gradient of layers")
        elif targets:
            self._add(targets[-1], gradients.get("hidden"), "the gradient of hidden")
        self._add_weights(gradients)
