// Joins the bytes of one piece of text into tokens, by ranked merges. Called by ByteLevelStages for every piece.

/// A byte-level BPE vocabulary: the pair with the lowest rank is joined first, the leftmost of equals.
/// Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016; Radford et al., 2019.
struct BytePairModel: Sendable {
  /// The token of each single byte; negative where the vocabulary has none and the byte is left out.
  private let byteIDs: [Int32]
  private let merges: MergeTable
  /// Tokens that are the merge result of their own bytes: a piece that is one of them needs no merging.
  private let whole: ByteTrie

  /// Pieces of up to this many bytes are merged by looking through all pairs, longer ones with a heap.
  private static let shortPiece = 48

  /// - Parameters:
  ///   - tokens: the vocabulary as bytes (not GPT-2's stand-in characters).
  ///   - wholeFirst: take a piece that is in the vocabulary as it is, whatever the merges say (`ignore_merges`).
  init(tokens: [Vocabulary.Entry], byteIDs: [Int32], merges: MergeTable, wholeFirst: Bool) {
    self.byteIDs = byteIDs
    self.merges = merges
    var scratch = MergeScratch()
    whole = ByteTrie(
      tokens.filter { token in
        if token.bytes.isEmpty { return false }
        if wholeFirst { return true }
        var ids = AppendingBuffer<Int32>()
        token.bytes.withUnsafeBufferPointer {
          Self.merge($0, byteIDs, merges, &scratch, &ids)
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
    Self.merge(piece, byteIDs, merges, &scratch, &ids)
  }

  private static func merge(
    _ piece: UnsafeBufferPointer<UInt8>, _ byteIDs: [Int32], _ merges: MergeTable, _ scratch: inout MergeScratch,
    _ ids: inout AppendingBuffer<Int32>
  ) {
    scratch.start(piece, byteIDs)
    if scratch.symbols.count <= shortPiece {
      scratch.mergeShort(merges)
    } else {
      scratch.mergeLong(merges)
    }
    ids.append(from: scratch.symbols.pointer, count: scratch.symbols.count)
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
