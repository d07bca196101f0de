// Training on scores and labels: from the columns of a file to what a plugin is given, here and in a process of its
// own; what lacks them is refused before anything is written.

import Foundation
import TestSupport
import Testing

struct SupervisionTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    let sentences = world.tiny.sentences(24)
    let scored = sentences.enumerated().map { "\($1)\tw\(1 + $0) w2\t\(Double($0 % 6) / 2)" }
    try world.write("scored.tsv", (["sentence1\tsentence2\tscore"] + scored).joined(separator: "\n") + "\n")
    let labelled = sentences.enumerated().map { "\($1)\tkind \($0 % 5)" }
    try world.write("labelled.tsv", (["text\tlabel"] + labelled).joined(separator: "\n") + "\n")
  }

  private func train(_ data: String, _ output: String, _ more: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path(data), "--output-dir",
        world.path(output), "--batch-size", "8", "--max-steps", "5", "--threads", "1", "--learning-rate", "1e-3",
      ] + more)
  }

  @Test(arguments: [
    ("scored.tsv", "cosent"), ("scored.tsv", "angle"), ("labelled.tsv", "supcon"),
  ])
  func theSameInAProcessOfItsOwn(_ data: String, _ method: String) throws {
    let plain = try train(data, "plain", ["--method", method])
    #expect(plain.code == 0, "\(plain.errors)")
    #expect(!plain.errors.contains("left out"))
    let isolated = try train(data, "isolated", ["--method", method, "--isolate"])
    #expect(isolated.code == 0, "\(isolated.errors)")
    #expect(try world.values("plain") == world.values("isolated"))
    #expect(Set(try world.values("plain")).count == 5)
  }

  /// A loss of one C function sees the scores: the regression that comes with the program, written again.
  @Test func aBareFunctionIsGivenScores() throws {
    try world.write(
      "scored.c",
      """
      #include <stdint.h>
      double near(const float *u1, const float *u2, const double *scores, int64_t n, int64_t d, float *du1, float *du2) {
        double loss = 0;
        for (int64_t i = 0; i < n; i++) {
          double error = -scores[i] / 5;
          for (int64_t k = 0; k < d; k++) error += (double)u1[i * d + k] * u2[i * d + k];
          loss += error * error / n;
          for (int64_t k = 0; k < d; k++) {
            du1[i * d + k] = 2 * error / n * u2[i * d + k];
            du2[i * d + k] = 2 * error / n * u1[i * d + k];
          }
        }
        return loss;
      }
      const char cse_functions[] =
        "loss near(u1:f32[n,d], u2:f32[n,d], scores:f64[n], n:i64, d:i64, out du1:f32[n,d], out du2:f32[n,d]) -> f64 loss;";

      """)
    let library = world.path("libscored.so")
    let built = try shell(["cc", "-O2", "-shared", "-fPIC", world.path("scored.c"), "-o", library])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    let bare = try train("scored.tsv", "bare", ["--loss", library + ":near"])
    #expect(bare.code == 0, "\(bare.errors)")
    let shipped = try train("scored.tsv", "shipped", ["--loss", "cosine:highest=5"])
    #expect(shipped.code == 0, "\(shipped.errors)")
    for (a, b) in zip(try world.values("bare"), try world.values("shipped")) { #expect(isClose(a, b, relative: 1e-5)) }
    // It says what it needs without being asked.
    let lacking = try train("labelled.tsv", "lacking", ["--loss", library + ":near"])
    #expect(lacking.code == 65 && lacking.errors.contains("it needs a score for each pair"), "\(lacking.errors)")
  }

  @Test func whatTheDataLacksIsSaidBeforeTheFirstStep() throws {
    for (data, method, text) in [
      ("labelled.tsv", "cosent", "it needs a score for each pair, and the data has none; a column named score"),
      ("scored.tsv", "supcon", "it needs the class of each row, and the data has none; a column named label"),
    ] {
      let result = try train(data, "refused", ["--method", method])
      #expect(result.code == 65 && result.errors.contains(text), "\(result.code) \(result.errors)")
      #expect(!world.exists("refused/metrics.jsonl") && !world.exists("refused/model.safetensors"))
      // A strategy that looks on needs them as much.
      let shadow = try train(data, "refused", ["--method", "simcse", "--shadow", method, "--overwrite"])
      #expect(shadow.code == 65 && shadow.errors.contains(text), "\(shadow.code) \(shadow.errors)")
    }
  }

  @Test func columnsAreSaidToBeUnusedOrUsed() throws {
    let unused = try train("labelled.tsv", "unused", ["--method", "simcse"])
    #expect(unused.code == 0 && unused.errors.contains("left out: the column label"), "\(unused.errors)")
    let looking = try train("labelled.tsv", "looking", ["--method", "simcse", "--shadow", "supcon"])
    #expect(looking.code == 0 && !looking.errors.contains("left out"), "\(looking.errors)")
    #expect(looking.errors.contains("(anchor=text, label=label)"))
  }
}
