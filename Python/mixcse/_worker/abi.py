"""The structs and numbers of cse_plugin.h, cse_encoder.h and the doorbell (CIsolation) that a worker reads and writes.

A test holds their layout against the headers. Both sides are of one build, so no field is ever missing.
"""

import ctypes as c

P, U32, I32, I64, U64, F64 = c.c_void_p, c.c_uint32, c.c_int32, c.c_int64, c.c_uint64, c.c_double

OK, INVALID, UNSUPPORTED, NO_MEMORY, NUMERIC, INTERNAL = 0, 1, 2, 3, 5, 6
MESSAGE_BYTES = 512
TRAINING, HOLD = 1, 2
KINDS = {"pooler": 1, "sampler": 2, "loss": 3}
CLAIM_HOLDS = 8
START = {"zero": 0, "constant": 1, "normal": 2, "uniform": 3, "eye": 4}
NO_DECAY = 1
NEW, STATE, ENCODING = 16, 256, 1024
ENCODED_BY = {"encoder": 0, "average": 1, "guide": 2}
DETACH_ROWS, DETACH_COLUMNS, DOT, PRIVATE, BASE = 1, 2, 4, 8, 16
FIRST_TOKEN, EDIT_CELLS, FIRST_GROUP, NEEDS_SCORES, NEEDS_CLASSES = 1, 2, 4, 8, 16
POOLING = {"first": 1, "mean": 2, "max": 3}
#: Functions by their number at the doorbell: PluginFunction in Swift.
FUNCTIONS = ("create", "plan", "commit", "augment", "pool", "sample", "pool_backward", "sample_backward", "on_logits",
             "on_embeds", "layer_weights")
LEAVE, OPEN = -2, -3
#: Of cse_encoder.h: a pass that a backward follows, its rows, parts of a tensor.
KEEP, ROWS_FIRST, ROWS_MEAN = 1, 1, 2
WEIGHT, GRADIENT, MOMENT1 = 0, 1, 2
#: In the place of a plugin's file: the process is an encoder, and what it is to load follows.
ENCODER = "--encoder"


class Doorbell(c.Structure):
    _fields_ = [("asked", U32), ("answered", U32), ("cancelled", U32), ("function", I32), ("status", I32),
                ("signal", I32), ("code", I32), ("address", U64), ("batch", U64), ("call", P), ("arguments", P * 3)]


class Tensor(c.Structure):
    _fields_ = [("data", P), ("device", I32 * 2), ("ndim", I32), ("code", c.c_uint8), ("bits", c.c_uint8),
                ("lanes", c.c_uint16), ("shape", P), ("strides", P), ("byte_offset", U64)]


class Call(c.Structure):
    _fields_ = [("struct_size", U32), ("flags", U32), ("host", P), ("host_data", P), ("self", P), ("component", P),
                ("values", P), ("step", I64), ("total_steps", I64), ("epoch", c.c_double), ("scratch", P), ("tape", P),
                ("states", P), ("weights", P), ("dweights", P), ("metrics", P), ("stream", P), ("message", P)]


class Declaration(c.Structure):
    _fields_ = [("name", P), ("shape", I64 * 4), ("ndim", I32), ("code", c.c_uint8), ("bits", c.c_uint8),
                ("lanes", c.c_uint16), ("init", U32), ("flags", U32), ("a", c.c_float), ("b", c.c_float),
                ("lr_mult", c.c_float), ("reserved", U32 * 3)]


class BlockStruct(c.Structure):
    _fields_ = [("rows", I32), ("cols", I32), ("flags", U32), ("group", U32), ("per_row", I64), ("fixed", I64),
                ("label", P), ("reserved", U64)]


class EncodingStruct(c.Structure):
    _fields_ = [("view", I32), ("by", U32), ("dropout", c.c_float), ("decay", c.c_float), ("guide", U32),
                ("reserved", U32 * 3)]


class Limits(c.Structure):
    _fields_ = [("struct_size", U32), ("max_threads", I32), ("device", I32 * 2), ("dtype", U32), ("max_rows", I64),
                ("dim", I64), ("max_tokens", I64), ("max_seqs", I64), ("n_layers", I32), ("n_views", I32),
                ("n_guides", U32), ("reserved", U32), ("guide_dims", P), ("vocab", I64), ("n_added_views", U32),
                ("reserved_2", U32)]


class Plan(c.Structure):
    _fields_ = [("struct_size", U32), ("flags", U32), ("scratch_bytes", U64), ("tape_bytes", U64), ("out_dim", I64),
                ("n_layers", U32), ("n_blocks", U32), ("n_states", U32), ("n_weights", U32), ("layers", P),
                ("blocks", P), ("states", P), ("weights", P), ("n_encodings", U32), ("edited_views", U32),
                ("encodings", P), ("max_growth", c.c_double)]


class Tokens(c.Structure):
    _fields_ = [("struct_size", U32), ("n_layers", U32), ("n_seqs", I64), ("n_tokens", I64), ("dim", I64),
                ("n_views", I64), ("offsets", P), ("layers", P), ("dlayers", P), ("token_ids", P), ("token_flags", P)]


class Batch(c.Structure):
    _fields_ = [("struct_size", U32), ("n_views", U32), ("rows", I64), ("dim", I64), ("z", P), ("u", P), ("dz", P),
                ("du", P), ("row_ids", P), ("text_ids", P), ("scores", P), ("classes", P), ("encodings", P)]


class Candidates(c.Structure):
    _fields_ = [("struct_size", U32), ("n_blocks", U32), ("first_own", U32), ("n_vectors", U32), ("vectors", P),
                ("blocks", P), ("n_cols", P), ("gain", P), ("bias", P), ("sim", P)]


class Logits(c.Structure):
    _fields_ = [("struct_size", U32), ("group", U32), ("n_blocks", U32), ("reserved", U32), ("rows", I64),
                ("cols", I64), ("temperature", c.c_double), ("logits", P), ("sim", P), ("target", P),
                ("block_start", P), ("blocks", P), ("dlogits", P), ("dsim", P), ("row_loss", P), ("dtemperature", P),
                ("batch", P)]


class Pass(c.Structure):
    _fields_ = [("struct_size", U32), ("flags", U32), ("n_seqs", I64), ("n_tokens", I64), ("token_ids", P),
                ("offsets", P), ("first_rows", P), ("layers", P), ("n_layers", U32), ("rows", U32),
                ("hidden_dropout", F64), ("attention_dropout", F64), ("batch", U64), ("slot", U32), ("reserved", U32)]


class AdamW(c.Structure):
    _fields_ = [("struct_size", U32), ("reserved", U32), ("learning_rate", F64), ("weight_decay", F64),
                ("beta1", F64), ("beta2", F64), ("epsilon", F64), ("gradient_scale", F64), ("step", I64)]


class Masked(c.Structure):
    _fields_ = [("struct_size", U32), ("reserved", U32), ("n_positions", I64), ("positions", P), ("labels", P),
                ("factor", F64)]


#: By the names of the headers, for the test of their layout.
STRUCTS = {"iso_doorbell": Doorbell, "DLTensor": Tensor, "cse_call": Call, "cse_tensor_decl": Declaration,
           "cse_block": BlockStruct, "cse_encoding": EncodingStruct,
           "cse_limits": Limits, "cse_plan": Plan, "cse_tokens": Tokens, "cse_batch": Batch,
           "cse_candidates": Candidates, "cse_logits": Logits, "cse_pass": Pass, "cse_adamw": AdamW,
           "cse_masked": Masked}
