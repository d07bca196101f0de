// Identities and their differences, and the table at 80 columns.

import Comparison
import Files
import TestSupport
import Testing
import Training

@Suite struct RunTests {
  private func identity(_ batchSize: Int, seed: String = "42") -> RunIdentity {
    RunIdentity([("--batch-size", .integer(batchSize)), ("--seed", .string(seed))])
  }

  @Test func equalMembersEqualHashes() {
    #expect(identity(8).hash == identity(8).hash && identity(8).hash.count == 64)
    #expect(identity(8).hash != identity(16).hash)
    #expect(identity(16).differences(from: identity(8)) == ["--batch-size: 8 then, 16 now"])
    #expect(RunIdentity([]).differences(from: RunIdentity([("a", .null)])) == ["a: null then, nothing now"])
  }

  /// Found again by its hash under any name; another run's folder is never taken.
  @Test func foldersBelongToRuns() {
    let known = [
      KnownRun(folder: "a-seed1", identity: identity(8)), KnownRun(folder: "b-seed1", identity: identity(16)),
      KnownRun(folder: "c-seed1", identity: nil),
    ]
    func assign(_ name: String, _ batchSize: Int) -> RunFolders.Assignment {
      RunFolders.assign([WantedRun(name: name, identity: identity(batchSize))], known: known)[0]
    }
    let same = assign("a-seed1", 8)
    #expect(same.folder == "a-seed1" && same.isKnown && same.note == nil)
    #expect(assign("x-seed1", 8).folder == "a-seed1" && assign("x-seed1", 8).note?.contains("a-seed1") ?? false)
    #expect(assign("a-seed1", 16).folder == "b-seed1")
    let changed = assign("a-seed1", 4)
    #expect(changed.folder == "a-seed1-2" && !changed.isKnown)
    #expect(changed.note?.contains("--batch-size: 8 then, 4 now") ?? false, "\(changed)")
    #expect(assign("c-seed1", 4).folder == "c-seed1-2")
    let new = assign("new-seed1", 4)
    #expect(new.folder == "new-seed1" && !new.isKnown && new.note == nil)
  }

  @Test func namesAreSafeAndDistinct() {
    let names = RunFolders.safeNames(["simcse", "a+b:c=0.1", "a b:c=0.1", "../x"])
    #expect(names == ["simcse", "a_b_c=0.1", "a_b_c=0.1_2", "__x"])
  }

  private func status(_ label: String, _ seed: UInt64, _ phase: RunStatus.Phase, step: Int) -> RunStatus {
    var status = RunStatus(label: label, seed: seed, phase: phase, step: step, totalSteps: 2000)
    (status.loss, status.best, status.secondsLeft) = (0.0123, DevelopmentBest(score: 84.126, step: 500), 130)
    return status
  }

  @Test func aRowARunWhereTheyFit() {
    let long = String(repeating: "mixcse:lambda=0.3+", count: 8)
    let runs = [status("simcse", 42, .finished, step: 2000), status(long, 42, .training, step: 1500)]
    let lines = ComparisonTable.lines(runs, width: 79, height: 24)
    #expect(lines.count == 4 && lines.allSatisfy { $0.count <= 79 }, "\(lines)")
    #expect(lines[1].contains("done") && lines[1].contains("84.13 at 500"))
    #expect(lines[2].contains("...") && lines[2].contains("1500/2000") && lines[2].hasSuffix("2 min"))
    #expect(lines[3] == "1 of 2 runs finished")
  }

  @Test func aRowAStrategyWhereTheyDoNot() {
    let runs = (0..<40).map { status("s\($0 % 4)", UInt64($0), $0 < 8 ? .finished : .waiting, step: 0) }
    let lines = ComparisonTable.lines(runs, width: 79, height: 24)
    #expect(lines.count == 6 && lines[1].contains("2/10"), "\(lines)")
  }

  /// At the speed seen so far: own steps where they were seen, else the strategy's, else the usual ones.
  @Test func timeLeftForAll() {
    var runs = [
      status("a", 1, .finished, step: 2000), status("a", 2, .training, step: 1000), status("b", 1, .waiting, step: 0),
      status("b", 2, .failed, step: 10),
    ]
    #expect(ComparisonTable.secondsLeft(runs, jobs: 1) == nil)
    (runs[0].secondsPerStep, runs[0].scoringSeconds) = (0.5, 30)
    runs[1].secondsPerStep = 0.7
    // 1000 x 0.7 + 30, and 2000 x the mean of 0.5 and 0.7 + 30.
    #expect(isClose(ComparisonTable.secondsLeft(runs, jobs: 1) ?? 0, 730 + 1230, relative: 1e-12))
    #expect(isClose(ComparisonTable.secondsLeft(runs, jobs: 2) ?? 0, 980, relative: 1e-12))
    #expect(isClose(ComparisonTable.secondsLeft(runs, jobs: 1, areScored: false) ?? 0, 1900, relative: 1e-12))
    #expect(ComparisonTable.lines(runs, width: 79, height: 24, left: 1960).last?.hasSuffix("about 32 min left") == true)
    (runs[1].phase, runs[2].phase) = (.finished, .dropped)
    #expect(ComparisonTable.secondsLeft(runs, jobs: 1) == nil)
  }

  /// Plain output has no control signs; a terminal gets the table again in place of itself.
  @Test func displays() {
    var plain = ""
    let lines = ComparisonDisplay(isLive: false) { plain += $0 }
    lines.update([status("simcse", 42, .training, step: 0)])
    lines.update([status("simcse", 42, .training, step: 100)])
    lines.update([status("simcse", 42, .training, step: 1000)])
    lines.update([status("simcse", 42, .finished, step: 2000)])
    #expect(plain.split(separator: "\n").count == 3 && !plain.contains("\u{1B}"), "\(plain)")
    var drawn: [String] = []
    let table = ComparisonDisplay(isLive: true, size: { (80, 24) }) { drawn.append($0) }
    table.update([status("simcse", 42, .training, step: 1)], isLast: true)
    table.update([status("simcse", 42, .training, step: 2)], isLast: true)
    table.update([status("simcse", 42, .training, step: 2)], isLast: true)
    #expect(drawn.count == 2 && drawn[1].hasPrefix("\u{1B}[3A"), "\(drawn)")
  }

  /// Labels of a grid begin alike: what is cut lies between both ends.
  @Test func labelsOfAGridStayDistinct() {
    let runs = (1...3).map { status("mixcse:lambda=0.\($0)", 42, .training, step: 1500) }
    let lines = ComparisonTable.lines(runs, width: 60, height: 24)
    #expect(Set(lines[1...3].map { $0.prefix(14) }).count == 3, "\(lines)")
  }

  /// The table stays one table on the screen while the terminal changes its width and notes are said above it.
  @Test func theTableSurvivesAnotherWidth() {
    for reflows in [true, false] {
      var screen = Screen(columns: 100, reflows: reflows)
      let display = ComparisonDisplay(isLive: true, size: { (screen.columns, 24) }) { screen.write($0) }
      for step in 1...20 {
        if step % 6 == 0 { screen.columns = [70, 110, 50][step / 6 - 1] }
        display.update([status("mixcse:lambda=0.3", 42, .training, step: step)], isLast: true)
        if step == 9 { display.note("a note") }
      }
      let rows = screen.rows.filter { !$0.isEmpty }
      #expect(rows.filter { $0.contains("best dev") }.count == 1, "\(rows)")
      #expect(rows.filter { $0.contains("20/2000") }.count == 1, "\(rows)")
      if reflows { #expect(rows.count == 4 && rows[0] == "a note", "\(rows)") }
    }
  }

  /// As `train` chooses its model: the best after a step, not the last, not that before training.
  @Test func theBestScoreAndItsStep() throws {
    let scratch = try Scratch()
    func line(_ step: Int, _ score: Double) -> String {
      "{\"evaluation\":\"dev\",\"step\":\(step),\"spearman\":\(score)}\n"
    }
    var tail = MetricsTail(path: try scratch.file("metrics.jsonl", line(0, 90)))
    tail.poll()
    #expect(tail.best == nil)
    _ = try scratch.file("metrics.jsonl", line(0, 90) + line(5, 70) + line(10, 72) + line(15, 72) + line(20, 71))
    tail.poll()
    #expect(tail.best == DevelopmentBest(score: 72, step: 10))
  }
}
