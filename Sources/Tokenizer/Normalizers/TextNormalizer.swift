// What a tokenizer.json does with text before it is split: its normalizers, one after the other. Called by
// UnigramStages and ByteLevelStages for every stretch of text between added tokens.

/// A sequence of normalizers.
struct TextNormalizer: Sendable {
  /// One normalizer.
  enum Step: Sendable {
    case precompiled(PrecompiledCharsmap)
    case replace(Replacement)
    /// Puts bytes in front of text that is not empty.
    case prepend([UInt8])
    case strip(left: Bool, right: Bool)
    case form(NormalizationForm)
    case stripAccents
    /// BERT's clean-up, and lower case.
    case bert(BertNormalizer)

    /// Whether the beginning of a text may be removed.
    var removesStart: Bool {
      switch self {
      case .strip(let left, _): left
      case .replace(let replacement): replacement.content.isEmpty
      case .stripAccents: true
      case .bert(let normalizer): normalizer.options.cleansText || normalizer.options.stripsAccents ?? true
      case .precompiled, .prepend, .form: false
      }
    }

    /// Whether one character may become several.
    var expands: Bool {
      switch self {
      case .precompiled, .form, .prepend, .replace: true
      case .bert, .strip, .stripAccents: false
      }
    }
  }

  let steps: [Step]

  init(_ steps: [Step]) { self.steps = steps }

  /// Whether text stays as it is.
  var isEmpty: Bool { steps.isEmpty }

  /// The normal form of `text`, valid UTF-8; valid until the memory is used again.
  /// - Returns: whether something at the start of the text was removed, too, as far as Hugging Face's package notices.
  func normalize(
    _ text: UnsafeBufferPointer<UInt8>, _ memory: inout NormalizerMemory
  ) -> (text: UnsafeBufferPointer<UInt8>, startIsRemoved: Bool) {
    var removed = false
    var text = text
    for (index, step) in steps.enumerated() {
      if index % 2 == 0 {
        if apply(step, to: text, &memory.forms, &memory.even) { removed = true }
        text = memory.even.view
      } else {
        if apply(step, to: text, &memory.forms, &memory.odd) { removed = true }
        text = memory.odd.view
      }
    }
    return (text, removed)
  }

  /// The added tokens that are matched in normal form, in that form.
  func normal(_ added: [AddedToken]) -> AddedTokens {
    var memory = NormalizerMemory()
    return AddedTokens(
      added.filter(\.isNormalized).map { token in
        var token = token
        token.bytes = token.bytes.withUnsafeBufferPointer { Array(normalize($0, &memory).text) }
        return token
      })
  }

  private func apply(
    _ step: Step, to text: UnsafeBufferPointer<UInt8>, _ forms: inout CompositionMemory,
    _ output: inout AppendingBuffer<UInt8>
  ) -> Bool {
    output.count = 0
    switch step {
    case .precompiled(let charsmap): charsmap.append(text, to: &output)
    case .replace(let replacement): return replacement.append(text, to: &output)
    case .prepend(let bytes):
      if text.isEmpty { return false }
      for byte in bytes { output.append(byte) }
      Self.copy(text, to: &output)
    case .strip(let left, let right):
      let kept = Self.stripped(text, left: left, right: right)
      Self.copy(UnsafeBufferPointer(rebasing: text[kept]), to: &output)
      return kept.lowerBound > 0
    case .form(let form): form.append(text, &forms, to: &output)
    case .stripAccents: return Self.stripAccents(text, to: &output)
    case .bert(let normalizer): normalizer.normalize(text, into: &output)
    }
    return false
  }

  private static func copy(_ text: UnsafeBufferPointer<UInt8>, to output: inout AppendingBuffer<UInt8>) {
    if let start = text.baseAddress { output.append(from: start, count: text.count) }
  }

  /// Where the text is without the white space at its ends.
  private static func stripped(_ text: UnsafeBufferPointer<UInt8>, left: Bool, right: Bool) -> Range<Int> {
    guard let base = text.baseAddress else { return 0..<0 }
    var range = 0..<text.count
    while left, !range.isEmpty {
      let (scalar, length) = UTF8Text.character(base + range.lowerBound)
      guard isWhitespace(scalar) else { break }
      range = range.lowerBound + length..<range.upperBound
    }
    while right, !range.isEmpty {
      var start = range.upperBound - 1
      while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
      guard isWhitespace(UTF8Text.character(base + start).scalar) else { break }
      range = range.lowerBound..<start
    }
    return range
  }

  /// Whether Rust takes a character for white space.
  static func isWhitespace(_ scalar: UInt32) -> Bool {
    BertCharacters.shared.flags[scalar] & BertCharacters.Flag.whitespace != 0
  }

  private static func stripAccents(
    _ text: UnsafeBufferPointer<UInt8>, to output: inout AppendingBuffer<UInt8>
  ) -> Bool {
    guard let start = text.baseAddress else { return false }
    let characters = CompatibleCharacters.shared
    var removesStart = false
    var index = 0
    while index < text.count {
      let ascii = UTF8Text.asciiPrefix(UnsafeBufferPointer(rebasing: text[index...]))
      output.append(from: start + index, count: ascii)
      index += ascii
      while index < text.count, text[index] >= 0x80 {
        let (scalar, length) = UTF8Text.character(start + index)
        if !characters.isAccent(scalar) {
          output.append(from: start + index, count: length)
        } else if index == 0 {
          removesStart = true
        }
        index += length
      }
    }
    return removesStart
  }
}

/// One thread's memory for normalizers: each writes into one buffer what it reads from the other.
struct NormalizerMemory: ~Copyable {
  var even = AppendingBuffer<UInt8>()
  var odd = AppendingBuffer<UInt8>()
  var forms = CompositionMemory()
}
