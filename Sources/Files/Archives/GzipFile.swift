// Files in gzip form, unpacked as a whole. Called by the reader of training data. Source: RFC 1952; the work is zlib's.

import CZlib
import Glibc

/// A compressed file.
package enum GzipFile {
  /// Unpacks `path` into an unnamed file in `folder`, which goes when the result does.
  ///
  /// A few kilobytes can unpack to all that a disk holds: what is larger than `suspicious` bytes and more than a
  /// hundred times its file, which only the same lines again and again are, is refused.
  /// - Parameter expected: what the file should be, for the error where it is missing.
  /// - Throws: `FileError.notFound`, `.unreadable`, `.malformed` for what is no gzip data or breaks off,
  ///   `.cannotWrite`.
  package static func unpacked(
    _ path: String, expected: String, into folder: String, suspicious: Int = 1 << 30
  ) throws -> InputFile {
    let source = try InputFile(path: path, expected: expected)
    guard let stream = gzdopen(withExtendedLifetime(source) { dup(source.descriptor) }, "rb") else {
      throw FileError.unreadable(path: path, operation: "gzdopen", code: errno)
    }
    defer { gzclose_r(stream) }
    let descriptor = try UnnamedFile.descriptor(in: folder)
    let target = OutputFile(descriptor: dup(descriptor), reportedAs: folder)
    do {
      try copy(stream, to: target, path: path, limit: max(suspicious, 100 * source.size))
    } catch {
      close(descriptor)
      throw error
    }
    return try InputFile(descriptor: descriptor, path: path)
  }

  private static func copy(_ stream: gzFile, to target: OutputFile, path: String, limit: Int) throws {
    var total = 0
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = gzread(stream, &buffer, UInt32(buffer.count))
      var code: Int32 = 0
      let text = gzerror(stream, &code).map { String(cString: $0) } ?? ""
      guard count >= 0, code == Z_OK || code == Z_STREAM_END, gzdirect(stream) == 0 || count == 0 else {
        throw FileError.malformed(
          path: path, place: "", expected: "gzip data", found: gzdirect(stream) != 0 ? "other bytes" : text,
          advice: "The file is broken or incomplete; fetch it again, or drop .gz from its name")
      }
      if count == 0 { return }
      total += Int(count)
      guard total <= limit else {
        throw FileError.malformed(
          path: path, place: "", expected: "data of at most 100 times its compressed size",
          found: "more than \(limit) bytes", advice: "If that is meant, unpack it with gzip -d and name the result")
      }
      try buffer.withUnsafeBytes { try target.write(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
    }
  }
}
