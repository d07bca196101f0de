// Bytes written whole to a descriptor, whatever is behind it. Called by all that writes: files, standard streams, logs.

import Glibc

/// What the system answered to a write. Whoever knows what was being written makes an error of it.
package struct WriteFailure: Error, Equatable {
  /// The system's error number.
  package let code: Int32

  /// A failure with that number.
  package init(code: Int32) { self.code = code }
}

/// Writes all of `bytes`, going on where the system took a part of them or was interrupted.
/// - Parameters:
///   - offset: where in the file they go; nil: where the descriptor stands.
///   - waits: whether a descriptor that takes nothing at the moment, such as a full pipe, is waited for.
package func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil, waits: Bool = false
) throws(WriteFailure) {
  var done = 0
  while done < bytes.count, let base = bytes.baseAddress {
    let (start, count) = (base + done, min(bytes.count - done, 1 << 30))
    let written = offset.map { pwrite(descriptor, start, count, off_t($0 + done)) } ?? write(descriptor, start, count)
    if written > 0 {
      done += written
    } else if written == 0 {
      throw WriteFailure(code: EIO)
    } else if errno == EAGAIN, waits {
      var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&ready, 1, -1)
    } else if errno != EINTR {
      throw WriteFailure(code: errno)
    }
  }
}

/// The same for an array.
package func writeAll(
  _ bytes: [UInt8], to descriptor: Int32, at offset: Int? = nil, waits: Bool = false
) throws(WriteFailure) {
  try bytes.withUnsafeBufferPointer { buffer throws(WriteFailure) in
    try writeAll(UnsafeRawBufferPointer(buffer), to: descriptor, at: offset, waits: waits)
  }
}
