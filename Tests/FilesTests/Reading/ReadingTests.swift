// Files read by position and as a whole: sizes, ends, kinds that are refused, changes behind the reader's back.

import Files
import Foundation
import TestSupport
import Testing

@Suite("reading")
struct ReadingTests {
  @Test("positions inside the file are read, others are errors")
  func positions() throws {
    let scratch = try Scratch()
    let path = try scratch.file("digits", "0123456789")
    let file = try InputFile(path: path, expected: "digits")
    #expect(try file.bytes(at: 3, count: 4) == Array("3456".utf8))
    #expect(try file.bytes(at: 10, count: 0) == [])
    for (offset, count) in [(7, 4), (-1, 1), (11, 0), (0, -1), (Int.max, 1)] {
      #expect(throws: FileError.self, "\(offset), \(count)") { _ = try file.bytes(at: offset, count: count) }
    }
    #expect(file.currentIdentity == file.identity)
  }

  @Test("a file that shrinks is an error and shows as changed")
  func shrinking() throws {
    let scratch = try Scratch()
    let path = try scratch.file("digits", "0123456789")
    let file = try InputFile(path: path, expected: "digits")
    try #require(truncate(path, 4) == 0)
    #expect(file.currentIdentity != file.identity && file.currentIdentity?.size == 4)
    let error = #expect(throws: FileError.self) { _ = try file.bytes(at: 2, count: 8) }
    #expect(error?.description.contains("it shrank while being read") == true)
    var buffer = [UInt8](repeating: 0, count: 8)
    #expect(try buffer.withUnsafeMutableBytes { try file.read(upTo: $0, at: 2) } == 2)
  }

  @Test("missing files, folders and devices are named")
  func kinds() throws {
    let scratch = try Scratch()
    #expect(throws: FileError.notFound(path: "/nowhere/x", expected: "a plan")) {
      _ = try InputFile(path: "/nowhere/x", expected: "a plan")
    }
    for (path, found) in [(scratch.path, "a folder"), ("/dev/null", "a device or pipe")] {
      let error = #expect(throws: FileError.self) { _ = try InputFile(path: path, expected: "x") }
      #expect(error?.description.contains("expected a regular file, found \(found)") == true)
      #expect(error?.exitCode == 65)
    }
    #expect(throws: FileError.unreadable(path: scratch.path, operation: "read", code: EISDIR)) {
      _ = try WholeFile.bytes(of: scratch.path, expected: "x")
    }
  }

  @Test("a pipe is refused without waiting for who writes to it", .timeLimit(.minutes(1)))
  func pipes() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: FileError.self) { _ = try InputFile(path: path, expected: "x") }
    #expect(error?.description.contains("found a device or pipe") == true)
    #expect(throws: FileError.self) { _ = try InputFile.json(path: path, expected: "x") }
  }

  @Test("a pointer of Git LFS in place of a file is named")
  func pointers() throws {
    let scratch = try Scratch()
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90868376\n"
    let path = try scratch.file("model.safetensors", pointer)
    let error = #expect(throws: FileError.self) { _ = try InputFile(path: path, expected: "weights") }
    #expect(error?.description.contains("expected weights, found a pointer of Git LFS to it") == true)
    let text = try scratch.file("text", pointer + String(repeating: "more\n", count: 300))
    #expect(try InputFile(path: text, expected: "text").size > 1024)
  }

  @Test("a file of the kernel is read although it says that it has no bytes")
  func kernelFiles() throws {
    #expect(try WholeFile.bytes(of: "/proc/self/stat", expected: "x").starts(with: Array("\(getpid()) (".utf8)))
    #expect(try WholeFile.bytes(of: "/dev/null", expected: "x") == [])
  }

  /// Where the system promises memory that it does not have, it cannot be asked.
  private static let isMemoryCounted =
    (try? WholeFile.bytes(of: "/proc/sys/vm/overcommit_memory", expected: "x")) != Array("1\n".utf8)

  @Test("a file larger than all memory is an error", .enabled(if: isMemoryCounted))
  func largerThanMemory() throws {
    let scratch = try Scratch()
    let path = try scratch.file("sparse", "")
    try #require(truncate(path, 1 << 42) == 0)
    for read in [{ try WholeFile.bytes(of: path, expected: "x") }, { try InputFile(path: path, expected: "x").all() }] {
      let error = #expect(throws: FileError.self) { _ = try read() }
      #expect(error?.description.contains("taking 4194304 MiB of memory for it failed") == true)
      #expect(error?.exitCode == 75)
    }
  }

  @Test("digests of files are those of their bytes, over several blocks")
  func digests() throws {
    let scratch = try Scratch()
    for count in [0, 1, 1 << 20, 1 << 20 + 1] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let found = try fileDigest(try scratch.file("\(count)", bytes))
      #expect(found.sha256 == SHA256.digits(of: bytes) && found.bytes == count)
    }
  }

  @Test("JSON files name the file and the byte where they break")
  func json() throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.json", "{\"a\": 1,}")
    #expect(
      throws: FileError.malformed(path: path, place: "byte 8", expected: "a quoted key", found: "'}'")
    ) { _ = try InputFile.json(path: path, expected: "x") }
  }
}

extension InputFile {
  fileprivate func all() throws -> [UInt8] { try bytes(at: 0, count: size) }
}
