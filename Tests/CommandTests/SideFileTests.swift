// Parameters that name a file: found from wherever, checked before anything is opened, and what is in the file decides
// which run it is.

import Foundation
import TestSupport
import Testing

@Suite struct SideFileTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try world.write(
      "steered.c",
      """
      #include "cse_plugin.h"
      #include <stdio.h>
      #include <stdlib.h>
      static cse_status create(const cse_call *call, void **self) {
        double *factor = malloc(sizeof *factor);
        FILE *file = call->values[0].s[0] ? fopen(call->values[0].s, "r") : NULL;
        *factor = 1;
        if (file && fscanf(file, "%lf", factor) != 1) *factor = 0;
        if (file) fclose(file);
        *self = factor;
        return CSE_OK;
      }
      static void destroy(void *self) { free(self); }
      static cse_status score(const cse_call *call, const cse_batch *batch, double *loss) {
        double factor = *(double *)call->self / (double)batch->rows;
        for (int64_t i = 0; i < batch->rows; i++) {
          const float *a = cse_row(batch->u[0], i), *b = cse_row(batch->u[1], (i + 1) % batch->rows);
          for (int64_t k = 0; k < batch->dim; k++) *loss += factor * a[k] * b[k];
          if (!batch->du) continue;
          for (int64_t k = 0; k < batch->dim; k++) {
            cse_row(batch->du[0], i)[k] += (float)(factor * b[k]);
            cse_row(batch->du[1], (i + 1) % batch->rows)[k] += (float)(factor * a[k]);
          }
        }
        return CSE_OK;
      }
      static const cse_component steered = {CSE_COMPONENT(CSE_LOSS), .name = "steered", .doc = "far from the next row",
          .params = "table: path = \\"\\" -- a factor\\n", .create = create, .destroy = destroy, .on_embeds = score};
      CSE_LIBRARY("org.example.steered", "1.0", "MIT", NULL, &steered)

      """)
    let library = world.path("libsteered.so")
    try buildPlugin(world.path("steered.c"), to: library)
    try world.write("one", "1.0")
    try world.write("two", "2.0")
  }

  private var loss: String { world.path("libsteered.so") + ":steered" }

  /// In the world's folder, so that paths may be relative.
  private func run(_ arguments: [String]) throws -> ShellResult {
    try shell(["sh", "-c", "cd '\(world.folder)' && exec \"$@\"", "sh", Resources.command] + arguments)
  }

  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    try run(
      [
        "train", "--model", "model", "--train-file", "train.txt", "--output-dir", output, "--batch-size", "8",
        "--max-steps", "6", "--threads", "1", "--learning-rate", "1e-3",
      ] + more)
  }

  private func firstLoss(_ output: String) throws -> Double {
    let line = try #require(try world.metrics(output).first)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    return try #require(object["loss"] as? Double)
  }

  @Test func aFileIsFoundFromTheWorkingFolderAndReadInAnyProcess() throws {
    for (output, more) in [
      ("plain", ["--loss", loss]), ("relative", ["--loss", loss + ":table=two"]),
      ("isolated", ["--loss", loss + ":table=two", "--isolate"]),
      ("absolute", ["--loss", loss, "--set", "steered.table=" + world.path("two")]),
    ] {
      let result = try train(output, more)
      #expect(result.code == 0, "\(output): \(result.errors)")
    }
    for output in ["relative", "isolated", "absolute"] {
      #expect(try firstLoss(output) == 2 * firstLoss("plain"), "\(output)")
    }
    let missing = try train("missing", ["--loss", loss + ":table=three"])
    #expect(missing.code == 64 && missing.errors.contains("steered.table: expected the path of a file that is there"))
    #expect(missing.errors.contains(world.path("three")) && !world.exists("missing"), "\(missing.errors)")
    let info = try run(["plugins", "info", loss])
    #expect(info.output.contains("table") && info.output.contains("path"), "\(info.output)")
  }

  @Test func anotherContentIsAnotherRunAndAnotherPathIsNot() throws {
    try #require(try train("run", ["--loss", loss + ":table=one", "--stop-after", "3"]).code == 75)
    try world.write("one", "2.0")
    let refused = try train("run", ["--loss", loss + ":table=one", "--resume"])
    #expect(refused.code == 64 && refused.errors.contains("steered.table: "), "\(refused.code) \(refused.errors)")
    try world.write("one", "1.0")
    try FileManager.default.moveItem(atPath: world.path("one"), toPath: world.path("moved"))
    let moved = try train("run", ["--loss", loss + ":table=moved", "--resume"])
    #expect(moved.code == 0, "\(moved.errors)")
  }

  @Test func aComparisonRunsAgainWhereAFileChanged() throws {
    func compare() throws -> ShellResult {
      try run([
        "compare", "simcse", "steered=infonce+\(loss):table=two", "--seeds", "1,2", "--model", "model", "--train-file",
        "train.txt", "--eval-data", "pairs.tsv", "--output-dir", "compared", "--batch-size", "8", "--max-steps", "4",
        "--threads", "1",
      ])
    }
    let first = try compare()
    try #require(first.code == 0, "\(first.errors)")
    let again = try compare()
    #expect(again.code == 0 && !again.errors.contains("started"), "\(again.errors)")
    try world.write("two", "3.0")
    let changed = try compare()
    #expect(changed.code == 0 && changed.errors.contains("steered seed 1: started"), "\(changed.errors)")
    #expect(!changed.errors.contains("simcse seed 1: started") && changed.errors.contains("steered.table: "))
  }

  /// A sampler beside a loss that never sees its candidates: said, and not compared as if it were something.
  @Test func aSamplerThatNoLossLooksAtIsSaid() throws {
    let said = try train("unseen", ["--loss", loss, "--sampler", "mixcse"])
    #expect(said.code == 0 && said.errors.contains("warning: sampler mixcse changes nothing: steered looks at"))
    func compare(_ strategies: [String]) throws -> ShellResult {
      try run(
        ["compare"] + strategies + [
          "--seeds", "1", "--model", "model", "--train-file", "train.txt", "--eval-data", "pairs.tsv", "--output-dir",
          "same", "--batch-size", "8", "--max-steps", "2", "--threads", "1", "--dry-run",
        ])
    }
    let refused = try compare(["uniformity", "uniformity+mixcse"])
    #expect(refused.code == 64 && refused.errors.contains("expected strategies that train differently"))
    #expect(refused.errors.contains("so at nothing that sampler mixcse brings"), "\(refused.errors)")
    #expect(try compare(["uniformity+mixcse", "uniformity+mixcse:lambda=0.3"]).code == 64)
    #expect(try compare(["uniformity", "uniformity+infonce+mixcse"]).code == 0)
  }
}
