// Readers of bytes that come from elsewhere, by name, for a fuzzer and for the replay of what it kept (FuzzTests). A
// reader may refuse what it is given with an error; it may not crash, hang, or take memory out of all proportion.

/// One reader.
package struct FuzzTarget: Sendable {
  /// As `make fuzz TARGET=` and the corpus name it.
  package let name: String
  /// The most bytes worth trying.
  package let largest: Int
  /// Reads the bytes, and what was made of them, as the program would; files lie in the scratch folder.
  package let read: @Sendable (_ bytes: [UInt8], _ scratch: FuzzScratch) throws -> Void

  init(
    _ name: String, largest: Int = 6000,
    _ read: @escaping @Sendable (_ bytes: [UInt8], _ scratch: FuzzScratch) throws -> Void
  ) {
    (self.name, self.largest, self.read) = (name, largest, read)
  }

  /// All there are, sorted by name.
  package static let all =
    (documents + containers + models + tokenizers + data + runs + plugins).sorted { $0.name < $1.name }

  /// The target of that name.
  package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
