// The safetensors reader and writer against files written by the safetensors package, and hostile files.

import Files
import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite("safetensors files")
struct SafetensorsTests {
  private let tiny = Resources.fixture("files/tiny.safetensors")

  @Test("reads float32, float16, bfloat16, a scalar and an empty tensor")
  func readsTypes() throws {
    let file = try SafetensorsFile(path: tiny)
    #expect(try file.values("bert.embeddings.word_embeddings.weight") == fixtureValues(0, 0..<20))
    #expect(try file.values("bert.encoder.layer.0.output.LayerNorm.gamma") == fixtureValues(1, 0..<4))
    #expect(try file.values("bert.encoder.layer.0.output.LayerNorm.beta") == fixtureValues(2, 0..<4))
    #expect(try file.values("scalar") == fixtureValues(3, 0..<1))
    #expect(try file.values("empty").isEmpty)
    #expect(file.metadata == ["format": "pt", "note": "naïve \"quotes\""])
  }

  @Test("lists other types and loads them not")
  func refusesIntegers() throws {
    let file = try SafetensorsFile(path: tiny)
    let entry = try #require(file.entries.first { $0.name == "bert.embeddings.position_ids" })
    #expect(entry.shape == [1, 6])
    #expect(errorText { _ = try file.values(entry.name) }?.contains("found I64") == true)
  }

  @Test("canonical names: no prefix, gamma and beta renamed, unused ones reported")
  func canonicalNames() throws {
    let table = try WeightTable(SafetensorsFile(path: tiny))
    #expect(table.contains("embeddings.word_embeddings.weight"))
    #expect(try table.values("encoder.layer.0.output.LayerNorm.weight", [4]) == fixtureValues(1, 0..<4))
    #expect(try table.values("encoder.layer.0.output.LayerNorm.bias", [4]) == fixtureValues(2, 0..<4))
    #expect(Set(table.unused) == ["embeddings.word_embeddings.weight", "embeddings.position_ids", "scalar", "empty"])
    #expect(throws: ModelFileError.missingTensors(path: tiny, names: ["a", "b"])) {
      try table.require([("a", [1]), ("scalar", []), ("b", [1])])
    }
    #expect(throws: ModelFileError.self) { try table.require([("embeddings.word_embeddings.weight", [4, 5])]) }
  }

  @Test("two names with one meaning are an error")
  func ambiguous() throws {
    let scratch = try Scratch()
    let header = #"""
      {"bert.x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}
      """#
    let path = try scratch.file("a.safetensors", safetensors(header, data: 8))
    #expect(throws: ModelFileError.ambiguousTensor(path: path, name: "x", first: "bert.x", second: "x")) {
      _ = try WeightTable(SafetensorsFile(path: path))
    }
  }

  static let broken: [(String, Int, String)] = [
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "end of at most 4"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "8 bytes for F32 [2]"),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "found -1"),
    (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "begin <= end"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "found -4"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "[begin, end]"),
    (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "fits 64 bits"),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#, 4, "whole numbers"),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
      6,
      "overlap"
    ),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "a hole"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "as the header says"),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
      4,
      "\"a\" again"
    ),
    (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "dtype"),
    (#"{"a":7}"#, 4, "an object"),
    (#"[1]"#, 0, "a JSON object"),
    (#"{"a":"#, 4, "the end"),
    (#"{"__metadata__":{"n":1}}"#, 0, "a string"),
    (String(repeating: "[", count: 100_000), 0, "levels of nesting"),
    (String(repeating: #"{"a":"#, count: 100_000), 0, "levels of nesting"),
    ("{\"\\ud800\":1}", 0, "surrogates"),
  ]

  @Test("broken headers are named", arguments: broken)
  func brokenHeader(header: String, data: Int, expected: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.safetensors", safetensors(header, data: data))
    let text = try #require(errorText { _ = try SafetensorsFile(path: path) })
    #expect(text.contains(expected), "\(text)")
    #expect(text.contains(path))
  }

  @Test("lengths that lie are named")
  func brokenLengths() throws {
    let scratch = try Scratch()
    let huge = try scratch.file("huge", [255, 255, 255, 255, 255, 255, 255, 255, 123])
    #expect(errorText { _ = try SafetensorsFile(path: huge) }?.contains("18446744073709551615") == true)
    let short = try scratch.file("short", [1, 2])
    #expect(errorText { _ = try SafetensorsFile(path: short) }?.contains("found 2 bytes") == true)
    #expect(errorText { _ = try SafetensorsFile(path: scratch.path) }?.contains("found a folder") == true)
    #expect(errorText { _ = try SafetensorsFile(path: "/dev/zero") }?.contains("a device or pipe") == true)
    #expect(throws: FileError.notFound(path: scratch.path + "/no", expected: "a safetensors file")) {
      _ = try SafetensorsFile(path: scratch.path + "/no")
    }
  }

  @Test("every truncation and 3000 random changes give a value or an error")
  func damagedSafetensors() throws {
    try mutate(tiny, suffix: "safetensors", changes: 3000)
  }

  @Test("writes what it reads, and keeps the old file when it fails")
  func writesSafetensors() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a \"b\".safetensors"
    let values: [Float] = [1, -0.0, .infinity, 1e-42, .pi, 6]
    try values.withUnsafeBufferPointer { buffer in
      let base = try #require(buffer.baseAddress)
      let tensors = [
        SafetensorsWriter.Entry(name: "m", shape: [2, 3], pointer: base),
        SafetensorsWriter.Entry(name: "s", shape: [], pointer: base + 4),
        SafetensorsWriter.Entry(name: "e", shape: [0, 9], pointer: base),
      ]
      try SafetensorsWriter.write(to: path, tensors: tensors)
      try SafetensorsWriter.write(to: path, tensors: tensors)
    }
    let file = try SafetensorsFile(path: path)
    #expect(try file.values("m").map(\.bitPattern) == values.map(\.bitPattern))
    #expect(try file.values("s") == [.pi])
    #expect(file.metadata == ["format": "pt"])
    #expect(scratch.names.count == 1)
  }

  @Test("a sharded checkpoint reads as one, and its index is checked")
  func shards() throws {
    let scratch = try Scratch()
    let one = #"{"bert.a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    let two = #"{"bert.b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    _ = try scratch.file("1.safetensors", safetensors(one, data: 4))
    _ = try scratch.file("2.safetensors", safetensors(two, data: 8))
    let index = try scratch.file(
      "model.safetensors.index.json", #"{"weight_map":{"bert.a":"1.safetensors","bert.b":"2.safetensors"}}"#)
    let table = try WeightTable(ShardedCheckpoint(index: index))
    #expect(table.names == ["a", "b"])
    #expect(try table.values("b", [2]).count == 2)
    let wrong = try scratch.file("x.index.json", #"{"weight_map":{"bert.c":"1.safetensors"}}"#)
    #expect(throws: ModelFileError.missingTensors(path: wrong, names: ["bert.c"])) {
      _ = try ShardedCheckpoint(index: wrong)
    }
    let itself = try scratch.file("z.index.json", #"{"weight_map":{"bert.c":"z.index.json"}}"#)
    #expect(throws: FileError.self) { try ShardedCheckpoint(index: itself) }
    let outside = try scratch.file("y.index.json", #"{"weight_map":{"bert.c":"../1.safetensors"}}"#)
    #expect(errorText { _ = try ShardedCheckpoint(index: outside) }?.contains("same folder") == true)
  }
}

/// Opens and reads every truncation of a file and many seeded random changes: each gives values or an error.
func mutate(_ path: String, suffix: String, changes: Int) throws {
  let scratch = try Scratch()
  let original = try bytes(of: path)
  func open(_ bytes: [UInt8]) throws {
    let copy = try scratch.file("m." + suffix, bytes)
    do {
      let source: any TensorSource =
        suffix == "safetensors" ? try SafetensorsFile(path: copy) : try TorchCheckpoint(path: copy)
      for entry in source.entries where entry.shape.reduce(1.0, { $0 * Double($1) }) < 1e6 {
        _ = try? source.values(entry.name)
      }
    } catch is ModelFileError {} catch is FileError {}
  }
  for length in stride(from: 0, to: original.count, by: max(1, original.count / 700)) {
    try open(Array(original[..<length]))
  }
  var state: UInt64 = 42
  func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
  for _ in 0..<changes {
    var copy = original
    for _ in 0...next(3) { copy[next(copy.count)] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(next(256))][next(6)] }
    try open(copy)
  }
}
