// Encoding many lines on several threads. Results do not depend on the number of threads.

import Processes
import Synchronization

extension Tokenizer {
  /// Encodes every line, in order, on `threads` threads (at least 1).
  package func encodeAll(_ lines: [String], maximumLength: Int, threads: Int) -> [TokenizedLine] {
    encodeAll(count: lines.count, threads: threads) { encoder, index in
      encoder.encode(lines[index], maximumLength: maximumLength)
    }
  }

  /// Encodes every line given as bytes, in order, on `threads` threads.
  package func encodeAll(_ lines: [[UInt8]], maximumLength: Int, threads: Int) -> [TokenizedLine] {
    encodeAll(count: lines.count, threads: threads) { encoder, index in
      lines[index].withUnsafeBufferPointer { encoder.encode($0, maximumLength: maximumLength) }
    }
  }

  /// Encodes the lines that lie at `ranges` of one buffer (a file in memory), in order, on `threads` threads.
  package func encodeAll(
    in text: UnsafeBufferPointer<UInt8>, ranges: [Range<Int>], maximumLength: Int, threads: Int
  ) -> [TokenizedLine] {
    encodeAll(count: ranges.count, threads: threads) { encoder, index in
      encoder.encode(UnsafeBufferPointer(rebasing: text[ranges[index]]), maximumLength: maximumLength)
    }
  }

  private func encodeAll(
    count: Int, threads: Int, _ encode: (any LineEncoder, Int) -> TokenizedLine
  ) -> [TokenizedLine] {
    [TokenizedLine](unsafeUninitializedCapacity: count) { lines, initialized in
      // Every line is written exactly once, by the thread that took its chunk.
      let start = lines.baseAddress
      let chunks = Chunks(count: count, threads: threads)
      onThreads(min(threads, (count + chunks.size - 1) / chunks.size)) {
        let encoder = makeEncoder()
        while let chunk = chunks.next() {
          for index in chunk { start.map { $0 + index }?.initialize(to: encode(encoder, index)) }
        }
      }
      initialized = count
    }
  }
}

/// Hands out ranges of lines to whichever thread is free.
private final class Chunks: Sendable {
  /// Lines of a range: fewer where there are few, which may be long.
  let size: Int
  private let count: Int
  private let taken = Atomic<Int>(0)

  init(count: Int, threads: Int) {
    self.count = count
    size = max(1, min(256, count / (8 * threads)))
  }

  func next() -> Range<Int>? {
    let start = taken.add(size, ordering: .relaxed).oldValue
    return start < count ? start..<min(start + size, count) : nil
  }
}
