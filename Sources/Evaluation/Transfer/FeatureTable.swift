// The inputs of a task's classifiers: padded feature rows and labels. Made by TransferScorer from embeddings.

import CClassifier
import Kernels

/// Feature rows, each followed by a 1 (whose weight is the bias) and zeros up to a multiple of 16.
package final class FeatureTable {
  /// Numbers of a row.
  package let width: Int
  /// Numbers from the start of a row to the next one.
  package let stride: Int
  let labels: [Int32]
  let classes: Int
  private let buffer: FloatBuffer

  /// `write` fills feature row by row: `width` floats each.
  package init(
    width: Int, labels: [Int32], classes: Int, write: (_ row: Int, _ target: UnsafeMutablePointer<Float>) -> Void
  ) {
    self.width = width
    self.labels = labels
    self.classes = classes
    stride = (width + 1 + 15) / 16 * 16
    buffer = FloatBuffer(count: max(1, labels.count) * stride)
    for row in labels.indices {
      write(row, buffer.pointer + row * stride)
      buffer.pointer[row * stride + width] = 1
    }
  }

  /// All numbers, padding included, and how many they are: for processes that share a task.
  var values: (pointer: UnsafeMutablePointer<Float>, count: Int) { (buffer.pointer, buffer.count) }

  /// The features of a row.
  func row(_ row: Int) -> UnsafePointer<Float> { UnsafePointer(buffer.pointer + row * stride) }

  /// Calls `body` with the chosen rows as the kernels want them.
  func withRows(_ rows: ArraySlice<Int32>, _ body: (cc_rows) -> Void) {
    rows.withUnsafeBufferPointer { index in
      labels.withUnsafeBufferPointer { labels in
        body(
          cc_rows(
            features: buffer.pointer, labels: labels.baseAddress, index: index.baseAddress, count: Int64(index.count)))
      }
    }
  }
}
