// `mixcse index`, `search`, `similarity` and `mine` as users call them.

import Foundation
import TestSupport
import Testing

@Suite struct SearchCommandTests {
  private let world: CommandWorld
  private let lines: [String]

  init() throws {
    world = try CommandWorld()
    lines = world.tiny.sentences(40, seed: 9)
    try world.write("lines.txt", lines.joined(separator: "\n") + "\n")
  }

  private func run(_ words: [String], input: String? = nil) throws -> ShellResult {
    guard let input else { return try shell([Resources.command] + words) }
    try world.write("input.txt", input)
    let command = ([Resources.command] + words).map { "'\($0)'" }.joined(separator: " ")
    return try shell(["/bin/sh", "-c", "\(command) < '\(world.path("input.txt"))'"])
  }

  private func build(_ name: String = "index", _ file: String = "lines.txt", _ more: [String] = []) throws
    -> ShellResult
  {
    try run(
      [
        "index", "build", world.path(file), "--model", world.path("model"), "--pooler", "avg", "--output",
        world.path(name),
      ] + more)
  }

  private struct Answer: Decodable {
    struct Hit: Decodable, Equatable {
      var text: String
      var row: Int
      var score: Double
    }
    var query: String
    var hits: [Hit]
  }

  private func search(_ name: String, _ more: [String], input: String? = nil) throws -> [Answer] {
    let result = try run(["search", world.path(name), "--json"] + more, input: input)
    try #require(result.code == 0, "\(result.errors)")
    return try JSONDecoder().decode([Answer].self, from: Data(result.output.utf8))
  }

  @Test("a line finds itself with score 1, all others by falling score; a threshold leaves out the rest")
  func search() throws {
    let built = try build()
    #expect(built.code == 0 && built.output == "\(world.path("index")): 40 lines\n", "\(built.errors)")
    let answer = try #require(try search("index", [lines[7], "-k", "40"]).first)
    #expect(answer.query == lines[7] && answer.hits.count == 40)
    #expect(lines[answer.hits[0].row] == lines[7] && abs(answer.hits[0].score - 1) < 1e-6)
    #expect(answer.hits.map(\.score) == answer.hits.map(\.score).sorted(by: >))
    #expect(Set(answer.hits.map(\.row)).count == 40 && answer.hits.allSatisfy { lines[$0.row] == $0.text })
    let middle = answer.hits[20].score
    let above = try search("index", [lines[7], "-k", "40", "--threshold", "\(middle)"])[0].hits
    #expect(above == answer.hits.filter { Float($0.score) >= Float(middle) })
  }

  @Test("the scores are those of similarity and of encode's vectors")
  func scores() throws {
    try #require(try build().code == 0)
    try world.write("one.txt", Array(repeating: lines[3], count: 40).joined(separator: "\n") + "\n")
    let similarity = try run([
      "similarity", world.path("one.txt"), world.path("lines.txt"), "--model", world.path("model"), "--pooler", "avg",
    ])
    #expect(similarity.code == 0)
    let scores = similarity.output.split(separator: "\n").compactMap { Double($0) }
    for hit in try search("index", [lines[3], "-k", "40"])[0].hits { #expect(abs(hit.score - scores[hit.row]) < 6e-5) }
    let matrix = try run([
      "similarity", world.path("one.txt"), world.path("lines.txt"), "--model", world.path("model"), "--pooler", "avg",
      "--matrix",
    ])
    #expect(matrix.output.split(separator: "\n")[11].split(separator: "\t").compactMap { Double($0) } == scores)
    try world.write("two.txt", "a\nb\n")
    let other = try run([
      "similarity", world.path("two.txt"), world.path("lines.txt"), "--model", world.path("model"), "--pooler", "avg",
    ])
    #expect(other.code == 65 && other.errors.contains("expected 2 lines") && other.errors.contains("--matrix"))
  }

  @Test("many queries from a file, and lines that are typed")
  func queries() throws {
    try #require(try build().code == 0)
    let answers = try search("index", ["--queries", world.path("lines.txt"), "-k", "3"])
    #expect(answers.map(\.query) == lines)
    for number in stride(from: 0, to: lines.count, by: 13) {
      #expect(try answers[number].hits == search("index", [lines[number], "-k", "3"])[0].hits)
    }
    let typed = try run(
      ["search", world.path("index"), "-k", "2"], input: lines[1] + "\n" + lines[2] + "\n\nnot read\n")
    #expect(typed.code == 0)
    #expect(typed.output.contains(lines[1]) && typed.output.contains(lines[2]) && !typed.output.contains("not read"))
  }

  @Test("an index that grew answers like one that was built at once, and only its own model adds to it")
  func growth() throws {
    try world.write("first.txt", lines[..<25].joined(separator: "\n") + "\n")
    try world.write("rest.txt", lines[25...].joined(separator: "\n") + "\n")
    try #require(try build("whole").code == 0)
    try #require(try build("grown", "first.txt").code == 0)
    let added = try run(["index", "add", world.path("grown"), world.path("rest.txt")])
    #expect(added.code == 0 && added.output.contains("15 lines more"), "\(added.errors)")
    for name in ["vectors.npy", "codes.npy", "bounds.npy", "texts.txt", "index.json"] {
      #expect(try world.data("grown/" + name) == world.data("whole/" + name), "\(name)")
    }
    try TinyModel(words: 81).write(to: world.path("other"))
    for words in [
      ["index", "add", world.path("grown"), world.path("rest.txt"), "--model", world.path("other")],
      ["search", world.path("grown"), "a", "--model", world.path("other")],
    ] {
      let refused = try run(words)
      #expect(refused.code == 65 && refused.errors.contains("expected the model that made the index"))
    }
    // The same files elsewhere are the same model.
    try FileManager.default.moveItem(atPath: world.path("model"), toPath: world.path("moved"))
    #expect(try run(["search", world.path("grown"), "a"]).code == 66)
    #expect(try run(["search", world.path("grown"), "a", "--model", world.path("moved")]).code == 0)
  }

  @Test("documents have one prompt, which the index records for what is added, and queries their own")
  func prompts() throws {
    try world.write(
      "model/config_sentence_transformers.json", #"{"prompts": {"query": "word5 ", "document": "word9 "}}"#)
    try world.write("first.txt", lines[..<25].joined(separator: "\n") + "\n")
    try world.write("rest.txt", lines[25...].joined(separator: "\n") + "\n")
    try #require(try build("whole", "lines.txt", ["--prompt-name", "document"]).code == 0)
    try #require(try build("plain").code == 0)
    try #require(try build("grown", "first.txt", ["--prompt-name", "document"]).code == 0)
    try #require(try run(["index", "add", world.path("grown"), world.path("rest.txt")]).code == 0)
    #expect(try world.data("grown/vectors.npy") == world.data("whole/vectors.npy"))
    #expect(try world.data("plain/vectors.npy") != world.data("whole/vectors.npy"))
    // A query with the documents' prompt in its text is the query with that prompt.
    let typed = try search("whole", ["word9 " + lines[7], "-k", "3"])[0].hits
    #expect(try search("whole", [lines[7], "-k", "3", "--prompt-name", "document"])[0].hits == typed)
    #expect(try search("whole", [lines[7], "-k", "3", "--prompt-name", "query"])[0].hits != typed)
    let unknown = try run(["search", world.path("whole"), "a", "--prompt-name", "passage"])
    #expect(unknown.code == 64 && unknown.errors.contains("query, document"), "\(unknown.errors)")
  }

  @Test("a build that is killed leaves nothing, an addition that is killed nothing new")
  func killed() throws {
    try world.write("many.txt", world.tiny.sentences(40_000, seed: 3).joined(separator: "\n") + "\n")
    let build = try world.run(
      [
        Resources.command, "index", "build", world.path("many.txt"), "--model", world.path("model"), "--pooler", "avg",
        "--output", world.path("half"),
      ],
      until: { _ in self.world.names("").contains { $0.hasPrefix(".half") } }, signal: SIGKILL)
    #expect(build.wasSignalled && build.code == 128 + SIGKILL && !world.exists("half"))
    try #require(try self.build().code == 0)
    let before = try world.data("index/index.json")
    let size = try world.data("index/texts.txt").count
    let add = try world.run(
      [Resources.command, "index", "add", world.path("index"), world.path("many.txt")],
      until: { _ in ((try? self.world.data("index/texts.txt").count) ?? 0) > size }, signal: SIGKILL)
    #expect(add.wasSignalled && add.code == 128 + SIGKILL)
    #expect(try world.data("index/index.json") == before)
    #expect(try search("index", [lines[0], "-k", "100"])[0].hits.count == 40)
    #expect(try run(["index", "add", world.path("index"), world.path("lines.txt")]).code == 0)
    #expect(try search("index", [lines[0], "-k", "100"])[0].hits.count == 80)
  }

  @Test("what makes no sense is said, and nothing is written over")
  func mistakes() throws {
    try #require(try build().code == 0)
    for (words, code, message) in [
      (["search", world.path("model"), "a"], 66, "expected an index"),
      (["search", world.path("index"), "a", "-k", "0"], 64, "-k"),
      (["search", world.path("index"), "a", "--threshold", "3"], 64, "--threshold"),
      (["search", world.path("index"), "a", "--queries", world.path("lines.txt")], 64, "found both"),
      (["index", "add", world.path("gone"), world.path("lines.txt")], 66, "expected an index"),
    ] as [([String], Int32, String)] {
      let result = try run(words)
      #expect(result.code == code && result.errors.contains(message), "\(words): \(result.code) \(result.errors)")
    }
    let again = try build()
    #expect(again.code == 64 && again.errors.contains("found an index") && again.errors.contains("--overwrite"))
    #expect(try build("index", "lines.txt", ["--overwrite"]).code == 0)
    let over = try build("model")
    #expect(over.code == 64 && over.errors.contains("expected a new or an empty folder"))
    try world.write("empty.txt", "")
    let empty = try build("none", "empty.txt")
    #expect(empty.code == 65 && empty.errors.contains("at least one line") && !world.exists("none"))
  }

  @Test("mined negatives are in the range that was asked for, never a positive, and train reads them")
  func mine() throws {
    // Every anchor comes twice, with two positives.
    let rows = (0..<30).map { "\"\(lines[$0 % 15])\",\(lines[$0 + 10])" }
    try world.write("pairs.csv", "anchor,positive\n" + rows.joined(separator: "\n") + "\n")
    let words = [
      "mine", world.path("pairs.csv"), "--model", world.path("model"), "--pooler", "avg", "--corpus",
      world.path("train.txt"), "--output", world.path("triples.csv"),
    ]
    let mined = try run(words + ["--negatives", "2", "--ranks", "3-8"])
    try #require(mined.code == 0, "\(mined.errors)")
    let triples = try String(contentsOfFile: world.path("triples.csv"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(triples[0] == ["anchor", "positive", "negative"])
    #expect(mined.output.contains("\(triples.count - 1) triples of 30 pairs"))
    for triple in triples.dropFirst() {
      let own = (0..<30).filter { lines[$0 % 15] == triple[0] }.map { lines[$0 + 10] }
      #expect(own.contains(triple[1]) && !own.contains(triple[2]) && triple[0] != triple[2])
    }
    let train = try shell([
      Resources.command, "train", "--model", world.path("model"), "--method", "simcse", "--train-file",
      world.path("triples.csv"), "--output-dir", world.path("run"), "--max-steps", "1", "--batch-size", "4",
      "--threads", "1",
    ])
    #expect(train.code == 0, "\(train.errors)")
    let random = try (0..<2).map { _ in
      try #require(try run(words + ["--random", "--ranks", "1-20"]).code == 0)
      return try world.data("triples.csv")
    }
    #expect(random[0] == random[1])
    let none = try run(words + ["--max-score", "-0.99"])
    #expect(none.code == 65 && none.errors.contains("none for any pair"))
    #expect(try world.data("triples.csv") == random[0])
    try world.write("single.txt", lines.joined(separator: "\n"))
    let single = try run(["mine", world.path("single.txt")] + words.dropFirst(2))
    #expect(single.code == 65 && single.errors.contains("anchor and positive"))
  }
}
