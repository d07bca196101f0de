// The tokens of a view, as an augmenter gets and rewrites them.

public import PluginAPI

/// One view of a batch as tokens, packed without padding, and the place where its new tokens go.
public struct Edit {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_edit>

  /// The view, or the one that is added: 0 = anchors, 1 = positives, 2 = hard negatives.
  public var view: Int { Int(raw.pointee.view) }
  /// The number of sequences: one a row.
  public var sequences: Int { Int(raw.pointee.n_seqs) }
  /// The number of tokens of all sequences.
  public var tokenCount: Int { Int(raw.pointee.n_tokens) }
  /// Token ids are below it.
  public var vocabulary: Int { Int(raw.pointee.vocab) }
  /// The longest sequence that the encoder takes.
  public var maximumTokens: Int { Int(raw.pointee.max_tokens) }
  /// The token that hides another; nil where the tokenizer has none.
  public var maskID: Int32? { raw.pointee.mask_id >= 0 ? raw.pointee.mask_id : nil }

  /// The tokens of sequence `s`, numbered over all sequences.
  public func tokens(of s: Int) -> Range<Int> { Int(raw.pointee.offsets[s])..<Int(raw.pointee.offsets[s + 1]) }
  /// The id of a token.
  public func id(_ token: Int) -> Int32 { raw.pointee.token_ids[token] }
  /// Whether a token is a special one, such as [CLS].
  public func isSpecial(_ token: Int) -> Bool { raw.pointee.token_flags[token] != 0 }
  /// Which word of its sequence a token belongs to, from 0; -1 for special tokens.
  public func word(_ token: Int) -> Int { Int(raw.pointee.words[token]) }
  /// The row's place in the training file.
  public func rowID(_ s: Int) -> Int64 { raw.pointee.row_ids[s] }

  /// Sets the probability of dropout in the step's pass over the new sequence `s`, of hidden states and attention
  /// alike: 0 to below 1.
  /// - Throws: where the host has one rate for all.
  public func setDropout(_ s: Int, _ rate: Float) throws {
    let end = (MemoryLayout<cse_edit>.offset(of: \.out_dropout) ?? 0) + MemoryLayout<UnsafeRawPointer>.size
    guard Int(raw.pointee.struct_size) >= end, let rates = raw.pointee.out_dropout else {
      throw PluginError.unsupported("this host has one dropout for all texts: it needs a newer one")
    }
    rates[s] = rate
  }

  /// Writes every sequence anew.
  /// - Parameter body: the new ids of a sequence, given its tokens; a sequence keeps its first token.
  /// - Throws: where they are more than `Plan.grow` said, or what `body` throws.
  public func rewrite(_ body: (_ sequence: Int, _ tokens: Range<Int>) throws -> [Int32]) throws {
    var count = 0
    raw.pointee.out_offsets[0] = 0
    for sequence in 0..<sequences {
      let ids = try body(sequence, tokens(of: sequence))
      guard count + ids.count <= Int(raw.pointee.room) else {
        throw PluginError.invalid("more than \(raw.pointee.room) tokens, which `grow` in plan allows")
      }
      for (index, id) in ids.enumerated() { raw.pointee.out_ids[count + index] = id }
      count += ids.count
      raw.pointee.out_offsets[sequence + 1] = Int64(count)
    }
  }
}
