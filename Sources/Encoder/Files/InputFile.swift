// A regular file read by position. Reads go through pread, not mmap: a file that shrinks while it is read is then an
// error instead of a fatal signal. Called by the readers of safetensors, PyTorch checkpoints and JSON.

package import Files
import Glibc

/// An open regular file of known size.
package final class InputFile {
  package let path: String
  /// Bytes at the time of opening.
  package let size: Int
  private let descriptor: Int32

  /// Opens a file for reading.
  /// - Throws: `EncoderError.notFound`, `.unreadable`, or `.malformed` for anything but a regular file.
  package init(path: String, expected: String) throws {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 {
      if errno == ENOENT || errno == ENOTDIR { throw EncoderError.notFound(path: path, expected: expected) }
      throw EncoderError.unreadable(path: path, operation: "open", code: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw EncoderError.unreadable(path: path, operation: "stat", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
      throw EncoderError.malformed(path: path, place: "the file", expected: "a regular file", found: found)
    }
    self.path = path
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes from `offset` on.
  /// - Throws: `EncoderError.malformed` where the file ends early, `.unreadable` where the system refuses.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    guard offset >= 0, offset <= size, buffer.count <= size - offset else {
      throw EncoderError.malformed(
        path: path, place: "byte \(offset)", expected: "\(buffer.count) bytes", found: "a file of \(size) bytes")
    }
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let got = pread(descriptor, base + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
      if got > 0 {
        done += got
      } else if got == 0 {
        throw EncoderError.malformed(
          path: path, place: "byte \(offset + done)", expected: "\(size) bytes as at opening",
          found: "an end of file: it shrank while being read")
      } else if errno != EINTR {
        throw EncoderError.unreadable(path: path, operation: "read", code: errno)
      }
    }
  }

  /// The bytes from `offset` on as an array.
  package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    guard count >= 0, offset >= 0, offset <= size, count <= size - offset else {
      throw EncoderError.malformed(
        path: path, place: "byte \(offset)", expected: "\(count) bytes", found: "a file of \(size) bytes")
    }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: raw[..<count]))
      filled = count
    }
  }

  /// Reads and parses a whole JSON file of at most 64 MiB.
  package static func json(path: String, expected: String) throws -> JSONValue {
    let file = try InputFile(path: path, expected: expected)
    guard file.size <= 64 << 20 else {
      throw EncoderError.malformed(
        path: path, place: "the file", expected: "at most 64 MiB of JSON", found: "\(file.size) bytes")
    }
    do {
      return try JSONValue.parse(try file.bytes(at: 0, count: file.size))
    } catch let error as JSONError {
      throw EncoderError.malformed(
        path: path, place: "byte \(error.offset)", expected: error.expected, found: error.found)
    }
  }
}
