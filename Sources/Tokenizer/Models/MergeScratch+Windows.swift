// Merging a very long piece window by window, so that its time grows with its length and its memory stays in the cache.
// Called by BytePairModel.
//
// Tokens side by side are those of their text if each two neighbours are those of theirs: until the first merge across
// a border both sides go through the merges they go through alone, and that merge would be made in the text of the two
// tokens at the border, too. So windows are merged alone; where the tokens at a border are not those of their text, the
// text around it is merged again, further and further on the sides that do not fit, until both do.

extension MergeScratch {
  /// Tokens of single bytes in a window.
  static let window = 2048

  /// Appends what `start` left, merged.
  /// - Parameter lengths: the bytes of each token.
  mutating func mergeInWindows(_ merges: MergeTable, lengths: [Int32], to ids: inout AppendingBuffer<Int32>) {
    bytes.count = 0
    bytes.append(from: symbols.pointer, count: symbols.count)
    let first = ids.count
    var done = 0
    while done < bytes.count {
      let end = min(done + Self.window, bytes.count)
      merge(done..<end, merges)
      following.count = 0
      following.append(from: symbols.pointer, count: symbols.count)
      join(at: done, first: first, merges, lengths, &ids)
      done = end
    }
  }

  /// Puts `following` behind `ids[first...]`, which end at the byte `border`.
  private mutating func join(
    at border: Int, first: Int, _ merges: MergeTable, _ lengths: [Int32], _ ids: inout AppendingBuffer<Int32>
  ) {
    // How many tokens on each side are merged again, and the bytes that they begin and end with.
    var (left, right) = (0, 0)
    var (start, end) = (border, border)
    symbols.count = 0
    while ids.count > first {
      let isLeftDone = ids.count - left == first
      let isRightDone = right == following.count
      let head = left + right > 0 ? symbols[0] : following[0]
      let tail = left + right > 0 ? symbols[symbols.count - 1] : ids[ids.count - 1]
      let fitsLeft = isLeftDone || fit(ids[ids.count - left - 1], head, at: start, merges, lengths)
      let fitsRight = isRightDone || left + right == 0 || fit(tail, following[right], at: end, merges, lengths)
      if fitsLeft, fitsRight { break }
      if !fitsLeft { left = min(max(1, 2 * left), ids.count - first) }
      if !fitsRight || right == 0 { right = min(max(1, 2 * right), following.count) }
      start = border - (ids.count - left..<ids.count).reduce(0) { $0 + Int(lengths[Int(ids[$1])]) }
      end = border + (0..<right).reduce(0) { $0 + Int(lengths[Int(following[$1])]) }
      merge(start..<end, merges)
    }
    ids.count -= left
    ids.append(from: symbols.pointer, count: symbols.count)
    ids.append(from: following.pointer + right, count: following.count - right)
  }

  /// Whether two tokens whose border is at the byte `border` are the tokens of their text; leaves `symbols` as it was.
  private mutating func fit(
    _ left: Int32, _ right: Int32, at border: Int, _ merges: MergeTable, _ lengths: [Int32]
  ) -> Bool {
    kept.count = 0
    kept.append(from: symbols.pointer, count: symbols.count)
    merge(border - Int(lengths[Int(left)])..<border + Int(lengths[Int(right)]), merges)
    let fits = symbols.count == 2 && symbols[0] == left && symbols[1] == right
    symbols.count = 0
    symbols.append(from: kept.pointer, count: kept.count)
    return fits
  }

  /// Sets the symbols to the tokens of some of the bytes.
  private mutating func merge(_ range: Range<Int>, _ merges: MergeTable) {
    symbols.count = 0
    symbols.append(from: bytes.pointer + range.lowerBound, count: range.count)
    merge(merges)
  }
}
