// gzip and zip files as the system's own programs write them, whole, cut and damaged.

import Files
import Foundation
import TestSupport
import Testing

@Suite("gzip and zip")
struct ArchiveTests {
  private static let text = (0..<5000).map { "line \($0 % 97) of a text\n" }.joined()

  private func unpack(_ path: String, _ scratch: Scratch) throws -> String {
    let file = try GzipFile.unpacked(path, expected: "text", into: scratch.path)
    return String(decoding: try file.bytes(at: 0, count: file.size), as: UTF8.self)
  }

  @Test("gzip files, of several parts too, are unpacked; no name is left behind")
  func gzip() throws {
    let scratch = try Scratch()
    let plain = try scratch.file("text", Self.text)
    try #require(try shell(["gzip", "-k", plain]).code == 0)
    let packed = plain + ".gz"
    #expect(try unpack(packed, scratch) == Self.text)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: packed)))
    #expect(try unpack(try scratch.file("twice.gz", bytes + bytes), scratch) == Self.text + Self.text)
    let cut = try scratch.file("cut.gz", Array(bytes.dropLast(20)))
    let error = #expect(throws: FileError.self) { _ = try unpack(cut, scratch) }
    #expect(error?.description.contains("expected gzip data") == true && error?.exitCode == 65)
    #expect(throws: FileError.self) { _ = try unpack(plain, scratch) }
    #expect(throws: FileError.notFound(path: "/no.gz", expected: "text")) { _ = try unpack("/no.gz", scratch) }
    #expect(scratch.names == ["cut.gz", "text", "text.gz", "twice.gz"])
  }

  @Test("what unpacks to more than a hundred times its size is refused; what is small may")
  func gzipBombs() throws {
    let scratch = try Scratch()
    let plain = try scratch.file("zeros", [UInt8](repeating: 0, count: 3 << 20))
    try #require(try shell(["gzip", plain]).code == 0)
    let packed = plain + ".gz"
    #expect(try GzipFile.unpacked(packed, expected: "x", into: scratch.path).size == 3 << 20)
    let error = #expect(throws: FileError.self) {
      _ = try GzipFile.unpacked(packed, expected: "x", into: scratch.path, suspicious: 2 << 20)
    }
    #expect(
      error?.description.contains("data of at most 100 times its compressed size") == true && error?.exitCode == 65)
    let lines = (0..<5000).map { "line \($0 * 7919 % 4999) of a text\n" }.joined()
    let text = try scratch.file("text", lines)
    try #require(try shell(["gzip", text]).code == 0)
    #expect(
      try GzipFile.unpacked(text + ".gz", expected: "x", into: scratch.path, suspicious: 1).size == lines.utf8.count)
  }

  @Test("zip archives, stored and deflated, and every cut of one")
  func zip() throws {
    let scratch = try Scratch()
    let script = """
      import sys, zipfile
      with zipfile.ZipFile(sys.argv[1], "w") as z:
        z.writestr("stored", "abc", zipfile.ZIP_STORED)
        z.writestr("deflated", sys.argv[2] * 1000, zipfile.ZIP_DEFLATED)
      """
    let path = scratch.path + "/a.zip"
    try #require(try shell(["python3", "-c", script, path, "abc "]).code == 0)
    let archive = try ZipArchive(InputFile(path: path, expected: "an archive"))
    let stored = try #require(archive.entries["stored"])
    let deflated = try #require(archive.entries["deflated"])
    #expect(try archive.contents(of: stored) == Array("abc".utf8))
    #expect(try archive.contents(of: deflated) == Array(String(repeating: "abc ", count: 1000).utf8))
    #expect(deflated.isDeflated && deflated.compressedSize < deflated.size && !stored.isDeflated)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for length in 0..<bytes.count {
      let cut = try scratch.file("cut.zip", Array(bytes[..<length]))
      #expect(throws: FileError.self, "\(length)") { _ = try ZipArchive(InputFile(path: cut, expected: "x")) }
    }
    var damaged = bytes
    let place = try #require(damaged.firstRange(of: Array("abc".utf8))?.lowerBound)
    damaged[place] ^= 1
    let broken = try ZipArchive(InputFile(path: try scratch.file("damaged.zip", damaged), expected: "x"))
    let entry = try #require(broken.entries["stored"])
    let error = #expect(throws: FileError.self) { _ = try broken.contents(of: entry) }
    #expect(error?.description.contains("checksum") == true)
  }
}
