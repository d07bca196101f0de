// Evaluation during training: it changes no bit of the run, and its lines tell how the space of embeddings fares.

import Foundation
import TestSupport
import Testing

@Suite(.serialized)
struct EvaluationInTrainingTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// The tensors of a checkpoint (parameters, moments, plugin states): the bytes before its JSON table.
  private func tensors(_ output: String) throws -> Data {
    let bytes = try world.data(output + "/checkpoints/step-00000012.ckpt")
    let footer = bytes.suffix(32)
    let offset = footer.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    try #require(offset > 100_000 && offset < bytes.count)
    return bytes.prefix(offset)
  }

  private func train(_ output: String, _ more: [String], withData: Bool) throws {
    let own = ["--max-steps", "12", "--dropout", "0.2", "--keep-checkpoints"]
    var arguments = try world.trainArguments(output, own + more)
    if !withData, let index = arguments.firstIndex(of: "--eval-data") { arguments.removeSubrange(index...index + 1) }
    let result = try shell(arguments)
    try #require(result.code == 0, "\(result.errors)")
  }

  @Test func evaluationChangesNoBit() throws {
    for pooler in [["--pooler", "cls"], ["--pooler", "avg"]] {
      let name = pooler[1]
      try train("none-" + name, pooler, withData: false)
      try train("every-" + name, pooler + ["--eval-steps", "1"], withData: true)
      try train("other-" + name, pooler + ["--eval-steps", "2", "--eval-pooler", "avg_top2"], withData: true)
      let expected = try tensors("none-" + name)
      #expect(try tensors("every-" + name) == expected, "\(name): evaluating at every step changed the training")
      #expect(try tensors("other-" + name) == expected, "\(name): evaluating with another pooler changed the training")
      #expect(try world.metrics("none-" + name) == world.metrics("every-" + name).filter { $0.contains("\"loss\"") })
    }
    try train("seed", ["--pooler", "cls", "--seed", "7"], withData: false)
    #expect(try tensors("seed") != tensors("none-cls"), "another seed, the same bits: the comparison shows nothing")
  }

  @Test func linesOfEvaluationsDescribeTheSpace() throws {
    try train("run", ["--eval-steps", "6"], withData: true)
    let lines = try world.metrics("run").filter { $0.contains("\"spearman\"") }
    #expect(lines.count == 3)
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let rank = try #require(object["effectiveRank"] as? Double)
      let cosine = try #require(object["meanCosine"] as? Double)
      let uniformity = try #require(object["uniformity"] as? Double)
      let alignment = try #require(object["alignment"] as? Double)
      #expect(rank >= 1 && rank <= 32 && abs(cosine) <= 1 && uniformity < 0 && alignment > 0)
    }
  }

  @Test func collapseIsSaid() throws {
    // A learning rate far too high drives all embeddings into one direction.
    let result = try world.train("collapse", ["--learning-rate", "1", "--max-steps", "40", "--eval-steps", "10"])
    #expect(result.errors.contains("the embeddings collapse: mean cosine"), "\(result.errors)")
  }
}
