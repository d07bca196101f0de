// The identity of a file's contents, as records of runs keep it. Called for training data, weights and tokenizer files.

/// The SHA-256 (64 hexadecimal digits) and the size in bytes of a file as it lies on the disk.
/// - Throws: `FileError.notFound`, `.unreadable`, `.malformed` for anything but a regular file.
package func fileDigest(_ path: String) throws -> (sha256: String, bytes: Int) {
  let file = try InputFile(path: path, expected: "a file")
  return (try digest(of: file), file.size)
}

extension Folder {
  /// The SHA-256 of each file in a folder and its folders, by its path from there.
  /// - Throws: `FileError`
  package static func digests(in path: String) throws -> [String: String] {
    var result: [String: String] = [:]
    for folder in [path] + (try subfolders(of: path)) {
      for name in try names(in: folder) where Path.isRegularFile(folder + "/" + name) {
        result[String((folder + "/" + name).dropFirst(path.count + 1))] = try fileDigest(folder + "/" + name).sha256
      }
    }
    return result
  }
}

/// The SHA-256 (64 hexadecimal digits) of an open file, as long as it was when it was opened.
/// - Throws: `FileError.unreadable`, `.malformed` where the file has become shorter.
package func digest(of file: InputFile) throws -> String {
  var hash = SHA256()
  var buffer = [UInt8](repeating: 0, count: min(file.size, 1 << 20))
  for start in stride(from: 0, to: file.size, by: 1 << 20) {
    try buffer.withUnsafeMutableBytes { buffer in
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(1 << 20, file.size - start)])
      try file.read(at: start, into: part)
      hash.update(UnsafeRawBufferPointer(part))
    }
  }
  return hexadecimal(hash.finish())
}
