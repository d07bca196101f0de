// A training file opened for reading: compressed files are first unpacked into an unnamed temporary file, so that rows
// can be read in any order. Used by RecordScanner and TrainingData.

import CZlib
import Glibc

/// An open training file of known size that notices when it changes.
final class DataFile {
  /// The path the user gave.
  let path: String
  /// Bytes of text, unpacked.
  let size: Int
  private let descriptor: Int32
  private let identity: FileIdentity

  /// Opens `path`; a compressed file is unpacked into an unnamed file in `spoolFolder`.
  init(path: String, isCompressed: Bool, spoolFolder: String) throws {
    let opened = try Self.open(path)
    self.path = path
    if isCompressed {
      defer { close(opened) }
      descriptor = try Self.unpack(opened, path: path, into: spoolFolder)
    } else {
      descriptor = opened
    }
    identity = FileIdentity(descriptor)
    size = identity.size
  }

  deinit { close(descriptor) }

  /// Reads up to `buffer.count` bytes from `offset` on; fewer only at the end of the file.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let got = pread(descriptor, base + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
      if got == 0 { break }
      if got > 0 {
        done += got
      } else if errno != EINTR {
        throw TrainingError.unreadable(path: path, operation: "read", code: errno)
      }
    }
    return done
  }

  /// - Throws: `TrainingError.changedFile` where size or time of the file differ from those at opening.
  func checkUnchanged() throws {
    let now = FileIdentity(descriptor)
    guard now == identity else {
      throw TrainingError.changedFile(
        path: path,
        found: now.size == identity.size ? "a later change" : "\(now.size) bytes instead of \(identity.size)")
    }
  }

  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR {
        throw TrainingError.missingFile(path: path, expected: "a file of training sentences")
      }
      throw TrainingError.unreadable(path: path, operation: "open", code: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw TrainingError.badData(
        path: path, line: 0, expected: "a regular file", found: "a folder, pipe or device",
        advice: "Save it to a file first; rows are read in random order")
    }
    return descriptor
  }

  private static func unpack(_ source: Int32, path: String, into folder: String) throws -> Int32 {
    guard let stream = gzdopen(dup(source), "rb") else {
      throw TrainingError.unreadable(path: path, operation: "gzdopen", code: errno)
    }
    defer { gzclose_r(stream) }
    let target = try temporaryFile(in: folder)
    do {
      try copy(stream, to: target, path: path, folder: folder)
      return target
    } catch {
      close(target)
      throw error
    }
  }

  private static func temporaryFile(in folder: String) throws -> Int32 {
    var template = Array((folder + "/.mixcse-unpacked-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: folder, operation: "mkstemp", code: errno) }
    unlink(template)
    return descriptor
  }

  private static func copy(_ stream: gzFile, to target: Int32, path: String, folder: String) throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = gzread(stream, &buffer, UInt32(buffer.count))
      var code: Int32 = 0
      let text = gzerror(stream, &code).map { String(cString: $0) } ?? ""
      guard count >= 0, code == Z_OK || code == Z_STREAM_END, gzdirect(stream) == 0 || count == 0 else {
        throw TrainingError.badData(
          path: path, line: 0, expected: "gzip data", found: gzdirect(stream) != 0 ? "other bytes" : text,
          advice: "The file is broken or incomplete; fetch it again, or drop .gz from its name")
      }
      if count == 0 { return }
      try writeAll(target, buffer, count: Int(count), path: folder)
    }
  }
}

/// What tells one state of a file from another.
struct FileIdentity: Equatable {
  var device: UInt, inode: UInt
  var size: Int
  var seconds: Int, nanoseconds: Int

  init(_ descriptor: Int32) {
    var status = stat()
    _ = fstat(descriptor, &status)
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}

/// Writes the first `count` bytes of `bytes`, retrying what the system interrupts.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8], count: Int, path: String) throws {
  try bytes.withUnsafeBytes { buffer in
    try writeAll(descriptor, UnsafeRawBufferPointer(rebasing: buffer[..<count]), path: path)
  }
}

/// Writes all of `buffer`, retrying what the system interrupts.
func writeAll(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer, path: String) throws {
  var done = 0
  while done < buffer.count, let base = buffer.baseAddress {
    let count = write(descriptor, base + done, min(buffer.count - done, 1 << 30))
    if count >= 0 {
      done += count
    } else if errno != EINTR {
      throw TrainingError.cannotWrite(path: path, operation: "write", code: errno)
    }
  }
}
