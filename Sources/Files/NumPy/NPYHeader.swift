// The header of a .npy file: a Python dictionary of three keys. Called by NPYReader.

struct NPYHeader {
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
}
