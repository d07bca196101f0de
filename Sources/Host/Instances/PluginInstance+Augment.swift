// A view of a batch given to an augmenter, and what it made of it: checked before anyone uses it. Called by training
// for every batch, and by the checks of plugins.

import Kernels
import PluginAPI

/// The tokens of one view.
package struct TokenView: Sendable {
  /// 0 anchor, 1 positive, 2 hard negative.
  package var view: Int
  /// By row.
  package var sequences: [[Int32]]
  /// Of each token the number of its word; -1 for special ones.
  package var words: [[Int32]]
  /// Where the rows stand in the training file.
  package var rowIDs: [Int64]
  /// Of each sequence the probability of dropout that an earlier augmenter asked for; -1: the run's own.
  package var dropout: [Float]

  /// A view by its parts; without `dropout` it has the run's own.
  package init(
    view: Int, sequences: [[Int32]], words: [[Int32]], rowIDs: [Int64], dropout: [Float]? = nil
  ) {
    (self.view, self.sequences, self.words, self.rowIDs) = (view, sequences, words, rowIDs)
    self.dropout = dropout ?? [Float](repeating: -1, count: sequences.count)
  }
}

/// What an augmenter made of a view.
package struct EditedView: Sendable, Equatable {
  /// By row.
  package var sequences: [[Int32]]
  /// Of each sequence the probability of dropout in training; -1: the run's own.
  package var dropout: [Float]
}

/// What an augmenter may make of tokens.
package struct TokenBounds: Sendable {
  /// Ids are below it.
  package var vocabularySize: Int
  /// Of a sequence.
  package var maximumTokens: Int
  /// The mask token; nil where there is none.
  package var maskID: Int32?
  /// The padding token; nil where there is none.
  package var padID: Int32?

  /// Bounds by their parts.
  package init(vocabularySize: Int, maximumTokens: Int, maskID: Int32?, padID: Int32?) {
    (self.vocabularySize, self.maximumTokens) = (vocabularySize, maximumTokens)
    (self.maskID, self.padID) = (maskID, padID)
  }
}

extension PluginInstance {
  /// Augmenter: a view as it leaves it.
  /// - Throws: `PluginFailure` where it fails, or makes sequences that no encoder takes.
  package func augment(_ view: TokenView, within bounds: TokenBounds) throws -> EditedView {
    guard table.augment != nil else { throw missing(.augment) }
    let memory = EditMemory(view, bounds, growth: plan.growth, size: services.age.size(of: cse_edit.self))
    return try withExtendedLifetime(memory) {
      try perform(.augment, CallArguments(memory.edit), extraBuffers: memory.buffers)
      return EditedView(
        sequences: try sequences(memory, like: view, within: bounds), dropout: try dropout(memory, of: view))
    }
  }

  private func dropout(_ memory: EditMemory, of view: TokenView) throws -> [Float] {
    try view.sequences.indices.map { sequence in
      let rate = memory.newDropout[sequence]
      guard rate == -1 || (0..<1).contains(rate) else {
        throw failure(
          .augment,
          .contract(
            "it set the dropout of sequence \(sequence) to \(rate), expected 0 to below 1, or -1 for the run's own"))
      }
      return rate
    }
  }

  private func sequences(
    _ memory: EditMemory, like view: TokenView, within bounds: TokenBounds
  ) throws -> [[Int32]] {
    func refusal(_ text: String) -> PluginFailure { failure(.augment, .contract(text)) }
    let (ids, offsets, room) = (memory.newIDs, memory.newOffsets, Int64(memory.room))
    guard offsets[0] == 0 else { throw refusal("out_offsets starts with \(offsets[0]), expected 0") }
    return try view.sequences.indices.map { sequence in
      let (start, end) = (offsets[sequence], offsets[sequence + 1])
      guard start >= 0, end > start, end <= room, end - start <= Int64(bounds.maximumTokens) else {
        throw refusal(
          "sequence \(sequence) goes from token \(start) to \(end), expected 1 to \(bounds.maximumTokens) tokens of "
            + "the \(room) there is room for (max_growth in plan)")
      }
      let made = (start..<end).map { ids[Int($0)] }
      if let bad = made.first(where: { $0 < 0 || Int($0) >= bounds.vocabularySize }) {
        throw refusal("sequence \(sequence) holds token \(bad), expected 0 to \(bounds.vocabularySize - 1)")
      }
      let first = view.sequences[sequence][0]
      guard made[0] == first else {
        throw refusal(
          "sequence \(sequence) starts with token \(made[0]), expected \(first): the first token stays first")
      }
      return made
    }
  }
}

/// One `cse_edit` with all it points to.
private final class EditMemory {
  let edit: UnsafeMutablePointer<cse_edit>
  let buffers: [GuardedBuffer]
  let room: Int
  let newIDs: UnsafeMutablePointer<Int32>
  let newOffsets: UnsafeMutablePointer<Int64>
  let newDropout: UnsafeMutablePointer<Float>

  init(_ view: TokenView, _ bounds: TokenBounds, growth: Double, size: UInt32) {
    let tokens = Array(view.sequences.joined())
    room = Int((Double(tokens.count) * growth).rounded(.up))
    let offsets = Self.buffer(
      view.sequences.reduce(into: [Int64(0)]) { $0.append(($0.last ?? 0) + Int64($1.count)) }, "offsets")
    let ids = Self.buffer(tokens, "token_ids")
    let words = Array(view.words.joined())
    let flags = Self.buffer(words.map { $0 < 0 ? UInt8(CSE_TOKEN_SPECIAL) : 0 }, "token_flags")
    let numbers = Self.buffer(words, "words")
    let rows = Self.buffer(view.rowIDs, "row_ids")
    let outIDs = GuardedBuffer(byteCount: room * 4, label: "out_ids")
    let outOffsets = GuardedBuffer(byteCount: (view.sequences.count + 1) * 8, label: "out_offsets")
    let dropout = Self.buffer(view.dropout, "out_dropout", .shared)
    buffers = [offsets, ids, flags, numbers, rows, outIDs, outOffsets, dropout]
    newDropout = dropout.pointer.assumingMemoryBound(to: Float.self)
    newIDs = outIDs.pointer.assumingMemoryBound(to: Int32.self)
    newOffsets = outOffsets.pointer.assumingMemoryBound(to: Int64.self)
    var raw = cse_edit()
    raw.struct_size = size
    raw.view = Int32(view.view)
    (raw.n_seqs, raw.n_tokens, raw.vocab) = (
      Int64(view.sequences.count), Int64(tokens.count), Int64(bounds.vocabularySize)
    )
    raw.offsets = UnsafePointer(offsets.pointer.assumingMemoryBound(to: Int64.self))
    raw.token_ids = UnsafePointer(ids.pointer.assumingMemoryBound(to: Int32.self))
    raw.token_flags = UnsafePointer(flags.pointer.assumingMemoryBound(to: UInt8.self))
    raw.words = UnsafePointer(numbers.pointer.assumingMemoryBound(to: Int32.self))
    raw.row_ids = UnsafePointer(rows.pointer.assumingMemoryBound(to: Int64.self))
    (raw.mask_id, raw.pad_id) = (bounds.maskID ?? -1, bounds.padID ?? -1)
    (raw.max_tokens, raw.room) = (Int64(bounds.maximumTokens), Int64(room))
    (raw.out_ids, raw.out_offsets, raw.out_dropout) = (newIDs, newOffsets, newDropout)
    let tailed = UnsafeMutablePointer.visible(.shown, capacity: 1, repeating: TailedStruct(raw))
    edit = UnsafeMutableRawPointer(tailed).assumingMemoryBound(to: cse_edit.self)
  }

  deinit { edit.freeVisible() }

  private static func buffer<T>(_ values: [T], _ label: String, _ visibility: Visibility = .shown) -> GuardedBuffer {
    let buffer = GuardedBuffer(byteCount: values.count * MemoryLayout<T>.stride, label: label, visibility)
    values.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { buffer.pointer.copyMemory(from: start, byteCount: bytes.count) }
    }
    return buffer
  }
}
