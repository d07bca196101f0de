// TensorBoard's files byte by byte; Tests/Interop/check_tensorboard.py reads them with TensorBoard itself.

import Comparison
import Foundation
import Kernels
import Testing
import Training

@Suite("TensorBoard's event files")
struct EventFileTests {
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
