// One checkpoint: tensors, then a JSON table with their checksums, then a footer. The footer comes last, so a file that
// was torn by a crash or a full disk has none and is recognised. Written and read by CheckpointFolder.
//
//   magic (8 bytes) | tensors, each at a multiple of 64 | JSON | JSON's offset, bytes, CRC-32 (u64 each) | magic

package import Files
import Glibc

/// An opened, checked checkpoint.
package final class CheckpointFile {
  private static let magic = Array("mixcse1\n".utf8)
  private static let alignment = 64

  let path: String
  /// Everything that is not a tensor.
  package let state: JSONObject
  private let tensors: [String: Entry]
  private let descriptor: Int32

  private struct Entry {
    var type: String
    var shape: [Int]
    var offset: Int, count: Int
    var checksum: UInt32
  }

  deinit { close(descriptor) }

  // MARK: - Writing

  /// Writes a checkpoint so that `path` is either the whole file or what it was before.
  /// - Throws: `FileError.cannotWrite`; the unfinished file is then removed.
  package static func write(to path: String, state: JSONObject, tensors: [CheckpointTensor]) throws {
    try AtomicFile.write(to: path) { file in
      try write(magic, to: file)
      var position = magic.count
      var table: [JSONValue] = []
      for tensor in tensors {
        let missing = (alignment - position % alignment) % alignment
        try write([UInt8](repeating: 0, count: missing), to: file)
        let bytes = UnsafeRawBufferPointer(tensor.memory)
        try file.write(bytes)
        table.append(entry(tensor, offset: position + missing, checksum: CRC32.checksum(bytes)))
        position += missing + bytes.count
      }
      let document = JSONValue.object(JSONObject([("state", .object(state)), ("tensors", .array(table))]))
      let text = Array(document.text(indent: nil).utf8)
      let sum = text.withUnsafeBytes { CRC32.checksum($0) }
      try write(text, to: file)
      try write([UInt64(position), UInt64(text.count), UInt64(sum)].flatMap(littleEndian) + magic, to: file)
    }
  }

  private static func write(_ bytes: [UInt8], to file: OutputFile) throws {
    try bytes.withUnsafeBytes { try file.write($0) }
  }

  private static func entry(_ tensor: CheckpointTensor, offset: Int, checksum: UInt32) -> JSONValue {
    .object(
      JSONObject([
        ("name", .string(tensor.name)), ("type", .string(tensor.type)),
        ("shape", .array(tensor.shape.map { .integer($0) })), ("offset", .integer(offset)),
        ("bytes", .integer(tensor.memory.count)), ("crc32", .integer(Int(checksum))),
      ]))
  }

  private static func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  // MARK: - Reading

  /// Opens a checkpoint and checks every byte of it.
  /// - Throws: `TrainingError.badData` for a torn or damaged file, `.unreadable` where the system refuses.
  package init(path: String) throws {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw TrainingError.unreadable(path: path, operation: "open", code: errno) }
    self.path = path
    do {
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw Self.damaged(path, "a regular file", "another kind")
      }
      (state, tensors) = try Self.readTable(descriptor, path: path)
      for (name, entry) in tensors { try Self.check(descriptor, entry, name: name, path: path) }
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Fills the memory of `tensor` from the tensor of that name.
  /// - Throws: `TrainingError.badData` where the checkpoint has none of that name, type and shape.
  func restore(_ tensor: CheckpointTensor) throws {
    guard let entry = tensors[tensor.name], holds(tensor) else {
      throw lacks(tensor)
    }
    try Self.read(descriptor, at: entry.offset, into: tensor.memory, path: path)
  }

  /// Checks that a tensor of each name, type and shape is there, but for whole groups that are optional.
  /// - Throws: `TrainingError.badData`.
  func check(all wanted: [CheckpointTensor]) throws {
    for tensor in wanted where tensor.optionalGroup == nil && !holds(tensor) { throw lacks(tensor) }
  }

  /// Fills all of `wanted`, and leaves a group as it is where the file lacks one of it.
  /// - Returns: the groups left out, in order.
  /// - Throws: `TrainingError.badData` where a tensor that must be there is not.
  func restore(all wanted: [CheckpointTensor]) throws -> [String] {
    var missing: [String] = []
    for tensor in wanted where !holds(tensor) {
      if let group = tensor.optionalGroup, !missing.contains(group) { missing.append(group) }
    }
    for tensor in wanted where tensor.optionalGroup.map({ !missing.contains($0) }) ?? true { try restore(tensor) }
    return missing
  }

  private func lacks(_ tensor: CheckpointTensor) -> TrainingError {
    let found = tensors[tensor.name].map { "\($0.type) \($0.shape)" } ?? "no such tensor"
    return Self.damaged(path, "tensor \(tensor.name) of \(tensor.type) \(tensor.shape)", found)
  }

  private func holds(_ tensor: CheckpointTensor) -> Bool {
    guard let entry = tensors[tensor.name] else { return false }
    return entry.type == tensor.type && entry.shape == tensor.shape && entry.count == tensor.memory.count
  }

  private static func readTable(_ descriptor: Int32, path: String) throws -> (JSONObject, [String: Entry]) {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size >= 40 else { throw damaged(path, "a checkpoint", "\(size) bytes") }
    let footer = try bytes(descriptor, at: size - 32, count: 32, path: path)
    guard Array(footer[24...]) == magic, try bytes(descriptor, at: 0, count: 8, path: path) == magic else {
      throw damaged(path, "a checkpoint with its last bytes", "none: it was not written to its end")
    }
    let numbers = footer.withUnsafeBytes { footer in
      (0..<3).map { UInt64(littleEndian: footer.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
    }
    guard numbers[0] <= UInt64(size - 32), numbers[1] == UInt64(size - 32) - numbers[0] else {
      throw damaged(path, "a table inside the file", "another position")
    }
    let text = try bytes(descriptor, at: Int(numbers[0]), count: Int(numbers[1]), path: path)
    guard text.withUnsafeBytes({ UInt64(CRC32.checksum($0)) }) == numbers[2], let document = try? JSONValue.parse(text),
      let state = document.object?["state"]?.object, let list = document.object?["tensors"]?.array
    else { throw damaged(path, "a table with its checksum", "other bytes") }
    return (state, try entries(list, limit: Int(numbers[0]), path: path))
  }

  private static func entries(_ list: [JSONValue], limit: Int, path: String) throws -> [String: Entry] {
    var result: [String: Entry] = [:]
    for item in list {
      guard let item = item.object, let name = item["name"]?.string, let type = item["type"]?.string,
        let shape = item["shape"]?.array?.compactMap(\.integer), let offset = item["offset"]?.integer,
        let count = item["bytes"]?.integer, let sum = item["crc32"]?.integer, offset >= 0, count >= 0,
        offset <= limit, count <= limit - offset, let checksum = UInt32(exactly: sum), result[name] == nil
      else { throw damaged(path, "tensors inside the file", item.text(indent: nil)) }
      result[name] = Entry(
        type: type, shape: shape, offset: offset, count: count, checksum: checksum)
    }
    return result
  }

  private static func check(_ descriptor: Int32, _ entry: Entry, name: String, path: String) throws {
    let chunk = 4 << 20
    var buffer = [UInt8](repeating: 0, count: min(chunk, entry.count))
    var sum: UInt32 = 0
    for start in stride(from: 0, to: entry.count, by: chunk) {
      let count = min(chunk, entry.count - start)
      try buffer.withUnsafeMutableBytes { buffer in
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        try read(descriptor, at: entry.offset + start, into: part, path: path)
        sum = CRC32.checksum(UnsafeRawBufferPointer(part), after: sum)
      }
    }
    guard sum == entry.checksum else { throw damaged(path, "tensor \(name) with its checksum", "other bytes") }
  }

  private static func bytes(_ descriptor: Int32, at offset: Int, count: Int, path: String) throws -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    try result.withUnsafeMutableBytes { try read(descriptor, at: offset, into: $0, path: path) }
    return result
  }

  private static func read(
    _ descriptor: Int32, at offset: Int, into buffer: UnsafeMutableRawBufferPointer, path: String
  ) throws {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let count = pread(descriptor, base + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw damaged(path, "\(buffer.count) bytes at \(offset)", "the end of the file")
      } else if errno != EINTR {
        throw TrainingError.unreadable(path: path, operation: "read", code: errno)
      }
    }
  }

  static func damaged(_ path: String, _ expected: String, _ found: String) -> TrainingError {
    .badData(path: path, line: 0, expected: expected, found: found, advice: "Remove it to use the one before it")
  }
}
