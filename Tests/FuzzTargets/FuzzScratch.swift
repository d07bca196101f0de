// A folder for the files that readers want to open. Made by whoever runs targets.

import Files
import Glibc

/// The folder; the same file is written over and over.
package struct FuzzScratch: Sendable {
  /// Where it lies, there already.
  package let path: String

  /// - Parameter path: A folder that is there and that nobody else uses.
  package init(path: String) { self.path = path }

  /// Writes a file, in a folder below if its name says so, and returns its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let target = path + "/" + name
    if name.contains("/") { try Folder.create(Path.folder(of: target)) }
    let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError.cannotWrite(path: target, operation: "open", code: errno) }
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor)
    return target
  }
}

/// A number as files have it.
func little(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A checksum that would otherwise stop a fuzzer at the door.
func checksum(_ bytes: [UInt8]) -> Int { Int(bytes.withUnsafeBytes { CRC32.checksum($0) }) }
