// Numbers as C prints them.

import Files
import Testing

@Suite struct PrintedNumberTests {
  @Test(arguments: [
    ("%.4f", 0.5, "0.5000"), ("%+.2f", 1.005, "+1.00"), ("%4.1f", -0.25, "-0.2"), ("%.6g", 1e-7, "1e-07"),
    ("%.0f", 2.5, "2"), ("%.2f", Double.infinity, "inf"), ("%.2g", 1e308, "1e+308"),
  ])
  func asPrintf(_ format: String, _ value: Double, _ text: String) {
    #expect(String(format: format, value) == text)
  }

  @Test func theLongestNumberIsWhole() {
    let text = String(format: "%.2f", Double.greatestFiniteMagnitude)
    #expect(text.count == 312 && text.hasPrefix("17976931348623157") && text.hasSuffix(".00"))
  }
}
