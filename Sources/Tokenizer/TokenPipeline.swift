// The tokenizer behind the protocol: repair, added tokens, then the stages of its family, then truncation.
// Made by TokenizerFolder.

/// A tokenizer of any family.
final class TokenPipeline: Tokenizer {
  /// What happens to a stretch of text between added tokens.
  enum Stages: Sendable {
    case wordPiece(WordPieceStages)
    case byteLevel(ByteLevelStages)
    case unigram(UnigramStages)

    var borders: LineBorders? {
      switch self {
      case .wordPiece(let stages): stages.borders
      case .byteLevel(let stages): stages.borders
      case .unigram(let stages): stages.borders
      }
    }
  }

  private let vocabulary: Vocabulary
  private let special: SpecialTokens
  private let added: AddedTokens
  private let stages: Stages
  let specialIDs: Set<Int32>
  let maximumLength: Int?
  private let borders: LineBorders?
  /// Whether a line that is too long loses its beginning.
  private let truncatesLeft: Bool

  init(
    vocabulary: Vocabulary, special: SpecialTokens, added: [AddedToken], stages: Stages, maximumLength: Int? = nil,
    truncatesLeft: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.special = special
    self.maximumLength = maximumLength
    self.truncatesLeft = truncatesLeft
    // Those that are matched in normal form are found by the stages, in what these leave: one of these may take the
    // blanks before it along, which are a token themselves.
    self.added = AddedTokens(added.filter { !$0.isNormalized })
    self.stages = stages
    borders = self.added.crossBorders ? nil : stages.borders
    specialIDs = special.all
  }

  var vocabularySize: Int { vocabulary.size }
  var startID: Int32 { special.start }
  var endID: Int32 { special.end }
  var padID: Int32 { special.padding }
  var maskID: Int32? { special.mask }

  var wordMarks: WordMarks {
    switch stages {
    case .wordPiece: .inside(Array("##".utf8))
    case .byteLevel: .beginning(ByteSpelling.spell(0x20))
    case .unigram(let stages): .beginning(stages.mark)
    }
  }

  func token(_ id: Int32) -> String? { vocabulary.bytes(of: id).map { String(decoding: $0, as: UTF8.self) } }

  func text(of ids: [Int32]) -> [UInt8]? {
    var text: [UInt8] = []
    for (index, id) in ids.enumerated() {
      guard let token = vocabulary.bytes(of: id) else { return nil }
      switch stages {
      // An added token stands for itself.
      case .byteLevel: text += ByteSpelling.bytes(token) ?? token
      case .unigram(let stages): text += stages.text(of: token)
      case .wordPiece:
        if token.starts(with: "##".utf8), token.count > 2 {
          text += token.dropFirst(2)
        } else {
          text += index > 0 ? [0x20] + token : token
        }
      }
    }
    return text
  }

  func makeEncoder() -> any LineEncoder { PipelineEncoder(self) }

  func makeEncoder(partSize: Int) -> any LineEncoder { PipelineEncoder(self, partSize: partSize) }

  /// Encodes one line with the memory of one thread.
  fileprivate func encode(
    _ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int, partSize: Int, _ memory: inout EncoderMemory
  ) -> TokenizedLine {
    precondition(maximumLength >= 2, "the two special tokens need a maximum length of at least 2")
    memory.ids.count = 0
    memory.ids.append(special.start)
    // What comes last is known at the end only.
    memory.limit = truncatesLeft ? .max : maximumLength - 1
    var replaced = 0
    if UTF8Text.validPrefix(utf8) == utf8.count {
      appendLine(utf8, partSize, &memory)
    } else {
      replaced = UTF8Text.repair(utf8, into: &memory.repaired)
      appendLine(memory.repaired.view, partSize, &memory)
    }
    let excess = memory.ids.count - (maximumLength - 1)
    if excess > 0, !truncatesLeft { memory.ids.count = maximumLength - 1 }
    memory.ids.append(special.end)
    var ids = Array(memory.ids.view)
    if excess > 0, truncatesLeft { ids.removeSubrange(1...excess) }
    return TokenizedLine(ids: ids, replacedBytes: replaced, truncated: excess > 0)
  }

  /// Part by part, each of `partSize` bytes or more, until there are enough tokens.
  private func appendLine(_ text: UnsafeBufferPointer<UInt8>, _ partSize: Int, _ memory: inout EncoderMemory) {
    guard let borders, text.count > partSize else { return appendPart(text, isFirst: true, &memory) }
    var start = 0
    while start < text.count, !memory.isFull {
      let end = borders.next(in: text, from: start + partSize, &memory.normalizing)
      appendPart(UnsafeBufferPointer(rebasing: text[start..<end]), isFirst: start == 0, &memory)
      start = end
    }
  }

  private func appendPart(_ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ memory: inout EncoderMemory) {
    if added.isEmpty { return appendStretch(text, isFirst: isFirst, &memory) }
    added.split(text) { part in
      switch part {
      // Text behind an added token is not the beginning of the line.
      case .stretch(let stretch): appendStretch(stretch, isFirst: isFirst && memory.ids.count == 1, &memory)
      case .token(let id): memory.ids.append(id)
      }
      return !memory.isFull
    }
  }

  private func appendStretch(_ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ memory: inout EncoderMemory) {
    switch stages {
    case .wordPiece(let stages): stages.append(text, &memory)
    case .byteLevel(let stages): stages.append(text, &memory)
    case .unigram(let stages): stages.append(text, isFirst: isFirst, &memory)
    }
  }
}

/// One thread's working memory.
struct EncoderMemory: ~Copyable {
  var repaired = AppendingBuffer<UInt8>()
  var normalized = AppendingBuffer<UInt8>()
  var spaced = AppendingBuffer<UInt8>()
  var ids = AppendingBuffer<Int32>()
  var merging = MergeScratch()
  var normalizing = NormalizerMemory()
  var lattice = UnigramLattice()
  /// How many ids may stand before the last special token.
  var limit = 0

  /// Whether there is a token too many, so that further text makes no difference.
  var isFull: Bool { ids.count > limit }
}

/// A pipeline with one thread's memory.
private final class PipelineEncoder: LineEncoder {
  private let pipeline: TokenPipeline
  private let partSize: Int
  private var memory = EncoderMemory()

  /// - Parameter partSize: bytes of a part at least; a few of the first cache.
  init(_ pipeline: TokenPipeline, partSize: Int = 1 << 12) { (self.pipeline, self.partSize) = (pipeline, partSize) }

  func encode(_ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int) -> TokenizedLine {
    pipeline.encode(utf8, maximumLength: maximumLength, partSize: partSize, &memory)
  }
}
