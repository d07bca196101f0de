"""Runs mixcse's plugin libraries inside Python: samplers and a loss as one function with gradients.

    from mixcse_plugins import Library, Objective
    objective = Objective([Library("libMixCSELoss.so").sampler("mixcse", **{"lambda": 0.3})],
                          Library("libSimCSELoss.so").loss("infonce", temperature=0.05))
    loss, gradients = objective(z1, z2)             # NumPy, float32 [rows, width] each
    loss = objective.torch(z1, z2); loss.backward() # PyTorch, the same numbers

Needs ctypes and NumPy; PyTorch only for `torch`. The structs are those of cse_plugin.h, version 1.0. What the host does
(cosine, temperature, blocks, stop-gradient) is done here in NumPy, by its definition and not for speed. Random numbers
come from NumPy, so plugins that draw get other ones than in mixcse. Not supported, and refused by name: states,
weights, further groups, poolers, bare functions."""
import ctypes as c
import re

import numpy as np

P, I32, U32, I64, U64 = c.c_void_p, c.c_int32, c.c_uint32, c.c_int64, c.c_uint64
DETACH_ROWS, DETACH_COLS, DOT, PRIVATE, BASE, EDIT_CELLS = 1, 2, 4, 8, 16, 2
POOLER, SAMPLER, LOSS = 1, 2, 3


def struct(name, fields):
    return type(name, (c.Structure,), {"_fields_": [(n, t) for names, t in fields for n in names.split()]})


Device = struct("DLDevice", [("device_type device_id", I32)])
DataType = struct("DLDataType", [("code bits", c.c_uint8), ("lanes", c.c_uint16)])
Tensor = struct("DLTensor", [("data", P), ("device", Device), ("ndim", I32), ("dtype", DataType),
                             ("shape strides", c.POINTER(I64)), ("byte_offset", U64)])
TP, TPP = c.POINTER(Tensor), c.POINTER(c.POINTER(Tensor))


class Value(c.Union):
    _fields_ = [("i", I64), ("f", c.c_double), ("s", c.c_char_p)]


RANGE = c.CFUNCTYPE(None, P, I64, I64, I32)
LOG = c.CFUNCTYPE(None, P, I32, c.c_char_p)
PARALLEL = c.CFUNCTYPE(I32, P, I64, I64, RANGE, P)
RANDOM = c.CFUNCTYPE(None, P, I32, U64, c.POINTER(c.c_float), I64)
SERVICE = c.CFUNCTYPE(P, P, c.c_char_p)
Host = struct("cse_host", [("struct_size", U32), ("abi_major abi_minor", c.c_uint16), ("name version", c.c_char_p),
                           ("log", LOG), ("parallel_for", PARALLEL), ("random", RANDOM), ("get_service", SERVICE)])
Call = struct("cse_call", [("struct_size flags", U32), ("host host_data self component", P),
                           ("values", c.POINTER(Value)),
                           ("step total_steps", I64), ("epoch", c.c_double), ("scratch tape", P),
                           ("states weights dweights", TPP), ("metrics", c.POINTER(c.c_double)), ("stream", P),
                           ("message", c.c_char_p)])
Decl = struct("cse_tensor_decl", [("name", c.c_char_p), ("shape", I64 * 4), ("ndim", I32), ("dtype", DataType),
                                  ("init flags", U32), ("a b lr_mult", c.c_float), ("reserved", U32 * 3)])
Block = struct("cse_block", [("rows cols", I32), ("flags group", U32), ("per_row fixed", I64), ("label", c.c_char_p),
                             ("reserved", U64)])
Limits = struct("cse_limits", [("struct_size", U32), ("max_threads", I32), ("device", Device), ("dtype", DataType),
                               ("max_rows dim max_tokens max_seqs", I64), ("n_layers n_views", I32)])
Plan = struct("cse_plan", [("struct_size flags", U32), ("scratch_bytes tape_bytes", U64), ("out_dim", I64),
                           ("n_layers n_blocks n_states n_weights", U32), ("layers", c.POINTER(I32)),
                           ("blocks", c.POINTER(Block)), ("states weights", c.POINTER(Decl))])
Batch = struct("cse_batch", [("struct_size n_views", U32), ("rows dim", I64), ("z u dz du", TPP),
                             ("row_ids text_ids", c.POINTER(I64))])
Candidates = struct("cse_candidates", [("struct_size n_blocks first_own n_vectors", U32), ("vectors", TPP),
                                       ("blocks", c.POINTER(c.POINTER(Block))), ("n_cols", c.POINTER(I64)),
                                       ("gain bias sim", TPP)])
Logits = struct("cse_logits", [("struct_size group n_blocks reserved", U32), ("rows cols", I64),
                               ("temperature", c.c_double), ("logits sim", TP), ("target block_start", c.POINTER(I64)),
                               ("blocks", c.POINTER(c.POINTER(Block))), ("dlogits dsim", TP),
                               ("row_loss", c.POINTER(c.c_double)), ("dtemperature", c.POINTER(c.c_double))])
F = {name: c.CFUNCTYPE(I32, c.POINTER(Call), *types) for name, types in {
    "create": [c.POINTER(P)], "plan": [c.POINTER(Limits), c.POINTER(Plan)], "commit": [c.POINTER(Batch)],
    "pool": [P, TP], "pool_backward": [P, TP, TP], "sample": [c.POINTER(Batch), c.POINTER(Candidates)],
    "sample_backward": [c.POINTER(Batch), TPP], "on_logits": [c.POINTER(Logits), c.POINTER(c.c_double)],
    "on_embeds": [c.POINTER(Batch), c.POINTER(c.c_double)]}.items()}
Component = struct("cse_component", [("struct_size kind", U32), ("name doc params metrics", c.c_char_p),
                                     ("create", F["create"]), ("destroy", c.CFUNCTYPE(None, P)),
                                     ("plan", F["plan"]), ("commit", F["commit"]),
                                     ("pool", F["pool"]), ("pool_backward", F["pool_backward"]),
                                     ("sample", F["sample"]),
                                     ("sample_backward", F["sample_backward"]), ("on_logits", F["on_logits"]),
                                     ("on_embeds", F["on_embeds"]), ("claims n_support", U32),
                                     ("support get_extension", P)])
LibraryTable = struct("cse_library", [("struct_size", U32), ("abi_major abi_minor", c.c_uint16),
                                      ("min_host_minor n_components", U32),
                                      ("components", c.POINTER(c.POINTER(Component))),
                                      ("id version license recipes", c.c_char_p)])


class PluginError(RuntimeError):
    """A plugin refused, or asks for something this module does not offer."""


def _parallel(call, count, grain, body, user):
    for begin in range(0, count, max(grain, 1)):
        body(user, begin, min(begin + max(grain, 1), count), 0)
    return 0


def _random(call, kind, offset, target, count):
    step = c.cast(call, c.POINTER(Call)).contents.step
    numbers = np.random.Generator(np.random.Philox(key=7, counter=[0, 0, step, kind]))
    draw = numbers.standard_normal if kind == 1 else numbers.random
    np.ctypeslib.as_array(target, (count,))[:] = draw(offset + count)[offset:]


HOST = Host(c.sizeof(Host), 1, 0, b"python", b"1.0", LOG(lambda host, level, line: None), PARALLEL(_parallel),
            RANDOM(_random), SERVICE(lambda host, name: None))


class View:
    """A NumPy array as a DLTensor whose address stays."""

    def __init__(self, array):
        self.array = array
        self.shape = (I64 * array.ndim)(*array.shape)
        self.strides = (I64 * array.ndim)(*[s // array.itemsize for s in array.strides])
        self.tensor = Tensor(array.ctypes.data, Device(1, 0), array.ndim, DataType(2, 32, 1), self.shape, self.strides,
                             0)


def _list(views):
    """An array of pointers to tensors; None is NULL."""
    return (TP * max(len(views), 1))(*[c.pointer(v.tensor) if v is not None else None for v in views])


class Instance:
    """One component with its parameters, planned again for each batch size."""

    def __init__(self, library, component, settings):
        self.library, self.component, self.table = library, component, component.contents
        self.name, self.parameters = self.table.name.decode(), {}
        for line in (self.table.params or b"").decode().splitlines():
            match = re.match(r"\s*([a-z_][a-z0-9_-]*)\s*:\s*(\S+)\s*=\s*(\"[^\"]*\"|\S+)", line)
            if match:
                self.parameters[match[1]] = (match[2], match[3].strip('"'))
        for name in settings:
            if name not in self.parameters:
                raise PluginError(f"{self.name} has no parameter {name}; it has {', '.join(self.parameters)}")
        self.settings = {n: settings.get(n, default) for n, (_, default) in self.parameters.items()}
        self.values = (Value * max(len(self.parameters), 1))()
        for slot, (name, (kind, _)) in zip(self.values, self.parameters.items()):
            given = self.settings[name]
            if kind == "float":
                slot.f = float(given)
            elif kind == "string":
                slot.s = str(given).encode()
            elif "|" in kind:
                slot.i = kind.split("|").index(str(given))
            else:
                slot.i = int({"true": 1, "false": 0}.get(str(given).lower(), given))
        self.message = c.create_string_buffer(512)
        self.metrics = (c.c_double * 64)(*[float("nan")] * 64)
        self.call = Call(struct_size=c.sizeof(Call), flags=1, host=c.addressof(HOST), component=c.addressof(self.table),
                         values=self.values, metrics=self.metrics, message=c.addressof(self.message))
        if self.table.create:
            store = P()
            self.check("create", self.table.create(self.call, c.byref(store)))
            self.call.self = store

    def __del__(self):
        if getattr(self, "call", None) is not None and self.table.create and self.table.destroy and self.call.self:
            self.table.destroy(self.call.self)

    def check(self, function, status):
        if status:
            text = self.message.value.decode(errors="replace")
            raise PluginError(f"{self.name}.{function} failed ({status}): {text}")

    def plan(self, rows, width, views):
        self.blocks, self.plan_ = (Block * 8)(), None
        layers, states, weights = (I32 * 64)(), (Decl * 16)(), (Decl * 16)()
        plan = Plan(struct_size=c.sizeof(Plan), layers=layers, blocks=self.blocks, states=states, weights=weights)
        if self.table.plan:
            limits = Limits(c.sizeof(Limits), 1, Device(1, 0), DataType(2, 32, 1), rows, width, rows * views,
                            rows * views, 1, views)
            self.check("plan", self.table.plan(self.call, limits, plan))
        if plan.n_states or plan.n_weights:
            raise PluginError(f"{self.name} has states or weights, which this module does not keep")
        self.scratch = c.create_string_buffer(plan.scratch_bytes + 64)
        self.tape = c.create_string_buffer(plan.tape_bytes + 64)
        self.call.scratch, self.call.tape = c.addressof(self.scratch), c.addressof(self.tape)
        return plan


class Library:
    """A plugin library, loaded for the rest of the process."""

    def __init__(self, path):
        self.handle = c.CDLL(path)
        entry = self.handle.cse_library_entry_v1
        entry.restype, entry.argtypes = c.POINTER(LibraryTable), [c.POINTER(Host)]
        self.table = entry(HOST).contents
        self.id = self.table.id.decode()

    def _instance(self, kind, name, settings):
        for index in range(self.table.n_components):
            component = self.table.components[index]
            if component.contents.kind == kind and component.contents.name.decode() == name:
                return Instance(self, component, settings)
        raise PluginError(f"{self.id} offers no component {name} of kind {kind}")

    def sampler(self, name, **settings):
        return self._instance(SAMPLER, name, settings)

    def loss(self, name, **settings):
        return self._instance(LOSS, name, settings)


def _unit(x):
    norm = np.maximum(np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True), 1e-8)
    return (x / norm).astype(np.float32), norm


def _unit_backward(unit, norm, gradient):
    along = (unit * gradient).sum(-1, keepdims=True)
    return (gradient - unit * along) / norm


class Objective:
    """Samplers and one loss: call it with z1, z2[, z3]; returns the loss and one gradient for each view."""

    def __init__(self, samplers, loss):
        self.samplers, self.loss, self.step = list(samplers), loss, 0

    def __call__(self, *views):
        z = [np.ascontiguousarray(v, np.float32) for v in views]
        if len(z) < 2 or any(v.ndim != 2 or v.shape != z[0].shape for v in z):
            raise PluginError(f"expected two or three arrays [rows, width] alike, found {[v.shape for v in z]}")
        run = _Run(self, z)
        self.step += 1
        return run.loss, run.gradients

    def torch(self, *views):
        """The loss as a PyTorch tensor that backward() goes through."""
        import torch
        objective = self

        class Function(torch.autograd.Function):
            @staticmethod
            def forward(context, *tensors):
                loss, gradients = objective(*[t.detach().cpu().numpy() for t in tensors])
                context.gradients = [torch.from_numpy(g).to(t) for g, t in zip(gradients, tensors)]
                return tensors[0].new_tensor(loss)

            @staticmethod
            def backward(context, gradient):
                return tuple(gradient * g for g in context.gradients)

        return Function.apply(*views)


class _Run:
    """One batch."""

    def __init__(self, objective, z):
        self.z, (self.n, self.d) = z, z[0].shape
        self.u, self.norms = zip(*[_unit(v) for v in z])
        zeros = lambda: [np.zeros_like(v) for v in z]
        self.dz, self.du = zeros(), zeros()
        self.zv, self.uv = [View(v) for v in z], [View(v) for v in self.u]
        self.dzv, self.duv = [View(v) for v in self.dz], [View(v) for v in self.du]
        self.keep = [_list(v) for v in (self.zv, self.uv, self.dzv, self.duv)]
        ids = (I64 * self.n)(*range(self.n))
        self.batch = Batch(c.sizeof(Batch), len(z), self.n, self.d, self.keep[0], self.keep[1], None, None, ids, ids)
        host = lambda rows, cols, flags: Block(rows=rows, cols=cols, flags=flags, label=b"host")
        self.blocks = [(host(0, 1, BASE), None)] + [(host(0, k, 0), None) for k in range(2, len(z))]
        self.sims = {0: self.u[0] @ self.u[1].T}
        self.gains = {i: np.ones((self.n, self.n), np.float32) for i in range(len(self.blocks))}
        self.biases = {i: np.zeros((self.n, self.n), np.float32) for i in range(len(self.blocks))}
        self.vectors = {}
        for sampler in objective.samplers:
            sampler.call.step = objective.step
            self.sample(sampler)
        objective.loss.call.step = objective.step
        self.score(objective.loss)
        self.gradients = [dz + _unit_backward(u, norm, du).astype(np.float32)
                          for dz, u, norm, du in zip(self.dz, self.u, self.norms, self.du)]

    def sample(self, sampler):
        plan, first = sampler.plan(self.n, self.d, len(self.z)), len(self.blocks)
        sets = {}
        for block in [sampler.blocks[i] for i in range(plan.n_blocks)]:
            if block.group or block.flags & BASE or block.flags & PRIVATE or max(block.rows, block.cols) >= 256:
                raise PluginError(f"{sampler.name}: groups, private blocks and states are not supported here")
            whole = block.per_row == 0 and block.fixed == 0
            count = self.n if whole else block.per_row * self.n + block.fixed
            if block.cols >= 16:
                sets[block.cols - 16] = count
            if block.rows >= 16:
                sets.setdefault(block.rows - 16, self.n)
            index = len(self.blocks)
            self.blocks.append((block, sampler))
            self.gains[index] = np.ones((self.n, count), np.float32)
            self.biases[index] = np.zeros((self.n, count), np.float32)
        vectors = [View(np.zeros((sets[k], self.d), np.float32)) for k in sorted(sets)]
        total = len(self.blocks)
        gains, biases = [View(self.gains[i]) for i in range(total)], [View(self.biases[i]) for i in range(total)]
        sims = [View(self.sims[0])] + [None] * (total - 1)
        edits = bool(plan.flags & EDIT_CELLS)
        counts = (I64 * total)(*[self.gains[i].shape[1] for i in range(total)])
        pointers = (c.POINTER(Block) * total)(*[c.pointer(b) for b, _ in self.blocks])
        lists = [_list(vectors), _list(gains), _list(biases), _list(sims)]
        out = Candidates(c.sizeof(Candidates), total, first, len(vectors), lists[0], pointers, counts,
                         lists[1] if edits else None, lists[2] if edits else None, lists[3])
        if sampler.table.sample:
            sampler.check("sample", sampler.table.sample(sampler.call, self.batch, out))
        self.vectors[id(sampler)] = [(v, *_unit(v.array), np.zeros_like(v.array)) for v in vectors]

    def side(self, source, sampler, dot):
        """What a side compares, and where its gradient goes."""
        if source < 16:
            return (self.z if dot else self.u)[source], (self.dz if dot else self.du)[source]
        view, unit, _, gradient = self.vectors[id(sampler)][source - 16]
        return (view.array if dot else unit), gradient

    def score(self, loss):
        temperature = float(loss.settings.get("temperature", 1))
        loss.plan(self.n, self.d, len(self.z))
        sims = []
        for index, (block, sampler) in enumerate(self.blocks):
            dot = bool(block.flags & DOT)
            sims.append(self.side(block.rows, sampler, dot)[0] @ self.side(block.cols, sampler, dot)[0].T)
        starts = np.cumsum([0] + [s.shape[1] for s in sims])
        sim = np.ascontiguousarray(np.concatenate(sims, 1), np.float32)
        gain = np.concatenate([self.gains[i] for i in range(len(sims))], 1)
        bias = np.concatenate([self.biases[i] for i in range(len(sims))], 1)
        logits = np.ascontiguousarray(gain * sim / np.float32(temperature) + bias, np.float32)
        views = [View(logits), View(sim), View(np.zeros_like(sim)), View(np.zeros_like(sim))]
        pointers = (c.POINTER(Block) * len(sims))(*[c.pointer(b) for b, _ in self.blocks])
        value = c.c_double(0)
        if loss.table.on_logits:
            x = Logits(c.sizeof(Logits), 0, len(sims), 0, self.n, sim.shape[1], temperature, c.pointer(views[0].tensor),
                       c.pointer(views[1].tensor), (I64 * self.n)(*range(self.n)),
                       (I64 * len(starts))(*starts), pointers,
                       c.pointer(views[2].tensor), c.pointer(views[3].tensor), (c.c_double * self.n)())
            loss.check("on_logits", loss.table.on_logits(loss.call, x, c.byref(value)))
        self.loss = value.value
        if loss.table.on_embeds:
            self.batch.dz, self.batch.du = self.keep[2], self.keep[3]
            value = c.c_double(0)
            loss.check("on_embeds", loss.table.on_embeds(loss.call, self.batch, c.byref(value)))
            self.loss += value.value
        self.propagate(views[2].array * gain / np.float32(temperature) + views[3].array, starts)

    def propagate(self, dsim, starts):
        for index, (block, sampler) in enumerate(self.blocks):
            part, dot = dsim[:, starts[index]:starts[index + 1]], bool(block.flags & DOT)
            (rows, drows), (cols, dcols) = self.side(block.rows, sampler, dot), self.side(block.cols, sampler, dot)
            if not block.flags & DETACH_ROWS:
                drows += part @ cols
            if not block.flags & DETACH_COLS:
                dcols += part.T @ rows
        for sampler in {id(s): s for _, s in self.blocks if s is not None}.values():
            if not sampler.table.sample_backward or id(sampler) not in self.vectors:
                continue
            sets = self.vectors[id(sampler)]
            live = [View(_unit_backward(unit, norm, gradient).astype(np.float32)) for _, unit, norm, gradient in sets]
            if any(v.array.any() for v in live):
                self.batch.dz, self.batch.du = self.keep[2], self.keep[3]
                sampler.check("sample_backward", sampler.table.sample_backward(sampler.call, self.batch, _list(live)))
