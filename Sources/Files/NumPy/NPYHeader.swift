// The header of a .npy file: a Python dictionary of three keys. Called by the readers and writers of .npy files.

/// What the rows of a .npy file consist of.
package enum NPYElement: String, Sendable {
  /// float32, little-endian.
  case float32 = "<f4"
  /// Signed bytes.
  case int8 = "|i1"

  /// Bytes of one.
  package var size: Int { self == .float32 ? 4 : 1 }
}

struct NPYHeader {
  /// Bytes of a header that is written here.
  static let written = 128

  let rows: Int
  let columns: Int
  /// Bytes a value: 4 or 8.
  let width: Int

  /// Bytes of the file before the first value.
  let end: Int

  /// - Throws: `FileError.malformed` for another kind of file or of array.
  init(_ file: InputFile) throws {
    func broken(_ expected: String, _ found: String) -> FileError {
      NPYReader.malformed(file.path, expected, found)
    }
    var position = 0
    func take(_ count: Int) throws -> [UInt8] {
      guard count <= file.size - position else { throw broken("a whole .npy header", "the end of the file") }
      defer { position += count }
      return try file.bytes(at: position, count: count)
    }
    let start = try take(8)
    guard Array(start.prefix(6)) == [0x93] + Array("NUMPY".utf8) else { throw broken("a .npy file", "other bytes") }
    guard (1...3).contains(start[6]), start[7] == 0 else {
      throw broken(".npy version 1.0, 2.0 or 3.0", "\(start[6]).\(start[7])")
    }
    let length = try take(start[6] == 1 ? 2 : 4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= 1 << 20 else { throw broken("a header of at most 1 MiB", "\(length) bytes") }
    let text = String(decoding: try take(length), as: UTF8.self)
    let type = Self.value(of: "descr", in: text).map { $0.filter { $0 != "'" && $0 != "\"" } } ?? "nothing"
    guard type == "<f4" || type == "<f8" else { throw broken("values of type <f4 or <f8", String(type.prefix(40))) }
    let order = Self.value(of: "fortran_order", in: text) ?? "nothing"
    guard order == "False" else { throw broken("C order (fortran_order False)", String(order.prefix(40))) }
    let shape = Self.value(of: "shape", in: text) ?? "nothing"
    let extents = shape.split { "(), ".contains($0) }.map { Int($0) ?? -1 }
    guard shape.first == "(", extents.count == 2, extents.allSatisfy({ $0 >= 0 }) else {
      throw broken("two dimensions", "shape \(shape.prefix(60))")
    }
    // Rows without a number take up no byte, so that any count of them would fit the file.
    guard (1...1 << 24).contains(extents[1]) else {
      throw broken("rows of 1 to \(1 << 24) numbers", "shape \(shape.prefix(60))")
    }
    (rows, columns, width) = (extents[0], extents[1], type == "<f4" ? 4 : 8)
    end = position
  }

  /// The text of a key's value: up to the comma that ends it, or the closing parenthesis of a tuple.
  private static func value(of key: String, in text: String) -> String? {
    let characters = Array(text)
    for quote in ["'", "\""] {
      let needle = Array(quote + key + quote)
      guard characters.count >= needle.count,
        let at = (0...characters.count - needle.count).first(where: {
          characters[$0..<$0 + needle.count] == needle[...]
        })
      else { continue }
      let rest = characters[(at + needle.count)...].drop { $0 == " " || $0 == ":" }
      if rest.first == "(" { return rest.firstIndex(of: ")").map { String(rest[...$0]) } }
      return String(rest.prefix { $0 != "," && $0 != "}" && $0 != " " })
    }
    return nil
  }

  /// A header of `written` bytes: magic, version 1.0, length and dictionary, padded with blanks and a line feed.
  static func bytes(_ element: NPYElement, rows: Int, columns: Int) -> [UInt8] {
    let length = written - 10
    let text = beginning(element) + "\(rows)" + ending(columns)
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
    bytes += Array(text.utf8)
    bytes += [UInt8](repeating: 32, count: written - 1 - bytes.count)
    return bytes + [10]
  }

  /// Whether the first bytes of a file are a header that `bytes` wrote, whatever its number of rows.
  static func isWritten(_ bytes: [UInt8], _ element: NPYElement, columns: Int) -> Bool {
    let text = String(decoding: bytes.dropFirst(10), as: UTF8.self)
    let (beginning, ending) = (beginning(element), ending(columns))
    let rest = text.dropFirst(beginning.count).drop(while: \.isNumber)
    return bytes.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]) && text.hasPrefix(beginning)
      && rest.hasPrefix(ending)
  }

  private static func beginning(_ element: NPYElement) -> String {
    "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': ("
  }

  private static func ending(_ columns: Int) -> String { ", \(columns)), }" }
}
