// The checksums of record files and of archives against published values.

import Files
import Testing

@Suite("checksums")
struct ChecksumTests {
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

  @Test("CRC-32's check value, of the whole and in two pieces")
  func zipChecksum() {
    let bytes = Array("123456789".utf8)
    let whole = bytes.withUnsafeBytes { CRC32.checksum($0) }
    let pieces = bytes.withUnsafeBytes { buffer in
      let start = CRC32.checksum(UnsafeRawBufferPointer(rebasing: buffer[..<4]))
      return CRC32.checksum(UnsafeRawBufferPointer(rebasing: buffer[4...]), after: start)
    }
    #expect(whole == 0xcbf4_3926 && pieces == whole)
  }
}
