// The headers of the ABI by themselves: they compile as C11 and as C++17 without a warning, their layout is pinned.

import TestSupport
import Testing

@Suite("cse_plugin.h and cse_encoder.h")
struct HeaderTests {
  @Test(
    "compile without a warning, with every struct laid out as in 1.0", arguments: ["c11", "c++17"],
    ["layout.c", "encoder_layout.c"])
  func compiles(standard: String, file: String) throws {
    let language = standard.hasPrefix("c++") ? "c++" : "c"
    let result = try shell([
      "clang", "-std=\(standard)", "-x", language, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
      "-I\(Resources.packageRoot)/Sources/PluginAPI/include", Resources.fixture("abi/" + file),
    ])
    #expect(result.code == 0, "\(result.errors)")
  }
}
