// What BERT's clean-up and word splitting need to know about a character. The answers are those of Hugging Face's
// Rust package, which mixes several versions of Unicode; Swift's own, newer properties would give other tokens for
// a few hundred rare characters (marks and punctuation added since Unicode 8, above all).
// Called by BertNormalizer and BertWordSplitter.

/// Character properties as Hugging Face's BertNormalizer and BertPreTokenizer see them.
final class BertCharacters: Sendable {
  /// Flags of a character, one bit each.
  enum Flag {
    static let dropped: UInt8 = 1
    static let whitespace: UInt8 = 2
    static let ideograph: UInt8 = 4
    static let mark: UInt8 = 8
    static let punctuation: UInt8 = 16
    static let decomposes: UInt8 = 32
    static let lowers: UInt8 = 64
    static let reorders: UInt8 = 128
  }

  /// The tables, built at first use.
  static let shared = BertCharacters()

  let flags = CharacterFlags()
  private let lower: SortedScalars
  private let combining: SortedScalars
  private let decompositions: SortedScalars  // values: offset << 3 | length in decomposed
  private let decomposed: [UInt32]

  private init() {
    flags.insert(Flag.dropped, from: BertCharacterData.dropped)
    flags.insert(Flag.whitespace, from: BertCharacterData.whitespace)
    flags.insert(Flag.ideograph, from: BertCharacterData.ideographs)
    flags.insert(Flag.mark, from: BertCharacterData.marks)
    flags.insert(Flag.punctuation, from: BertCharacterData.punctuation)
    lower = Self.readLowerCase(flags)
    combining = Self.readCombiningClasses(flags)
    (decompositions, decomposed) = Self.readDecompositions(flags)
    flags.insert(Flag.decomposes, in: Hangul.syllables)
    Self.insertASCII(flags)
  }

  /// The lower case of a character that has `Flag.lowers`; U+0130 is the one with two characters, `i` and U+0307.
  func lowercase(_ scalar: UInt32) -> UInt32 { lower.value(of: scalar) ?? scalar }

  /// The canonical combining class, 0 for a character without `Flag.reorders`.
  func combiningClass(_ scalar: UInt32) -> UInt32 { combining.value(of: scalar) ?? 0 }

  /// Calls `body` with the characters of the full canonical decomposition of one that has `Flag.decomposes`.
  func decompose(_ scalar: UInt32, _ body: (UInt32) -> Void) {
    if Hangul.syllables.contains(scalar) { return Hangul.decompose(scalar, body) }
    guard let entry = decompositions.value(of: scalar) else { return body(scalar) }
    let offset = Int(entry >> 3)
    for index in offset..<offset + Int(entry & 7) { body(decomposed[index]) }
  }
}

/// Hangul syllables decompose by arithmetic into two or three letters.
/// Source: The Unicode Standard, section 3.12, Hangul syllable decomposition.
enum Hangul {
  static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

  static func decompose(_ syllable: UInt32, _ body: (UInt32) -> Void) {
    let index = syllable - syllables.lowerBound
    body(0x1100 + index / 588)
    body(0x1161 + index % 588 / 28)
    if index % 28 != 0 { body(0x11A7 + index % 28) }
  }
}

extension BertCharacters {
  private static func readLowerCase(_ flags: CharacterFlags) -> SortedScalars {
    var pairs: [(UInt32, UInt32)] = [(0x130, 0x69)]
    var reader = TableReader(BertCharacterData.lower)
    while reader.hasMore() {
      let range = reader.range()
      let step = reader.skip("/") ? reader.number() : 1
      _ = reader.skip("=")
      let image = reader.number()
      for scalar in stride(from: range.lowerBound, through: range.upperBound, by: Int(step)) {
        pairs.append((scalar, image &+ (scalar - range.lowerBound)))
      }
    }
    for (scalar, _) in pairs { flags.insert(Flag.lowers, in: scalar...scalar) }
    return SortedScalars(pairs)
  }

  private static func readCombiningClasses(_ flags: CharacterFlags) -> SortedScalars {
    var pairs: [(UInt32, UInt32)] = []
    var reader = TableReader(BertCharacterData.combining)
    var combiningClass: UInt32 = 0
    while reader.hasMore() {
      if reader.skip("=") {
        combiningClass = reader.number()
      } else {
        let range = reader.range()
        flags.insert(Flag.reorders, in: range)
        for scalar in range { pairs.append((scalar, combiningClass)) }
      }
    }
    return SortedScalars(pairs)
  }

  private static func readDecompositions(_ flags: CharacterFlags) -> (SortedScalars, [UInt32]) {
    var pairs: [(UInt32, UInt32)] = []
    var decomposed: [UInt32] = []
    var reader = TableReader(DecompositionData.canonical)
    while reader.hasMore() {
      let scalar = reader.number()
      let offset = decomposed.count
      while reader.skip("=") || reader.skip("+") { decomposed.append(reader.number()) }
      flags.insert(Flag.decomposes, in: scalar...scalar)
      pairs.append((scalar, UInt32(offset << 3 | (decomposed.count - offset))))
    }
    return (SortedScalars(pairs), decomposed)
  }

  /// ASCII is the same in every version: controls, blanks, and all symbols as punctuation, currency and maths included.
  private static func insertASCII(_ flags: CharacterFlags) {
    flags.insert(Flag.dropped, in: 0x00...0x1F)
    flags.insert(Flag.dropped, in: 0x7F...0x7F)
    for blank: UInt32 in [0x09, 0x0A, 0x0D, 0x20] { flags.bytes[Int(blank)] = Flag.whitespace }
    for symbols: ClosedRange<UInt32> in [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E] {
      flags.insert(Flag.punctuation, in: symbols)
    }
    flags.insert(Flag.lowers, in: 0x41...0x5A)
    // These three are dropped by cleaning; where text is not cleaned, they separate words.
    for separator: UInt32 in [0x0B, 0x0C, 0x85] { flags.bytes[Int(separator)] |= Flag.whitespace }
  }
}

/// A map from code points to numbers, searched by halving.
struct SortedScalars: Sendable {
  private let keys: [UInt32]
  private let values: [UInt32]

  init(_ pairs: [(UInt32, UInt32)]) {
    let sorted = pairs.sorted { $0.0 < $1.0 }
    keys = sorted.map(\.0)
    values = sorted.map(\.1)
  }

  func value(of key: UInt32) -> UInt32? {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low < keys.count && keys[low] == key ? values[low] : nil
  }
}
