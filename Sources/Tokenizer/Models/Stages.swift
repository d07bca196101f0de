// What the two families do with a stretch of text between added tokens. Called by TokenPipeline.

/// BERT: clean, find added tokens that are matched in clean text, split into words, cut words into pieces.
struct WordPieceStages: Sendable {
  private let normalizer: BertNormalizer
  private let splitter = BertWordSplitter()
  private let model: WordPieceModel
  private let added: AddedTokens  // the normalized ones, in clean form

  init(normalizer: BertNormalizer, model: WordPieceModel, added: [AddedToken]) {
    self.normalizer = normalizer
    self.model = model
    self.added = normalizer.clean(added)
  }

  /// Appends the tokens of `text`.
  func append(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    normalizer.normalize(text, into: &memory.normalized)
    let clean = memory.normalized.view
    if added.isEmpty { return appendWords(clean, &memory) }
    added.split(clean) { part in
      switch part {
      case .stretch(let stretch): appendWords(stretch, &memory)
      case .token(let id): memory.ids.append(id)
      }
    }
  }

  private func appendWords(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    splitter.forEachWord(in: text) { word in
      model.append(word, to: &memory.ids)
      return !memory.isFull
    }
  }
}

/// RoBERTa and GPT-2: split by the regular expression, merge the bytes of each piece.
struct ByteLevelStages: Sendable {
  private let splitter = ByteLevelSplitter()
  private let model: BytePairModel
  private let addsPrefixSpace: Bool
  private let normalizer: BertNormalizer?
  private let added: AddedTokens  // the normalized ones, in lower case; none where text is not changed

  init(model: BytePairModel, addsPrefixSpace: Bool, lowercases: Bool, added: [AddedToken]) {
    self.model = model
    self.addsPrefixSpace = addsPrefixSpace
    let normalizer = lowercases ? BertNormalizer(.none.lowercasedFirst) : nil
    self.normalizer = normalizer
    self.added = normalizer?.clean(added) ?? AddedTokens([])
  }

  var lowercases: Bool { normalizer != nil }

  /// Appends the tokens of `text`.
  func append(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    guard let normalizer else { return appendStretch(text, &memory) }
    normalizer.normalize(text, into: &memory.normalized)
    added.split(memory.normalized.view) { part in
      switch part {
      case .stretch(let stretch): appendStretch(stretch, &memory)
      case .token(let id): memory.ids.append(id)
      }
    }
  }

  private func appendStretch(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    guard addsPrefixSpace, let start = text.baseAddress, start.pointee != 0x20 else {
      return appendPieces(text, &memory)
    }
    memory.spaced.count = 0
    memory.spaced.append(0x20)
    memory.spaced.append(from: start, count: text.count)
    appendPieces(memory.spaced.view, &memory)
  }

  private func appendPieces(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    splitter.forEachPiece(in: text) { piece in
      model.append(piece, scratch: &memory.merging, to: &memory.ids)
      return !memory.isFull
    }
  }
}

extension BertNormalizer {
  /// The added tokens that are matched in clean text, in clean form.
  fileprivate func clean(_ added: [AddedToken]) -> AddedTokens {
    AddedTokens(
      added.filter(\.isNormalized).map { token in
        var clean = AppendingBuffer<UInt8>()
        token.bytes.withUnsafeBufferPointer { normalize($0, into: &clean) }
        var token = token
        token.bytes = Array(clean.view)
        return token
      })
  }
}
