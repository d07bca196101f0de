// Small files of every format that is read, cut at every byte: an error, or what stands before the cut; never a crash,
// never a reader that does not return.

import Dispatch
import Evaluation
import Files
import Foundation
import Kernels
import ModelFiles
import TestSupport
import Testing
import Tokenizer
import Training

struct CutFilesTests {
  /// A format: a whole file, and what reads it. Returns how many rows it gave, where it has rows.
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    /// Puts the whole file under this path, and what belongs to it beside it.
    var make: @Sendable (_ path: String) throws -> Void
    /// Reads it; the error it throws must be one that the command prints.
    var read: @Sendable (_ path: String) throws -> Int

    var testDescription: String { name }
  }

  private static func text(_ name: String, _ text: String, _ read: @escaping @Sendable (String) throws -> Int) -> Sample
  {
    Sample(name: name, make: { try Data(text.utf8).write(to: URL(fileURLWithPath: $0)) }, read: read)
  }

  /// The same text packed by gzip.
  private static func packed(_ sample: Sample) -> Sample {
    Sample(
      name: sample.name + ".gz",
      make: { path in
        try sample.make(String(path.dropLast(3)))
        guard try shell(["gzip", "-nf", String(path.dropLast(3))]).code == 0 else {
          throw CocoaError(.fileWriteUnknown)
        }
      }, read: sample.read)
  }

  private static func fixture(_ name: String, _ read: @escaping @Sendable (String) throws -> Int) -> Sample {
    Sample(
      name: name, make: { try FileManager.default.copyItem(atPath: Resources.fixture("files/" + name), toPath: $0) },
      read: read)
  }

  private static let training: [Sample] = [
    ("rows.txt", "one\ntwo\r\nthree\rfour\n"), ("rows.csv", "text,positive,id\n\"a, \"\"b\"\"\",c,0\nd,\"e\nf\",1\n"),
    ("bare.csv", "a b,c\n\"d\",\"e\"\n"), ("rows.tsv", "sentence1\tsentence2\na\tb\nc\td\n"),
    ("rows.jsonl", "{\"text\":\"a\\u00e9\",\"x\":[1,{}]}\n[\"b\"]\n\"c\"\n"),
    ("rows.json", " [ {\"text\":\"a ] }\"} ,\n\"b\",\n[\"c\"] ]\n"), ("marked.txt", "\u{FEFF}\u{E9}\u{1F600}\n"),
  ].map { name, content in
    text(name, content) { path in
      let data = try TrainingData(path: path, spoolFolder: (path as NSString).deletingLastPathComponent)
      return try data.texts(of: Array(0..<data.rows)).count
    }
  }

  private static let pairs: [Sample] = [
    ("pairs.tsv", "a\tb\t0.5\nc\td\t1\n"), ("pairs.csv", "sentence1,sentence2,score\n\"a\n\",b,1\nc,d,2\n"),
    ("pairs.json", "[[\"a\",\"b\",1],{\"text1\":\"c\",\"text2\":\"d\",\"score\":2}]"),
  ].map { name, content in text(name, content) { try PairFile.read($0).count } }

  private static let run = """
    model = "m" # a folder
    sampler = ['queue:size=4', "mixcse"]
    learning-rate = 1e-3
    [plugins]
    """

  private static let descriptions: [Sample] = [
    ("run.toml", run.replacing("[plugins]", with: "no-shuffle = true\n")),
    ("run.json", "{\"model\":\"m\",\"loss\":[\"infonce\"],\"seed\":\"7\"}"),
  ].map { name, content in
    text(name, content) { path in
      _ = try RunDescription(DescriptionFile(path: path))
      return 0
    }
  }

  /// Files of a model folder: each cut beside the others whole.
  private static let folders: [Sample] = ["config.json", "vocab.txt", "tokenizer.json"].map { name in
    Sample(
      name: name,
      make: { path in
        let folder = (path as NSString).deletingLastPathComponent
        try TinyModel(words: 6).write(to: folder)
        if name == "tokenizer.json" { try Data(tokenizer.utf8).write(to: URL(fileURLWithPath: path)) }
      },
      read: { path in
        let folder = (path as NSString).deletingLastPathComponent
        if name == "config.json" { _ = try ModelFolder(path: folder) } else { _ = try TokenizerFolder.load(folder) }
        return 0
      })
  }

  private static let tokenizer = """
    {"version":"1.0","added_tokens":[{"id":0,"content":"[PAD]","special":true,"single_word":false,"lstrip":false,\
    "rstrip":false,"normalized":false}],"normalizer":{"type":"BertNormalizer","lowercase":true},\
    "pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]",\
    "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,\
    "[MASK]":4,"a":5,"##b":6}}}
    """

  private static let numbers: [Sample] = [
    fixture("f4.npy") { try NPYFile(contentsOf: $0).rows }, fixture("f8.npy") { try NPYFile(contentsOf: $0).rows },
    fixture("tiny.safetensors") { try read(SafetensorsFile(path: $0)) },
    fixture("torch_dict.bin") { try read(TorchCheckpoint(path: $0)) },
    fixture("torch_deflate.bin") { try read(TorchCheckpoint(path: $0)) },
    Sample(
      name: "step.ckpt",
      make: { path in
        var values: [Float] = [1, 2, 3, 4, 5]
        try values.withUnsafeMutableBytes { memory in
          let tensor = CheckpointTensor(name: "a", type: "F32", shape: [5], memory: memory)
          try CheckpointFile.write(to: path, state: JSONObject([("step", .integer(1))]), tensors: [tensor])
        }
      },
      read: {
        _ = try CheckpointFile(path: $0)
        return 0
      }),
  ]

  /// Every number of every tensor but those that repeat fewer elements, which are refused.
  private static func read(_ source: any TensorSource) throws -> Int {
    let table = try WeightTable(source)
    for (index, entry) in source.entries.enumerated() where table.isLoadable(entry.name) && !entry.repeats {
      let numbers = FloatBuffer(count: max(1, entry.shape.reduce(1, *)))
      try source.read(index, into: numbers.pointer)
    }
    return source.entries.count
  }

  static let samples = training + training.map(packed) + pairs + pairs.map(packed) + descriptions + folders + numbers

  @Test(arguments: samples)
  func aFileCutAnywhereIsAnErrorOrWhatStandsBeforeTheCut(_ sample: Sample) throws {
    let scratch = try Scratch()
    let folder = scratch.path
    let path = folder + "/" + sample.name
    try sample.make(path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let whole = try sample.read(path)
    let place = Place()
    let finished = DispatchSemaphore(value: 0)
    let worker = Thread {
      for length in 0..<bytes.count {
        place.length = length
        do {
          try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
          let rows = try sample.read(path)
          if rows > whole { place.wrong.append("\(length): \(rows) rows of \(whole)") }
        } catch {
          // An error that the command would print: what was expected, and where.
          if !"\(error)".contains(sample.name), !"\(error)".contains(folder) {
            place.wrong.append("\(length): \(error)")
          }
        }
      }
      finished.signal()
    }
    worker.stackSize = 8 << 20
    worker.start()
    try #require(
      finished.wait(timeout: .now() + 120) == .success, "\(sample.name) cut at \(place.length) does not return")
    #expect(place.wrong.isEmpty, "\(place.wrong.prefix(5))")
  }

  /// How far the worker is; read by the test when the worker has ended, or hangs.
  private final class Place: @unchecked Sendable {
    var length = 0
    var wrong: [String] = []
  }
}
