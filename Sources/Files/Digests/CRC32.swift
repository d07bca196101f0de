// The checksum of zip archives and of checkpoints. Source: RFC 1952, section 8; the loop is zlib's.

import CZlib

/// CRC-32 as zip, gzip and PNG have it.
package enum CRC32 {
  /// The checksum of `bytes`, or with `sum` that of what came before them and of them.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, after sum: UInt32 = 0) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(UInt(sum), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
  }
}
