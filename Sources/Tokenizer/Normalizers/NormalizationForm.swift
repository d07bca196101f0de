// Unicode's four normalization forms and the marks that StripAccents removes, as Hugging Face's package has them.
// Called by TextNormalizer.

/// NFC, NFD, NFKC or NFKD.
/// Source: The Unicode Standard, section 3.11, Normalization Forms; Unicode Standard Annex 15.
struct NormalizationForm: Sendable, Equatable {
  /// Whether letters and their accents become one character again.
  var composes: Bool
  /// Whether characters that only look otherwise (ﬁ, ²) become those they stand for.
  var compatible: Bool

  /// Appends the form of `text`, valid UTF-8. A run of n marks costs n log n.
  func append(
    _ text: UnsafeBufferPointer<UInt8>, _ memory: inout CompositionMemory, to output: inout AppendingBuffer<UInt8>
  ) {
    guard let start = text.baseAddress else { return }
    let characters = CompatibleCharacters.shared
    output.reserve(text.count + 16)
    memory.composes = composes
    var index = 0
    while index < text.count {
      // ASCII takes no part in any of this, but its last character may be composed with what follows.
      let run = UTF8Text.asciiPrefix(UnsafeBufferPointer(start: start + index, count: text.count - index)) - 1
      if run > 0 {
        memory.flush(to: &output)
        output.append(from: start + index, count: run)
        index += run
      }
      let (scalar, length) = UTF8Text.character(start + index)
      characters.decompose(scalar, compatible: compatible) { memory.add($0, to: &output) }
      index += length
    }
    memory.flush(to: &output)
  }
}

/// One thread's memory for a normalization form: the last starter and the marks behind it.
struct CompositionMemory: ~Copyable {
  var composes = false
  private var starter: UInt32?
  /// Combining class, order of appearance and character, so that sorting is stable.
  private var marks: [UInt64] = []
  private let characters = CompatibleCharacters.shared

  init() {}

  /// Takes the next character of a decomposition.
  mutating func add(_ scalar: UInt32, to output: inout AppendingBuffer<UInt8>) {
    let combiningClass = characters.combiningClass(scalar)
    if combiningClass != 0 {
      marks.append(UInt64(combiningClass) << 56 | UInt64(marks.count) << 24 | UInt64(scalar))
      return
    }
    arrange()
    if composes, marks.isEmpty, let before = starter, let composed = characters.compose(before, scalar) {
      starter = composed
      return
    }
    write(to: &output)
    starter = scalar
  }

  /// Writes what is waiting.
  mutating func flush(to output: inout AppendingBuffer<UInt8>) {
    arrange()
    write(to: &output)
    starter = nil
  }

  /// Puts the marks into canonical order and composes those that reach the starter.
  private mutating func arrange() {
    if marks.isEmpty { return }
    if marks.count > 1 { marks.sort() }
    guard composes, var base = starter else { return }
    var kept = 0
    var blocking: UInt64?
    for mark in marks {
      let (combiningClass, scalar) = (mark >> 56, UInt32(mark & 0xFF_FFFF))
      if blocking != combiningClass, let composed = characters.compose(base, scalar) {
        base = composed
        continue
      }
      marks[kept] = mark
      kept += 1
      blocking = combiningClass
    }
    marks.removeLast(marks.count - kept)
    starter = base
  }

  private mutating func write(to output: inout AppendingBuffer<UInt8>) {
    if let starter { output.append(scalar: starter) }
    for mark in marks { output.append(scalar: UInt32(mark & 0xFF_FFFF)) }
    marks.removeAll(keepingCapacity: marks.count <= 1024)
  }
}

/// What the forms need to know about a character beside its canonical decomposition.
final class CompatibleCharacters: Sendable {
  private enum Flag {
    static let compatible: UInt8 = 1
    static let accent: UInt8 = 2
  }

  /// The tables, built at first use.
  static let shared = CompatibleCharacters()

  private let canonical = BertCharacters.shared
  private let flags = CharacterFlags()
  private let decompositions: SortedScalars  // values: offset << 5 | length in decomposed
  private let decomposed: [UInt32]
  private let compositions: [UInt64: UInt32]

  private init() {
    var pairs: [(UInt32, UInt32)] = []
    var decomposed: [UInt32] = []
    var reader = TableReader(CompatibilityData.compatible)
    while reader.hasMore() {
      let scalar = reader.number()
      let offset = decomposed.count
      while reader.skip("=") || reader.skip("+") { decomposed.append(reader.number()) }
      flags.insert(Flag.compatible, in: scalar...scalar)
      pairs.append((scalar, UInt32(offset << 5 | (decomposed.count - offset))))
    }
    decompositions = SortedScalars(pairs)
    self.decomposed = decomposed
    flags.insert(Flag.accent, from: CompatibilityData.accents)
    compositions = Self.readCompositions()
  }

  /// A character that is composed of its first parts and its last one.
  private static func readCompositions() -> [UInt64: UInt32] {
    var excluded: Set<UInt32> = []
    TableReader.forEachRange(in: CompatibilityData.excluded) { excluded.formUnion($0) }
    var composed: [[UInt32]: UInt32] = [:]
    var reader = TableReader(DecompositionData.canonical)
    while reader.hasMore() {
      let scalar = reader.number()
      var parts: [UInt32] = []
      while reader.skip("=") || reader.skip("+") { parts.append(reader.number()) }
      if !excluded.contains(scalar) { composed[parts] = scalar }
    }
    var compositions: [UInt64: UInt32] = [:]
    for (parts, scalar) in composed {
      guard let last = parts.last else { continue }
      let first = Array(parts.dropLast())
      guard let base = first.count == 1 ? first[0] : composed[first] else { continue }
      compositions[UInt64(base) << 32 | UInt64(last)] = scalar
    }
    return compositions
  }

  /// Whether StripAccents removes a character.
  func isAccent(_ scalar: UInt32) -> Bool { flags[scalar] & Flag.accent != 0 }

  /// The canonical combining class.
  func combiningClass(_ scalar: UInt32) -> UInt32 {
    canonical.flags[scalar] & BertCharacters.Flag.reorders != 0 ? canonical.combiningClass(scalar) : 0
  }

  /// Calls `body` with the characters of the full decomposition.
  func decompose(_ scalar: UInt32, compatible: Bool, _ body: (UInt32) -> Void) {
    if compatible, flags[scalar] & Flag.compatible != 0, let entry = decompositions.value(of: scalar) {
      let offset = Int(entry >> 5)
      for index in offset..<offset + Int(entry & 31) { body(decomposed[index]) }
    } else if canonical.flags[scalar] & BertCharacters.Flag.decomposes != 0 {
      canonical.decompose(scalar, body)
    } else {
      body(scalar)
    }
  }

  /// The character that two others are composed to, if there is one.
  func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    Hangul.compose(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
  }
}

extension Hangul {
  /// A leading consonant with a vowel, or an open syllable with a trailing consonant.
  /// Source: The Unicode Standard, section 3.12, Hangul syllable composition.
  static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    switch (first, second) {
    case (0x1100...0x1112, 0x1161...0x1175): 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    case (syllables, 0x11A8...0x11C2) where (first - 0xAC00) % 28 == 0: first + second - 0x11A7
    default: nil
    }
  }
}
