// Joins the bytes of one piece of text into tokens, by ranked merges. Called by ByteLevelStages for every piece.

/// A byte-level BPE vocabulary: the pair with the lowest rank is joined first, the leftmost of equals.
/// Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016; Radford et al., 2019.
struct BytePairModel: Sendable {
  /// The token of each single byte; negative where the vocabulary has none and the byte is left out.
  private let byteIDs: [Int32]
  private let merges: MergeTable
  /// Tokens that are the merge result of their own bytes: a piece that is one of them needs no merging.
  private let whole: ByteTrie
  /// The bytes of each token, by id; nil where a vocabulary contradicts itself, whose pieces are merged whole.
  private let lengths: [Int32]?

  /// - Parameters:
  ///   - tokens: the vocabulary as bytes (not GPT-2's stand-in characters).
  ///   - wholeFirst: take a piece that is in the vocabulary as it is, whatever the merges say (`ignore_merges`).
  init(tokens: [Vocabulary.Entry], byteIDs: [Int32], merges: MergeTable, wholeFirst: Bool) {
    self.byteIDs = byteIDs
    self.merges = merges
    let lengths = Self.lengths(tokens, byteIDs, merges)
    self.lengths = lengths
    var scratch = MergeScratch()
    whole = ByteTrie(
      tokens.filter { token in
        if token.bytes.isEmpty { return false }
        if wholeFirst { return true }
        var ids = AppendingBuffer<Int32>()
        token.bytes.withUnsafeBufferPointer {
          Self.merge($0, byteIDs, merges, lengths, &scratch, &ids)
        }
        return ids.count == 1 && ids[0] == token.id
      })
  }

  /// Appends the tokens of `piece`.
  func append(
    _ piece: UnsafeBufferPointer<UInt8>, scratch: inout MergeScratch, to ids: inout AppendingBuffer<Int32>
  ) {
    let id = whole.id(of: piece)
    if id >= 0 { return ids.append(id) }
    Self.merge(piece, byteIDs, merges, lengths, &scratch, &ids)
  }

  private static func merge(
    _ piece: UnsafeBufferPointer<UInt8>, _ byteIDs: [Int32], _ merges: MergeTable, _ lengths: [Int32]?,
    _ scratch: inout MergeScratch, _ ids: inout AppendingBuffer<Int32>
  ) {
    scratch.start(piece, byteIDs)
    if let lengths, scratch.symbols.count > MergeScratch.window {
      return scratch.mergeInWindows(merges, lengths: lengths, to: &ids)
    }
    scratch.merge(merges)
    ids.append(from: scratch.symbols.pointer, count: scratch.symbols.count)
  }
}

extension BytePairModel {
  /// The bytes of each token, by id; nil where two tokens of one id differ in that, or a merge gives another length
  /// than its parts have together.
  private static func lengths(_ tokens: [Vocabulary.Entry], _ byteIDs: [Int32], _ merges: MergeTable) -> [Int32]? {
    var lengths: [Int32: Int32] = [:]
    for (id, length) in byteIDs.filter({ $0 >= 0 }).map({ ($0, 1) }) + tokens.map({ ($0.id, $0.bytes.count) }) {
      guard lengths.updateValue(Int32(length), forKey: id) ?? Int32(length) == length else { return nil }
    }
    guard
      merges.allSatisfy({ left, right, id in
        guard let left = lengths[left], let right = lengths[right] else { return false }
        return lengths[id] == left + right
      }), let largest = lengths.keys.max()
    else { return nil }
    return (0...largest).map { lengths[$0] ?? 0 }
  }
}

/// Pair of tokens -> rank and joined token, open addressing at half load.
final class MergeTable: @unchecked Sendable {
  struct Merge: BitwiseCopyable {
    var pair: UInt64
    var rank: Int32
    var id: Int32
  }

  /// What no pair of ids is.
  private static let empty = UInt64.max
  /// The rank of a pair that does not merge.
  static let none = Int32.max
  private let slots: UnsafeMutablePointer<Merge>
  private let shift: UInt64
  private let mask: Int

  /// - Parameter merges: in order of rank; of a pair that comes twice the later one counts.
  init(_ merges: [(left: Int32, right: Int32, id: Int32)]) {
    var bits = 4
    while 1 << bits < 2 * merges.count { bits += 1 }
    mask = 1 << bits - 1
    shift = UInt64(64 - bits)
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Merge(pair: Self.empty, rank: Self.none, id: -1), count: mask + 1)
    for (rank, merge) in merges.enumerated() {
      let pair = Self.pair(merge.left, merge.right)
      slots[slot(of: pair)] = Merge(pair: pair, rank: Int32(rank), id: merge.id)
    }
  }

  deinit { slots.deallocate() }

  /// Whether all merges pass a test.
  func allSatisfy(_ test: (_ left: Int32, _ right: Int32, _ id: Int32) -> Bool) -> Bool {
    (0...mask).allSatisfy { index in
      let (pair, id) = (slots[index].pair, slots[index].id)
      return pair == Self.empty
        || test(Int32(truncatingIfNeeded: pair >> 32), Int32(truncatingIfNeeded: pair), id)
    }
  }

  /// Rank and joined token of a pair; rank `none` if it does not merge.
  @inline(__always)
  func find(_ left: Int32, _ right: Int32) -> (rank: Int32, id: Int32) {
    let merge = slots[slot(of: Self.pair(left, right))]
    return (merge.rank, merge.id)
  }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The slot that holds `pair`, or the empty one where it belongs.
  @inline(__always)
  private func slot(of pair: UInt64) -> Int {
    var index = Int((pair &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[index].pair != pair, slots[index].pair != Self.empty { index = (index + 1) & mask }
    return index
  }
}
