"""cse_encoder.h by ctypes: an encoder plugin without its host, for checks and timings against transformers."""

import argparse
import ctypes as c

import numpy

F32, TF32, BF16 = 0, 1, 2
WEIGHT, GRADIENT, MOMENT1, MOMENT2 = 0, 1, 2, 3
ALL, FIRST, MEAN = 0, 1, 2
MODERNBERT = 4
FEED_FORWARD, ATTENTION_MAPS, FEED_FORWARD_MAPS, NORMS = 2, 1, 2, 4
P = c.c_void_p


class Component(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("kind", c.c_uint32), ("name", c.c_char_p), ("doc", c.c_char_p)]
    _fields_ += [(name, P) for name in "params metrics create destroy plan commit pool pool_backward sample".split()]
    _fields_ += [(name, P) for name in "sample_backward on_logits on_embeds".split()]
    _fields_ += [("claims", c.c_uint32), ("n_support", c.c_uint32), ("support", P)]
    _fields_ += [("get_extension", c.CFUNCTYPE(P, P, c.c_char_p)), ("augment", P)]


class Library(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("major", c.c_uint16), ("minor", c.c_uint16), ("min", c.c_uint32)]
    _fields_ += [("n_components", c.c_uint32), ("components", c.POINTER(c.POINTER(Component)))]


class Source(c.Structure):
    _fields_ = [(name, c.c_uint32) for name in "struct_size family activation precision".split()]
    _fields_ += [("device", c.c_char_p)]
    _fields_ += [(name, c.c_int64) for name in "vocabulary hidden layers heads intermediate".split()]
    _fields_ += [(name, c.c_int64) for name in "position_rows first_position type_rows".split()]
    _fields_ += [("norm_epsilon", c.c_double), ("seed", c.c_uint64), ("threads", c.c_int32), ("reserved", c.c_int32)]
    _fields_ += [("local_rank", c.c_int32), ("local_size", c.c_int32)]
    _fields_ += [("embedding", c.c_int64), ("has_projection", c.c_int32), ("reserved2", c.c_int32)]
    _fields_ += [(name, c.c_int64) for name in "task_rows distance_buckets layer_sets".split()]
    _fields_ += [("no_dropout", c.c_uint32), ("reserved3", c.c_uint32)]
    _fields_ += [("global_base", c.c_double), ("local_base", c.c_double), ("local_layers", P), ("reach", c.c_int64)]
    _fields_ += [("no_bias", c.c_uint32), ("reserved4", c.c_uint32)]
    _fields_ += [("masked_head", c.c_uint32), ("masked_activation", c.c_uint32), ("padding_word", c.c_int64)]


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("shape", c.c_int64 * 2), ("ndim", c.c_int32), ("flags", c.c_uint32)]


class Facts(c.Structure):
    _fields_ = [(name, c.c_uint32) for name in "struct_size flags n_tensors max_slots".split()]
    _fields_ += [("tensors", c.POINTER(Tensor)), ("device_name", c.c_char_p), ("library", c.c_char_p)]
    _fields_ += [("device_id", c.c_char_p)]


class Pass(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("n_seqs", c.c_int64), ("n_tokens", c.c_int64)]
    _fields_ += [(name, P) for name in "token_ids offsets first_rows layers".split()]
    _fields_ += [("n_layers", c.c_uint32), ("rows", c.c_uint32)]
    _fields_ += [("hidden_dropout", c.c_double), ("attention_dropout", c.c_double), ("batch", c.c_uint64)]
    _fields_ += [("slot", c.c_uint32), ("reserved", c.c_uint32)]


class AdamW(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32)]
    _fields_ += [(name, c.c_double) for name in "learning_rate weight_decay beta1 beta2 epsilon gradient_scale".split()]
    _fields_ += [("step", c.c_int64)]


class Functions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("families", c.c_uint32)]
    _fields_ += [
        ("open", c.CFUNCTYPE(c.c_int32, P, c.POINTER(Source), c.POINTER(P), c.POINTER(Facts), P)),
        ("close", c.CFUNCTYPE(None, P)),
        ("encode", c.CFUNCTYPE(c.c_int32, P, c.POINTER(Pass), c.POINTER(P), P)),
        ("encode_backward", c.CFUNCTYPE(c.c_int32, P, c.c_uint32, c.POINTER(P), P)),
        ("gradient_norm", c.CFUNCTYPE(c.c_int32, P, c.POINTER(c.c_double), P)),
        ("step", c.CFUNCTYPE(c.c_int32, P, c.POINTER(AdamW), P)),
        ("clear_gradients", c.CFUNCTYPE(c.c_int32, P, P)),
        ("get", c.CFUNCTYPE(c.c_int32, P, c.c_uint32, c.c_int32, P, P)),
        ("put", c.CFUNCTYPE(c.c_int32, P, c.c_uint32, c.c_int32, P, P)),
        ("peak_memory", c.CFUNCTYPE(c.c_uint64, P)),
    ]


class GroupFunctions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32)]
    _fields_ += [
        ("check", c.CFUNCTYPE(c.c_int32, P, P)),
        ("make_id", c.CFUNCTYPE(c.c_int32, P, P, P)),
        ("join", c.CFUNCTYPE(c.c_int32, P, P, c.c_int32, c.c_int32, c.c_double, P)),
        ("wait", c.CFUNCTYPE(c.c_int32, P, P)),
        ("sum_gradients", c.CFUNCTYPE(c.c_int32, P, P)),
        ("leave", c.CFUNCTYPE(None, P)),
        ("connection", c.CFUNCTYPE(c.c_char_p, P)),
    ]


class Masked(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32), ("n_positions", c.c_int64)]
    _fields_ += [("positions", P), ("labels", P), ("factor", c.c_double)]


class MaskedFunctions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32)]
    _fields_ += [("learn", c.CFUNCTYPE(
        c.c_int32, P, c.POINTER(Pass), c.POINTER(Masked), c.POINTER(c.c_double), P))]


GROUP_ID_BYTES = 256
#: With all its biases.
MASKED_HEAD = 15


def functions(library, name=b"cse.encoder/1", table=Functions):
    """The encoder's functions of a library."""
    entry = c.CDLL(library).cse_library_entry_v1
    entry.restype, entry.argtypes = c.POINTER(Library), [P]
    component = entry(None).contents.components[0]
    found = component.contents.get_extension(c.cast(component, P), name)
    return c.cast(found, c.POINTER(table)).contents


def arguments():
    """What every check of a library is told: the library, the device, and the size of the model it makes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("device")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    return parser


class Failure(Exception):
    """What an encoder refuses, by its message."""


class Encoder:
    """An opened encoder. `shape`: vocabulary, hidden, layers, heads, intermediate, positions, types, epsilon, and
    padding where there is such a word; of ModernBERT also global_base, local_base, local_layers (a list of 0 and 1),
    reach, no_bias."""

    def __init__(self, library, device, precision, shape, seed=42, threads=2, family=1, first_position=0, seat=(0, 0),
                 masked_head=0):
        self.f, self.message = functions(library), c.create_string_buffer(512)
        self.group = functions(library, b"cse.encoder.group/1", GroupFunctions)
        self.masked = functions(library, b"cse.encoder.masked/1", MaskedFunctions)
        self.hidden = shape["hidden"]
        source = Source(
            c.sizeof(Source), family, 0, precision, device.encode(), shape["vocabulary"], shape["hidden"],
            shape["layers"], shape["heads"], shape["intermediate"], shape["positions"], first_position, shape["types"],
            shape["epsilon"], seed, threads, 0, *seat)
        source.embedding, source.layer_sets, source.masked_head = shape["hidden"], shape["layers"], masked_head
        source.padding_word = shape.get("padding", -1)
        if family == MODERNBERT:
            local = (c.c_uint8 * shape["layers"])(*shape["local_layers"])
            source.no_dropout, source.local_layers = FEED_FORWARD, c.cast(local, P)
            for key in ("global_base", "local_base", "reach", "no_bias"):
                setattr(source, key, shape[key])
        self.handle, facts = P(), Facts(c.sizeof(Facts))
        self.check(self.f.open(None, c.byref(source), c.byref(self.handle), c.byref(facts), self.message))
        self.names, self.shapes = [], []
        for i in range(facts.n_tensors):
            tensor = facts.tensors[i]
            self.names.append(tensor.name.decode())
            self.shapes.append(tuple(tensor.shape[: tensor.ndim]))
        self.device_name, self.torch = facts.device_name.decode(), facts.library.decode()
        self.device_id = (facts.device_id or b"").decode()
        self.steps = 0

    def check(self, status):
        if status != 0:
            raise Failure(f"status {status}: {self.message.value.decode()}")

    def close(self):
        self.f.close(self.handle)

    def put(self, state, what=WEIGHT):
        """Whole tensors by name, from NumPy arrays."""
        for i, name in enumerate(self.names):
            array = numpy.ascontiguousarray(state[name], dtype=numpy.float32)
            assert array.shape == self.shapes[i], (name, array.shape, self.shapes[i])
            self.check(self.f.put(self.handle, i, what, array.ctypes.data, self.message))

    def get(self, what=WEIGHT):
        """All tensors by name."""
        state = {}
        for i, name in enumerate(self.names):
            array = numpy.empty(self.shapes[i], dtype=numpy.float32)
            self.check(self.f.get(self.handle, i, what, array.ctypes.data, self.message))
            state[name] = array
        return state

    def encode(self, sequences, layers, rows=ALL, dropout=(0.0, 0.0), batch=0, keep=False, first_rows=None, slot=0):
        """Hidden states of `layers`, float32 [rows, hidden] each."""
        wanted = numpy.asarray(layers, dtype=numpy.int32)
        one, held = self._pass(sequences, rows, dropout, batch, first_rows)
        (one.flags, one.layers, one.n_layers, one.slot) = (int(keep), wanted.ctypes.data, len(wanted), slot)
        count = len(held[0]) if rows == ALL else len(sequences)
        out = [numpy.full((count, self.hidden), numpy.nan, dtype=numpy.float32) for _ in layers]
        self.check(self.f.encode(self.handle, c.byref(one), self._pointers(out), self.message))
        return out

    def learn(self, sequences, positions, labels, factor=1.0, dropout=(0.0, 0.0), batch=0, first_rows=None):
        """The summed loss of guessing `labels` at `positions` of all tokens; adds `factor` times its gradients."""
        one, held = self._pass(sequences, ALL, dropout, batch, first_rows)
        places, words = numpy.asarray(positions, dtype=numpy.int64), numpy.asarray(labels, dtype=numpy.int32)
        masked = Masked(c.sizeof(Masked), 0, len(places), places.ctypes.data, words.ctypes.data, factor)
        loss = c.c_double()
        self.check(self.masked.learn(self.handle, c.byref(one), c.byref(masked), c.byref(loss), self.message))
        del held
        return loss.value

    def _pass(self, sequences, rows, dropout, batch, first_rows):
        """A pass that reads no layers yet, and the arrays that it points to."""
        ids = numpy.concatenate([numpy.asarray(s, dtype=numpy.int32) for s in sequences])
        offsets = numpy.concatenate([[0], numpy.cumsum([len(s) for s in sequences])]).astype(numpy.int64)
        first = None if first_rows is None else numpy.asarray(first_rows, dtype=numpy.int64)
        one = Pass(
            c.sizeof(Pass), 0, len(sequences), len(ids), ids.ctypes.data, offsets.ctypes.data,
            None if first is None else first.ctypes.data, None, 0, rows, *dropout, batch, 0)
        return one, (ids, offsets, first)

    def backward(self, gradients, slot=0):
        """From the gradients of the last kept pass of `slot`."""
        self.check(self.f.encode_backward(self.handle, slot, self._pointers(gradients), self.message))

    def gradient_norm(self):
        """The Euclidean norm of all gradients."""
        total = c.c_double()
        self.check(self.f.gradient_norm(self.handle, c.byref(total), self.message))
        return total.value**0.5

    def step(self, rate, decay=0.0, scale=1.0):
        """AdamW."""
        self.steps += 1
        settings = AdamW(c.sizeof(AdamW), 0, rate, decay, 0.9, 0.999, 1e-8, scale, self.steps)
        self.check(self.f.step(self.handle, c.byref(settings), self.message))

    def clear(self):
        """Zeroes the gradients."""
        self.check(self.f.clear_gradients(self.handle, self.message))

    def make_id(self):
        """What names a new group."""
        self.check(self.group.check(self.handle, self.message))
        name = c.create_string_buffer(GROUP_ID_BYTES)
        self.check(self.group.make_id(self.handle, name, self.message))
        return name.raw

    def join(self, name, rank, size, seconds):
        """Joins the group; what connects it."""
        self.check(self.group.join(self.handle, name, rank, size, seconds, self.message))
        return self.group.connection(self.handle).decode()

    def sum_gradients(self):
        """Gradients of all members in the place of each one's."""
        self.check(self.group.wait(self.handle, self.message))
        self.check(self.group.sum_gradients(self.handle, self.message))

    def peak_memory(self):
        """Bytes of the device."""
        return self.f.peak_memory(self.handle)

    @staticmethod
    def _pointers(arrays):
        return (P * len(arrays))(*[a.ctypes.data for a in arrays])
