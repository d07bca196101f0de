// What there is to say of lines that were embedded. Counted by whoever embeds lines of files.

/// Lines, and those among them that are not what they seem.
package struct TextCounts: Sendable, Equatable {
  /// All of them.
  package private(set) var lines = 0
  /// Without a character.
  package private(set) var empty = 0
  /// With bytes that are no UTF-8.
  package private(set) var invalid = 0
  /// Longer than the model reads.
  package private(set) var cut = 0

  /// None yet.
  package init() {}

  /// Takes some lines, of which `cut` were cut.
  package mutating func add(_ block: [[UInt8]], cut: Int) {
    lines += block.count
    empty += block.count(where: \.isEmpty)
    invalid += block.count { $0.withUnsafeBufferPointer { invalidUTF8Bytes($0) > 0 } }
    self.cut += cut
  }
}
