// Every input that fuzzing kept goes through its reader again: seeds, and what once crashed one or took too long. See
// Fuzz/ and `make fuzz`.

import Foundation
import FuzzTargets
import TestSupport
import Testing

@Suite("Fuzz corpus")
struct CorpusTests {
  private static let corpus = Resources.packageRoot + "/Fuzz/Corpus"

  @Test("every input is read or refused, and soon", arguments: FuzzTarget.all.map(\.name))
  func replay(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let scratch = try Scratch()
    let inputs = try Self.inputs(name)
    #expect(!inputs.isEmpty)
    var (read, refusals): (Int, [String]) = (0, [])
    for input in inputs {
      do {
        try target.read(input.bytes, FuzzScratch(path: scratch.path))
        read += 1
      } catch {
        // A refusal is an answer, and its words are written by code, too.
        refusals.append("\(input.name): \(error)")
      }
    }
    // A target whose seeds are all refused looks at nothing.
    #expect(read > 0, "none of the inputs of \(name) is read: \(refusals.joined(separator: "\n"))")
  }

  /// The longest seeds, since they have most in them; of those with many bytes some of the cuts.
  @Test("inputs cut at every byte are read or refused", arguments: FuzzTarget.all.map(\.name))
  func cuts(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let scratch = try Scratch()
    let longest = try Self.inputs(name).sorted { $0.bytes.count > $1.bytes.count }.prefix(2)
    for input in longest {
      for end in stride(from: 0, to: input.bytes.count, by: 1 + input.bytes.count / 600) {
        do {
          try target.read(Array(input.bytes[..<end]), FuzzScratch(path: scratch.path))
        } catch {
          #expect(!"\(error)".isEmpty, "\(input.name) cut at byte \(end)")
        }
      }
    }
  }

  private static func inputs(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
    try FileManager.default.contentsOfDirectory(atPath: corpus + "/" + name).sorted().map { input in
      (input, [UInt8](try #require(FileManager.default.contents(atPath: "\(corpus)/\(name)/\(input)"))))
    }
  }

  @Test("each folder of the corpus has its target")
  func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus).sorted()
    #expect(folders == FuzzTarget.all.map(\.name))
  }
}
