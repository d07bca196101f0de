// Encoding many lines on several threads. Results do not depend on the number of threads.

extension Tokenizer {
  /// Encodes every line, in order, on `threads` threads.
  package func encodeAll(_ lines: [String], maximumLength: Int, threads: Int) -> [TokenizedLine] {
    let encoder = makeEncoder()
    return lines.map { encoder.encode($0, maximumLength: maximumLength) }
  }

  /// Encodes every line given as bytes, in order, on `threads` threads.
  package func encodeAll(_ lines: [[UInt8]], maximumLength: Int, threads: Int) -> [TokenizedLine] {
    let encoder = makeEncoder()
    return lines.map { line in line.withUnsafeBufferPointer { encoder.encode($0, maximumLength: maximumLength) } }
  }

  /// Encodes the lines that lie at `ranges` of one buffer (a file in memory), in order, on `threads` threads.
  package func encodeAll(
    in text: UnsafeBufferPointer<UInt8>, ranges: [Range<Int>], maximumLength: Int, threads: Int
  ) -> [TokenizedLine] {
    let encoder = makeEncoder()
    return ranges.map { encoder.encode(UnsafeBufferPointer(rebasing: text[$0]), maximumLength: maximumLength) }
  }
}
