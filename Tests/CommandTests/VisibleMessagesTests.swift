// What the command prints of names and texts that try to drive the terminal: on both streams they are shown as escapes.

import Foundation
import TestSupport
import Testing

@Suite struct VisibleMessagesTests {
  /// A title for the terminal's window, a cleared screen, C1's CSI, DEL, text turned round.
  private static let evil = "x\u{1B}]0;PWNED\u{7}\u{1B}[2J\u{9B}31m\u{7F}\u{202E}y"
  private static let shown = #"x\u{1B}]0;PWNED\u{7}\u{1B}[2J\u{9B}31m\u{7F}\u{202E}y"#

  /// Holds both streams to having nothing hidden in them.
  private func expectVisible(_ result: ShellResult, _ shown: String? = shown) {
    for text in [result.output, result.errors] {
      let hidden = text.unicodeScalars.filter { scalar in
        scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t" || scalar == "\u{202E}"
      }
      #expect(hidden.isEmpty, "\(text.debugDescription)")
    }
    if let shown { #expect((result.output + result.errors).contains(shown), "\(result)") }
  }

  private func mixcse(_ arguments: String...) throws -> ShellResult { try shell([Resources.command] + arguments) }

  @Test func documentsAreQuotedVisibly() throws {
    let world = try CommandWorld()
    let quoted = try JSONSerialization.data(withJSONObject: [Self.evil])
    let name = String(decoding: quoted, as: UTF8.self).dropFirst().dropLast()
    let config = String(decoding: try world.data("model/config.json"), as: UTF8.self)
    try world.write("model/config.json", config.replacingOccurrences(of: "\"bert\"", with: name))
    let encoded = try mixcse("encode", "--json", "--model", world.path("model"), "--input", world.path("train.txt"))
    #expect(encoded.code == 65)
    expectVisible(encoded)
  }

  @Test func namesOfFilesAndFoldersAreShown() throws {
    let world = try CommandWorld()
    let model = world.path(Self.evil)
    try FileManager.default.moveItem(atPath: world.path("model"), toPath: model)
    expectVisible(try mixcse("encode", "--json", "--model", model + "/absent"))
    try FileManager.default.copyItem(atPath: world.path("pairs.tsv"), toPath: world.path(Self.evil + ".tsv"))
    let pairs = ["--pairs", world.path(Self.evil + ".tsv"), "--threads", "1"]
    let scored = try shell([Resources.command, "evaluate", "--model", model, "--pooler", "avg"] + pairs)
    #expect(scored.code == 0)
    expectVisible(scored)
    let document = try shell([Resources.command, "evaluate", "--model", model, "--pooler", "avg", "--json"] + pairs)
    expectVisible(document, nil)
    let read = try #require(try JSONSerialization.jsonObject(with: Data(document.output.utf8)) as? [String: Any])
    #expect(read["model"] as? String == model)
  }

  @Test func textsOfPluginsAreShown() throws {
    let world = try CommandWorld()
    let source = """
      const char cse_functions[] = "schedule ev(step:i64) -> f64 \\"\(Self.evil)\\" ;";
      double ev(long step) { return (double)step; }

      """
    try world.write("ev.c", source)
    let library = world.path("libev.so")
    #expect(try shell(["cc", "-shared", "-fPIC", world.path("ev.c"), "-o", library]).code == 0)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    for arguments in [["list", "--plugin-path", world.folder], ["info", library], ["info", library, "--json"]] {
      expectVisible(try shell([Resources.command, "plugins"] + arguments), nil)
    }
    expectVisible(try mixcse("plugins", "list", "--plugin-path", world.folder))
  }

  @Test func tokensAndArgumentsAreShown() throws {
    let world = try CommandWorld()
    let words = String(decoding: try world.data("model/vocab.txt"), as: UTF8.self)
    try world.write("model/vocab.txt", words.replacingOccurrences(of: "[UNK]", with: Self.evil))
    expectVisible(try mixcse("tokenize", "--model", world.path("model"), "--max-seq-length", Self.evil))
    expectVisible(try mixcse("plugins", "check", "./lib.so", "--only", Self.evil))
    expectVisible(try mixcse(Self.evil))
  }
}
