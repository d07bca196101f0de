// Hidden characters as people are shown them, in text and in JSON documents.

import Files
import Testing

@Suite("Visible text")
struct VisibleTextTests {
  @Test(
    "a hidden character is shown as its escape",
    arguments: [
      (0x00, "\\u{0}"), (0x07, "\\u{7}"), (0x0B, "\\u{B}"), (0x0D, "\\u{D}"), (0x1B, "\\u{1B}"), (0x1F, "\\u{1F}"),
      (0x7F, "\\u{7F}"), (0x80, "\\u{80}"), (0x9B, "\\u{9B}"), (0x9F, "\\u{9F}"), (0x202A, "\\u{202A}"),
      (0x202E, "\\u{202E}"), (0x2066, "\\u{2066}"), (0x2069, "\\u{2069}"),
    ] as [(UInt32, String)])
  func escapes(value: UInt32, escape: String) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let text = "a\(Character(scalar))b"
    #expect(text.visible == "a\(escape)b" && text.visibleOnOneLine == "a\(escape)b")
    #expect(text.visible.visible == text.visible)
  }

  @Test(
    "what is seen stays, byte for byte",
    arguments: [
      "", "plain", "e\u{301} \u{E9} \u{A0} \u{200F}\u{5D0} \u{200D}\u{1F469}\u{200D}\u{1F52C}", "back\\slash \\u{1B}",
      "~ ",
      "\u{2029}\u{202F}\u{2065}\u{206A}",
    ])
  func stays(text: String) {
    #expect(Array(text.visible.utf8) == Array(text.utf8))
    #expect(Array(text.visibleJSON.utf8) == Array(text.utf8))
  }

  @Test("line ends and tabs stay but for one line; a carriage return joined to a line end is no line end")
  func lines() {
    #expect("a\n\tb".visible == "a\n\tb" && "a\n\tb".visibleOnOneLine == "a\\u{A}\\u{9}b")
    #expect("a\r\nb".visible == "a\\u{D}\nb")
  }

  @Test("a JSON document has no hidden characters, and says the same")
  func json() throws {
    let hidden = (UInt32(0)..<0x2070).compactMap(Unicode.Scalar.init).filter(\.isHidden)
    #expect(hidden.count == 32 + 33 + 5 + 4)
    let value = JSONValue.string(String(String.UnicodeScalarView(hidden)))
    let text = value.text()
    #expect(
      text.unicodeScalars.allSatisfy { !$0.isHidden } && text.contains("\\u001b\\u001c") && text.contains("\\u202e"))
    #expect(try JSONValue.parse(Array(text.utf8)) == value)
    #expect("{\r\n\t\"a\":\"\u{9B}\u{7F}\"}".visibleJSON == "{\r\n\t\"a\":\"\\u009b\\u007f\"}")
  }
}
