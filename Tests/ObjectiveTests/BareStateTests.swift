// States of bare functions: the queue of Examples/bare against the one with a descriptor, step by step; only commit
// changes it, and a commit that fails changes nothing.

import Foundation
import Host
import Kernels
import Objective
import TestSupport
import Testing

@Suite struct BareStateTests {
  private func library(_ source: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/bare-state-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try source.write(toFile: folder + "/f.c", atomically: true, encoding: .utf8)
    let built = try shell(["cc", "-O1", "-Wall", "-shared", "-fPIC", folder + "/f.c", "-o", folder + "/libf.so"])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/libf.so")
    try body(folder + "/libf.so")
  }

  private func example() throws -> String {
    try String(contentsOfFile: Resources.packageRoot + "/Examples/bare/negatives.c", encoding: .utf8)
  }

  private func bytes(_ objective: EmbeddingObjective) -> [[UInt8]] { objective.states.map { Array($0.bytes) } }

  @Test func aBareQueueIsTheQueueWithADescriptor() throws {
    try library(try example()) { path in
      let world = try TestWorld()
      // A width whose rows the host pads, and more rows than fit: the ring wraps around.
      let bare = try world.objective(samplers: [path + ":recent:size=8"], width: 5, rows: 3)
      let other = try world.objective(samplers: ["fifo:size=8"], width: 5, rows: 3)
      #expect(bare.states.map(\.name) == ["plugin.recent.ring", "plugin.recent.pushed"])
      #expect(bare.states.map(\.shape) == [[8, 5], [1]])
      for step in 0..<5 {
        let views = makeViews(2, rows: 3, width: 5, seed: UInt64(step))
        let before = bytes(bare)
        let reports = try [bare, other].map {
          try $0.evaluate(views, position: StepPosition(step: Int64(step)))
        }
        #expect(reports[0].loss == reports[1].loss && reports[0].blocks[1].count == 3 * min(3 * step, 8))
        #expect(reports[0].metrics.first { $0.name == "recent.kept" }?.value == Double(min(3 * step, 8)))
        for view in 0..<2 {
          #expect(Rows(copying: bare.gradient(view)).values == Rows(copying: other.gradient(view)).values)
        }
        #expect(bytes(bare) == before, "a forward pass changed a state")
        for objective in [bare, other] { try objective.commit() }
        #expect(bytes(bare) == bytes(other))
      }
    }
  }

  @Test func aCommitThatFailsChangesNothing() throws {
    let text = """
      #include <stdint.h>
      const char cse_functions[] =
        "sampler keep(state seen:f32[4,d] = 0.5, state turns:i64[1] = 3) cols(seen) commit(turn) ;"
        "commit turn(z1:f32[n,d], n:i64, d:i64, inout seen:f32[4,d], inout turns:i64[1]) -> status ;";
      void keep(const float *seen, const int64_t *turns) { (void)seen, (void)turns; }
      int32_t turn(const float *z1, int64_t n, int64_t d, float *seen, int64_t *turns) {
        (void)n;
        for (int64_t k = 0; k < d; k++) seen[k] = z1[k];
        return ++*turns > 4 ? 7 : 0;
      }
      """
    try library(text) { path in
      let objective = try TestWorld().objective(samplers: [path], width: 6, rows: 3)
      #expect(objective.states[1].bytes.load(as: Int64.self) == 3)
      let views = makeViews(2, rows: 3, width: 6)
      _ = try objective.evaluate(views)
      try objective.commit()
      #expect(objective.states[1].bytes.load(as: Int64.self) == 4)
      let before = bytes(objective)
      _ = try objective.evaluate(makeViews(2, rows: 3, width: 6, seed: 9))
      let failure = #expect(throws: PluginFailure.self) { try objective.commit() }
      #expect("\(try #require(failure))".contains("turn returned 7") && bytes(objective) == before)
    }
  }

  @Test func writingPastAStateIsFound() throws {
    let text = """
      #include <stdint.h>
      const char cse_functions[] =
        "sampler keep(state seen:f32[4,d]) cols(seen) commit(turn) ;"
        "commit turn(d:i64, inout seen:f32[4,d]) ;";
      void keep(const float *seen) { (void)seen; }
      void turn(int64_t d, float *seen) { seen[4 * d] = 1; }
      """
    try library(text) { path in
      let objective = try TestWorld().objective(samplers: [path], width: 6, rows: 3)
      _ = try objective.evaluate(makeViews(2, rows: 3, width: 6))
      let failure = #expect(throws: PluginFailure.self) { try objective.commit() }
      #expect("\(try #require(failure))".contains("past the end of 'seen'"))
    }
  }
}
