// The forms of schedules: where a value ends that is one, what it says, and the numbers it gives.

import Host
import Testing

@Suite struct ScheduleFormTests {
  @Test func formsAreRead() throws {
    let line = try #require(ScheduleForm("linear(0.1, 0.4)"))
    #expect(line.curve == .linear && line.from == 0.1 && line.to == 0.4 && line.steps == nil)
    let wave = try #require(ScheduleForm("cosine(1,0,500)"))
    #expect(wave.curve == .cosine && wave.from == 1 && wave.to == 0 && wave.steps == 500)
  }

  @Test(arguments: [
    "linear", "linear(", "linear()", "linear(1)", "linear(1,2", "linear(1,2,3,4)", "linear(1,nan)", "linear(1,inf)",
    "linear(1,2,0)", "linear(1,2,1.5)", "cosine(a,b)", "warm(1,2)", "(1,2)", "",
  ])
  func otherTextsAreNot(text: String) { #expect(ScheduleForm(text) == nil) }

  @Test func aWrongFormIsKnownAsOne() {
    #expect(ScheduleForm.curve(of: "linear(1)") == .linear && ScheduleForm.curve(of: "warm(1)") == nil)
    #expect(ScheduleForm.isForm("linear(1)") && !ScheduleForm.isForm("linear(1,2)x") && !ScheduleForm.isForm(""))
    #expect(ScheduleForm.syntax(.cosine) == "cosine(from,to) or cosine(from,to,steps) with steps of at least 1")
  }

  @Test func numbersFollowTheCurve() throws {
    let line = try #require(ScheduleForm("linear(0,1)"))
    #expect((0..<5).map { line.value(step: $0, total: 5) } == [0, 0.25, 0.5, 0.75, 1])
    let short = try #require(ScheduleForm("linear(0,1,2)"))
    #expect((0..<5).map { short.value(step: $0, total: 5) } == [0, 0.5, 1, 1, 1])
    let wave = try #require(ScheduleForm("cosine(1,0)"))
    #expect(wave.value(step: 0, total: 5) == 1 && abs(wave.value(step: 2, total: 5) - 0.5) < 1e-15)
    #expect(wave.value(step: 4, total: 5) == 0 && line.value(step: 0, total: 1) == 1)
  }
}
