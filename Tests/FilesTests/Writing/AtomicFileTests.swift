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
    // Numbers of processes that live mean nothing: the one that made a file may be gone and its number another's.
    _ = try scratch.file(".a.tmp-\(getpid())-0000001f", "left")
    _ = try scratch.file(".b.tmp-999999999-1f", "another's")
    _ = try scratch.file(".a.tmp-mine", "no temporary name")
    try Folder.create(scratch.path + "/.a.old-1-1f")
    let living = try AtomicFile(path: scratch.path + "/a")
    let held = try #require(scratch.names.first { $0.hasPrefix(".a.tmp-") && $0 != ".a.tmp-mine" })
    #expect(scratch.names == [".a.old-1-1f", ".a.tmp-mine", held, ".b.tmp-999999999-1f"].sorted())
    try AtomicFile.write(to: scratch.path + "/a") { try $0.write("new") }
    #expect(scratch.names == [".a.old-1-1f", ".a.tmp-mine", held, ".b.tmp-999999999-1f", "a"].sorted())
    try living.finish()
    // What was moved aside goes once something is in its place.
    try AtomicFile.write(to: scratch.path + "/a") { try $0.write("newer") }
    #expect(scratch.names == [".a.tmp-mine", ".b.tmp-999999999-1f", "a"])
  }

  @Test("folders of killed processes go with the next one's, held ones and other people's stay")
  func scratchFolders() throws {
    let scratch = try Scratch()
    let held = try ScratchFolder(in: scratch.path)
    for (name, mode) in [("01234567", 0o700), ("89abcdef", 0o755), ("else", 0o700)] {
      let path = scratch.path + "/.mixcse-scratch-" + name
      try Folder.create(path + "/inner")
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
    var second: ScratchFolder? = try ScratchFolder(in: scratch.path)
    let names = [".mixcse-scratch-89abcdef", ".mixcse-scratch-else"]
    let paths = [held.path, try #require(second).path]
    #expect(scratch.names == (names + paths.map(Path.name(of:))).sorted())
    second = nil
    held.remove()
    #expect(scratch.names == names)
  }

  @Test("a pipe, a device and a link are written into, a folder is refused")
  func specialFiles() throws {
    let scratch = try Scratch()
    let pipe = scratch.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try AtomicFile.write(to: pipe) { file in
      try file.write("0123")
      try file.overwrite(at: 0, with: Array("x".utf8))
    }
    var bytes = [UInt8](repeating: 0, count: 16)
    #expect(read(reader, &bytes, 16) == 4 && bytes.prefix(4) == Array("x123".utf8)[...])

    let target = try scratch.file("target", "what it held before")
    let link = scratch.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target")
    try AtomicFile.write(to: link) { try $0.write("new") }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target")
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "new")
    // Nothing is lost where the contents do not come to their end.
    #expect(throws: FileError.self) {
      try AtomicFile.write(to: link) { _ in throw FileError.notFound(path: "", expected: "") }
    }
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "new")

    let full = #expect(throws: FileError.self) { try AtomicFile.write(to: "/dev/full") { try $0.write("x") } }
    #expect(full?.exitCode == 75)
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    #expect(problem { try AtomicFile.write(to: scratch.path) { _ in } }.contains("Is a directory"))
    #expect(scratch.names == ["link", "pipe", "target"])
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
