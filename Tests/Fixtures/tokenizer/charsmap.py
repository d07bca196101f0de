"""A Precompiled charsmap of any map from strings to strings: a double array of units over UTF-8, then the images, each
with a NUL behind it. Units are Darts-clone's (github.com/s-yata/darts-clone), as SentencePiece writes them."""
import struct


def build(mapping):
    images, root = bytearray(), {}
    for key, image in mapping.items():
        node = root
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[None] = len(images)
        images += image.encode() + b"\0"
    units, bases, waiting = {0: 0}, {0}, [(root, 0, 0)]
    first = 1
    while waiting:
        node, place, label = waiting.pop()
        labels = [byte or 0 for byte in node]
        # A node is told from others by its base; what lies between its children may belong to any.
        base = next(b for b in range(first, 1 << 20) if b not in bases and all(b ^ x not in units for x in labels))
        first = base + 1 if len(labels) == 1 else first
        bases.add(base)
        units[place] = (place ^ base) << 10 | label | (None in node) << 8
        for byte, child in node.items():
            if byte is None:
                units[base] = child | 1 << 31
            else:
                units[base ^ byte] = 0
                waiting.append((child, base ^ byte, byte))
    size = -(-(max(units) + 1) // 256) * 256
    return struct.pack(f"<{size + 1}I", 4 * size, *(units.get(i, 0) for i in range(size))) + bytes(images)
