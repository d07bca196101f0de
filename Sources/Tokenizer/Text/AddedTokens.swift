// Finds tokens such as [SEP] or <mask> written in the text itself, before or after it is cleaned.
// Called by TokenPipeline for every line. Follows Hugging Face's AddedVocabulary: such tokens become their id,
// wherever they stand; the first match wins, the longest at one place.

/// A token that is looked for in the text as a whole.
struct AddedToken: Equatable, Sendable {
  var bytes: [UInt8]
  var id: Int32
  /// Matched in cleaned text instead of the original.
  var isNormalized = false
  /// Matched only where no word character stands beside it.
  var isSingleWord = false
  /// Takes the white space before it along.
  var stripsLeft = false
  /// Takes the white space after it along.
  var stripsRight = false
  /// Counts among `specialIDs`.
  var isSpecial = true
}

/// A set of added tokens to look for.
struct AddedTokens: Sendable {
  private let byFirstByte: [[AddedToken]]  // 256 lists, longest token first
  private let onlyFirstByte: UInt8?  // where all begin with the same byte
  private let characters = ByteLevelCharacters.shared
  let isEmpty: Bool
  /// Whether one may reach across a border of a line (`LineBorders`), or look there.
  let crossBorders: Bool

  init(_ tokens: [AddedToken]) {
    var lists = [[AddedToken]](repeating: [], count: 256)
    for token in tokens {
      if let first = token.bytes.first { lists[Int(first)].append(token) }
    }
    byFirstByte = lists.map { list in list.sorted { $0.bytes.count > $1.bytes.count } }
    isEmpty = lists.allSatisfy(\.isEmpty)
    crossBorders = tokens.contains { token in
      let hasInnerBlank = zip(token.bytes, token.bytes.dropFirst()).contains { $0 != 0x20 && $1 == 0x20 }
      return token.stripsRight || hasInnerBlank || token.isSingleWord && token.bytes.first == 0x20
    }
    let used = lists.indices.filter { !lists[$0].isEmpty }
    onlyFirstByte = used.count == 1 ? UInt8(used[0]) : nil
  }

  /// A part of a line.
  enum Part {
    case stretch(UnsafeBufferPointer<UInt8>)
    case token(Int32)
  }

  /// Cuts `text` into stretches without added tokens, and the tokens between them, in order, until `body` returns
  /// false.
  func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (Part) -> Bool) {
    var done = 0
    var index = 0
    while let position = candidate(in: text, from: index) {
      guard let match = match(in: text, at: position) else {
        index = position + 1
        continue
      }
      index = position + match.bytes.count
      if match.isSingleWord, isWord(before: position, text) || isWord(at: index, text) { continue }
      let start = match.stripsLeft ? max(done, blanksStart(before: position, text)) : position
      let end = match.stripsRight ? blanksEnd(from: index, text) : index
      if done < start, !body(.stretch(UnsafeBufferPointer(rebasing: text[done..<start]))) { return }
      if !body(.token(match.id)) { return }
      done = end
      index = end
    }
    if done < text.count { _ = body(.stretch(UnsafeBufferPointer(rebasing: text[done...]))) }
  }

  /// The next place where an added token may begin.
  private func candidate(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    if let onlyFirstByte { return text[start...].firstIndex(of: onlyFirstByte) }
    return text[start...].firstIndex { !byFirstByte[Int($0)].isEmpty }
  }

  private func match(in text: UnsafeBufferPointer<UInt8>, at position: Int) -> AddedToken? {
    byFirstByte[Int(text[position])].first { text[position...].starts(with: $0.bytes) }
  }

  private func flags(before end: Int, _ text: UnsafeBufferPointer<UInt8>) -> (flags: UInt8, start: Int)? {
    guard let base = text.baseAddress, end > 0 else { return nil }
    let start = UTF8Text.start(of: text, before: end)
    return (characters.flags[UTF8Text.character(base + start).scalar], start)
  }

  private func flags(at start: Int, _ text: UnsafeBufferPointer<UInt8>) -> (flags: UInt8, end: Int)? {
    guard let base = text.baseAddress, start < text.count else { return nil }
    let (scalar, length) = UTF8Text.character(base + start)
    return (characters.flags[scalar], start + length)
  }

  private func isWord(before end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    (flags(before: end, text)?.flags ?? 0) & ByteLevelCharacters.Flag.word != 0
  }

  private func isWord(at start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    (flags(at: start, text)?.flags ?? 0) & ByteLevelCharacters.Flag.word != 0
  }

  private func blanksStart(before end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var start = end
    while let (flags, previous) = flags(before: start, text), flags & ByteLevelCharacters.Flag.whitespace != 0 {
      start = previous
    }
    return start
  }

  private func blanksEnd(from start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var end = start
    while let (flags, next) = flags(at: end, text), flags & ByteLevelCharacters.Flag.whitespace != 0 { end = next }
    return end
  }
}
