// Descriptions as TOML: what hostile ones may not do.

import Files
import Testing

@Suite struct TOMLTests {
  @Test func nestingHasALimit() throws {
    func nested(_ depth: Int) -> String {
      "a = " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(try TOMLReader.read(nested(100)).keys == ["a"])
    for depth in [101, 100_000] {
      let error = #expect(throws: TOMLError.self) { try TOMLReader.read(nested(depth)) }
      #expect(error?.problem.contains("100 levels") == true && error?.line == 1)
    }
  }
}
