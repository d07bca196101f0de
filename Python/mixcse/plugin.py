"""Samplers, losses and poolers in Python: one decorated function each, in a file that `mixcse` takes for a plugin.

    # idea.py, then: mixcse train ... --sampler ./idea.py:share=0.3 --loss infonce
    import numpy as np
    from mixcse.plugin import param, sampler

    @sampler
    def mixed(z2, *, share=param(0.2, "[0, 1]", help="of the row's own positive")):
        "negatives mixed from each positive and the next one"
        return share * z2 + (1 - share) * np.roll(z2, -1, axis=0)

A function's arguments without defaults are what it is given, by name (`INPUTS`); those with defaults are its
parameters, which users set. Where the file imports torch, arrays are tensors and gradients come from autograd; else
they are NumPy arrays, and a second function (`@mixed.gradient`) says what the gradients are. `@mixed.commit` is the
function that writes states. Documentation/PythonPlugins.md has all of it.

This module needs nothing but the standard library: the functions stay functions that can be called and tested.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

__all__ = [
    "Block", "Cells", "Component", "Encoding", "State", "Weight", "constant", "library", "log", "loss", "param",
    "pooler", "report", "sampler",
]

#: What functions of every kind may be given.
EVERYWHERE = ("step", "total_steps", "epoch", "seed", "rng")
#: What functions of a kind may be given, beside the names of their states and weights.
BATCH = ("z1", "z2", "z3", "u1", "u2", "u3", "row_ids", "text_ids", "scores", "classes")
INPUTS: dict[str, tuple[str, ...]] = {
    "sampler": (*EVERYWHERE, *BATCH, "sim"),
    "loss": (*EVERYWHERE, *BATCH, "logits", "sim", "target", "block_start"),
    "pooler": (*EVERYWHERE, "hidden", "layers", "offsets", "lengths", "segments", "token_ids", "token_flags"),
}


class PluginError(Exception):
    """A plugin file that cannot be used; the text says what was expected and what was found."""


@dataclass(frozen=True)
class Parameter:
    """What `param` makes."""

    default: Any
    #: "[0, 1]", "(0,)", or "" for any.
    range: str = ""
    help: str = ""
    log: bool = False
    choices: tuple[str, ...] = ()
    is_path: bool = False


def param(
    default: Any, range: str = "", *, help: str = "", log: bool = False, choices: Sequence[str] = (),
    path: bool = False,
) -> Any:
    """A parameter as the default of an argument: its type is that of `default` (bool, int, float or str).

    range: of a number, "[0, 1]" closed, "(0,)" open at 0 and without an upper end. log: a search goes through it in
    powers. choices: the words that a text may be. path: a file, whose bytes belong to the identity of a run.
    """
    return Parameter(default, range, help, log, tuple(choices), path)


@dataclass(frozen=True)
class Block:
    """Candidates that a sampler adds: rows of vectors against columns of vectors, by cosine.

    rows, columns: "z1", "z2", "z3", "new" (what the function returns), or the name of a state or an encoding. private:
    each row has so many candidates of its own, [rows, private, dim]; a number or the name of an int parameter. count:
    how many new columns there are in all; None: one for each row, or each of a state. detached: no gradient flows into
    the new vectors or the columns; None: so for all but views. dot: products in place of cosines. group: 0 joins the
    host's rows; 1 and up are further sets of rows, each beginning with a block that has base, whose column i is row i's
    positive.
    """

    label: str = ""
    rows: str = "z1"
    columns: str = "new"
    private: int | str = 0
    count: int | str | None = None
    detached: bool | None = None
    dot: bool = False
    group: int = 0
    base: bool = False


class Cells:
    """What a sampler returns for a block whose cells it edits: logit = gain * similarity / temperature + bias.

    vectors: the new vectors, None where the block has none. gain, bias: [rows, columns], None: left as they are; a bias
    of -inf leaves the cell out. used: only so many of the first columns count (a queue that is filling).
    """

    def __init__(self, vectors: Any = None, *, gain: Any = None, bias: Any = None, used: int | None = None) -> None:
        self.vectors, self.gain, self.bias, self.used = vectors, gain, bias, used


class _Tensor:
    """A named array of a component: extents are numbers, "dim" or names of int parameters."""

    def __init__(self, *shape: int | str, start: float | str | tuple[str, float, float] = 0.0) -> None:
        if not 1 <= len(shape) <= 4:
            raise PluginError(f"{type(self).__name__}: expected 1 to 4 extents, found {len(shape)}")
        self.shape, self.start = shape, start


class State(_Tensor):
    """What is kept between batches and in checkpoints, State("size", "dim"): written by the commit function alone.

    start: a number, "eye", ("normal", mean, deviation) or ("uniform", low, high). integer: int64 in place of float32.
    """

    def __init__(
        self, *shape: int | str, start: float | str | tuple[str, float, float] = 0.0, integer: bool = False,
    ) -> None:
        super().__init__(*shape, start=start)
        self.integer = integer


class Weight(_Tensor):
    """What is learned with the encoder, Weight("dim", "dim", start="eye").

    decay: whether weight decay applies. learning_rate: a factor on that of the run.
    """

    def __init__(
        self, *shape: int | str, start: float | str | tuple[str, float, float] = 0.0, decay: bool = True,
        learning_rate: float = 1.0,
    ) -> None:
        super().__init__(*shape, start=start)
        self.decay, self.learning_rate = decay, learning_rate


@dataclass(frozen=True)
class Encoding:
    """A further encoding of a view's texts, [rows, width], into which no gradient flows.

    by: "encoder", the run's own with `dropout` (None: that of training, with other masks); "average", its moving
    average, average = decay * average + (1 - decay) * weights after each step; "guide", a frozen encoder of the run
    (--guide) by its number, whose vectors have length one.
    """

    view: str = "z2"
    by: str = "encoder"
    dropout: float | None = None
    decay: float = 0.999
    guide: int = 0


@dataclass(frozen=True)
class Library:
    """What `library` says."""

    id: str = ""
    version: str = "0"
    license: str = ""
    recipes: tuple[str, ...] = ()


class Registry:
    """What one file declares; the process that runs a file starts a new one before it."""

    def __init__(self) -> None:
        self.components: list[Component] = []
        self.library = Library()


#: Of the file that is being read.
registry = Registry()


class Component:
    """A decorated function; calling it calls the function, with plain values for parameters."""

    def __init__(self, kind: str, function: Callable[..., Any], name: str | None, **options: Any) -> None:
        self.kind, self.function, self.options = kind, function, options
        self.name = name or function.__name__.strip("_")
        self.doc = inspect.cleandoc(function.__doc__ or "")
        self.weights: dict[str, Weight] = dict(options.get("weights") or {})
        self.states: dict[str, State] = dict(options.get("states") or {})
        self.encodings: dict[str, Encoding] = dict(options.get("encodings") or {})
        self.metrics: tuple[str, ...] = tuple(options.get("metrics") or ())
        self.gradient_function: Callable[..., Any] | None = None
        self.commit_function: Callable[..., Any] | None = None
        self.parameters: dict[str, Parameter] = {}
        self.inputs: tuple[str, ...] = ()
        self._read_signature()
        self.__doc__, self.__name__, self.__wrapped__ = function.__doc__, function.__name__, function
        registry.components.append(self)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self.function(*arguments, **settings)

    def gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Says that `function` gives the gradients, where autograd does not.

        It is given what it names, like the function itself, and `grad`: of a sampler's new vectors (a list where there
        are several blocks with some) or a pooler's vectors. It returns the gradient of each array that the decorated
        function is given and that has one, in that order: an array, a tuple, or a dictionary by names.
        """
        self.gradient_function = function
        return function

    def commit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Says that `function` writes the states, in place: it is given them by name, and what else it names of the
        batch. Called once for each batch that counts."""
        self.commit_function = function
        return function

    def _read_signature(self) -> None:
        inputs, plain = [], {}
        known = {*INPUTS[self.kind], *self.states, *self.weights, *self.encodings}
        for argument in inspect.signature(self.function).parameters.values():
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD, argument.POSITIONAL_ONLY):
                raise PluginError(f"{self.name}: expected arguments by name, found '{argument}'")
            if argument.default is argument.empty:
                if argument.name not in known:
                    raise PluginError(
                        f"{self.name}: a {self.kind} is given {', '.join(INPUTS[self.kind])}, and its own states, "
                        f"weights and encodings; found '{argument.name}', which is none of them (a parameter has a "
                        f"default: {argument.name}=param(0.5))")
                inputs.append(argument.name)
            else:
                given = argument.default
                self.parameters[argument.name] = given if isinstance(given, Parameter) else Parameter(given)
                plain[argument.name] = self.parameters[argument.name].default
        self.inputs = tuple(inputs)
        # Called by hand the function gets numbers for defaults, and no descriptions of them.
        code, by_keyword = self.function, self.function.__kwdefaults__ or {}
        if by_keyword:
            code.__kwdefaults__ = {name: plain[name] for name in by_keyword}
        if code.__defaults__:
            code.__defaults__ = tuple(value for name, value in plain.items() if name not in by_keyword)


def _decorate(kind: str, function: Any, name: str | None, options: dict[str, Any]) -> Any:
    if function is not None:
        return Component(kind, function, name, **options)
    return lambda decorated: Component(kind, decorated, name, **options)


@overload
def sampler(function: Callable[..., Any], /) -> Component: ...
@overload
def sampler(*blocks: Block, name: str | None = ..., edits: bool | None = ..., states: Mapping[str, State] | None = ...,
            weights: Mapping[str, Weight] | None = ..., encodings: Mapping[str, Encoding] | None = ...,
            metrics: Sequence[str] = ..., tensors: str | None = ...) -> Callable[[Callable[..., Any]], Component]: ...
def sampler(*blocks: Any, name: str | None = None, edits: bool | None = None, states: Any = None, weights: Any = None,
            encodings: Any = None, metrics: Sequence[str] = (), tensors: str | None = None) -> Any:
    """A negative sampler: what it returns joins the candidates that each anchor is compared with.

    Without a Block: [rows, dim], for all anchors, and no gradient flows into it. With several blocks a tuple, one entry
    for each: vectors, `Cells`, or None where the function has nothing to say. One entry more edits the host's own block
    of anchors against positives. edits: whether cells are edited; needed where it returns `Cells` with gain or bias.
    tensors: "torch" or "numpy" where it is not what the file imports. metrics: the names that it calls `report` with.
    """
    function = blocks[0] if len(blocks) == 1 and callable(blocks[0]) else None
    declared = () if function is not None else blocks
    options = {"blocks": declared or (Block(),), "edits": bool(edits), "states": states, "weights": weights,
               "encodings": encodings, "metrics": metrics, "tensors": tensors}
    return _decorate("sampler", function, name, options)


def loss(function: Callable[..., Any] | None = None, *, name: str | None = None, states: Any = None,
         weights: Any = None, encodings: Any = None, metrics: Sequence[str] = (), tensors: str | None = None,
         first_group: bool = False) -> Any:
    """A loss: on `logits` [rows, columns] with the column `target` of each row's positive, or on embeddings (z1, u1,
    ...). It returns the mean over the rows, or the loss of each row.

    A parameter named temperature is the run's own: logits are divided by it before the function sees them.
    """
    options = {"states": states, "weights": weights, "encodings": encodings, "metrics": metrics, "tensors": tensors,
               "first_group": first_group}
    return _decorate("loss", function, name, options)


def pooler(function: Callable[..., Any] | None = None, *, name: str | None = None, layers: Sequence[int] = (-1,),
           width: int | str = 0, first_token: bool = False, exports: str | None = None, head: bool = False,
           weights: Any = None, metrics: Sequence[str] = (), tensors: str | None = None) -> Any:
    """A pooler: `hidden` [tokens, dim] of the last layer (or `layers`, a list) to one vector for each sequence.

    Sequence s owns the tokens offsets[s] to offsets[s + 1]; `segments` [tokens] says which sequence a token belongs to.
    layers: 0 the embeddings, -1 the last one. width: of its vectors; 0: that of its input. first_token: it reads the
    first token only, and sequences arrive one token long. exports: "first", "mean" or "max" where it is that of its
    layers in equal shares, so that other programs load an exported model; head: whether training puts an MLP behind it.
    """
    options = {"layers": tuple(layers), "width": width, "first_token": first_token, "exports": exports, "head": head,
               "weights": weights, "metrics": metrics, "tensors": tensors}
    return _decorate("pooler", function, name, options)


def library(id: str = "", *, version: str = "0", license: str = "", recipes: Sequence[str] = ()) -> None:
    """Says what the file is called: an id such as "org.example.idea" in place of python.NAME, and its version.

    recipes: methods, such as "mine = sampler:mixed loss:infonce".
    """
    registry.library = Library(id, version, license, tuple(recipes))


class Current:
    """What the call that runs just now may do; set by the process that runs the file."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.held: list[Any] | None = None
        self.kept: list[Any] = []
        self.write_log: Callable[[str], None] = print


#: Of the call that runs.
current = Current()


def report(name: str, value: Any) -> None:
    """Gives a number of this batch, one of the component's metrics, to metrics.jsonl."""
    current.metrics[name] = float(value)


def log(text: object) -> None:
    """Says something in the log of the run."""
    current.write_log(str(text))


def constant(value: Any) -> Any:
    """`value` as the gradient takes it: a constant, however it came about. `plugins check` then knows of it, and holds
    the gradient against differences in which it stays as it is."""
    value = value.detach() if hasattr(value, "detach") else value
    if current.held is not None:
        return current.held.pop(0)
    current.kept.append(value)
    return value
