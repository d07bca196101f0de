"""A model that transformers' AutoModel loads, as an encoder: what it is, and its hidden states of packed token ids."""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import abi
from .caller import write_log
from .file import Refused, explain

#: Where nothing limits the length of a sequence.
_ANY_LENGTH = 1 << 20
#: Numbers of a configuration that concern other heads, or whole layers.
_OTHER_DROPOUT = ("classif", "layerdrop", "layer_drop", "qa_", "summary", "pooler")


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
        torch.utils.deterministic.fill_uninitialized_memory = False
        self.device = self._device(order["device"], *order.get("seat", (0, 1)))
        self.is_bf16 = order["precision"] == "bf16"
        self.config = self._configuration(order)
        self.rates = self._dropout(order.get("dropout"))
        self.model = self._load(order["folder"])
        self.sites = [(module, "p", module.p) for module in self.model.modules() if self._is_dropout(module)] + [
            (module, name, value) for module in self.model.modules() for name, value in vars(module).items()
            if "dropout" in name and isinstance(value, float)]
        self._collect()
        padding = getattr(self.config, "pad_token_id", None)
        self.padding = padding if isinstance(padding, int) and 0 <= padding < self.vocabulary else 0
        self.layers, self.width = self._measure()

    # From a folder to a model

    def _device(self, text: str, rank: int, size: int) -> Any:
        """The device that is named; without a number, of `size` processes on this machine number `rank`'s own."""
        torch = self.torch
        try:
            device = torch.device(text)
        except RuntimeError as error:
            raise Refused(f"--device: expected cpu, cuda or cuda:N, found '{text}'") from error
        if device.type not in ("cpu", "cuda"):
            raise Refused(f"--device: expected cpu, cuda or cuda:N, found '{text}'")
        if device.type == "cuda":
            count = torch.cuda.device_count() if torch.cuda.is_available() else 0
            # A launcher may let each process see no other than its own, which has number 0 for all of them.
            if device.index is None and size > 1 and count > 1:
                if count < size:
                    raise Refused(f"expected a CUDA device for each of the {size} processes on this machine, found "
                                  f"{count}. Start {count}, or name one for all: --device cuda:0")
                device = torch.device("cuda", rank)
            if (device.index or 0) >= count:
                raise Refused(f"--device {text}: expected a device that torch {torch.__version__} sees, found "
                              f"{count} of them; --device cpu computes on processors")
        return device

    def _configuration(self, order: dict[str, Any]) -> Any:
        try:
            config = self.transformers.AutoConfig.from_pretrained(
                order["folder"], local_files_only=True, trust_remote_code=False, **order["overrides"])
        except (ValueError, KeyError, OSError, TypeError) as error:
            raise Refused(f"transformers {self.transformers.__version__} cannot read the model's config.json: "
                          f"{explain(error, '')}") from error
        if getattr(config, "is_encoder_decoder", False):
            raise Refused(f"expected an encoder, found an encoder with a decoder ({config.model_type})")
        config.use_cache = False
        if hasattr(config, "reference_compile"):
            config.reference_compile = False
        return config

    def _dropout(self, asked: float | None) -> tuple[float, float]:
        """Of hidden states and of attention, as the model has them, or all as asked for."""
        names = [
            name for name, value in self.config.to_dict().items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            and ("dropout" in name or name.endswith(("pdrop", "drop_prob")))
            and not any(other in name for other in _OTHER_DROPOUT)]
        if asked is not None:
            if asked > 0 and not names:
                raise Refused(f"--dropout {asked}: expected a model with a dropout to set, found none in the "
                              f"configuration of {self.config.model_type}; leave --dropout out")
            for name in names:
                setattr(self.config, name, asked)
        found = {name: float(getattr(self.config, name)) for name in names}
        attention = [rate for name, rate in found.items() if "att" in name]
        hidden = [rate for name, rate in found.items() if "att" not in name]
        return max(hidden, default=0.0), max(attention, default=0.0)

    def _load(self, folder: str) -> Any:
        try:
            model, found = self.transformers.AutoModel.from_pretrained(
                folder, config=self.config, local_files_only=True, trust_remote_code=False, output_loading_info=True)
        except Exception as error:
            raise Refused(f"transformers {self.transformers.__version__} cannot load the model: "
                          f"{explain(error, '')}") from error
        missing = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
        if missing:
            more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
            raise Refused(f"expected weights for all of the model, found none for {', '.join(missing[:8])}{more}")
        return model.float().to(self.device)

    def _is_dropout(self, module: Any) -> bool:
        return isinstance(module, self.torch.nn.modules.dropout._DropoutNd)

    def _collect(self) -> None:
        """All tensors of floating-point numbers but the pooler's, which hidden states do not depend on."""
        learned = dict(self.model.named_parameters())
        self.names: list[str] = []
        self.tensors: list[Any] = []
        places = set()
        for name, tensor in self.model.state_dict(keep_vars=True).items():
            tied = (tensor.data_ptr(), tensor.shape)
            if name.startswith("pooler.") or not tensor.is_floating_point() or tied in places or not tensor.numel():
                continue
            if not tensor.is_contiguous():
                tensor.data = tensor.data.contiguous()
            places.add(tied)
            self.names.append(name)
            self.tensors.append(tensor)
        self.decays = [name in learned and tensor.ndim > 1 and "bias" not in name
                       for name, tensor in zip(self.names, self.tensors)]

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
            "tensors": [[name, list(tensor.shape), decays]
                        for name, tensor, decays in zip(self.names, self.tensors, self.decays)]}

    # Hidden states

    def states(self, ids: np.ndarray, offsets: np.ndarray, layers: list[int], rows: int,
               rates: tuple[float, float]) -> list[Any]:
        """Of each of `layers` the states of all tokens, packed, of first tokens or means: float32 [rows, width]."""
        lengths = np.diff(offsets)
        width = int(lengths.max())
        is_token = np.arange(width) < lengths[:, None]
        padded = np.full((len(lengths), width), self.padding, np.int64)
        padded[is_token] = ids
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

    def _run(self, padded: np.ndarray, is_token: np.ndarray, all_layers: bool, rates: tuple[float, float]) -> Any:
        torch = self.torch
        self.model.train(max(rates) > 0)
        # The host knows the rates in single precision.
        own = max(abs(a - b) for a, b in zip(rates, self.rates)) < 1e-6
        if max(rates) > 0:
            for module, name, rate in self.sites:
                setattr(module, name, rate if own else max(rates))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_bf16):
            return self.model(
                input_ids=torch.from_numpy(padded.astype(np.int64)).to(self.device),
                attention_mask=torch.from_numpy(is_token.astype(np.int64)).to(self.device),
                output_hidden_states=all_layers, return_dict=True)
