// What a Unigram tokenizer does with a stretch of text between added tokens. Called by TokenPipeline.

/// SentencePiece: bring text into its normal form, find added tokens that are matched in that form, split at blanks,
/// cut pieces into tokens.
struct UnigramStages: Sendable {
  private let normalizer: TextNormalizer
  private let preTokenizers: [PreTokenizer]
  private let splitters: [BertWordSplitter?]
  private let model: UnigramModel
  private let added: AddedTokens  // the normalized ones, in normal form

  /// Where a line may be cut.
  var borders: LineBorders? { added.crossBorders || !splitsAtBlanks ? nil : LineBorders(normalizer) }

  /// Whether no token has a blank but at its beginning.
  private var splitsAtBlanks: Bool {
    for step in preTokenizers {
      switch step {
      case .whitespaceSplit, .bertWords: return true
      case .metaspace(let metaspace): return metaspace.splits
      case .punctuation: continue
      }
    }
    return false
  }

  /// - Parameters:
  ///   - preTokenizers: at most one of them a Metaspace.
  ///   - added: all added tokens.
  init(normalizer: TextNormalizer, preTokenizers: [PreTokenizer], model: UnigramModel, added: [AddedToken]) {
    self.normalizer = normalizer
    self.preTokenizers = preTokenizers
    splitters = preTokenizers.map(\.splitter)
    self.model = model
    self.added = normalizer.normal(added)
  }

  /// The bytes that stand for a blank in tokens.
  var mark: [UInt8] {
    for case .metaspace(let metaspace) in preTokenizers { return metaspace.mark }
    return Array("\u{2581}".utf8)
  }

  /// The text that a token stands for, blanks and single bytes among it.
  func text(of token: [UInt8]) -> [UInt8] {
    if let byte = model.byte(of: token) { return [byte] }
    var text: [UInt8] = []
    var rest = token[...]
    while let first = rest.first {
      let isBlank = rest.starts(with: mark)
      text.append(isBlank ? 0x20 : first)
      rest = rest.dropFirst(isBlank ? mark.count : 1)
    }
    return text
  }

  /// Appends the tokens of `text`.
  /// - Parameter isFirst: whether it is the beginning of the line.
  func append(_ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ memory: inout EncoderMemory) {
    let (clean, startIsRemoved) = normalizer.normalize(text, &memory.normalizing)
    var isFirst = isFirst && !startIsRemoved
    if added.isEmpty { return split(clean, from: 0, isFirst: isFirst, &memory) }
    added.split(clean) { part in
      switch part {
      case .stretch(let stretch): split(stretch, from: 0, isFirst: isFirst, &memory)
      case .token(let id): memory.ids.append(id)
      }
      isFirst = false
      return !memory.isFull
    }
  }

  /// Splits by the pre-tokenizers from one on, then cuts into tokens.
  private func split(
    _ text: UnsafeBufferPointer<UInt8>, from index: Int, isFirst: Bool, _ memory: inout EncoderMemory
  ) {
    if text.isEmpty { return }
    guard index < preTokenizers.count else { return model.append(text, &memory.lattice, to: &memory.ids) }
    func next(_ piece: UnsafeBufferPointer<UInt8>) -> Bool {
      split(piece, from: index + 1, isFirst: false, &memory)
      return !memory.isFull
    }
    guard case .metaspace(let metaspace) = preTokenizers[index] else {
      splitters[index]?.forEachWord(in: text, next)
      return
    }
    metaspace.write(text, isFirst: isFirst, into: &memory.spaced)
    metaspace.forEachPiece(in: memory.spaced.view, next)
  }
}
