// Files read from their first byte to their last, whatever they are: regular files, pipes, files of the kernel that do
// not know their size. Called by the readers of text and of small files.

import Glibc

/// All bytes of a file.
package enum WholeFile {
  /// Reads to the end of the file.
  /// - Parameter expected: what the file should be, for the error where it is missing.
  /// - Throws: `FileError.notFound`, or `.unreadable` where the system refuses, as for a folder.
  package static func bytes(of path: String, expected: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT || errno == ENOTDIR { throw FileError.notFound(path: path, expected: expected) }
      throw FileError.unreadable(path: path, operation: "open", code: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var status = stat()
    let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    // A disk or /dev/zero never ends; a terminal and /dev/null (device 1, 3) do.
    let isEndless = status.st_mode & S_IFMT == S_IFCHR && isatty(descriptor) == 0 && status.st_rdev != 0x103
    guard !isEndless, status.st_mode & S_IFMT != S_IFBLK else {
      throw FileError.malformed(
        path: path, place: "", expected: expected, found: "a device", advice: "Name a file or a pipe")
    }
    try checkMemory(size, path: path)
    bytes.reserveCapacity(size)
    // A small file is read in one block; what has no size, like a pipe, says 0.
    var block = [UInt8](repeating: 0, count: (1..<1 << 18).contains(size) ? size : 1 << 18)
    while true {
      let got = read(descriptor, &block, block.count)
      if got > 0 {
        if bytes.count + got > max(bytes.capacity, 1 << 26) { try checkMemory(2 * bytes.count, path: path) }
        bytes += block[..<got]
      } else if got == 0 {
        return bytes
      } else if errno != EINTR {
        throw FileError.unreadable(path: path, operation: "read", code: errno)
      }
    }
  }
}
