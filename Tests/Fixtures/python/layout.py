"""The layout of the worker's structs: `layout.py abi.py c` prints a C program that prints the headers' own, `layout.py
abi.py` the lines that it has to print."""

import ctypes
import importlib.util
import sys

specification = importlib.util.spec_from_file_location("abi", sys.argv[1])
abi = importlib.util.module_from_spec(specification)
specification.loader.exec_module(abi)
IN_C = {"code": "dtype.code", "bits": "dtype.bits", "lanes": "dtype.lanes"}
CONSTANTS = {
    "CSE_E_INVALID": abi.INVALID, "CSE_E_UNSUPPORTED": abi.UNSUPPORTED, "CSE_E_NUMERIC": abi.NUMERIC,
    "CSE_E_INTERNAL": abi.INTERNAL, "CSE_MESSAGE_BYTES": abi.MESSAGE_BYTES, "CSE_TRAINING": abi.TRAINING,
    "CSE_HOLD": abi.HOLD, "CSE_POOLER": abi.KINDS["pooler"], "CSE_SAMPLER": abi.KINDS["sampler"],
    "CSE_LOSS": abi.KINDS["loss"], "CSE_HOLDS": abi.CLAIM_HOLDS, "CSE_INIT_EYE": abi.START["eye"],
    "CSE_INIT_CONST": abi.START["constant"], "CSE_INIT_NORMAL": abi.START["normal"],
    "CSE_INIT_UNIFORM": abi.START["uniform"], "CSE_NO_DECAY": abi.NO_DECAY, "CSE_NEW(0)": abi.NEW,
    "CSE_STATE(0)": abi.STATE, "CSE_ENCODING(0)": abi.ENCODING, "CSE_BY_ENCODER": abi.ENCODED_BY["encoder"],
    "CSE_BY_AVERAGE": abi.ENCODED_BY["average"], "CSE_BY_GUIDE": abi.ENCODED_BY["guide"], "CSE_DETACH_ROWS": abi.DETACH_ROWS, "CSE_DETACH_COLS": abi.DETACH_COLUMNS,
    "CSE_DOT": abi.DOT, "CSE_PRIVATE": abi.PRIVATE, "CSE_BASE": abi.BASE, "CSE_FIRST_TOKEN": abi.FIRST_TOKEN,
    "CSE_EDIT_CELLS": abi.EDIT_CELLS, "CSE_FIRST_GROUP": abi.FIRST_GROUP, "CSE_NEEDS_SCORES": abi.NEEDS_SCORES,
    "CSE_NEEDS_CLASSES": abi.NEEDS_CLASSES, "CSE_POOL_FIRST": abi.POOLING["first"],
    "CSE_POOL_MEAN": abi.POOLING["mean"], "CSE_POOL_MAX": abi.POOLING["max"], "CSE_E_NOMEM": abi.NO_MEMORY,
    "CSE_KEEP": abi.KEEP, "CSE_ROWS_FIRST": abi.ROWS_FIRST,
    "CSE_ROWS_MEAN": abi.ROWS_MEAN, "CSE_WEIGHT": abi.WEIGHT, "CSE_GRADIENT": abi.GRADIENT,
    "CSE_MOMENT1": abi.MOMENT1,
}
if len(sys.argv) > 2:
    print('#include "cse_encoder.h"\n#include "isolation.h"\n#include <stdio.h>\n#include <string.h>\nint main(void) {')
    for name, struct in abi.STRUCTS.items():
        print(f'  printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            inside = field if name == "iso_doorbell" else IN_C.get(field, field)
            print(f'  printf("{name}.{field} %zu %zu\\n", offsetof({name}, {inside}), sizeof((({name} *)0)->{inside}));')
    for name in CONSTANTS:
        print(f'  printf("{name} %d\\n", {name});')
    print("  return 0;\n}")
else:
    for name, struct in abi.STRUCTS.items():
        print(name, ctypes.sizeof(struct))
        for field, *_ in struct._fields_:
            described = getattr(struct, field)
            print(f"{name}.{field}", described.offset, described.size)
    for name, value in CONSTANTS.items():
        print(name, value)
