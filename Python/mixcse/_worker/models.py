"""A model that transformers' AutoModel loads, as an encoder: what it is, and its hidden states of packed token ids."""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import abi, orders
from .caller import write_log
from .file import Refused, explain
from .masked import MaskedHead, expect_head

#: Where nothing limits the length of a sequence.
_ANY_LENGTH = 1 << 20


class Model:
    """`tensors` are all that is written to a checkpoint, `names` and `decays` go with them."""

    def __init__(self, order: dict[str, Any]) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            import torch
            import transformers
        except ImportError as error:
            raise Refused(
                f"{sys.executable} has no {(error.name or 'torch').split('.')[0]}, which --encoder transformers "
                f"needs: {sys.executable} -m pip install torch transformers, or name another Python in MIXCSE_PYTHON"
            ) from error
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.torch, self.transformers = torch, transformers
        torch.set_num_threads(max(1, int(order["threads"])))
        # The same call gives the same bits where there is a way to have that.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self.device = orders.device(torch, order["device"], *order.get("seat", (0, 1)))
        self.is_bf16 = order["precision"] == "bf16"
        self.config = orders.configuration(transformers, order)
        self.rates = orders.dropout(self.config, order.get("dropout"))
        self.head: MaskedHead | None = None
        self.model = self._load(order["folder"], bool(order.get("masked")))
        #: With the head for masked words, where it was asked for.
        self.whole = self.head.whole if self.head else self.model
        self.sites = [(module, "p", module.p) for module in self.whole.modules() if self._is_dropout(module)] + [
            (module, name, value) for module in self.whole.modules() for name, value in vars(module).items()
            if "dropout" in name and isinstance(value, float)]
        self._collect()
        padding = getattr(self.config, "pad_token_id", None)
        self.padding = padding if isinstance(padding, int) and 0 <= padding < self.vocabulary else 0
        self.layers, self.width = self._measure()

    # From a folder to a model

    def _load(self, folder: str, masked: bool) -> Any:
        if masked:
            expect_head(self.transformers, self.config)
        kind = self.transformers.AutoModelForMaskedLM if masked else self.transformers.AutoModel
        try:
            model, found = kind.from_pretrained(
                folder, config=self.config, local_files_only=True, trust_remote_code=False, output_loading_info=True)
        except Exception as error:
            raise Refused(f"transformers {self.transformers.__version__} cannot load the model: "
                          f"{explain(error, '')}") from error
        missing = sorted(found["missing_keys"])
        if masked:
            self.head = MaskedHead(model)
            missing = self.head.split(missing)
        missing = [name for name in missing if not name.startswith("pooler.")]
        if missing:
            more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
            raise Refused(f"expected weights for all of the model, found none for {', '.join(missing[:8])}{more}")
        model = model.float().to(self.device)
        return self.head.base if self.head else model

    def _is_dropout(self, module: Any) -> bool:
        return isinstance(module, self.torch.nn.modules.dropout._DropoutNd)

    def _collect(self) -> None:
        """All tensors of floating-point numbers but the pooler's, which hidden states do not depend on; the head's for
        masked words, which shares some, behind the others."""
        self.names: list[str] = []
        self.tensors: list[Any] = []
        self.decays: list[bool] = []
        places = set()

        def take(model: Any, named: Callable[[str], str | None]) -> None:
            learned = dict(model.named_parameters())
            for own, tensor in model.state_dict(keep_vars=True).items():
                name, tied = named(own), (tensor.data_ptr(), tensor.shape)
                if name is None or not tensor.is_floating_point() or tied in places or not tensor.numel():
                    continue
                if not tensor.is_contiguous():
                    tensor.data = tensor.data.contiguous()
                places.add(tied)
                self.names.append(name)
                self.tensors.append(tensor)
                self.decays.append(own in learned and tensor.ndim > 1 and "bias" not in own)

        take(self.model, lambda name: None if name.startswith("pooler.") else name)
        if self.head:
            count = len(self.names)
            take(self.head.whole, self.head.name)
            self.head.took(self.names[count:])

    def _measure(self) -> tuple[int, int]:
        """How many layers have hidden states, and how wide the last ones are, by a pass of a few tokens."""
        ids = np.full((1, 4), min(5, self.vocabulary - 1), np.int64)
        is_token = np.ones((1, 4), bool)
        padded = np.pad(ids, ((0, 0), (0, 4)), constant_values=self.padding)
        with self.torch.no_grad():
            last = self._run(ids, is_token, False, (0.0, 0.0)).last_hidden_state
            beside = self._run(padded, padded == ids[0, 0], False, (0.0, 0.0)).last_hidden_state[:, :4]
            try:
                states = self._run(ids, is_token, True, (0.0, 0.0)).hidden_states
            except Exception:
                # The states of its last layer are there all the same.
                states = None
        if float((beside - last).norm() / last.norm()) > (3e-2 if self.is_bf16 else 1e-3):
            write_log(3, f"{self.config.model_type}: hidden states depend on how far a batch is padded, as in "
                         "transformers: a text beside a longer one has another embedding")
        if self.head:
            with self.torch.no_grad():
                self.losses(ids[0], np.array([0, 4]), (0.0, 0.0), np.array([1, 2]), ids[0, :2])
        return len(states) - 1 if states else 0, last.shape[-1]

    # What it is

    @property
    def vocabulary(self) -> int:
        """Token ids are below it."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    @property
    def positions(self) -> int:
        """The longest sequence it has positions for."""
        limits = [_ANY_LENGTH]
        for name, module in self.model.named_modules():
            rows = getattr(module, "num_embeddings", None)
            is_table = name.endswith(("embeddings.position_embeddings", "embed_positions", "wpe"))
            if is_table and "entity" not in name and isinstance(rows, int):
                padding = getattr(module, "padding_idx", None)
                # RoBERTa and its kin count from behind the padding token's row.
                limits.append(rows if padding is None else rows - padding - 1)
        for key in ("max_position_embeddings", "n_positions", "max_sequence_length"):
            value = getattr(self.config, key, None)
            if isinstance(value, int) and value > 0:
                limits.append(value)
        return min(limits)

    def facts(self) -> dict[str, Any]:
        """For the host: sizes, names, tensors as [name, shape, whether it decays]."""
        torch, device = self.torch, self.device
        name, uuid = "cpu", ""
        if device.type == "cuda":
            known = torch.cuda.get_device_properties(device)
            name, uuid = known.name, str(getattr(known, "uuid", ""))
        return {
            "version": f"{self.transformers.__version__}, torch {torch.__version__}",
            "library": f"{type(self.model).__name__} of transformers {self.transformers.__version__}, torch "
                       f"{torch.__version__}",
            "device": name, "deviceID": uuid, "vocabulary": self.vocabulary, "hidden": self.width,
            "layers": self.layers, "positions": self.positions, "hiddenDropout": self.rates[0],
            "attentionDropout": self.rates[1],
            "headTensors": self.head.count if self.head else None,
            "hasPretrainedHead": self.head is not None and self.head.is_pretrained,
            "tensors": [[name, list(tensor.shape), decays]
                        for name, tensor, decays in zip(self.names, self.tensors, self.decays)]}

    # Hidden states

    def states(self, ids: np.ndarray, offsets: np.ndarray, layers: list[int], rows: int,
               rates: tuple[float, float]) -> list[Any]:
        """Of each of `layers` the states of all tokens, packed, of first tokens or means: float32 [rows, width]."""
        padded, is_token, lengths = self._padded(ids, offsets)
        found = self._run(padded, is_token, any(layer != self.layers for layer in layers), rates)
        handed_out = self._rows(rows, lengths, is_token)
        states = []
        for layer in layers:
            state = found.last_hidden_state if layer == self.layers else found.hidden_states[layer]
            if tuple(state.shape) != (*padded.shape, self.width):
                raise Refused(
                    f"layer {layer} of {self.config.model_type}: expected states of shape "
                    f"{[*padded.shape, self.width]}, found {list(state.shape)}; take a pooler of the last layer: avg, "
                    "cls, max")
            states.append(handed_out(state))
        return states

    def losses(self, ids: np.ndarray, offsets: np.ndarray, rates: tuple[float, float], positions: np.ndarray,
               labels: np.ndarray) -> Any:
        """The cross-entropy of each of the words `labels` at the tokens `positions`: float32 [M]."""
        assert self.head is not None
        padded, is_token, _ = self._padded(ids, offsets)
        places, words = (self.torch.from_numpy(numbers.astype(np.int64)).to(self.device)
                         for numbers in (np.flatnonzero(is_token)[positions], labels))
        scores = self.head.scores(lambda: self._run(padded, is_token, False, rates, self.whole), places)
        return self.torch.nn.functional.cross_entropy(scores.float(), words, reduction="none")

    def _padded(self, ids: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids [sequences, longest], which of them are tokens, and how many each sequence has."""
        lengths = np.diff(offsets)
        is_token = np.arange(int(lengths.max())) < lengths[:, None]
        padded = np.full(is_token.shape, self.padding, np.int64)
        padded[is_token] = ids
        return padded, is_token, lengths

    def _rows(self, rows: int, lengths: np.ndarray, is_token: np.ndarray) -> Callable[[Any], Any]:
        """What makes of a padded state [sequences, longest, width] the rows that are wanted: one of abi.ROWS_..."""
        if rows == abi.ROWS_MEAN:
            beside = self.torch.from_numpy(~is_token).unsqueeze(-1).to(self.device)
            counts = self.torch.from_numpy(lengths.astype(np.float32)).unsqueeze(-1).to(self.device)
            return lambda state: state.float().masked_fill(beside, 0).sum(1) / counts
        width = is_token.shape[1]
        places = np.arange(len(lengths)) * width if rows == abi.ROWS_FIRST else np.flatnonzero(is_token)
        chosen = self.torch.from_numpy(places).to(self.device)
        return lambda state: state.reshape(-1, self.width).index_select(0, chosen).float()

    def _run(self, padded: np.ndarray, is_token: np.ndarray, all_layers: bool, rates: tuple[float, float],
             model: Any = None) -> Any:
        torch = self.torch
        self.whole.train(max(rates) > 0)
        # The host knows the rates in single precision.
        own = max(abs(a - b) for a, b in zip(rates, self.rates)) < 1e-6
        if max(rates) > 0:
            for module, name, rate in self.sites:
                setattr(module, name, rate if own else max(rates))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_bf16):
            return (model or self.model)(
                input_ids=torch.from_numpy(padded.astype(np.int64)).to(self.device),
                attention_mask=torch.from_numpy(is_token.astype(np.int64)).to(self.device),
                output_hidden_states=all_layers, return_dict=True)
