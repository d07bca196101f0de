// The structs of the Python side are laid out as the headers lay them out.

import Foundation
import TestSupport
import Testing

@Suite struct PythonLayoutTests {
  @Test(.needs(.compiler("python3"), .compiler("clang"))) func structsAndNumbersAreTheHeaders() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/mixcse-layout-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let root = Resources.packageRoot
    let script = ["python3", Resources.fixture("python/layout.py"), root + "/Python/mixcse/_worker/abi.py"]
    let program = try shell(script + ["c"])
    try #require(program.code == 0, "\(program.errors)")
    try program.output.write(toFile: folder + "/layout.c", atomically: true, encoding: .utf8)
    let built = try shell([
      "clang", "-I", root + "/Sources/PluginAPI/include", "-I", root + "/Sources/CIsolation/include",
      folder + "/layout.c", "-o", folder + "/layout",
    ])
    try #require(built.code == 0, "\(built.errors)")
    let (headers, python) = (try shell([folder + "/layout"]), try shell(script))
    #expect(headers.output == python.output && headers.output.contains("cse_logits.batch"))
  }
}
