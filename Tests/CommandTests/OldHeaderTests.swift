// Plugins that were built with an earlier header: each stands in Fixtures/abi/headers as it was, and the same source
// built with it and with the header of today gives the same run.

import Foundation
import TestSupport
import Testing

struct OldHeaderTests {
  /// `first`: before scores, classes and dtemperature; `supervision`: before encodings and augmenters. Built with
  /// `encodings`, before texts, the vocabulary and added views, the library is that of today, byte for byte.
  @Test func nothingOfTheLastOldHeaderMoved() throws {
    let world = try CommandWorld()
    for source in ["objective/strategies.c", "objective/score.c", "training/encodings.c", "training/augmenter.c"] {
      let libraries = try [["-iquote", Resources.fixture("abi/headers/encodings")], []].map { flags in
        try buildPlugin(Resources.fixture(source), to: world.path("libsame.so"), flags: flags)
        return try world.data("libsame.so")
      }
      #expect(libraries[0] == libraries[1], "\(source)")
    }
  }

  @Test(arguments: ["first", "supervision"], [[], ["--isolate"]])
  func runsAsWithTheHeaderOfToday(header: String, flags: [String]) throws {
    let world = try CommandWorld()
    let source = Resources.fixture("objective/strategies.c")
    let (old, new) = (world.path("old/libstrategies.so"), world.path("new/libstrategies.so"))
    for library in [old, new] {
      try FileManager.default.createDirectory(
        atPath: (library as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o755])
    }
    let include = Resources.fixture("abi/headers/\(header)")
    // The first folder named is searched first.
    try buildPlugin(source, to: old, flags: ["-iquote", include])
    try buildPlugin(source, to: new)
    try #require(try Data(contentsOf: URL(fileURLWithPath: old)) != Data(contentsOf: URL(fileURLWithPath: new)))
    func run(_ output: String, _ library: String) throws -> [String] {
      let named = ["fifo:size=40", "noise", "own_mixtures", "mapped"].flatMap { ["--sampler", "\(library):\($0)"] }
      let result = try shell(
        [
          Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
          "--output-dir", world.path(output), "--batch-size", "8", "--max-steps", "6", "--threads", "2",
          "--learning-rate", "1e-3", "--pooler", "\(library):gate", "--loss", "\(library):xent", "--loss",
          "0.1*\(library):simreg", "--loss", "0.1*\(library):alignuni",
        ] + named + flags)
      try #require(result.code == 0, "\(result.errors)")
      return try world.metrics(output)
    }
    let found = try run("old-run", old)
    #expect(found == (try run("new-run", new)))
    #expect(found.count == 6)
  }
}
