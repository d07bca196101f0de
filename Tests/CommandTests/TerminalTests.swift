// The commands on a real pseudo-terminal: what is on the screen at the end, at 80 columns and while it is resized.

import Foundation
import TestSupport
import Testing

@Suite struct TerminalTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String) throws -> [String] {
    try world.trainArguments(output, ["--max-steps", "2000", "--eval-steps", "250", "--save-steps", "2000"])
  }

  /// The rows of the screen at the end that are the progress line, whole or a part of one.
  private func progress(_ rows: [String]) -> [String] {
    rows.filter { $0.contains("sentences/s") && !$0.contains("steps on") || $0.contains(" left") || $0.contains("==") }
  }

  @Test func trainKeepsToOneLineOfEightyColumns() throws {
    let terminal = try PseudoTerminal(columns: 80)
    let process = try terminal.start(try train("narrow"), environment: ["TERM": "xterm-256color"])
    #expect(terminal.wait(for: process) == 0, "\(terminal.text)")
    let drawn = terminal.text.split(whereSeparator: { $0 == "\r" || $0 == "\n" || $0 == "\r\n" })
      .filter { $0.contains("step ") && $0.contains("/2000") }
    try #require(drawn.count > 3, "\(terminal.text)")
    #expect(drawn.allSatisfy { $0.replacing("\u{1B}[J", with: "").count < 80 }, "\(drawn)")
    #expect(drawn.last?.contains("best ") ?? false && drawn.last?.contains(" at ") ?? false, "\(drawn)")
    var screen = Screen(columns: 80)
    screen.write(terminal.text)
    // Each note took the line's place, the last one, too.
    #expect(progress(screen.rows).isEmpty, "\(screen.rows)")
  }

  @Test func trainFollowsTheWidth() throws {
    let terminal = try PseudoTerminal(columns: 150)
    let process = try terminal.start(try train("resized"), environment: ["TERM": "xterm"])
    while process.isRunning, !terminal.text.contains("best ") { usleep(2000) }
    let before = terminal.text.count
    terminal.resize(columns: 60)
    #expect(terminal.wait(for: process) == 0, "\(terminal.text)")
    let later = terminal.text.dropFirst(before).split(whereSeparator: { $0 == "\r" || $0 == "\n" || $0 == "\r\n" })
      .filter { $0.contains("/2000") }.dropFirst(2)
    try #require(!later.isEmpty)
    #expect(later.allSatisfy { $0.replacing("\u{1B}[J", with: "").count < 60 }, "\(later)")
  }

  /// Each line that is typed is answered before the next one is asked for; an empty one ends it.
  @Test func aSearchConverses() throws {
    let index = world.path("index")
    let built = try shell([
      Resources.command, "index", "build", world.path("train.txt"), "--model", world.path("model"), "--pooler", "avg",
      "--output", index,
    ])
    try #require(built.code == 0, "\(built.errors)")
    let terminal = try PseudoTerminal(columns: 80)
    let process = try terminal.start(
      [Resources.command, "search", index, "-k", "1"], environment: ["TERM": "xterm"], reads: true)
    func asked(_ times: Int) {
      while process.isRunning, terminal.text.components(separatedBy: "query: ").count <= times { usleep(2000) }
    }
    let sentence = world.tiny.sentences(1)[0]
    for time in 1...2 {
      asked(time)
      try terminal.type(sentence + "\n")
    }
    asked(3)
    try terminal.type("\n")
    #expect(terminal.wait(for: process) == 0, "\(terminal.text)")
    #expect(terminal.text.components(separatedBy: "1.0000").count == 3, "\(terminal.text)")
  }

  @Test(arguments: ["dumb", ""]) func aDumbTerminalGetsPlainLines(name: String) throws {
    let terminal = try PseudoTerminal(columns: 80)
    let process = try terminal.start(
      try world.trainArguments("dumb", ["--max-steps", "20"]), environment: ["TERM": name])
    #expect(terminal.wait(for: process) == 0, "\(terminal.text)")
    #expect(terminal.text.contains("step 20/20") && !terminal.text.contains("\u{1B}"), "\(terminal.text)")
    let scores = try terminal.start(
      [
        Resources.command, "evaluate", "--model", world.path("model"), "--pooler", "avg", "--pairs",
        world.path("pairs.tsv"),
      ], environment: ["TERM": name])
    #expect(terminal.wait(for: scores) == 0 && !terminal.text.contains("\u{1B}"), "\(terminal.text)")
  }

  @Test func evaluateKeepsToTheWidth() throws {
    let name = String(repeating: "pairs-of-a-long-name", count: 6) + ".tsv"
    try world.write(name, world.tiny.pairs(40))
    let terminal = try PseudoTerminal(columns: 80)
    let process = try terminal.start(
      [Resources.command, "evaluate", "--model", world.path("model"), "--pooler", "avg", "--pairs", world.path(name)],
      environment: ["TERM": "xterm"])
    #expect(terminal.wait(for: process) == 0, "\(terminal.text)")
    let drawn = terminal.text.split(whereSeparator: { $0 == "\r" || $0 == "\n" || $0 == "\r\n" })
      .filter { $0.hasPrefix("[") }
    #expect(drawn.allSatisfy { $0.replacing("\u{1B}[J", with: "").count < 80 }, "\(drawn)")
  }
}
