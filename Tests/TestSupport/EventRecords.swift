// What stands in an events file of TensorBoard, read again: for tests of what writes them.

import Foundation

/// One number of an events file.
public struct EventScalar: Equatable, Sendable {
  public let tag: String
  public let step: Int
  /// Seconds since 1970.
  public let time: Double
  public let value: Float

  public init(tag: String, step: Int, time: Double, value: Float) {
    (self.tag, self.step, self.time, self.value) = (tag, step, time, value)
  }
}

/// The records of an events file.
public struct EventRecords {
  /// In the order of the file.
  public private(set) var scalars: [EventScalar] = []
  /// Tags of values that are no numbers, with the bytes of their metadata.
  public private(set) var others: [(tag: String, metadata: [UInt8])] = []
  /// Whether the file ends with a whole record.
  public private(set) var isWhole = true

  /// Reads a file; checksums are not looked at (tensorboard does that, in `make interop`).
  public init(_ data: Data) {
    var rest = [UInt8](data)[...]
    while rest.count >= 12 {
      let length = (0..<8).reduce(0) { $0 | Int(rest[rest.startIndex + $1]) << (8 * $1) }
      guard length >= 0, rest.count >= length + 16 else { break }
      take(Array(rest.dropFirst(12).prefix(length)))
      rest = rest.dropFirst(length + 16)
    }
    isWhole = rest.isEmpty
  }

  /// The numbers of one tag by step.
  public func values(_ tag: String) -> [(step: Int, value: Float)] {
    scalars.filter { $0.tag == tag }.map { ($0.step, $0.value) }
  }

  private mutating func take(_ record: [UInt8]) {
    let event = Self.fields(record)
    let time = event.first { $0.number == 1 }.map { Double(bitPattern: Self.little($0.bytes)) } ?? 0
    let step = event.first { $0.number == 2 }?.value ?? 0
    for summary in event where summary.number == 5 {
      for value in Self.fields(summary.bytes) where value.number == 1 {
        let parts = Self.fields(value.bytes)
        let tag = String(decoding: parts.first { $0.number == 1 }?.bytes ?? [], as: UTF8.self)
        if let number = parts.first(where: { $0.number == 2 }) {
          let bits = UInt32(truncatingIfNeeded: Self.little(number.bytes))
          scalars.append(EventScalar(tag: tag, step: step, time: time, value: Float(bitPattern: bits)))
        } else {
          others.append((tag, parts.first { $0.number == 9 }?.bytes ?? []))
        }
      }
    }
  }

  private static func little(_ bytes: [UInt8]) -> UInt64 {
    bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
  }

  /// The fields of a message of protocol buffers: numbers, and bytes of fixed or given length.
  private static func fields(_ bytes: [UInt8]) -> [(number: Int, value: Int, bytes: [UInt8])] {
    var (rest, result) = (bytes[...], [(number: Int, value: Int, bytes: [UInt8])]())
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while let byte = rest.popFirst() {
        value |= Int(byte & 127) << shift
        shift += 7
        if byte < 128 { break }
      }
      return value
    }
    while !rest.isEmpty {
      let key = varint()
      switch key & 7 {
      case 0: result.append((key >> 3, varint(), []))
      case let kind:
        let length = kind == 1 ? 8 : kind == 5 ? 4 : varint()
        result.append((key >> 3, 0, Array(rest.prefix(length))))
        rest = rest.dropFirst(length)
      }
    }
    return result
  }
}
