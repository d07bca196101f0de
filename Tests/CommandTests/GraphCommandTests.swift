// `mixcse index` and `search` with graphs, as users call them.

import Foundation
import TestSupport
import Testing

@Suite(.needs(.hnswlib)) struct GraphCommandTests {
  private let world: CommandWorld
  private let lines: [String]

  init() throws {
    world = try CommandWorld()
    lines = world.tiny.sentences(300, seed: 9)
    try world.write("lines.txt", lines.joined(separator: "\n") + "\n")
  }

  private func run(_ words: [String], library: String? = nil) throws -> ShellResult {
    try shell(
      [Resources.command] + words, environment: ["CSE_GRAPH": library ?? BuiltGraphLibrary.path.get()])
  }

  private func build(_ name: String, _ file: String = "lines.txt", _ more: [String] = []) throws -> ShellResult {
    try run(
      [
        "index", "build", world.path(file), "--model", world.path("model"), "--pooler", "avg", "--output",
        world.path(name),
      ] + more)
  }

  private struct Answer: Decodable, Equatable {
    struct Hit: Decodable, Equatable {
      var text: String
      var row: Int
      var score: Double
    }
    var query: String
    var hits: [Hit]
    var approximate: Bool?
  }

  private func search(_ name: String, _ more: [String]) throws -> [Answer] {
    let result = try run(["search", world.path(name), "--json"] + more)
    try #require(result.code == 0, "\(result.errors)")
    return try JSONDecoder().decode([Answer].self, from: Data(result.output.utf8))
  }

  @Test("an approximate search says so, in JSON too, and gives the exact scores")
  func search() throws {
    let built = try build("index", "lines.txt", ["--approximate", "hnsw"])
    try #require(built.code == 0, "\(built.errors)")
    let exact = try search("index", [lines[7], "-k", "10"])[0]
    let found = try search("index", [lines[7], "-k", "10", "--approximate", "--hnsw-width", "300"])[0]
    #expect(exact.approximate == nil && found.approximate == true)
    // 300 rows are few enough that the graph leads to the nearest.
    #expect(found.hits == exact.hits)
    let middle = exact.hits[4].score
    let above = try search("index", [lines[7], "-k", "10", "--approximate", "--threshold", "\(middle)"])[0].hits
    #expect(above == exact.hits.filter { Float($0.score) >= Float(middle) })
    let said = try run(["search", world.path("index"), lines[7], "--approximate"])
    #expect(said.code == 0 && said.errors.contains("note: approximate") && said.output.contains(lines[7]))
  }

  @Test("what is added is linked, and an older graph is refused until it is extended")
  func growth() throws {
    try world.write("first.txt", lines[..<200].joined(separator: "\n") + "\n")
    try world.write("rest.txt", lines[200...].joined(separator: "\n") + "\n")
    try #require(try build("index", "first.txt", ["--approximate", "hnsw", "--hnsw-links", "8"]).code == 0)
    let old = try world.data("index/graph.bin")
    let added = try run(["index", "add", world.path("index"), world.path("rest.txt")])
    #expect(added.code == 0 && added.output.contains("100 lines more"), "\(added.errors)")
    let grown = try world.data("index/graph.bin")
    #expect(try search("index", [lines[250], "-k", "1", "--approximate"])[0].hits[0].text == lines[250])
    // As a process that was killed between the rows and the graph leaves it.
    try old.write(to: URL(fileURLWithPath: world.path("index/graph.bin")))
    let refused = try run(["search", world.path("index"), lines[0], "--approximate"])
    #expect(refused.code == 65 && refused.errors.contains("found one of 200") && refused.errors.contains("index graph"))
    let other = try run(["index", "graph", world.path("index"), "--hnsw-links", "16"])
    #expect(other.code == 64 && other.errors.contains("--overwrite"), "\(other.errors)")
    let extended = try run(["index", "graph", world.path("index")])
    #expect(extended.code == 0 && extended.output.contains("300 lines, 100 of them new"), "\(extended.errors)")
    #expect(try world.data("index/graph.bin") == grown)
    // Without the library nothing is added: the graph would be left behind.
    let before = try world.data("index/index.json")
    let alone = try run(["index", "add", world.path("index"), world.path("rest.txt")], library: "/nowhere/a.so")
    #expect(alone.code == 69 && alone.errors.contains("mixcse index library"), "\(alone.errors)")
    #expect(try world.data("index/index.json") == before)
    // Nor to a graph that is broken.
    try Data(grown.dropLast()).write(to: URL(fileURLWithPath: world.path("index/graph.bin")))
    let broken = try run(["index", "add", world.path("index"), world.path("rest.txt")])
    #expect(broken.code == 65 && broken.errors.contains("graph.bin"), "\(broken.errors)")
    #expect(try world.data("index/index.json") == before)
    #expect(try run(["index", "graph", world.path("index"), "--overwrite", "--hnsw-links", "8"]).code == 0)
  }

  private struct Recall: Decodable {
    struct Width: Decodable {
      var width: Int
      var recall: Double
      var milliseconds: Double
    }
    var queries: Int
    var k: Int
    var exactMilliseconds: Double
    var widths: [Width]
  }

  @Test("recall is measured on lines of the index and on queries of a file")
  func recall() throws {
    try #require(try build("index").code == 0)
    let made = try run(["index", "graph", world.path("index"), "--hnsw-build-width", "60"])
    #expect(made.code == 0 && made.output.contains("300 lines, 300 of them new"), "\(made.errors)")
    try world.write("queries.txt", world.tiny.sentences(20, seed: 33).joined(separator: "\n") + "\n")
    for (more, queries) in [(["--sample", "50"], 50), (["--queries", world.path("queries.txt")], 20)] {
      let result = try run(
        ["index", "recall", world.path("index"), "-k", "5", "--hnsw-width", "5,300", "--json"] + more)
      try #require(result.code == 0, "\(result.errors)")
      let found = try JSONDecoder().decode(Recall.self, from: Data(result.output.utf8))
      #expect(found.queries == queries && found.k == 5 && found.widths.map(\.width) == [5, 300])
      #expect(found.widths[1].recall == 1 && (0.3...1).contains(found.widths[0].recall))
      #expect(found.exactMilliseconds > 0 && found.widths.allSatisfy { $0.milliseconds > 0 })
    }
    let table = try run(["index", "recall", world.path("index"), "--sample", "1000"])
    #expect(table.code == 0 && table.output.contains("recall@10") && table.output.contains("300 queries"))
  }

  @Test("a build or a graph that is killed leaves what was there")
  func killed() throws {
    try world.write("many.txt", world.tiny.sentences(40_000, seed: 3).joined(separator: "\n") + "\n")
    let environment = ["/usr/bin/env", "CSE_GRAPH=\(try BuiltGraphLibrary.path.get())", Resources.command]
    let build = try world.run(
      environment + [
        "index", "build", world.path("many.txt"), "--model", world.path("model"), "--pooler", "avg", "--output",
        world.path("half"), "--approximate", "hnsw",
      ],
      until: { _ in
        self.world.names("").contains { $0.hasPrefix(".half") && self.world.exists($0 + "/index.json") }
      }, signal: SIGKILL)
    #expect(build.wasSignalled && build.code == 128 + SIGKILL && !world.exists("half"))
    try #require(try self.build("whole", "many.txt").code == 0)
    let graph = try world.run(
      environment + ["index", "graph", world.path("whole")],
      until: { _ in self.world.exists("whole/.lock") }, signal: SIGKILL)
    #expect(graph.wasSignalled && graph.code == 128 + SIGKILL && !world.exists("whole/graph.bin"))
    #expect(try run(["search", world.path("whole"), "a", "--approximate"]).code == 66)
    #expect(try run(["search", world.path("whole"), "a"]).code == 0)
  }

  @Test("what makes no sense is said, by its flag")
  func mistakes() throws {
    try #require(try build("index").code == 0)
    let index = world.path("index")
    for (words, code, message) in [
      (["search", index, "a", "--approximate"], 66, "mixcse index graph"),
      (["search", index, "a", "--hnsw-width", "9"], 64, "expected --approximate"),
      (["search", index, "a", "--approximate", "--hnsw-width", "3"], 64, "at least -k (5)"),
      (["search", index, "a", "--approximate", "--hnsw-width", "0"], 64, "1 to 65536"),
      (["index", "graph", index, "--hnsw-links", "1"], 64, "--hnsw-links: expected 2 to 256"),
      (["index", "graph", index, "--hnsw-build-width", "15"], 64, "--hnsw-build-width"),
      (["index", "recall", index, "--hnsw-width", "9"], 64, "at least -k (10)"),
      (["index", "recall", index, "--sample", "0"], 64, "--sample"),
      (["index", "recall", index, "--prompt", "a"], 64, "--queries"),
      (["index", "graph", world.path("model")], 66, "expected an index"),
    ] as [([String], Int32, String)] {
      let result = try run(words)
      #expect(result.code == code && result.errors.contains(message), "\(words): \(result.code) \(result.errors)")
    }
    let unasked = try build("none", "lines.txt", ["--hnsw-links", "8"])
    #expect(unasked.code == 64 && unasked.errors.contains("--approximate hnsw"))
    let missing = try run(
      [
        "index", "build", world.path("lines.txt"), "--model", world.path("model"), "--output", world.path("none"),
        "--approximate", "hnsw",
      ], library: "/nowhere/a.so")
    #expect(missing.code == 69 && missing.errors.contains("mixcse index library") && !world.exists("none"))
  }

  @Test("without hnswlib's headers the package that has them is named")
  func headers() throws {
    let complaint = "fatal error: hnswlib/hnswlib.h: No such file or directory"
    try world.write("compiler", "#!/bin/sh\necho '\(complaint)' >&2\nexit 1\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("compiler"))
    let result = try shell(
      [Resources.command, "index", "library", "--output", world.path("library")],
      environment: ["CXX": world.path("compiler")])
    #expect(result.code == 64 && result.errors.contains("libhnswlib-dev"), "\(result.errors)")
    #expect(world.names("library").isEmpty)
  }
}
