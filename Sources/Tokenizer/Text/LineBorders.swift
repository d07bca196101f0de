// Where a long line may be cut so that its parts have the tokens that they have in the line. Called by TokenPipeline:
// what is cut off at the maximum length is never looked at, and the memory of a part stays in the cache.

/// Places before a blank that no stage of a tokenizer looks across.
struct LineBorders: Sendable {
  /// The text before a border ends in a character that stays a character, or in any but white space.
  private let normalizer: TextNormalizer?
  private let spaces = ByteLevelCharacters.shared

  /// For stages that read text as `normalizer` leaves it, or only ask where words are.
  /// - Returns: nil where a step of the normalizer looks at the ends of its text, or further than a blank.
  init?(_ normalizer: TextNormalizer?) {
    if let normalizer, !normalizer.keepsBorders { return nil }
    self.normalizer = normalizer
  }

  /// The first border at `start` or behind it, or the end of `text`, valid UTF-8.
  func next(
    in text: UnsafeBufferPointer<UInt8>, from start: Int, _ memory: inout NormalizerMemory
  ) -> Int {
    var index = max(start, 1)
    while index < text.count {
      if text[index] == 0x20, isBorder(text, index, &memory) { return index }
      index += 1
    }
    return text.count
  }

  private func isBorder(
    _ text: UnsafeBufferPointer<UInt8>, _ blank: Int, _ memory: inout NormalizerMemory
  ) -> Bool {
    guard let base = text.baseAddress else { return false }
    let last = UTF8Text.start(of: text, before: blank)
    let scalar = UTF8Text.character(base + last).scalar
    if spaces.flags[scalar] & ByteLevelCharacters.Flag.whitespace != 0 { return false }
    guard let normalizer else { return true }
    if normalizer.joinsCharacters {
      // Neither what stands before the last character nor what stands behind the blank may change its neighbour.
      guard last > 0, blank + 1 < text.count else { return false }
      let before = UTF8Text.character(base + UTF8Text.start(of: text, before: last)).scalar
      let next = UTF8Text.character(base + blank + 1).scalar
      guard [before, scalar, next].allSatisfy(GraphemeBreaks.shared.standsAlone) else { return false }
    }
    return normalizer.isSolid(UnsafeBufferPointer(rebasing: text[last..<blank]), &memory)
  }
}

extension TextNormalizer {
  /// Whether every step does the same to text cut before a blank, behind a solid character, as to the whole.
  var keepsBorders: Bool {
    guard steps.allSatisfy(\.keepsBorders) else { return false }
    var memory = NormalizerMemory()
    return ([0x20] as [UInt8]).withUnsafeBufferPointer { blank in
      allForms(of: blank, &memory) { $0.count == 1 && $0[0] == 0x20 }
    }
  }

  /// Whether a step looks at several characters as one.
  var joinsCharacters: Bool {
    steps.contains {
      if case .precompiled = $0 { true } else { false }
    }
  }

  /// Whether a character becomes text that does not end in white space, after every step.
  func isSolid(_ character: UnsafeBufferPointer<UInt8>, _ memory: inout NormalizerMemory) -> Bool {
    allForms(of: character, &memory) { text in
      guard let base = text.baseAddress, !text.isEmpty else { return false }
      return !Self.isWhitespace(UTF8Text.character(base + UTF8Text.start(of: text, before: text.count)).scalar)
    }
  }

  private func allForms(
    of text: UnsafeBufferPointer<UInt8>, _ memory: inout NormalizerMemory, _ test: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    (1..<steps.count + 1).allSatisfy { count in
      test(TextNormalizer(Array(steps.prefix(count))).normalize(text, &memory).text)
    }
  }
}

extension TextNormalizer.Step {
  fileprivate var keepsBorders: Bool {
    switch self {
    case .precompiled, .form, .stripAccents, .bert: true
    case .prepend, .strip: false
    case .replace(let replacement): replacement.keepsBorders
    }
  }
}

extension Replacement {
  fileprivate var keepsBorders: Bool {
    switch pattern {
    case .blanks, .whitespace: content == [0x20]
    case .outerBlanks, .firstMark: false
    case .literal(let wanted):
      !wanted.contains(0x20) && !content.isEmpty && content.allSatisfy { (0x21..<0x7F).contains($0) }
    }
  }
}

extension GraphemeBreaks {
  /// Whether two such characters side by side, or one beside a blank, are two clusters.
  func standsAlone(_ scalar: UInt32) -> Bool {
    switch flags[scalar] & 15 {
    case Class.other, Class.open, Class.closed: flags[scalar] & Flag.pictographic == 0
    default: false
    }
  }
}
