// A regular file read by position. Reads go through pread, not mmap: a file that shrinks while it is read is then an
// error instead of a fatal signal. Called by the readers of all formats.

import Glibc

/// An open regular file of known size.
package final class InputFile {
  /// The path it was opened by.
  package let path: String
  /// What it was at the time of opening.
  package let identity: FileIdentity
  let descriptor: Int32

  /// Bytes at the time of opening.
  package var size: Int { identity.size }

  /// Opens a file for reading.
  /// - Parameter expected: what the file should be, for the error where it is missing.
  /// - Throws: `FileError.notFound`, `.unreadable`, or `.malformed` for anything but a regular file.
  package convenience init(path: String, expected: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 {
      if errno == ENOENT || errno == ENOTDIR {
        throw Path.danglingLink(path, expected: expected) ?? FileError.notFound(path: path, expected: expected)
      }
      throw FileError.unreadable(path: path, operation: "open", code: errno)
    }
    try self.init(descriptor: descriptor, path: path)
    try refusePointer(expected)
  }

  /// A repository that was cloned without Git LFS holds a note of three lines in place of each large file.
  private func refusePointer(_ expected: String) throws {
    let start = Array("version https://git-lfs.github.com/spec/".utf8)
    guard size >= start.count, size < 1024, try bytes(at: 0, count: start.count) == start else { return }
    throw FileError.malformed(
      path: path, place: "", expected: expected, found: "a pointer of Git LFS to it",
      advice: "Fetch the file itself: git lfs pull")
  }

  /// Takes over an open descriptor; closes it where it cannot be used.
  init(descriptor: Int32, path: String) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError.unreadable(path: path, operation: "stat", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError.malformed(
        path: path, place: "", expected: "a regular file",
        found: status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe",
        advice: "Name a file on a disk: it is read by position")
    }
    self.path = path
    self.descriptor = descriptor
    identity = FileIdentity(status)
  }

  deinit { close(descriptor) }

  /// What it is now; nil where the system does not say.
  package var currentIdentity: FileIdentity? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? FileIdentity(status) : nil
  }

  /// Fills `buffer` with the bytes from `offset` on.
  /// - Throws: `FileError.malformed` where the file ends early, `.unreadable` where the system refuses.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    guard offset >= 0, offset <= size, buffer.count <= size - offset else {
      throw FileError.malformed(
        path: path, place: "byte \(offset)", expected: "\(buffer.count) bytes", found: "a file of \(size) bytes")
    }
    let done = try read(upTo: buffer, at: offset)
    guard done == buffer.count else {
      throw FileError.malformed(
        path: path, place: "byte \(offset + done)", expected: "\(size) bytes as at opening",
        found: "an end of file: it shrank while being read")
    }
  }

  /// Fills `buffer` as far as the file goes.
  /// - Returns: how many bytes that are; fewer than asked for only at the end of the file.
  /// - Throws: `FileError.unreadable` where the system refuses.
  package func read(upTo buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let got = pread(descriptor, base + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
      if got == 0 { break }
      if got > 0 {
        done += got
      } else if errno != EINTR {
        throw FileError.unreadable(path: path, operation: "read", code: errno)
      }
    }
    return done
  }

  /// The bytes from `offset` on as an array.
  /// - Throws: as `read`.
  package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    guard count >= 0, offset >= 0, offset <= size, count <= size - offset else {
      throw FileError.malformed(
        path: path, place: "byte \(offset)", expected: "\(count) bytes", found: "a file of \(size) bytes")
    }
    try checkMemory(count, path: path)
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: raw[..<count]))
      filled = count
    }
  }

  /// Reads and parses a whole JSON file of at most 64 MiB.
  /// - Parameter expected: what the file should be, for the error where it is missing.
  /// - Throws: `FileError`; `.malformed` names the byte where the text stops being JSON.
  package static func json(path: String, expected: String) throws -> JSONValue {
    let file = try InputFile(path: path, expected: expected)
    guard file.size <= 64 << 20 else {
      throw FileError.malformed(
        path: path, place: "the file", expected: "at most 64 MiB of JSON", found: "\(file.size) bytes")
    }
    do {
      return try JSONValue.parse(try file.bytes(at: 0, count: file.size))
    } catch let error as JSONError {
      throw FileError.malformed(
        path: path, place: "byte \(error.offset)", expected: error.expected, found: error.found)
    }
  }
}

/// Swift ends the program where an array gets no memory; the size of a file must not do that.
/// - Throws: `FileError.unreadable` where the system would not give `count` bytes.
func checkMemory(_ count: Int, path: String) throws {
  guard count >= 1 << 20 else { return }
  let memory = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard memory != MAP_FAILED else {
    throw FileError.unreadable(path: path, operation: "taking \(count >> 20) MiB of memory for it", code: ENOMEM)
  }
  munmap(memory, count)
}
