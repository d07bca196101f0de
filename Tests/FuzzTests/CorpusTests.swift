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
    let folder = FileManager.default.temporaryDirectory.path + "/fuzz-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let inputs = try FileManager.default.contentsOfDirectory(atPath: Self.corpus + "/" + name).sorted()
    #expect(!inputs.isEmpty)
    var (read, refusals): (Int, [String]) = (0, [])
    for input in inputs {
      let path = "\(Self.corpus)/\(name)/\(input)"
      let bytes = try #require(FileManager.default.contents(atPath: path))
      do {
        try target.read([UInt8](bytes), FuzzScratch(path: folder))
        read += 1
      } catch {
        // A refusal is an answer, and its words are written by code, too.
        refusals.append("\(input): \(error)")
      }
    }
    // A target whose seeds are all refused looks at nothing.
    #expect(read > 0, "none of the inputs of \(name) is read: \(refusals.joined(separator: "\n"))")
  }

  @Test("each folder of the corpus has its target")
  func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus).sorted()
    #expect(folders == FuzzTarget.all.map(\.name))
  }
}
