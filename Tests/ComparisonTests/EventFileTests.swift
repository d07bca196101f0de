// TensorBoard's files byte by byte; Tests/Interop/check_tensorboard.py reads them with TensorBoard itself.

import Comparison
import Foundation
import Kernels
import Testing

@Suite("TensorBoard's event files")
struct EventFileTests {
  @Test("CRC-32C of RFC 3720's examples")
  func checksums() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46dd_794e)
    #expect(CRC32C.checksum("123456789".utf8) == 0xe306_9283)
    // Masked, as TensorFlow's crc32c.h: rotate right by 15, add a constant.
    let plain: UInt32 = 0xe306_9283
    #expect(CRC32C.masked("123456789".utf8) == (plain >> 15 | plain << 17) &+ 0xa282_ead8)
  }

  @Test("a version record, then one record a step")
  func records() {
    var file = EventFile()
    // tensorboard.summary.writer.record_writer writes these bytes for Event(file_version="brain.Event:2").
    let version: [UInt8] =
      [24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22] + [9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13]
      + Array("brain.Event:2".utf8)
    #expect(Array(file.bytes.prefix(version.count)) == version)
    #expect(file.bytes.count == 12 + 24 + 4)
    file.append([("a", 1.5)], step: 300, time: 2)
    let record: [UInt8] =
      [9, 0, 0, 0, 0, 0, 0, 0, 0x40, 16, 0xac, 2, 42, 10, 10, 8, 10, 1, 97, 21, 0, 0, 0xc0, 0x3f]
    #expect(Array(file.bytes.dropFirst(40 + 12).dropLast(4)) == record)
  }
}
