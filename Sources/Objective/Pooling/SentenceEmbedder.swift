// Embeddings of lines of text: `mixcse encode`, and every evaluation during and after training.

package import Encoder
package import Kernels
import PluginAPI
package import Tokenizer

/// How embeddings are wanted.
package struct EmbeddingOptions: Sendable {
  /// Off for the vectors before the head (`cls_before_pooler`).
  package var useHead: Bool
  /// Scale every embedding to length 1.
  package var normalize: Bool

  /// Through the head, as they are.
  package init(useHead: Bool = true, normalize: Bool = false) {
    self.useHead = useHead
    self.normalize = normalize
  }
}

/// The embeddings of some lines, in their order.
package final class EmbeddingTable {
  /// [lines, width]; valid as long as this table lives.
  package let matrix: Matrix
  /// Bytes that were no valid UTF-8 and were replaced.
  package let replacedBytes: Int
  /// Lines that were cut at the maximum length.
  package let truncatedLines: Int
  private let owner: FloatBuffer

  init(rows: Int, width: Int, replacedBytes: Int, truncatedLines: Int) {
    owner = FloatBuffer(count: rows * width)
    matrix = owner.matrix(rows: rows, columns: width)
    self.replacedBytes = replacedBytes
    self.truncatedLines = truncatedLines
  }
}

/// Tokenizer, encoder and pooling together.
package final class SentenceEmbedder {
  /// Lines to embed at once where there are many: enough that those of a length come together.
  package static let linesAtOnce = 4096

  /// What cuts lines into tokens.
  package let tokenizer: any Tokenizer
  /// What makes hidden states of them.
  package let encoder: any SentenceEncoder
  /// What makes one vector of a line's hidden states.
  package let pooling: PoolingStack
  /// Tokens of a line at most, special ones included.
  package let maximumLength: Int
  /// Tokens of a batch, about; a longer line makes a batch of its own.
  package let tokenBudget: Int
  /// What is put before every line.
  package let prompt: String

  /// An embedder of its parts; `maximumLength` is at most what the encoder can take, and by default what the folder of
  /// the tokenizer asks for.
  package init(
    tokenizer: any Tokenizer, encoder: any SentenceEncoder, pooling: PoolingStack, maximumLength: Int? = nil,
    tokenBudget: Int = 4096, prompt: String = ""
  ) {
    precondition(tokenBudget > 0)
    self.tokenizer = tokenizer
    self.encoder = encoder
    self.pooling = pooling
    self.maximumLength = min(maximumLength ?? tokenizer.maximumLength ?? .max, encoder.maximumTokens)
    self.tokenBudget = tokenBudget
    self.prompt = prompt
  }

  /// Width of an embedding.
  package var width: Int { pooling.embeddedWidth(useHead: true) }

  /// Embeds `lines`; each distinct sequence of tokens is computed once, the longest first.
  ///
  /// - Parameters:
  ///   - progress: called after each batch with the lines done and the number of all; it may throw to stop.
  /// - Throws: `ObjectiveError.notFinite` with the line, `.tokenWithoutVector` with the text, errors of the encoder,
  ///   `PluginFailure`, what `progress` throws.
  package func embed(
    _ lines: [String], options: EmbeddingOptions = EmbeddingOptions(), progress: ((Int, Int) throws -> Void)? = nil
  ) throws -> EmbeddingTable {
    let variant = PoolingVariant(stack: pooling, useHead: options.useHead)
    return try embed(lines, with: [variant], normalize: options.normalize, progress: progress)[0]
  }

  /// The same for several poolings of the same hidden states: one table each, at the price of one encoding.
  package func embed(
    _ lines: [String], with variants: [PoolingVariant], normalize: Bool = false,
    progress: ((Int, Int) throws -> Void)? = nil
  ) throws -> [EmbeddingTable] {
    let texts = prompt.isEmpty ? lines : lines.map { prompt + $0 }
    let profile = pooling.pool.profile
    let tokenized = profile.measure("lines/tokens") {
      tokenizer.encodeAll(texts, maximumLength: maximumLength, threads: pooling.pool.threads)
    }
    try checkVocabulary(tokenized, lines)
    let tables = variants.map { variant in
      EmbeddingTable(
        rows: lines.count, width: variant.width,
        replacedBytes: tokenized.reduce(0) { $0 + $1.replacedBytes },
        truncatedLines: tokenized.count(where: \.truncated))
    }
    let request = PoolingVariant.request(of: variants)
    let distinct = profile.measure("lines/distinct") { distinctLines(tokenized) }
    var done = 0
    var start = 0
    while start < distinct.count {
      let end = batchEnd(distinct, tokenized, from: start)
      let members = distinct[start..<end]
      let batch = PackedBatch(members.map { tokenized[$0[0]].ids })
      let hidden = try encoder.forward(batch, request: request, mode: .inference)
      for (variant, table) in zip(variants, tables) {
        let layers = HiddenSelection(hidden, of: request, for: variant.stack.layerRequest, offsets: batch.offsets)
        try profile.measure("lines/vectors") {
          try pool(variant, layers, batch, Array(members), normalize: normalize, into: table)
        }
      }
      done += members.reduce(0) { $0 + $1.count }
      start = end
      try progress?(done, lines.count)
    }
    return tables
  }

  /// Before anything is computed.
  /// - Throws: `ObjectiveError.tokenWithoutVector`
  private func checkVocabulary(_ tokenized: [TokenizedLine], _ lines: [String]) throws {
    let limit = Int32(encoder.vocabularySize)
    guard tokenizer.vocabularySize > limit else { return }
    for (line, text) in zip(tokenized, lines) {
      guard let id = line.ids.first(where: { $0 >= limit }) else { continue }
      throw ObjectiveError.tokenWithoutVector(
        token: tokenizer.token(id) ?? "a token", id: id, text: text, vocabularySize: Int(limit))
    }
  }

  /// The lines of each distinct sequence of tokens, the longest sequence first.
  private func distinctLines(_ tokenized: [TokenizedLine]) -> [[Int]] {
    var places: [[Int32]: [Int]] = [:]
    for (index, line) in tokenized.enumerated() { places[line.ids, default: []].append(index) }
    // Ties in the order of first appearance, so that the batches do not depend on hashing.
    return places.values.sorted { (tokenized[$1[0]].ids.count, $0[0]) < (tokenized[$0[0]].ids.count, $1[0]) }
  }

  private func batchEnd(_ distinct: [[Int]], _ tokenized: [TokenizedLine], from start: Int) -> Int {
    var end = start
    var tokens = 0
    while end < distinct.count {
      tokens += tokenized[distinct[end][0]].ids.count
      if end > start, tokens > tokenBudget { break }
      end += 1
    }
    return end
  }

  /// Pools one batch; `members` holds the lines of each distinct sequence.
  private func pool(
    _ variant: PoolingVariant, _ hidden: HiddenSelection, _ batch: PackedBatch, _ members: [[Int]], normalize: Bool,
    into table: EmbeddingTable
  ) throws {
    let special = tokenizer.specialIDs
    let flags = batch.tokens.map { special.contains($0) ? UInt8(CSE_TOKEN_SPECIAL) : 0 }
    let width = variant.width
    let owner = FloatBuffer(count: members.count * width)
    let vectors = owner.matrix(rows: members.count, columns: width)
    try withExtendedLifetime((owner, hidden)) {
      try variant.stack.embed(
        TokenBatch(batch, tokenFlags: flags), hidden: hidden.layers, useHead: variant.useHead, into: vectors)
      for (index, lines) in members.enumerated() {
        try finish(vectors.row(index), width: width, line: lines[0], normalize: normalize)
        for line in lines { table.matrix.row(line).update(from: vectors.row(index), count: width) }
      }
    }
  }

  /// Checks one embedding and normalises it if wanted.
  private func finish(_ row: UnsafeMutablePointer<Float>, width: Int, line: Int, normalize: Bool) throws {
    let length = dot(row, row, width).squareRoot()
    guard length.isFinite else { throw ObjectiveError.notFinite(what: "the embedding of the lines", row: line) }
    if normalize { for column in 0..<width { row[column] /= max(length, normFloor) } }
  }
}
