// Twenty steps on the real model, dropout off, rows in the file's order: the losses of an equal PyTorch run.

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .needs(.model, .sharedData))
struct ReferenceRunTests {
  struct Step: Decodable {
    var loss: Double
    var gradNorm: Double
  }

  @Test(arguments: ["simcse", "mixcse"])
  func lossesOfTwentySteps(method: String) throws {
    let fixture = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("training/losses.json")))
    let all = try #require(try JSONSerialization.jsonObject(with: fixture) as? [String: Any])
    let expected = try JSONDecoder().decode(
      [Step].self, from: JSONSerialization.data(withJSONObject: try #require(all[method])))
    let output = FileManager.default.temporaryDirectory.path + "/mixcse-reference-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: output) }
    let result = try shell([
      Resources.command, "train", "--model", try #require(Resources.model), "--train-file",
      try #require(Resources.shared("data/corpora/wiki_sentences.txt")), "--method", method, "--pooler", "cls",
      "--batch-size", "16", "--max-steps", "20", "--learning-rate", "3e-5", "--max-seq-length", "32", "--dropout", "0",
      "--no-shuffle", "--output-dir", output,
    ])
    try #require(result.code == 0, "\(result.errors)")
    let text = try String(contentsOfFile: output + "/metrics.jsonl", encoding: .utf8)
    let steps = try text.split(separator: "\n").map { try JSONDecoder().decode(Step.self, from: Data($0.utf8)) }
    #expect(steps.count == 20)
    for (index, (step, reference)) in zip(steps, expected).enumerated() {
      #expect(isClose(step.loss, reference.loss, absolute: 1e-4), "step \(index): \(step.loss), not \(reference.loss)")
      #expect(isClose(step.gradNorm, reference.gradNorm, relative: 1e-2), "step \(index)")
    }
  }
}
