// Files watched through their folders: written, renamed into place, behind links, in folders that come and go.

import Foundation
import Glibc
import Processes
import TestSupport
import Testing

@Suite struct FileWatchTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func path(_ name: String) -> String { scratch.path + "/" + name }

  private func makeFolder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
    return path(name)
  }

  @Test func changesAreSeenHoweverTheyCome() throws {
    let folder = try makeFolder("watched")
    let file = folder + "/lib.so"
    let watch = try FileWatch()
    watch.follow(file, suffixes: [".cse"])
    #expect(watch.changes().isEmpty)
    _ = try scratch.file("watched/other.so", [1])
    #expect(watch.changes().isEmpty, "another file of the folder")
    _ = try scratch.file("watched/lib.so", [1])
    #expect(watch.changes() == [file], "written")
    #expect(watch.changes().isEmpty, "told once")
    _ = try scratch.file("elsewhere", [2])
    try #require(rename(path("elsewhere"), file) == 0)
    #expect(watch.changes() == [file], "renamed into place")
    _ = try scratch.file("watched/lib.so.cse", [1])
    #expect(watch.changes() == [file], "its sidecar")
    try FileManager.default.removeItem(atPath: folder)
    #expect(watch.changes().isEmpty, "gone")
    _ = try makeFolder("watched")
    _ = try scratch.file("watched/lib.so", [3])
    #expect(watch.changes() == [file], "the folder was made again")
    _ = try scratch.file("watched/lib.so", [4])
    #expect(watch.changes() == [file], "written in the new folder")
  }

  /// The path is not the one behind links: the folder has two names and one watch.
  @Test func aFolderOfTwoNamesIsStillTold() throws {
    _ = try makeFolder("real")
    try FileManager.default.createSymbolicLink(atPath: path("alias"), withDestinationPath: path("real"))
    let file = path("alias/lib.so")
    _ = try scratch.file("real/lib.so", [1])
    let watch = try FileWatch()
    watch.follow(file, suffixes: [".cse"])
    #expect(watch.changes().isEmpty && watch.changes().isEmpty, "nothing happened")
    _ = try scratch.file("real/lib.so", [2])
    #expect(watch.changes() == [file])
    #expect(watch.changes().isEmpty)
  }

  @Test func aLinkIsFollowedToItsTarget() throws {
    _ = try makeFolder("build")
    let target = try scratch.file("build/lib-1.so", [1])
    let link = path("lib.so")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let watch = try FileWatch()
    watch.follow(link)
    _ = try scratch.file("build/lib-1.so", [2])
    #expect(watch.changes() == [link])
  }
}
