// Private copies of libraries, the watch on their files, and what a rebuilt component takes over.

import Foundation
import Host
import Kernels
import TestSupport
import Testing

@Suite struct LibraryCopiesTests {
  private let bench: PluginBench

  init() throws { bench = try PluginBench() }

  private func library(_ name: String, _ defines: [String] = []) throws -> String {
    let built = try shell(
      ["cc", "-O1", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include"]
        + defines.map { "-D" + $0 } + [Resources.fixture("reload/reload.c"), "-o", bench.path(name), "-lm"])
    if built.code != 0 { throw BenchError(description: built.errors) }
    try bench.setMode(0o755, name)
    return bench.path(name)
  }

  private func copyingRegistry() throws -> PluginRegistry {
    try PluginRegistry(searchPath: PluginSearchPath(folders: []), copiesLibraries: true, logger: silentLogger())
  }

  @Test func aCopyOutlivesItsNameAndItsSource() throws {
    let path = try library("liba.so")
    let expected = try bench.bytes(of: "liba.so")
    let copy = try LibraryCopy(of: path, allowInsecure: false)
    copy.forget()
    #expect(!FileManager.default.fileExists(atPath: copy.path))
    #expect(!FileManager.default.fileExists(atPath: (copy.path as NSString).deletingLastPathComponent))
    try FileManager.default.removeItem(atPath: path)
    let folder = try PrivateFolder()
    let again = try copy.write(into: folder, as: "again.so")
    #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: again))) == expected)
  }

  @Test func twoBuildsUnderOnePathRunSideBySide() throws {
    let path = try library("libb.so", ["VERSION=\"1\""])
    let registry = try copyingRegistry()
    let first = try registry.library(atPath: path)
    let old = try #require(registry.copies?.copy(of: first.identity))
    // Written in place, which would change code that is mapped from the file itself.
    try Data(contentsOf: URL(fileURLWithPath: try library("libnext.so", ["VERSION=\"2\""])))
      .write(to: URL(fileURLWithPath: path))
    let copy = try LibraryCopy(of: path, allowInsecure: false)
    #expect(!copy.isSame(as: old))
    let second = try #require(try registry.copies?.load(copy, alias: nil))
    #expect(first.version == "1" && second.version == "2")
    #expect(second.path == path && second.identity.resolvedPath == first.identity.resolvedPath)
    #expect(second.sha256 == copy.sha256 && second.sha256 != first.sha256)
    #expect(try LibraryCopy(of: path, allowInsecure: false).isSame(as: copy))
  }

  @Test func valuesThatWereSetCarryOverAndDefaultsDoNot() throws {
    let declared = { (lambda: Double, fresh: Bool) in
      try ParameterGrammar.parse(
        "lambda: float = \(lambda) in [0, 1]\nrate: float = 0.1\n" + (fresh ? "k: int = 2\n" : "old: int = 1\n"))
    }
    let old = try ParameterValues(
      ParameterSettings(declarations: declared(0.2, false), component: "x", settings: [("rate", "0.3")]))
    try old.set("rate", to: 1.0 / 3)
    let new = try ParameterValues(ParameterSettings(declarations: declared(0.5, true), component: "x"))
    #expect(old.isSet("rate") && !old.isSet("lambda"))
    try new.copy("rate", from: old)
    #expect(new.double("rate") == 1.0 / 3, "to the last bit")
    #expect(new.double("lambda") == 0.5 && new.isSet("rate"))
  }
}
