// Questions about paths, and folders made, listed and removed.

import Files
import Foundation
import TestSupport
import Testing

@Suite("paths and folders")
struct PathTests {
  @Test(
    "the parts of a path",
    arguments: [
      ("a/b.so", "b.so", "a"), ("b.so", "b.so", "."), ("/b", "b", "/"), ("/a/b", "b", "/a"), ("a/", "", "a"),
    ])
  func parts(path: String, name: String, folder: String) {
    #expect(Path.name(of: path) == name && Path.folder(of: path) == folder)
  }

  @Test("slashes at the end")
  func trailingSlashes() {
    #expect(Path.withoutTrailingSlashes("a//") == "a" && Path.withoutTrailingSlashes("//") == "/")
    #expect(Path.withoutTrailingSlashes("") == "")
  }

  @Test("folders, files, links and nothing are told apart")
  func kinds() throws {
    let scratch = try Scratch()
    let file = try scratch.file("file", "x")
    try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: file)
    try FileManager.default.createSymbolicLink(atPath: scratch.path + "/broken", withDestinationPath: "/nowhere")
    #expect(Path.isFolder(scratch.path) && !Path.isFile(scratch.path))
    #expect(Path.isFile(file) && !Path.isFolder(file) && Path.isFile(scratch.path + "/link"))
    #expect(!Path.exists(scratch.path + "/broken") && !Path.exists(file + "/x") && Path.exists(file))
    #expect(Path.resolved(scratch.path + "/link") == Path.resolved(file))
    #expect(Path.resolved("/nowhere/at all") == nil)
  }

  @Test("folders are made with those above them, listed in order, and removed without following links")
  func folders() throws {
    let scratch = try Scratch()
    let kept = try scratch.file("kept", "x")
    let folder = scratch.path + "/a/b/c"
    try Folder.create(folder + "/")
    try Folder.create(folder)
    for name in ["z", "B", ".h", "é"] { _ = try scratch.file("a/b/c/" + name, "x") }
    try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: scratch.path)
    #expect(try Folder.names(in: folder) == [".h", "B", "link", "z", "é"])
    try Folder.remove(scratch.path + "/a")
    try Folder.remove(scratch.path + "/a")
    #expect(scratch.names == ["kept"])
    #expect(throws: FileError.self) { try Folder.create(kept + "/x") }
    #expect(throws: FileError.notFound(path: folder, expected: "a folder")) { _ = try Folder.names(in: folder) }
  }
}
