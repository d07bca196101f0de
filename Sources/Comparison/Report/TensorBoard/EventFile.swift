// Scalars in the form TensorBoard reads: protocol buffers of `Event` inside TFRecord frames. Used by TensorBoardFiles.

import Files

/// The bytes of one events file.
///
/// Source: tensorflow/core/util/event.proto, framework/summary.proto and lib/io/record_writer.cc.
package struct EventFile {
  /// The file so far.
  package private(set) var bytes: [UInt8] = []

  /// A file with its version record and nothing else.
  package init() { append(record: double(1, 0) + text(3, "brain.Event:2")) }

  /// Appends numbers of one step. `time`: seconds, on any clock.
  package mutating func append(_ scalars: [(tag: String, value: Double)], step: Int, time: Double) {
    let values = scalars.flatMap { scalar in
      // Summary.value = 1; of it tag = 1 and simple_value = 2.
      field(1, text(1, scalar.tag.visibleOnOneLine) + [2 << 3 | 5] + little(Float(scalar.value).bitPattern))
    }
    append(record: double(1, time) + [2 << 3] + varint(UInt64(bitPattern: Int64(step))) + field(5, values))
  }

  /// Length, checksum of the length, data, checksum of the data.
  private mutating func append(record: [UInt8]) {
    let length = little(UInt64(record.count))
    bytes += length + little(CRC32C.masked(length)) + record + little(CRC32C.masked(record))
  }

  private func double(_ number: UInt8, _ value: Double) -> [UInt8] { [number << 3 | 1] + little(value.bitPattern) }

  private func text(_ number: UInt8, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }

  private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(UInt64(content.count)) + content
  }

  private func varint(_ value: UInt64) -> [UInt8] {
    var (rest, result) = (value, [UInt8]())
    while rest >= 128 {
      result.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  private func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
