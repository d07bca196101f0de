// The ABI header by itself: it compiles as C11 and as C++17 without a warning, and its layout is pinned.

import TestSupport
import Testing

@Suite("cse_plugin.h")
struct HeaderTests {
  @Test("compiles without a warning, with every struct laid out as in 1.0", arguments: ["c11", "c++17"])
  func compiles(standard: String) throws {
    let language = standard.hasPrefix("c++") ? "c++" : "c"
    let result = try shell([
      "clang", "-std=\(standard)", "-x", language, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
      "-I\(Resources.packageRoot)/Sources/PluginAPI/include", Resources.fixture("abi/layout.c"),
    ])
    #expect(result.code == 0, "\(result.errors)")
  }
}
