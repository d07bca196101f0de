// Files with bare functions: where their text stands, and what is said where it cannot be used.

import Foundation
import Host
import TestSupport
import Testing

@Suite struct BareLibraryTests {
  private func build(_ bench: PluginBench, _ source: String, _ name: String = "libmine.so", _ extra: [String] = [])
    throws -> String
  {
    let file = try bench.write(Array(source.utf8), as: name + ".c")
    let built = try shell(["cc", "-O1", "-shared", "-fPIC", file, "-o", bench.path(name)] + extra)
    guard built.code == 0 else { throw BenchError(description: built.errors) }
    try bench.setMode(0o755, name)
    return bench.path(name)
  }

  private let function = "double f(long step) { return step; }\n"

  @Test func theTextIsReadFromTheFileAndFromASidecar() throws {
    let bench = try PluginBench()
    let inside = try build(bench, function + "const char cse_functions[] = \"schedule f(step:i64) -> f64 ;\";", "a.so")
    let library = try bench.registry([]).library(atPath: inside)
    #expect(library.id == "bare.a" && library.components.map(\.name) == ["f"] && library.components[0].kind == .other)
    let plain = try build(bench, function, "libb.so")
    #expect(message { _ = try bench.registry([]).library(atPath: plain) }.contains("so it is no plugin"))
    _ = try bench.write(
      Array("library org.example.b 2.1 ;\nschedule g = f(step:i64) -> f64 \"counts\" ;".utf8), as: "libb.so.cse")
    try bench.setMode(0o666, "libb.so.cse")
    #expect(message { _ = try bench.registry([]).library(atPath: plain) }.contains("can be written by others"))
    #expect(try bench.registry([], allowInsecure: true).library(atPath: plain).components.count == 1)
    try bench.setMode(0o644, "libb.so.cse")
    let named = try bench.registry([]).library(atPath: plain)
    #expect(named.id == "org.example.b" && named.version == "2.1" && named.components[0].summary == "counts")
  }

  @Test func theTextMayComeFromAFunction() throws {
    let bench = try PluginBench()
    let path = try build(
      bench, function + "const char *cse_functions_v1(void) { return \"schedule f(step:i64) -> f64 ;\"; }")
    #expect(try bench.registry([]).library(atPath: path).components.map(\.name) == ["f"])
  }

  static let refused: [(String, String)] = [
    ("const char *cse_functions = \"schedule f(step:i64) -> f64 ;\";", "it is a pointer; write an array"),
    (
      "const char cse_functions[] = \"schedule f(step:i64) f64 ;\";", "cse_functions) cannot be used: line 1, column 22"
    ),
    (
      "const char cse_functions[] = \"schedule ff(step:i64) -> f64 ;\";",
      "'ff' is no function the library exports; did you mean 'f'?"
    ),
    (
      "int data; const char cse_functions[] = \"schedule g = data(step:i64) -> f64 ;\";",
      "is exported, but is no function"
    ),
    ("const char cse_functions[] = \"\";", "it declares no functions"),
    ("const char cse_functions[] = \"\\xff\\xfe schedule\";", "it is not UTF-8"),
    ("char cse_functions[1 << 20];", "it has no contents in the file"),
  ]

  @Test(arguments: refused) func whatCannotBeUsedIsRefusedWithAReason(source: String, part: String) throws {
    let bench = try PluginBench()
    let path = try build(bench, function + source)
    let text = message { _ = try bench.registry([]).library(atPath: path) }
    #expect(text.contains(part), "\(text)")
  }
}
