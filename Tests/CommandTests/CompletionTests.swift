// What TAB offers: asked of the program as the completion scripts ask it.

import TestSupport
import Testing

@Suite("Completions")
struct CompletionTests {
  /// The candidates for the last word of a line whose option or argument is `target`.
  private func candidates(_ target: String, _ line: String...) throws -> [String] {
    let words = ["mixcse"] + line
    let command = line[0] == "plugins" ? Array(line[0...1]) : [line[0]]
    let place = [String(words.count - 1), String(words[words.count - 1].count)]
    let result = try shell([Resources.command, "---completion"] + command + ["--", target] + place + words)
    #expect(result.code == 0, "\(result.errors)")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func namesThenParametersThenValues() throws {
    #expect(try candidates("--method", "train", "--method", "mixc") == ["mixcse", "mixcse-arc", "mixcse-paper"])
    #expect(try candidates("--method", "train", "--method", "mixcse:la") == ["mixcse:lambda="])
    #expect(try candidates("--sampler", "train", "--sampler", "mixcse:lambda=0.3,ma") == ["mixcse:lambda=0.3,mask="])
    #expect(
      try candidates("--sampler", "train", "--sampler", "mixcse:mask=") == ["mixcse:mask=zero", "mixcse:mask=exclude"])
    #expect(try candidates("--loss", "train", "--loss", "0.5*infonce:te") == ["0.5*infonce:temperature="])
    #expect(try !candidates("--sampler", "train", "--sampler", "mixcse:mask=zero,").contains("mixcse:mask=zero,mask="))
  }

  @Test func strategiesOfAComparisonAreJoined() throws {
    #expect(try candidates("positional@0", "compare", "infonce+mixcse:ma") == ["infonce+mixcse:mask="])
    #expect(try candidates("positional@0", "plugins", "info", "moch") == ["mochi"])
  }

  @Test func aFolderThatIsNotThereHidesNothing() throws {
    let line = ["train", "--plugin-path", "/nowhere", "--pooler", "avg_t"]
    #expect(try candidates("--pooler", line[0], line[1], line[2], line[3], line[4]) == ["avg_top2"])
  }
}
