// Tells whether a file is still what it was. Called by readers that come back to a file.

import Glibc

/// What tells one state of a file from another: which file it is, its size and when it was last written.
package struct FileIdentity: Equatable, Sendable {
  private let device: UInt
  private let inode: UInt
  /// Bytes.
  package let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  init(_ status: stat) {
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}
