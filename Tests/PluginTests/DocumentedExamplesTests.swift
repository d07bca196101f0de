// The plugins printed in Documentation/PluginABI.md compile as they stand there.

import Foundation
import TestSupport
import Testing

@Suite("Documented examples")
struct DocumentedExamplesTests {
  @Test("the C sampler builds into a library without a warning")
  func cSampler() throws {
    try withSource(language: "c") { folder, source in
      let library = folder + "/libnoise.so"
      let result = try shell([
        "clang", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2",
        "-I\(Resources.packageRoot)/Sources/PluginAPI/include", source, "-o", library,
      ])
      #expect(result.code == 0, "\(result.errors)")
      #expect(FileManager.default.fileExists(atPath: library))
    }
  }

  @Test("the bare sampler builds and passes the conformance suite")
  func bareSampler() throws {
    try withSource(language: "c", page: "BareFunctions") { folder, source in
      let library = folder + "/libblended.so"
      let built = try shell(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", source, "-o", library])
      #expect(built.code == 0, "\(built.errors)")
      for path in [folder, library] {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      }
      let checked = try shell([Resources.command, "plugins", "check", library])
      #expect(checked.code == 0, "\(checked.output)\(checked.errors)")
    }
  }

  @Test("the Swift sampler type-checks against the kit")
  func swiftSampler() throws {
    try withSource(language: "swift") { _, source in
      let result = try shell([
        "swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-warnings-as-errors",
        "-I\(Resources.productDirectory)/Modules", "-I\(Resources.packageRoot)/Sources/PluginAPI/include", source,
      ])
      #expect(result.code == 0, "\(result.errors)")
    }
  }

  /// Writes the first example in a language to a file of its own.
  private func withSource(
    language: String, page name: String = "PluginABI", _ body: (_ folder: String, _ source: String) throws -> Void
  ) throws {
    let page = try String(contentsOfFile: Resources.packageRoot + "/Documentation/\(name).md", encoding: .utf8)
    let start = try #require(page.range(of: "```\(language)\n"))
    let end = try #require(page.range(of: "\n```", range: start.upperBound..<page.endIndex))
    let folder = FileManager.default.temporaryDirectory.path + "/example-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = folder + "/example." + language
    try String(page[start.upperBound..<end.lowerBound] + "\n").write(toFile: source, atomically: true, encoding: .utf8)
    try body(folder, source)
  }
}
