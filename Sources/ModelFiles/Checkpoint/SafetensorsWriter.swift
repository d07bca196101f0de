// Writer of the safetensors format, atomically. Called by ModelExport and by checkpoints.

import Files

/// Writes tensors as a safetensors file.
package enum SafetensorsWriter {
  /// A tensor to be written: `pointer` holds the product of `shape` elements, row-major.
  package struct Entry {
    /// The name in the file; each occurs once.
    package var name: String
    /// Extents, outermost first; empty for a single number.
    package var shape: [Int]
    /// The elements, alive until they are written.
    package var pointer: UnsafeRawPointer
    /// `F32` or `I64`, and the bytes of an element.
    let type: (name: String, bytes: Int)

    /// A float32 tensor of the caller's memory.
    package init(name: String, shape: [Int], pointer: UnsafePointer<Float>) {
      (self.name, self.shape, self.pointer) = (name, shape, UnsafeRawPointer(pointer))
      type = ("F32", 4)
    }

    /// A tensor of whole numbers of the caller's memory.
    package init(name: String, shape: [Int], integers: UnsafePointer<Int64>) {
      (self.name, self.shape, pointer) = (name, shape, UnsafeRawPointer(integers))
      type = ("I64", 8)
    }
  }

  /// Writes a file as a whole; an old file at `path` stays until the new one is on the disk.
  /// `metadata` defaults to `format: pt`, which transformers asks for.
  /// - Throws: `FileError.cannotWrite`.
  package static func write(
    to path: String, tensors: [Entry], metadata: [(String, String)] = [("format", "pt")]
  ) throws {
    try AtomicFile.write(to: path) { file in
      let header = header(tensors, metadata)
      try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try file.write($0) }
      try file.write(header)
      for tensor in tensors {
        let count = tensor.shape.reduce(1, *)
        try file.write(UnsafeRawBufferPointer(start: tensor.pointer, count: count * tensor.type.bytes))
      }
    }
  }

  /// The header, padded with blanks so that the data begin at a multiple of eight.
  private static func header(_ tensors: [Entry], _ metadata: [(String, String)]) -> String {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of one name")
    var object = JSONObject()
    if !metadata.isEmpty {
      object["__metadata__"] = .object(JSONObject(metadata.map { ($0.0, .string($0.1)) }))
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.type.bytes, *)
      object[tensor.name] = .object(
        JSONObject([
          ("dtype", .string(tensor.type.name)), ("shape", .array(tensor.shape.map { .integer($0) })),
          ("data_offsets", .array([.integer(offset), .integer(end)])),
        ]))
      offset = end
    }
    let json = JSONValue.object(object).text(indent: nil)
    return json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
  }
}
