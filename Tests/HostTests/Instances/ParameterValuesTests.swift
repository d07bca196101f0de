// Parameter values in the memory plugins read: defaults, settings, stability of the addresses.

import Host
import PluginAPI
import Testing

@Suite struct ParameterValuesTests {
  private let declarations: [ParameterDeclaration]

  init() throws {
    declarations = try ParameterGrammar.parse(
      """
      lambda: float = 0.2 in [0,1] live
      size: int = 256 in [1,)
      mask: zero|exclude = zero
      note: string = "plain"
      unit: bool = false
      """)
  }

  private func values(_ settings: [(String, String)] = []) throws -> ParameterValues {
    try ParameterValues(
      ParameterSettings(declarations: declarations, component: "blend", settings: settings))
  }

  @Test func defaultsAreInPlace() throws {
    let values = try values()
    #expect(values.pointer[0].f == 0.2)
    #expect(values.pointer[1].i == 256)
    #expect(values.pointer[2].i == 0)
    #expect(String(cString: values.pointer[3].s) == "plain")
    #expect(values.pointer[4].i == 0)
    #expect(
      values.resolved.map { "\($0.0)=\($0.1)" } == ["lambda=0.2", "size=256", "mask=zero", "note=plain", "unit=false"])
  }

  @Test func settingsReplaceThemWithoutMovingAnything() throws {
    let values = try values([("mask", "exclude"), ("lambda", "1e-3"), ("unit", "1")])
    let address = values.pointer
    #expect(values.pointer[0].f == 0.001 && values.pointer[2].i == 1 && values.pointer[4].i == 1)
    try values.set("note", to: "grüße, \(String(repeating: "x", count: 200))")
    try values.set("size", to: "3")
    try values.set("lambda", to: 0.5)
    try values.set("size", to: 7.0)
    #expect(values.pointer == address)
    #expect(String(cString: values.pointer[3].s).hasPrefix("grüße, x"))
    #expect(values.double("lambda") == 0.5 && values.pointer[0].f == 0.5)
    #expect(values.double("size") == 7 && values.pointer[1].i == 7)
    #expect(values.double("mask") == 1 && values.double("unit") == 1)
    #expect(values.double("note") == nil && values.double("absent") == nil)
  }

  @Test func resolvedTextSetsTheSameValues() throws {
    let first = try values([("lambda", "0.30000000000000004"), ("note", "a=b:c"), ("unit", "true")])
    let second = try values(first.resolved)
    #expect(second.pointer[0].f == 0.1 + 0.2)
    #expect(first.resolved.elementsEqual(second.resolved) { $0 == $1 })
  }

  @Test func noParametersStillHaveAnAddress() throws {
    let none = try ParameterValues(ParameterSettings(declarations: [], component: "plain"))
    #expect(none.pointer[0].i == 0 && none.resolved.isEmpty)
  }

  @Test(arguments: [
    ("lamda", "0.3", "blend has no parameter 'lamda'; did you mean 'lambda'? (it has lambda, size, mask, note, unit)"),
    ("lambda", "2", "blend.lambda: expected a number in [0, 1], found '2'"),
    ("lambda", "nan", "blend.lambda: expected a number in [0, 1], found 'nan'"),
    ("lambda", "-inf", "blend.lambda: expected a number in [0, 1], found '-inf'"),
    ("lambda", "1e999", "blend.lambda: expected a number in [0, 1], found '1e999'"),
    ("lambda", "", "blend.lambda: expected a number in [0, 1], found ''"),
    ("lambda", "0,3", "blend.lambda: expected a number in [0, 1], found '0,3'"),
    ("size", "0", "blend.size: expected a whole number in [1, ), found '0'"),
    ("size", "2.5", "blend.size: expected a whole number in [1, ), found '2.5'"),
    ("mask", "exclud", "blend.mask: expected one of zero, exclude, found 'exclud'; did you mean 'exclude'?"),
    ("unit", "yes", "blend.unit: expected true or false (or 1, 0), found 'yes'"),
  ])
  func refusesWrongSettings(name: String, value: String, expected: String) throws {
    #expect(message { _ = try values([(name, value)]) } == expected)
    #expect(exitCode { _ = try values([(name, value)]) } == 64)
  }

  @Test func refusesTheSameSettingTwice() {
    #expect(
      message { _ = try values([("size", "2"), ("size", "3")]) } == "blend.size is given twice; leave one of them out")
  }

  @Test func aRefusedChangeChangesNothing() throws {
    let values = try values()
    #expect(throws: UsageError.self) { try values.set("lambda", to: 1.5) }
    #expect(throws: UsageError.self) { try values.set("lambda", to: Double.nan) }
    #expect(throws: UsageError.self) { try values.set("size", to: 1.5) }
    #expect(throws: UsageError.self) { try values.set("note", to: String(repeating: "x", count: 5000)) }
    #expect(values.pointer[0].f == 0.2 && values.pointer[1].i == 256)
  }
}
