// Grids: which texts a strategy text stands for, and what is left alone.

import Host
import Testing

@Suite struct StrategyGridTests {
  @Test(arguments: [
    ("simcse", ["simcse"]), ("mixcse:lambda=0.3", ["mixcse:lambda=0.3"]),
    ("mixcse:lambda=0.1|0.2|0.3", ["mixcse:lambda=0.1", "mixcse:lambda=0.2", "mixcse:lambda=0.3"]),
    (
      "mixcse:lambda=0.1|0.2,mask=zero|exclude",
      [
        "mixcse:lambda=0.1,mask=zero", "mixcse:lambda=0.1,mask=exclude", "mixcse:lambda=0.2,mask=zero",
        "mixcse:lambda=0.2,mask=exclude",
      ]
    ),
    (
      "infonce:temperature=0.05|0.1+queue:size=8|16",
      [
        "infonce:temperature=0.05+queue:size=8", "infonce:temperature=0.05+queue:size=16",
        "infonce:temperature=0.1+queue:size=8", "infonce:temperature=0.1+queue:size=16",
      ]
    ),
    ("a:x=1e+3|2e+3+b", ["a:x=1e+3+b", "a:x=2e+3+b"]),
    ("ours=mixcse:lambda=0.3", ["ours=mixcse:lambda=0.3"]),
    ("ours=a:file=\"x|y\"", ["ours=a:file=\"x|y\""]),
    ("a:file=\"x|y\"|z", ["a:file=\"x|y\"", "a:file=z"]),
    ("a:file=z|\"x,y:w\"", ["a:file=z", "a:file=\"x,y:w\""]),
    ("./lib|odd.so:x=1|2", ["./lib|odd.so:x=1", "./lib|odd.so:x=2"]),
    ("0.5*infonce:temperature=0.1|0.2", ["0.5*infonce:temperature=0.1", "0.5*infonce:temperature=0.2"]),
    ("mixcse|simcse", ["mixcse|simcse"]), ("", [""]),
  ])
  func expansions(text: String, expected: [String]) throws {
    #expect(try StrategyGrid.expand(text) == expected)
  }

  @Test(arguments: [
    ("mixcse:lambda=0.1|", 19, "found none"), ("mixcse:lambda=|0.1", 15, "found none"),
    ("mixcse:lambda=0.1||0.2", 19, "found none"), ("ours=mixcse:lambda=0.1|0.2", 1, "label"),
    ("a:x=1|2|3|4|5|6|7|8|9|10,y=1|2|3|4|5|6|7|8|9|10,z=1|2|3|4|5|6|7|8|9|10|11", 74, "more than 1000"),
  ])
  func gridsThatAreRefused(text: String, column: Int, problem: String) throws {
    let error = #expect(throws: UsageError.self) { try StrategyGrid.expand(text) }
    let description = "\(try #require(error))"
    #expect(description.contains("column \(column):") && description.contains(problem), "\(description)")
  }
}
