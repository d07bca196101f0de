// What is no graph of an index is never followed: broken bytes, other rows, and numbers that nothing here would write.

import Files
import Foundation
import Kernels
import Search
import TestSupport
import Testing

@Suite(.needs(.hnswlib)) struct GraphFileTests {
  private let scratch: Scratch
  private let folder: String
  private let library: GraphLibrary
  private let index: SentenceIndex
  private static let shape = GraphShape(links: 4, buildWidth: 20)
  /// Where the numbers begin, and how long the digest at the end is.
  private static let head = 80, tail = 32

  init() throws {
    scratch = try Scratch()
    folder = scratch.path + "/index"
    library = try GraphLibrary(places: [BuiltGraphLibrary.path.get()])
    index = try ClusteredVectors(120, width: 6, clusters: 5, seed: 2).index(folder)
    try make(folder)
  }

  private func make(_ folder: String) throws {
    _ = try SentenceIndex.makeGraph(
      in: folder, shape: Self.shape, overwrite: true, by: GraphMaker(pool: ThreadPool(threads: 1)) { library })
  }

  private var path: String { folder + "/graph.bin" }

  private func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

  /// What is said where these bytes are the graph; nil where they are taken for one.
  private func refusal(_ bytes: [UInt8]) throws -> String? {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do {
      _ = try SentenceGraph(of: index, library: library)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("a byte that is another is noticed, wherever it is")
  func flipped() throws {
    let good = try bytes()
    #expect(try refusal(good) == nil)
    for place in Array(0..<Self.head) + Array(stride(from: Self.head, to: good.count, by: 7)) {
      var bad = good
      bad[place] ^= 0x11
      let text = try #require(try refusal(bad), "byte \(place)")
      #expect(text.contains("graph.bin") && text.contains("index graph") && text.contains("--overwrite"), "\(text)")
    }
  }

  @Test("a file that ends early, or late, is noticed")
  func truncated() throws {
    let good = try bytes()
    for count in [0, 10, 79, 80, 111, 112, good.count / 2, good.count - 1] {
      #expect(try refusal(Array(good[..<count])) != nil, "\(count) bytes")
    }
    #expect(try refusal(good + [0]) != nil)
  }

  @Test("the graph of other rows is refused, also where they are as many")
  func foreign() throws {
    for (name, rows, width, seed) in [("rows", 120, 6, 9), ("more", 121, 6, 2), ("wide", 120, 7, 2)]
      as [(String, Int, Int, UInt64)]
    {
      let other = scratch.path + "/" + name
      try ClusteredVectors(rows, width: width, clusters: 5, seed: seed).index(other)
      try make(other)
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: other + "/graph.bin")))
      #expect(try #require(try refusal(bytes)).contains("expected the graph of the index's 120 rows"))
      // Nor is anything added to it.
      #expect(throws: FileError.self) {
        try SentenceIndex.makeGraph(
          in: folder, shape: nil, overwrite: false, by: GraphMaker(pool: ThreadPool(threads: 1)) { library })
      }
    }
  }

  @Test("links that lead nowhere are refused, though the digest is right")
  func crafted() throws {
    let good = try bytes()
    let numbers = good[Self.head..<(good.count - Self.tail)].withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
    func text(_ change: (inout [UInt32]) -> Void) throws -> String? {
      var changed = numbers
      change(&changed)
      var bytes = Array(good[..<Self.head]) + changed.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
      withUnsafeBytes(of: UInt64(changed.count)) { bytes.replaceSubrange(24..<32, with: $0) }
      var hash = SHA256()
      bytes.withUnsafeBytes { hash.update($0) }
      return try refusal(bytes + hash.finish())
    }
    #expect(try text { _ in } == nil)
    // Row 0: its level, the number of its links, the links. A row of level 0 and one above it:
    try #require(numbers[0] == 0 && numbers[1] >= 1, "the first row is of level \(numbers[0])")
    #expect(try #require(try text { $0[2] = 120 }).contains("row 120"))
    #expect(try #require(try text { $0[2] = .max }).contains("links of row 0"))
    #expect(try #require(try text { $0[2] = 0 }).contains("to row 0"))
    #expect(try #require(try text { $0[0] = 64 }).contains("a level of row 0"))
    #expect(try #require(try text { $0[1] = 9 }).contains("at most 8 links"))
    #expect(try text { $0[0] = 1 } != nil)
    #expect(try text { $0.removeLast() } != nil)
    #expect(try text { $0.append(0) } != nil)
    // The first row above level 0: a link of its upper level to a row that does not reach it.
    var (place, row) = (0, 0)
    while numbers[place] == 0 { (place, row) = (place + 2 + Int(numbers[place + 1]), row + 1) }
    let upper = place + 2 + Int(numbers[place + 1])
    #expect(row > 0)
    if numbers[upper] > 0 {
      #expect(try #require(try text { $0[upper + 1] = 0 }).contains("level 1"))
    } else {
      #expect(
        try text {
          $0[upper] = 1
          $0.insert(0, at: upper + 1)
        } != nil)
    }
  }

  @Test("what is no library that keeps graphs is refused by name; without one there is advice")
  func libraries() throws {
    #expect(throws: SearchError.noGraphLibrary(places: ["/nowhere/a.so"])) {
      try GraphLibrary(places: ["/nowhere/a.so"])
    }
    let text = try scratch.file("text.so", "no library")
    let other = try BuiltGraphLibrary.path.get()
    let open = scratch.path + "/open.so"
    try FileManager.default.copyItem(atPath: other, toPath: open)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: open)
    for (path, words) in [
      (text, "cannot be used"), (open, "can be written by others"),
      (Resources.pluginDirectory + "/libPoolers.so", "it has no cse_graph_open"),
    ] {
      #expect {
        try GraphLibrary(places: ["/nowhere/a.so", path])
      } throws: { error in
        "\(error)".contains(path) && "\(error)".contains(words) && "\(error)".contains("mixcse index library")
      }
    }
    #expect(throws: Never.self) { try GraphLibrary(places: [open], allowInsecure: true) }
  }
}
