// Documentation/PluginGuide.md: every command on it, run in order.

import Foundation
import TestSupport
import Testing

@Suite struct PluginGuideTests {
  private func blocks(of page: String, language: String) throws -> [String] {
    let text = try String(contentsOfFile: Resources.packageRoot + "/Documentation/" + page, encoding: .utf8)
    return text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```").first
    }
  }

  /// Runs the page's commands in a fresh folder with the tiny model.
  private func run(_ commands: String) throws -> ShellResult {
    let world = try CommandWorld()
    try FileManager.default.createDirectory(
      atPath: world.path("work"), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    return try shell(
      ["bash", "-euo", "pipefail", "-c", "umask 022\n" + commands], in: world.path("work"),
      environment: [
        "PATH": Resources.productDirectory + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
        "MODEL": world.path("model"), "TRAIN": world.path("train.txt"), "DEV": world.path("pairs.tsv"),
      ])
  }

  @Test(.needs(.numpy)) func everyCommandOfTheGuideWorks() throws {
    let commands = try blocks(of: "PluginGuide.md", language: "sh")
    #expect(commands.count == 4)
    let result = try run(commands.joined(separator: "\n"))
    #expect(result.code == 0, "\(result.output.suffix(600))\n\(result.errors.suffix(600))")
    #expect(result.output.components(separatedBy: " 0 failed").count == 4, "\(result.output)")
    // The same idea in both languages: the same angles.
    let angles = result.output.split(separator: "\n").filter { $0.hasPrefix("\"spherical.angle\":") }
      .compactMap { $0.split(separator: ":").last.flatMap { Double($0) } }
    #expect(angles.count == 2 && abs(angles[0] - angles[1]) < 1e-4, "\(angles)")
  }

  @Test(.needs(.numpy)) func leavingOutTheGuardInPythonIsFoundToo() throws {
    let commands = try blocks(of: "PluginGuide.md", language: "sh")[0]
    let careless = commands.replacingOccurrences(of: "arc = np.sin(angle) > 1e-4", with: "arc = angle > -1")
    #expect(careless != commands)
    let result = try run(careless)
    #expect(result.code == 1 && result.output.contains("FAILED  value.equal"), "\(result.output)\(result.errors)")
  }

  @Test func leavingOutTheGuardIsFoundAsTheGuideSays() throws {
    let commands = try blocks(of: "PluginGuide.md", language: "sh").dropFirst().prefix(2).joined(separator: "\n")
    let careless = commands.replacingOccurrences(of: "s > 1e-4", with: "1")
    #expect(careless != commands)
    let result = try run(careless)
    #expect(result.code == 1 && result.output.contains("FAILED  value.equal"), "\(result.output)\(result.errors)")
  }
}
