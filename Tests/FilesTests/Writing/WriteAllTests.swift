// Bytes written whole: into a pipe that is full, at a place in a file, into what cannot be written.

import Files
import Foundation
import TestSupport
import Testing

@Suite("writing all bytes")
struct WriteAllTests {
  private let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  @Test("a pipe that takes nothing at the moment is waited for, if asked")
  func pipes() async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    try #require(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
    let bytes = bytes
    #expect(throws: WriteFailure(code: EAGAIN)) { try writeAll(bytes, to: writing) }
    let writer = Thread {
      try? writeAll(bytes, to: writing, waits: true)
      close(writing)
    }
    writer.start()
    let read = FileHandle(fileDescriptor: reading, closeOnDealloc: true).readDataToEndOfFile()
    // What fitted into the pipe first, and then all.
    #expect(read.count > bytes.count && read.suffix(bytes.count) == Data(bytes))
  }

  @Test("bytes go where they are meant to")
  func places() throws {
    let scratch = try Scratch()
    let path = try scratch.file("digits", "0123456789")
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    defer { close(descriptor) }
    try writeAll(Array("ab".utf8), to: descriptor, at: 4)
    try writeAll(Array("cd".utf8), to: descriptor)
    try writeAll([UInt8](), to: descriptor)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "cd23ab6789")
  }

  @Test("what the system refuses comes with its number")
  func refusals() throws {
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { close(full) }
    #expect(throws: WriteFailure(code: ENOSPC)) { try writeAll([1], to: full) }
    #expect(throws: WriteFailure(code: EBADF)) { try writeAll([1], to: -1) }
  }
}
