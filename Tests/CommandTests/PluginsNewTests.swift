// `mixcse plugins new`: every kind in every language builds with `make`, passes `plugins check`, and trains at once.

import Foundation
import TestSupport
import Testing

@Suite struct PluginsNewTests {
  static let languages = ["swift", "c", "c++", "rust", "bare", "python"]
  static let compilers = [
    "swift": "swiftc", "c": "cc", "c++": "g++", "rust": "rustc", "bare": "cc", "python": "python3",
  ]

  /// A missing compiler skips locally, and is an error in CI.
  private func hasCompiler(_ language: String) throws -> Bool {
    let compiler = try #require(Self.compilers[language])
    let probe = language == "python" ? ["python3", "-c", "import numpy"] : ["sh", "-c", "command -v \(compiler)"]
    if try shell(probe).code == 0 { return true }
    #expect(!Resources.isCI, "\(compiler) is not installed; CI builds every template (make test-deps)")
    FileHandle.standardError.write(Data("left out: \(language) templates, since \(compiler) is not installed\n".utf8))
    return false
  }

  private func flags(_ kind: String, _ library: String) -> [String] {
    switch kind {
    case "sampler": ["--sampler", library, "--loss", "infonce", "--pooler", "avg"]
    case "loss": ["--loss", library, "--pooler", "avg"]
    case "augmenter": ["--augment", library, "--method", "simcse", "--pooler", "avg"]
    default: ["--method", "simcse", "--pooler", library]
    }
  }

  @Test(arguments: ["sampler", "loss", "pooler", "augmenter"], languages)
  func aNewPluginBuildsPassesAndTrains(kind: String, language: String) throws {
    guard try hasCompiler(language) else { return }
    let world = try CommandWorld()
    if kind == "augmenter", ["rust", "bare", "python"].contains(language) {
      let refused = try shell([
        Resources.command, "plugins", "new", kind, "my_idea", "--language", language, "--directory", world.folder,
      ])
      #expect(refused.code == 64 && refused.errors.contains("one of swift, c, c++"), "\(refused.errors)")
      return
    }
    let made = try shell([
      Resources.command, "plugins", "new", kind, "my_idea", "--language", language, "--directory", world.folder,
    ])
    #expect(made.code == 0 && made.output.contains("make") == (language != "python"), "\(made.errors)")
    let folder = world.path("my_idea")
    let library = try language == "python" ? checked(folder + "/my_idea.py") : built(folder)
    let trained = try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path("out"), "--max-steps", "4", "--batch-size", "8", "--threads", "1",
      ] + flags(kind, library))
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(try world.metrics("out").count == 4)
    // A pooler with a descriptor describes itself; a bare function cannot, and its export keeps the name as text.
    let isDescribed = kind != "pooler" || ["swift", "c", "c++", "python"].contains(language)
    #expect(world.exists("out/modules.json") == isDescribed, "\(trained.errors)")
  }

  /// The library that `make` leaves, which has passed `make check`.
  private func built(_ folder: String) throws -> String {
    let built = try shell(["make", "-s", "-C", folder, "MIXCSE=\(Resources.command)"])
    #expect(built.code == 0 && built.errors.isEmpty, "\(built.output)\(built.errors)")
    let library = folder + "/libmy_idea.so"
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    let checked = try shell(["make", "-s", "-C", folder, "check", "MIXCSE=\(Resources.command)"])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
    return library
  }

  private func checked(_ file: String) throws -> String {
    let checked = try shell([Resources.command, "plugins", "check", file])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
    return file
  }

  @Test func wrongNamesAndFoldersAreRefused() throws {
    let world = try CommandWorld()
    func new(_ name: String, _ more: [String] = []) throws -> ShellResult {
      try shell(
        [Resources.command, "plugins", "new", "loss", name, "--language", "c", "--directory", world.folder] + more)
    }
    #expect(try new("My-Loss").errors.contains("expected a name such as my_idea"))
    #expect(try new("model").errors.contains("exists already"))
    let lost = try new("fine", ["--sdk", world.path("nowhere")])
    #expect(lost.code == 64 && lost.errors.contains("--sdk DIR") && !world.exists("fine"), "\(lost.errors)")
  }
}
