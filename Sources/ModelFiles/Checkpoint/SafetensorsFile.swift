// Reader of the safetensors format: an eight-byte header length, a JSON header, then the tensors' bytes. Every length
// and offset is checked before it is used. Called by ModelFolder and ModelExport.
// Source: https://github.com/huggingface/safetensors, README, section Format.

import Files

/// An open safetensors file whose header has been checked.
package final class SafetensorsFile: TensorSource {
  /// The format's own limit on the header.
  private static let maximumHeader = 100_000_000

  /// The file, for messages.
  package let path: String
  /// All tensors, in the order of the file.
  package let entries: [TensorEntry]
  /// The `__metadata__` strings of the header.
  package let metadata: [String: String]
  private let file: InputFile
  /// Where each entry's bytes lie in the file.
  private let ranges: [Range<Int>]

  /// Opens a file and checks its header against its size.
  /// - Throws: `FileError`, `ModelFileError` naming the tensor and what is wrong with it.
  package init(path: String) throws {
    self.path = path
    file = try InputFile(path: path, expected: "a safetensors file")
    let header = try Self.readHeader(file)
    let parser = SafetensorsHeader(path: path, dataStart: header.end, dataSize: file.size - header.end)
    (entries, ranges) = try parser.tensors(header.json)
    metadata = try parser.metadata(header.json)
    try parser.checkCoverage(entries, ranges)
  }

  /// Reads entry `index` as float32, row-major, from whatever type it is stored in.
  /// - Throws: `ModelFileError` where its type is not read or the file breaks off.
  package func read(_ index: Int, into destination: UnsafeMutablePointer<Float>) throws {
    let entry = entries[index]
    let range = ranges[index]
    guard let width = entry.type.width, entry.type.isLoadable else {
      throw ModelFileError.tensorType(path: path, name: entry.name, found: entry.type.name)
    }
    if entry.type == .float32 {
      return try file.read(
        at: range.lowerBound, into: UnsafeMutableRawBufferPointer(start: destination, count: range.count))
    }
    let chunk = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(chunk, max(range.count, 1)), alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    while done < range.count, let base = buffer.baseAddress {
      let part = UnsafeMutableRawBufferPointer(start: base, count: min(chunk, range.count - done))
      try file.read(at: range.lowerBound + done, into: part)
      widen(base, as: entry.type, count: part.count / width, into: destination + done / width)
      done += part.count
    }
  }

  /// Reads entry `index`, whole numbers of 64 bits, row-major.
  /// - Throws: `ModelFileError` where it holds something else or the file breaks off.
  package func read(_ index: Int, integers destination: UnsafeMutablePointer<Int64>) throws {
    guard entries[index].type.name == "I64" else {
      throw ModelFileError.tensorType(path: path, name: entries[index].name, found: entries[index].type.name)
    }
    let range = ranges[index]
    try file.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(start: destination, count: range.count))
  }

  private static func readHeader(_ file: InputFile) throws -> (json: JSONObject, end: Int) {
    func broken(_ place: String, _ expected: String, _ found: String) -> FileError {
      .malformed(path: file.path, place: place, expected: expected, found: found)
    }
    guard file.size >= 8 else {
      throw broken("the file", "at least 8 bytes of header length", "\(file.size) bytes")
    }
    let length = try file.bytes(at: 0, count: 8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.1) << (8 * $1.0) }
    guard length <= UInt64(min(maximumHeader, file.size - 8)) else {
      throw broken("header length", "at most \(min(maximumHeader, file.size - 8)) bytes", "\(length)")
    }
    do {
      let bytes = try file.bytes(at: 8, count: Int(length))
      let json = try JSONValue.parse(bytes)
      guard let object = json.object else { throw broken("header", "a JSON object", json.summary) }
      return (object, 8 + Int(length))
    } catch let error as JSONError {
      throw broken("header, byte \(8 + error.offset)", error.expected, error.found)
    }
  }
}

/// Checks the header's JSON against the size of the data behind it.
struct SafetensorsHeader {
  let path: String
  /// File offset of the first data byte, and the number of data bytes.
  let dataStart: Int
  let dataSize: Int

  func tensors(_ header: JSONObject) throws -> ([TensorEntry], [Range<Int>]) {
    var entries: [TensorEntry] = []
    var ranges: [Range<Int>] = []
    for name in header.keys where name != "__metadata__" {
      let (entry, range) = try tensor(name, header[name] ?? .null)
      entries.append(entry)
      ranges.append(range)
    }
    return (entries, ranges)
  }

  private func tensor(_ name: String, _ json: JSONValue) throws -> (TensorEntry, Range<Int>) {
    let what = "tensor \"\(name.prefix(120))\""
    guard let object = json.object else { throw broken(what, "an object", json.summary) }
    guard let typeName = object["dtype"]?.string else {
      throw broken("\(what), dtype", "a type name", object["dtype"]?.summary ?? "nothing")
    }
    let shape = try integers(object["shape"], "\(what), shape")
    let offsets = try integers(object["data_offsets"], "\(what), data_offsets")
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw broken("\(what), data_offsets", "[begin, end] with begin <= end", "\(offsets)")
    }
    guard offsets[1] <= dataSize else {
      throw broken("\(what), data_offsets", "an end of at most \(dataSize), the bytes in the file", "\(offsets[1])")
    }
    let type = Self.type(typeName)
    if let width = type.width {
      guard let count = elementCount(shape + [width]) else {
        throw broken("\(what), shape", "a size that fits 64 bits", "\(shape)")
      }
      guard count == offsets[1] - offsets[0] else {
        throw broken("\(what), data_offsets", "\(count) bytes for \(typeName) \(shape)", "\(offsets[1] - offsets[0])")
      }
    }
    return (TensorEntry(name: name, type: type, shape: shape), dataStart + offsets[0]..<dataStart + offsets[1])
  }

  func metadata(_ header: JSONObject) throws -> [String: String] {
    guard let json = header["__metadata__"] else { return [:] }
    guard let object = json.object else { throw broken("__metadata__", "an object of strings", json.summary) }
    var result: [String: String] = [:]
    for key in object.keys {
      guard let text = object[key]?.string else {
        throw broken("__metadata__, \"\(key.prefix(120))\"", "a string", object[key]?.summary ?? "nothing")
      }
      result[key] = text
    }
    return result
  }

  /// The format allows neither overlaps nor holes, nor bytes after the last tensor.
  func checkCoverage(_ entries: [TensorEntry], _ ranges: [Range<Int>]) throws {
    var end = dataStart
    let order = ranges.indices.sorted {
      (ranges[$0].lowerBound, ranges[$0].upperBound) < (ranges[$1].lowerBound, ranges[$1].upperBound)
    }
    for index in order {
      let place = "tensor \"\(entries[index].name.prefix(120))\", data_offsets"
      let begin = ranges[index].lowerBound
      guard begin == end else {
        let what = begin < end ? "an overlap with another tensor" : "a hole"
        throw broken(
          place, "a begin of \(end - dataStart), where the tensor before it ends", "\(begin - dataStart): \(what)")
      }
      end = ranges[index].upperBound
    }
    guard end == dataStart + dataSize else {
      throw broken("the file", "\(end) bytes, as the header says", "\(dataStart + dataSize)")
    }
  }

  private func integers(_ json: JSONValue?, _ place: String) throws -> [Int] {
    guard let items = json?.array else { throw broken(place, "a list of whole numbers", json?.summary ?? "nothing") }
    return try items.map { item in
      guard let value = item.integer, value >= 0 else {
        throw broken(place, "whole numbers of 0 or more", item.summary)
      }
      return value
    }
  }

  private static func type(_ name: String) -> ElementType {
    switch name {
    case "F32": .float32
    case "F16": .float16
    case "BF16": .bfloat16
    case "F64": .float64
    case "I64", "U64", "C64": .other(name, width: 8)
    case "I32", "U32": .other(name, width: 4)
    case "I16", "U16": .other(name, width: 2)
    case "I8", "U8", "BOOL": .other(name, width: 1)
    default: .other(name, width: nil)
    }
  }

  private func broken(_ place: String, _ expected: String, _ found: String) -> FileError {
    .malformed(path: path, place: place, expected: expected, found: found)
  }
}
