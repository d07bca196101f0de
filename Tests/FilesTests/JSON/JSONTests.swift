// JSON read and written: exact bytes, strict grammar, places of errors, and hostile input.

import Files
import Testing

@Suite("JSON")
struct JSONTests {
  private func parse(_ text: String, _ repeats: RepeatedKeys = .refused) throws -> JSONValue {
    try JSONValue.parse(Array(text.utf8), repeats: repeats)
  }

  @Test("what is written on one line is what was read")
  func roundTrip() throws {
    let text = #"{"a":[1,-2.5,1e-07,true,false,null],"":{},"é😀\"\\\n\r\t\u0001":"/","n":9223372036854775807}"#
    #expect(try parse(text).text(indent: nil) == text)
    #expect(try parse(" {\r\n\t\"a\" : [ ] } ").text() == "{\n  \"a\": []\n}")
    #expect(JSONValue.number(0.1).text() == "0.1" && JSONValue.number(5).text() == "5.0")
    #expect(JSONValue.number(.nan).text() == "null")
  }

  @Test("numbers are whole where they are written so and fit")
  func numbers() throws {
    #expect(try parse("-0") == .integer(0))
    #expect(try parse("1.0") == .number(1))
    #expect(try parse("1E+2") == .number(100))
    #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
  }

  @Test("keys are told apart by their bytes, not by what they look like")
  func exactKeys() throws {
    let object = try #require(try parse("{\"\u{E9}\":1,\"e\u{301}\":2}").object)
    #expect(object.members.count == 2)
    #expect(object["\u{E9}"] == .integer(1) && object["e\u{301}"] == .integer(2))
  }

  @Test("a key that comes twice is refused, or kept with the last one found", arguments: [2, 40])
  func repeatedKeys(count: Int) throws {
    let members = (0..<count).map { "\"\($0)\":\($0)" } + ["\"1\":7"]
    let text = "{\(members.joined(separator: ","))}"
    let error = #expect(throws: JSONError.self) { _ = try parse(text) }
    #expect(error?.found == "\"1\" again")
    #expect(error?.offset == text.utf8.count - 6)
    let kept = try #require(try parse(text, .kept).object)
    #expect(kept.members.count == count + 1 && kept["1"] == .integer(7))
  }

  @Test("members are replaced in place, appended and removed", arguments: [0, 30])
  func editing(more: Int) {
    var object = JSONObject([("a", .null), ("b", .bool(true))] + (0..<more).map { ("\($0)", .integer($0)) })
    object["a"] = .integer(1)
    object["new"] = .string("x")
    object["b"] = nil
    object["absent"] = nil
    #expect(object.keys == ["a"] + (0..<more).map { "\($0)" } + ["new"])
    #expect(object["a"] == .integer(1) && object["new"] == .string("x") && object["b"] == nil)
  }

  @Test(
    "errors say where, what is allowed there and what stands there",
    arguments: [
      ("", 0, "a JSON value", "the end"), ("{} x", 3, "the end of the text", "'x'"), ("[1 2]", 3, "',' or ']'", "'2'"),
      ("{\"a\" 1}", 5, "':'", "'1'"), ("{a:1}", 1, "a quoted key", "'a'"), ("[tru]", 1, "a JSON value", "'t'"),
      ("[-]", 1, "a number", "'-'"), ("[1.]", 1, "a number", "'1.'"), ("[01]", 2, "',' or ']'", "'1'"),
      ("[1e999]", 1, "a number that fits a double", "1e999"), ("[\"\\x\"]", 3, "one of", "'x'"),
      ("[\"\\ud83d\"]", 4, "a pair of surrogates", "'\\ud83d' alone"), ("[\"\\u12g4\"]", 6, "four hexadecimal", "'g'"),
      ("[\"a\u{1}\"]", 3, "no control character", "byte 0x1"), ("\"a", 2, "'\"' at the end", "the end"),
      ("[,]", 1, "a JSON", "','"),
    ])
  func errors(text: String, offset: Int, expected: String, found: String) throws {
    let error = try #require(throws: JSONError.self) { _ = try parse(text) }
    #expect(error.offset == offset && error.found == found, "\(error)")
    #expect(error.expected.contains(expected), "\(error)")
  }

  @Test("other bytes than UTF-8, a byte order mark, escapes beyond the first plane")
  func bytes() throws {
    let error = #expect(throws: JSONError.self) { _ = try JSONValue.parse([0x5B, 0x22, 0xFF, 0x22, 0x5D]) }
    #expect(error?.offset == 1 && error?.expected == "UTF-8")
    #expect(try JSONValue.parse([0xEF, 0xBB, 0xBF, 0x31]) == .integer(1))
    #expect(try parse(#""\ud83d\ude00\u00e9\/""#) == .string("😀é/"))
  }

  @Test("nesting is bounded, and every truncation is an error")
  func hostile() throws {
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(throws: Never.self) { _ = try parse(deep) }
    let error = #expect(throws: JSONError.self) { _ = try parse("[" + deep + "]") }
    #expect(error?.expected == "at most 100 levels of nesting")
    let text = Array(#"{"a":[1.5e3,"\u00e9\n",{"b":null}],"c":true}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: JSONError.self, "\(length)") { _ = try JSONValue.parse(Array(text[..<length])) }
    }
  }

  @Test("the number of values is limited, wherever they stand")
  func manyValues() throws {
    for text in ["[1,2,3,4]", "[[],[],[[]]]", #"{"a":1,"b":2,"c":[3]}"#] {
      let bytes = Array(text.utf8)
      #expect(throws: Never.self) { try JSONValue.parse(bytes, maximumValues: 5) }
      let error = #expect(throws: JSONError.self) { try JSONValue.parse(bytes, maximumValues: 4) }
      #expect(error?.expected == "at most 4 values")
    }
  }
}
