// Reads whole files of a model folder as bytes. Called by the readers beside it.

import Glibc

/// A file of a tokenizer folder.
enum TokenizerFile {
  /// Whether something is at `path`.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether `path` is a folder.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// All bytes of a file.
  /// - Throws: `TokenizerError.unreadable` with the system's reason.
  static func read(_ path: String) throws -> [UInt8] {
    if isFolder(path) { throw TokenizerError.unreadable(file: path, reason: "a folder") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_size > 0 { bytes.reserveCapacity(Int(status.st_size)) }
    while true {
      let chunk = try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = 0
        let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if got < 0 { throw failure(path) }
        count = got
      }
      if chunk.isEmpty { return bytes }
      bytes += chunk
    }
  }

  private static func failure(_ path: String) -> TokenizerError {
    .unreadable(file: path, reason: String(cString: strerror(errno)))
  }
}
