// Files and folders written as a whole: what stands at a path after success, after failure, after a kill.

import Files
import Foundation
import TestSupport
import Testing

@Suite("whole files and folders")
struct AtomicFileTests {
  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test("a full disk and an unwritable place are errors that lose nothing")
  func writeErrors() throws {
    let full = try OutputFile(path: "/dev/full", exclusive: false)
    let error = #expect(throws: FileError.self) { try full.write("x") }
    #expect(error == .cannotWrite(path: "/dev/full", operation: "write", code: ENOSPC))
    #expect(error?.exitCode == 75)
    #expect(error?.description.contains("No space left") == true)
    #expect(problem { try AtomicFile.write(to: "/proc/self/x") { _ in } }.contains("create failed"))
    let scratch = try Scratch()
    let path = try scratch.file("old", "old")
    #expect(throws: FileError.self) {
      try AtomicFile.write(to: path) { file in
        try file.write("new")
        throw FileError.cannotWrite(path: path, operation: "write", code: ENOSPC)
      }
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    #expect(scratch.names == ["old"])
  }

  @Test("what a killed process left is removed, what a living one writes is not")
  func staleFiles() throws {
    let scratch = try Scratch()
    _ = try scratch.file(".a.tmp-999999999-1f", "left")
    _ = try scratch.file(".a.tmp-\(getpid())-1f", "in use")
    _ = try scratch.file(".b.tmp-999999999-1f", "another's")
    try AtomicFile.write(to: scratch.path + "/a") { try $0.write("new") }
    #expect(scratch.names == [".a.tmp-\(getpid())-1f", ".b.tmp-999999999-1f", "a"])
  }

  @Test("a folder is exchanged as a whole, or stays as it was")
  func replacesFolders() throws {
    let scratch = try Scratch()
    let target = scratch.path + "/out"
    func write(_ text: String) throws {
      try FolderReplacement.write(to: target + "/", replaceable: { $0.contains("mine") ? "mine" : nil }) { folder in
        try Folder.create(folder + "/inner/deep")
        try AtomicFile.write(to: folder + "/inner/deep/file") { try $0.write(text) }
        if text == "bad" { throw FileError.notFound(path: folder, expected: "another text") }
      }
    }
    try write("one")
    try write("two")
    #expect(problem { try write("bad") }.contains("another text"))
    #expect(try String(contentsOfFile: target + "/inner/deep/file", encoding: .utf8) == "two")
    #expect(scratch.names == ["out"])
    try AtomicFile.write(to: target + "/mine") { try $0.write("thesis") }
    #expect(throws: FileError.wouldOverwrite(path: try #require(Path.resolved(target)), found: "mine")) {
      try write("three")
    }
  }

  @Test("bytes written before can be written over")
  func overwrites() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a"
    try AtomicFile.write(to: path) { file in
      try file.write("0123456789")
      try file.overwrite(at: 2, with: Array("xyz".utf8))
      try file.write("!")
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "01xyz56789!")
  }
}
