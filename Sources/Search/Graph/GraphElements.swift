// The rows of an index as a graph holds them: a row's bytes behind their step. Integers make a graph the same bits on
// every processor, and need a quarter of the memory of float32 numbers.

import Files
import Kernels

/// Rows, read in blocks from the files of an index.
struct GraphElements {
  /// Rows of a block.
  static let rowsAtOnce = 8192
  /// The widest vectors whose products fit 32 bits.
  static let largestWidth = 131_072

  let width: Int
  private let codes: NPYRows
  private let steps: FloatBuffer

  init(_ index: SentenceIndex) {
    (width, codes, steps) = (index.width, index.codeRows, index.steps)
  }

  /// Bytes of an element.
  var size: Int { Self.size(width: width) }
  static func size(width: Int) -> Int { MemoryLayout<Float>.size + width }

  /// Calls `body` with the elements of blocks of `range`, which begin at whole multiples of a block behind its start.
  /// - Throws: `FileError`, what `body` throws.
  func forEachBlock(
    of range: Range<Int>, _ body: (_ rows: Range<Int>, _ elements: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let most = min(range.count, Self.rowsAtOnce)
    var bytes = [UInt8](repeating: 0, count: most * width)
    var elements = [UInt8](repeating: 0, count: most * size)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.rowsAtOnce) {
      let rows = first..<min(first + Self.rowsAtOnce, range.upperBound)
      try bytes.withUnsafeMutableBytes { if let start = $0.baseAddress { try codes.read(rows, into: start) } }
      elements.withUnsafeMutableBytes { elements in
        bytes.withUnsafeBytes { bytes in
          guard let target = elements.baseAddress, let source = bytes.baseAddress else { return }
          for (place, row) in rows.enumerated() {
            Self.write(steps.pointer[row], source + place * width, width: width, to: target + place * size)
          }
        }
      }
      try elements.withUnsafeBytes { try body(rows, UnsafeRawBufferPointer(rebasing: $0[..<(rows.count * size)])) }
    }
  }

  /// Writes the element of a query [width], of length 1 or 0.
  static func write(query: UnsafePointer<Float>, width: Int, to target: UnsafeMutableRawPointer) {
    let codes = (target + MemoryLayout<Float>.size).assumingMemoryBound(to: Int8.self)
    let vector = QuantizedVector(query, width: width, codes: codes)
    target.storeBytes(of: vector.step, as: Float.self)
  }

  private static func write(
    _ step: Float, _ codes: UnsafeRawPointer, width: Int, to target: UnsafeMutableRawPointer
  ) {
    target.storeBytes(of: step, as: Float.self)
    (target + MemoryLayout<Float>.size).copyMemory(from: codes, byteCount: width)
  }
}
