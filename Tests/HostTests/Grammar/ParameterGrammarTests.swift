// The parameter lines of plugins: what they may say, and what is said about those that are wrong.

import Host
import Testing

@Suite struct ParameterGrammarTests {
  @Test func readsEveryPartOfALine() throws {
    let parsed = try ParameterGrammar.parse(
      """
      # the parameters
      temperature: float = 0.05 in (0,) live log -- softmax temperature: lower is sharper
        lambda : float=2e-1 in [0, 1]

      size: int = -3 in [-4,)
      mask: zero|exclude = exclude -- what a masked cell becomes
      note: string = "two words" live
      empty: string = ""
      word: string = plain -- text
      flag: bool = 1
      """)
    #expect(parsed.map(\.name) == ["temperature", "lambda", "size", "mask", "note", "empty", "word", "flag"])
    #expect(parsed[0].type == .float && parsed[0].default == .float(0.05) && parsed[0].live && parsed[0].log)
    #expect(parsed[0].range == ParameterRange(lower: 0, lowerIncluded: false, upper: nil, upperIncluded: false))
    #expect(parsed[0].text == "softmax temperature: lower is sharper")
    #expect(parsed[1].default == .float(0.2) && !parsed[1].live && !parsed[1].log && parsed[1].text.isEmpty)
    #expect(parsed[2].default == .int(-3))
    #expect(parsed[3].type == .choice(["zero", "exclude"]) && parsed[3].default == .choice(index: 1, word: "exclude"))
    #expect(parsed[4].default == .string("two words") && parsed[4].live)
    #expect(parsed[5].default == .string("") && parsed[6].default == .string("plain"))
    #expect(parsed[7].default == .bool(true))
  }

  @Test func emptyTextDeclaresNothing() throws {
    #expect(try ParameterGrammar.parse("").isEmpty)
    #expect(try ParameterGrammar.parse("\n  \n# nothing\n").isEmpty)
  }

  @Test func declarationTextParsesBackToItself() throws {
    let text =
      "a: float = 1e-07 in [0, 1) live log\nb: x|y = y\nc: string = \"p q\" live\nd: int = 5 in (, 9]\ne: bool = false"
    let parsed = try ParameterGrammar.parse(text)
    let again = try ParameterGrammar.parse(parsed.map(\.declarationText).joined(separator: "\n"))
    #expect(again == parsed)
    #expect(parsed.map(\.declarationText).joined(separator: "\n") == text)
  }

  @Test(arguments: [
    ("lambda float = 1", "line 1, column 8: expected ':' after the name 'lambda', found 'f'"),
    ("a: int = 1\nlambda: flaot = 1", "line 2, column 9: unknown type 'flaot'; did you mean 'float'?"),
    ("x: complex = 1", "line 1, column 4: unknown type 'complex'; expected bool, int, float, string, path or a|b"),
    ("x: = 1", "line 1, column 4: expected a type"),
    ("x: float", "line 1, column 9: expected '=' after the type, found the end of the line"),
    ("x: float =", "line 1, column 11: expected a default after '='"),
    ("x: float = -- text", "line 1, column 12: expected a default after '='"),
    ("x: float = abc", "line 1, column 12: the default 'abc' is not of type float"),
    ("x: float = nan", "line 1, column 12: the default 'nan' is not finite"),
    ("x: float = 1e999", "line 1, column 12: the default '1e999' is not finite"),
    ("x: float = 0x10", "line 1, column 12: the default '0x10' is not of type float"),
    ("x: int = 1.5", "line 1, column 10: the default '1.5' is not of type int"),
    ("x: int = 9223372036854775808", "line 1, column 10: the default '9223372036854775808' is not of type int"),
    ("x: bool = yes", "line 1, column 11: the default 'yes' is not of type bool"),
    ("x: float = 2 in [0,1]", "line 1, column 12: the default '2' is outside its range [0, 1]"),
    ("x: float = 0 in (0,1]", "line 1, column 12: the default '0' is outside its range (0, 1]"),
    ("x: float = 0 in [1,0]", "line 1, column 17: the range [1, 0] is empty"),
    ("x: float = 0 in (0,0]", "line 1, column 17: the range (0, 0] is empty"),
    ("x: float = 0 in [0,inf]", "line 1, column 20: 'inf' is not finite; leave the end out instead"),
    ("x: float = 0 in [0;1]", "line 1, column 21: expected ',' in the range"),
    ("x: float = 0 in [0,1", "line 1, column 21: expected ']' or ')' in the range"),
    ("x: float = 0 in 0,1", "line 1, column 17: expected a range such as [0,1] or (0,) after 'in'"),
    ("x: float = 0 in [a,1]", "line 1, column 18: 'a' is not a number"),
    ("x: string = a in [0,1]", "line 1, column 15: a range needs a number, but the type is string"),
    ("x: bool = true log", "line 1, column 16: 'log' needs a number, but the type is bool"),
    ("x: float = 1 live live", "line 1, column 19: 'live' appears twice"),
    (
      "x: float = 1 lvie",
      "line 1, column 14: unexpected 'lvie'; expected 'in', 'live', 'log' or '-- text'; did you mean 'live'?"
    ),
    ("x: float = 1 = 2", "line 1, column 14: unexpected '='"),
    ("x: a|b = c", "line 1, column 10: the default 'c' is not one of a|b; did you mean 'a' or 'b'?"),
    ("x: a|a = a", "line 1, column 4: the choice 'a' appears twice in 'a|a'"),
    ("x: a| = a", "line 1, column 4: '' cannot be a choice in 'a|'"),
    ("x: string = \"open", "line 1, column 13: the quoted default has no closing '\"'"),
    ("Lambda: float = 1", "line 1, column 1: expected a name such as hard_weight"),
    ("2x: float = 1", "line 1, column 1: expected a name such as hard_weight"),
    (": float = 1", "line 1, column 1: expected a name such as hard_weight"),
    ("x: int = 1\nx: int = 2", "line 2, column 1: 'x' is declared twice"),
  ])
  func saysWhatIsWrongAndWhere(text: String, expected: String) {
    let said = message { _ = try ParameterGrammar.parse(text) }
    #expect(said.hasPrefix(expected), "said: \(said)")
  }

  @Test func nothingInTheGrammarCrashesOnNoise() {
    var generator = SeededGenerator(state: 20_240_501)
    let signs = Array("ab: =[](),|-#\"1.e \tinlive\n\u{e9}\u{1F600}")
    for _ in 0..<4000 {
      let length = Int.random(in: 0..<40, using: &generator)
      let text = String((0..<length).map { _ in signs[Int.random(in: 0..<signs.count, using: &generator)] })
      _ = try? ParameterGrammar.parse(text)
      _ = try? StrategySpec(parsing: text)
      _ = try? PoolerSpec(parsing: text)
    }
  }
}

@Suite struct NearestNamesTests {
  @Test(arguments: [
    ("infonec", ["infonce"]), ("lamda", ["lambda"]), ("labmda", ["lambda"]), ("MIXCSE", ["mixcse"]), ("zzzzzz", []),
    ("info", ["infonce"]), ("", []),
  ])
  func findsWhatWasMeant(name: String, expected: [String]) {
    #expect(nearestNames(to: name, among: ["infonce", "lambda", "mixcse", "hard_weight"]) == expected)
  }
}
