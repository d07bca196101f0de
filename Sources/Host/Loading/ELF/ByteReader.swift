// Bounds-checked reading of little-endian numbers and strings from a file's bytes. The base of the ELF reader.

/// The bytes of a file; every read outside of them throws instead of crashing.
struct ByteReader {
  let bytes: [UInt8]

  var count: UInt64 { UInt64(bytes.count) }

  /// - Throws: `PluginRefusal.truncated` where `offset + count` lies outside the file.
  func check(_ offset: UInt64, _ count: UInt64, _ what: @autoclosure () -> String) throws(PluginRefusal) {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard !overflow, end <= self.count else {
      throw .truncated(what: what(), end: overflow ? .max : end, size: bytes.count)
    }
  }

  func u16(_ offset: UInt64, _ what: @autoclosure () -> String) throws(PluginRefusal) -> UInt16 {
    UInt16(truncatingIfNeeded: try number(offset, bytes: 2, what()))
  }

  func u32(_ offset: UInt64, _ what: @autoclosure () -> String) throws(PluginRefusal) -> UInt32 {
    UInt32(truncatingIfNeeded: try number(offset, bytes: 4, what()))
  }

  func u64(_ offset: UInt64, _ what: @autoclosure () -> String) throws(PluginRefusal) -> UInt64 {
    try number(offset, bytes: 8, what())
  }

  private func number(
    _ offset: UInt64, bytes count: Int, _ what: @autoclosure () -> String
  ) throws(PluginRefusal) -> UInt64 {
    try check(offset, UInt64(count), what())
    var value: UInt64 = 0
    let start = Int(offset)
    for index in 0..<count { value |= UInt64(bytes[start + index]) << UInt64(8 * index) }
    return value
  }

  /// The bytes from `offset` up to a zero byte before `end`; nil where there is none.
  func string(_ offset: UInt64, end: UInt64) -> ArraySlice<UInt8>? {
    guard offset < end, end <= count else { return nil }
    let field = bytes[Int(offset)..<Int(end)]
    guard let zero = field.firstIndex(of: 0) else { return nil }
    return field[..<zero]
  }
}
