// Strategies one after the other as texts: steps, joints, grids.

import Host
import Testing

@Suite struct StrategyChangeTests {
  @Test func changesAreReadWithTheirSteps() throws {
    let changes = try StrategyChange.all(["5:mixcse:lambda=0.3", "800:sampler:mixcse loss:infonce"])
    #expect(changes.map(\.step) == [5, 800])
    #expect(changes.map(\.strategy) == ["mixcse:lambda=0.3", "sampler:mixcse loss:infonce"])
    #expect(changes.map(\.text) == ["5:mixcse:lambda=0.3", "800:sampler:mixcse loss:infonce"])
    for text in [
      "", "5", "mixcse", "mixcse:lambda=5", ":simcse", "0:simcse", "-1:simcse", "5:", "5.5:simcse", "1e2:simcse",
      "99999999999999999999:simcse", "5:simcse then 7:mixcse",
    ] {
      #expect(throws: ChangeProblem.self, "\(text)") { try StrategyChange(parsing: text) }
    }
    for texts in [["5:a", "5:b"], ["6:a", "5:b"]] {
      #expect(throws: ChangeProblem.self) { try StrategyChange.all(texts) }
    }
    #expect(throws: ChangeProblem.self) { try changes[0].check(totalSteps: 5) }
    try changes[0].check(totalSteps: 6)
  }

  @Test(arguments: [
    ("simcse", "simcse", []), ("simcse then 5:mixcse", "simcse", ["5:mixcse"]),
    ("a  then  5:b then 7:c", "a", ["5:b", "7:c"]), ("a:file=\"x then y\" then 5:b", "a:file=\"x then y\"", ["5:b"]),
    ("then then then", "then", ["then"]), ("strengthen", "strengthen", []),
  ])
  func sequencesAreCutAtTheirJoints(text: String, first: String, changes: [String]) {
    let sequence = StrategySequence(text)
    #expect(sequence.first == first && sequence.changes == changes, "\(sequence)")
  }

  @Test(arguments: [
    ("simcse then 5:mixcse:lambda=0.1|0.2", ["simcse then 5:mixcse:lambda=0.1", "simcse then 5:mixcse:lambda=0.2"]),
    ("simcse then 5|9:mixcse", ["simcse then 5:mixcse", "simcse then 9:mixcse"]),
    (
      "mixcse:lambda=0.1|0.2 then 5|9:simcse",
      [
        "mixcse:lambda=0.1 then 5:simcse", "mixcse:lambda=0.1 then 9:simcse", "mixcse:lambda=0.2 then 5:simcse",
        "mixcse:lambda=0.2 then 9:simcse",
      ]
    ),
    ("ours=simcse then 5:mixcse", ["ours=simcse then 5:mixcse"]),
  ])
  func gridsOfSequences(text: String, expected: [String]) throws {
    #expect(try StrategyGrid.expand(text) == expected)
  }

  @Test func aLabelNamesOneSequence() {
    #expect(throws: UsageError.self) { try StrategyGrid.expand("ours=simcse then 5|9:mixcse") }
  }
}
