// Reads the compact text of the generated character tables: hexadecimal numbers and single-byte marks between them.
// Called by BertCharacters and ByteLevelCharacters, once per process.

/// A cursor over the text of a generated table.
struct TableReader {
  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>

  init(_ text: StaticString) {
    next = text.utf8Start
    end = next + text.utf8CodeUnitCount
  }

  /// Skips blanks and line ends, then says whether text is left.
  mutating func hasMore() -> Bool {
    while next < end, next.pointee == 0x20 || next.pointee == 0x0A { next += 1 }
    return next < end
  }

  /// Steps over `mark` if it is the next character.
  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard next < end, UInt32(next.pointee) == mark.value else { return false }
    next += 1
    return true
  }

  /// The hexadecimal number at the cursor.
  mutating func number() -> UInt32 {
    var value: UInt32 = 0
    while next < end, let digit = hexadecimalValue(next.pointee) {
      value = value << 4 | UInt32(digit)
      next += 1
    }
    return value
  }

  /// The range at the cursor, written `A0` or `A0-AF`.
  mutating func range() -> ClosedRange<UInt32> {
    let first = number()
    return skip("-") ? first...number() : first...first
  }

  /// Calls `body` with every range of a table that consists of ranges only.
  static func forEachRange(in text: StaticString, _ body: (ClosedRange<UInt32>) -> Void) {
    var reader = TableReader(text)
    while reader.hasMore() { body(reader.range()) }
  }
}

/// The value of a hexadecimal digit, upper or lower case.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}

/// One byte of flags for every code point; 1.1 MB, of which only the pages in use are ever touched.
final class CharacterFlags: @unchecked Sendable {
  /// Flags by code point; never written after the owner's initialiser.
  let bytes: UnsafeMutablePointer<UInt8>
  private static let count = 0x110000

  init() {
    bytes = .allocate(capacity: Self.count)
    bytes.initialize(repeating: 0, count: Self.count)
  }

  deinit { bytes.deallocate() }

  /// Adds `flag` to every code point of `range`.
  func insert(_ flag: UInt8, in range: ClosedRange<UInt32>) {
    for scalar in range { bytes[Int(scalar)] |= flag }
  }

  /// Adds `flag` to every code point of a generated table.
  func insert(_ flag: UInt8, from table: StaticString) {
    TableReader.forEachRange(in: table) { insert(flag, in: $0) }
  }

  subscript(_ scalar: UInt32) -> UInt8 { bytes[Int(scalar)] }
}
