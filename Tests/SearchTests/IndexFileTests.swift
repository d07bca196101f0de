// An index on the disk: what grows is what was built at once, what a killed process left counts for nothing, and what
// is broken is said.

import Files
import Foundation
import Kernels
import Search
import TestSupport
import Testing

@Suite struct IndexFileTests {
  private let scratch: Scratch
  private let folder: String
  private static let width = 5

  init() throws {
    scratch = try Scratch()
    folder = scratch.path + "/index"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let writer = try IndexWriter(newIn: folder, width: Self.width, model: Self.model())
    try writer.append(Self.vectors.matrix(rows: 6, columns: Self.width), Self.lines(0..<6))
    try writer.commit()
  }

  private static func model(_ digests: [String: String] = ["model.safetensors": "00"]) -> IndexedModel {
    IndexedModel(folder: "somewhere", digests: digests, pooler: "avg", beforeHead: false, maximumLength: 8)
  }

  private static let vectors: FloatBuffer = {
    let buffer = FloatBuffer(count: 6 * width)
    for row in 0..<6 { buffer.pointer[row * width + row % width] = 1 }
    return buffer
  }()

  private static func lines(_ range: Range<Int>) -> [[UInt8]] { range.map { Array("line \($0)".utf8) } }

  private func append(to name: String, _ bytes: [UInt8]) throws {
    let handle = try #require(FileHandle(forWritingAtPath: folder + "/" + name))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  @Test("what a killed process left behind the rows that count is not seen")
  func leftovers() throws {
    for name in ["vectors.npy", "codes.npy", "bounds.npy", "texts.txt"] { try append(to: name, [1, 2, 3, 10, 5]) }
    let index = try SentenceIndex(folder: folder)
    #expect(index.rows == 6)
    #expect(try index.texts(of: Array(0..<6)) == (0..<6).map { "line \($0)" })
    let found = try index.search(
      Self.vectors.matrix(rows: 1, columns: Self.width), count: 10, pool: ThreadPool(threads: 1))
    #expect(found[0].map(\.row) == [0, 5, 1, 2, 3, 4])
  }

  @Test("a model of other files, another pooler or another limit is refused, and said which")
  func otherModels() throws {
    let index = try SentenceIndex(folder: folder)
    try index.check(Self.model())
    var others = [Self.model(["model.safetensors": "01"]), Self.model(), Self.model(), Self.model()]
    others[1].pooler = "cls"
    others[2].maximumLength = nil
    others[3].beforeHead = true
    for (other, word) in zip(others, ["another model.safetensors", "pooler cls", "own length", "before the head"]) {
      #expect {
        try index.check(other)
      } throws: { error in
        "\(error)".contains(word)
      }
    }
  }

  @Test(
    "broken files are said to be broken, by their names",
    arguments: [
      ("vectors.npy", 30, "6 rows"), ("codes.npy", 20, "6 rows"), ("bounds.npy", 100, "6 rows"),
      ("texts.txt", 10, "6 lines"), ("index.json", 40, "byte"),
    ])
  func broken(_ name: String, _ bytes: Int, _ words: String) throws {
    let path = folder + "/" + name
    let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: UInt64(name.hasPrefix("bounds") || name == "index.json" ? bytes : size - bytes))
    try handle.close()
    #expect {
      _ = try SentenceIndex(folder: folder).texts(of: [0])
    } throws: { error in
      "\(error)".contains(name) && "\(error)".contains(words)
    }
  }

  @Test("what is no index is said to be none")
  func noIndex() throws {
    #expect(throws: SearchError.noIndex(path: scratch.path)) { try SentenceIndex(folder: scratch.path) }
    let path = folder + "/index.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for (old, new, place) in [
      ("\"version\": 1", "\"version\": 2", "version"), ("mixcse index", "index", "format"),
      ("\"rows\": 6", "\"rows\": -1", "rows"), ("\"width\": 5", "\"width\": 6", "vectors.npy"),
    ] {
      try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
      #expect {
        try SentenceIndex(folder: folder)
      } throws: { error in
        "\(error)".contains(place)
      }
    }
  }

  @Test("a folder of something else is not written over")
  func occupied() throws {
    try SentenceIndex.refuse(scratch.path + "/new", overwrite: false)
    try SentenceIndex.refuse(folder, overwrite: true)
    #expect(throws: SearchError.occupied(path: folder, found: "an index")) {
      try SentenceIndex.refuse(folder, overwrite: false)
    }
    _ = try scratch.file("index/.lock", "1\n")
    try SentenceIndex.refuse(folder, overwrite: true)
    _ = try scratch.file("index/notes.txt", "mine")
    #expect(throws: SearchError.occupied(path: folder, found: "notes.txt in it")) {
      try SentenceIndex.refuse(folder, overwrite: true)
    }
  }
}
