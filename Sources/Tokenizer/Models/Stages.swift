// What the two families do with a stretch of text between added tokens. Called by TokenPipeline.

/// BERT: clean, find added tokens that are matched in clean text, split into words, cut words into pieces.
struct WordPieceStages: Sendable {
  private let normalizer: BertNormalizer
  private let splitter = BertWordSplitter()
  private let model: WordPieceModel
  private let added: AddedTokens  // the normalized ones, in clean form

  /// Where a line may be cut: white space makes no tokens and parts all words.
  var borders: LineBorders? { added.crossBorders ? nil : LineBorders(nil) }

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
      return !memory.isFull
    }
  }

  private func appendWords(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    splitter.forEachWord(in: text) { word in
      model.append(word, to: &memory.ids)
      return !memory.isFull
    }
  }
}

/// RoBERTa, GPT-2 and ModernBERT: bring text into its normal form, find added tokens that are matched in that form,
/// split by the regular expression, merge the bytes of each piece.
struct ByteLevelStages: Sendable {
  private let splitter = ByteLevelSplitter()
  private let model: BytePairModel
  private let addsPrefixSpace: Bool
  private let normalizer: TextNormalizer
  private let added: AddedTokens  // the normalized ones, in normal form

  /// Where a line may be cut.
  var borders: LineBorders? { added.crossBorders ? nil : LineBorders(normalizer) }

  init(model: BytePairModel, addsPrefixSpace: Bool, normalizer: TextNormalizer, added: [AddedToken]) {
    self.model = model
    self.addsPrefixSpace = addsPrefixSpace
    self.normalizer = normalizer
    self.added = normalizer.normal(added)
  }

  /// Appends the tokens of `text`.
  func append(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    let normal = normalizer.normalize(text, &memory.normalizing).text
    if added.isEmpty { return appendStretch(normal, &memory) }
    added.split(normal) { part in
      switch part {
      case .stretch(let stretch): appendStretch(stretch, &memory)
      case .token(let id): memory.ids.append(id)
      }
      return !memory.isFull
    }
  }

  private func appendStretch(_ text: UnsafeBufferPointer<UInt8>, _ memory: inout EncoderMemory) {
    if text.isEmpty { return }
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
