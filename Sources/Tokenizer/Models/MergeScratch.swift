// The working memory of merging one piece, and two ways to merge: for words, and for longer runs.
// Called by BytePairModel.

/// One thread's memory for merging.
struct MergeScratch: ~Copyable {
  /// The tokens of the piece: bytes at first, the result at the end.
  var symbols = AppendingBuffer<Int32>()
  // Of a very long piece: its bytes, what follows a border, what waits meanwhile (MergeScratch+Windows).
  var bytes = AppendingBuffer<Int32>()
  var following = AppendingBuffer<Int32>()
  var kept = AppendingBuffer<Int32>()
  private var ranks = AppendingBuffer<Int32>()
  private var joined = AppendingBuffer<Int32>()
  private var next = AppendingBuffer<Int32>()
  private var previous = AppendingBuffer<Int32>()
  private var heap = AppendingBuffer<UInt64>()

  /// Sets the symbols to the tokens of single bytes.
  mutating func start(_ piece: UnsafeBufferPointer<UInt8>, _ byteIDs: [Int32]) {
    symbols.count = 0
    symbols.reserve(piece.count)
    for byte in piece where byteIDs[Int(byte)] >= 0 { symbols.append(byteIDs[Int(byte)]) }
  }

  /// Up to so many bytes are merged by looking through all pairs, more with a heap.
  private static let few = 48

  /// Merges the symbols.
  mutating func merge(_ merges: MergeTable) {
    if symbols.count <= Self.few { mergeShort(merges) } else { mergeLong(merges) }
  }

  /// Looks through all pairs for the lowest rank, joins it, and again; quadratic, and fastest for words.
  private mutating func mergeShort(_ merges: MergeTable) {
    let count = symbols.count
    ranks.count = 0
    joined.count = 0
    ranks.reserve(count)
    joined.reserve(count)
    for index in 0..<max(0, count - 1) { look(up: index, merges) }
    while true {
      var best = MergeTable.none
      var place = -1
      for index in 0..<max(0, symbols.count - 1) where ranks.pointer[index] < best {
        best = ranks.pointer[index]
        place = index
      }
      if place < 0 { return }
      join(at: place, merges)
    }
  }

  private mutating func look(up index: Int, _ merges: MergeTable) {
    let (rank, id) = merges.find(symbols.pointer[index], symbols.pointer[index + 1])
    ranks.pointer[index] = rank
    joined.pointer[index] = id
  }

  private mutating func join(at place: Int, _ merges: MergeTable) {
    symbols.pointer[place] = joined.pointer[place]
    let last = symbols.count - 1
    for index in place + 1..<last {
      symbols.pointer[index] = symbols.pointer[index + 1]
      ranks.pointer[index] = ranks.pointer[index + 1]
      joined.pointer[index] = joined.pointer[index + 1]
    }
    symbols.count = last
    if place > 0 { look(up: place - 1, merges) }
    if place + 1 < last { look(up: place, merges) }
  }

  /// A heap of pairs over a linked list of symbols: n log n for a piece of n bytes.
  private mutating func mergeLong(_ merges: MergeTable) {
    let count = symbols.count
    link(count)
    heap.count = 0
    for index in 0..<count - 1 { push(index, merges) }
    while heap.count > 0 {
      let entry = pop()
      let place = Int(entry & 0xFFFF_FFFF)
      let right = Int(next[place])
      // Entries are not removed when a neighbour changes; those that no longer hold are passed over here.
      guard symbols[place] >= 0, right < count else { continue }
      let (rank, id) = merges.find(symbols[place], symbols[right])
      guard UInt64(rank) == entry >> 32 else { continue }
      symbols[place] = id
      symbols[right] = -1
      next[place] = next[right]
      if Int(next[place]) < count { previous[Int(next[place])] = Int32(place) }
      if previous[place] >= 0 { push(Int(previous[place]), merges) }
      push(place, merges)
    }
    compact(count)
  }

  private mutating func link(_ count: Int) {
    next.count = 0
    previous.count = 0
    for index in 0..<Int32(count) {
      next.append(index + 1)
      previous.append(index - 1)
    }
  }

  /// Drops the symbols that were joined to their left neighbour.
  private mutating func compact(_ count: Int) {
    var kept = 0
    for index in 0..<count where symbols[index] >= 0 {
      symbols[kept] = symbols[index]
      kept += 1
    }
    symbols.count = kept
  }

  /// Puts the pair that begins at `place` into the heap, if it merges: rank above, place below.
  private mutating func push(_ place: Int, _ merges: MergeTable) {
    let right = Int(next[place])
    guard right < symbols.count else { return }
    let (rank, _) = merges.find(symbols[place], symbols[right])
    if rank == MergeTable.none { return }
    var child = heap.count
    let entry = UInt64(rank) << 32 | UInt64(place)
    heap.append(entry)
    while child > 0, heap[(child - 1) / 2] > entry {
      heap[child] = heap[(child - 1) / 2]
      child = (child - 1) / 2
    }
    heap[child] = entry
  }

  private mutating func pop() -> UInt64 {
    let top = heap[0]
    let last = heap[heap.count - 1]
    heap.count -= 1
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[child] >= last { break }
      heap[parent] = heap[child]
      parent = child
    }
    if heap.count > 0 { heap[parent] = last }
    return top
  }
}
