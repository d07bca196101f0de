// A Swift package of its own that depends on this one by a git URL and a version, as an author of plugins would: it is
// built as Documentation/PluginGuide.md prints it, and its library passes the conformance suite. Fetches what this
// package depends on, so it needs the network or SwiftPM's cache, as building this package does.

import Foundation
import TestSupport
import Testing

@Suite struct PackageTests {
  let folder = FileManager.default.temporaryDirectory.path + "/package-" + UUID().uuidString

  /// The files of this package as they are now, as a repository with the version 1.0.0.
  private func repository() throws -> String {
    let path = folder + "/mixcse"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let script = """
      set -e
      git -C '\(Resources.packageRoot)' ls-files -co --exclude-standard -z Package.swift Sources Plugins Tests |
        (cd '\(Resources.packageRoot)' && xargs -0 ls -d 2>/dev/null | tar -cf - -T -) | tar -xf - -C '\(path)'
      cd '\(path)' && git init -q && git add -A
      git -c user.name=test -c user.email=test@example.org commit -q -m 'Package: as it is' && git tag 1.0.0
      """
    let made = try shell(["bash", "-c", script])
    try #require(made.code == 0, "\(made.errors)")
    return path
  }

  /// The first block of a language on a page that holds `text`.
  private func block(of page: String, containing text: String) throws -> String {
    let page = try String(contentsOfFile: Resources.packageRoot + "/Documentation/\(page).md", encoding: .utf8)
    let blocks = page.components(separatedBy: "```swift\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```").first
    }
    return try #require(blocks.first { $0.contains(text) }) + "\n"
  }

  @Test func aPackageElsewhereDependsOnTheKitByVersion() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let url = try repository()
    let outer = folder + "/noise"
    try FileManager.default.createDirectory(
      atPath: outer + "/Sources/Noise", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let manifest = try block(of: "PluginGuide", containing: "import PackageDescription")
    try #require(manifest.contains("https://example.org/mixcse"))
    try manifest.replacingOccurrences(of: "https://example.org/mixcse", with: "file://" + url)
      .write(toFile: outer + "/Package.swift", atomically: true, encoding: .utf8)
    try block(of: "PluginABI", containing: "import PluginKit")
      .write(toFile: outer + "/Sources/Noise/Noise.swift", atomically: true, encoding: .utf8)

    let built = try shell(["swift", "build", "-c", "release", "--package-path", outer])
    try #require(built.code == 0, "\(built.output)\(built.errors)")
    let library = outer + "/.build/release/libNoise.so"
    for path in [folder, library] {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    let checked = try shell([Resources.command, "plugins", "check", library, "--deadline", "100"])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
  }
}
