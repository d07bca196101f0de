// libMixCSE.so as programs in C meet it: every function called rightly and wrongly, the documented example, and the
// numbers against those of the program.

import Foundation
import Kernels
import TestSupport
import Testing

@Suite("mixcse.h")
struct LibraryTests {
  private static let include = Resources.packageRoot + "/Sources/LibraryAPI/include"
  private let folder = FileManager.default.temporaryDirectory.path + "/library-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try TinyModel().write(to: folder + "/model")
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/libmixcse.so", withDestinationPath: Resources.productDirectory + "/libMixCSE.so")
  }

  /// Compiles a program in C against the library as it was built.
  private func build(_ source: String, named name: String) throws -> String {
    let program = folder + "/" + name
    let built = try shell([
      "clang", "-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-I", Self.include, source, "-o",
      program, "-L", folder, "-lmixcse", "-Wl,-rpath," + folder, "-lm", "-lpthread",
    ])
    try #require(built.code == 0, "\(built.errors)")
    return program
  }

  @Test("the header compiles by itself without a warning", arguments: ["c11", "c++17"])
  func header(standard: String) throws {
    let language = standard.hasPrefix("c++") ? "c++" : "c"
    let result = try shell([
      "clang", "-std=\(standard)", "-x", language, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
      Self.include + "/mixcse.h",
    ])
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test("every function, with right and wrong arguments, from several threads and after a fork")
  func everyCall() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let program = try build(Resources.fixture("library/calls.c"), named: "calls")
    let result = try shell([program, Resources.pluginDirectory, folder + "/model"])
    #expect(result.code == 0 && result.output == "all as it should be\n", "\(result.output)\(result.errors)")
  }

  @Test("indexes: built, opened, searched, added to, and refused to another model")
  func indexes() throws { try checkIndexes([:]) }

  @Test("indexes with a graph, which grows with them", .needs(.hnswlib))
  func graphs() throws { try checkIndexes(["CSE_GRAPH": BuiltGraphLibrary.path.get()]) }

  private func checkIndexes(_ environment: [String: String]) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TinyModel(words: 81).write(to: folder + "/other")
    let program = try build(Resources.fixture("library/index.c"), named: "index")
    let result = try shell(
      [program, folder + "/model", folder + "/other", folder + "/texts.index"], environment: environment)
    #expect(result.code == 0 && result.output == "all as it should be\n", "\(result.output)\(result.errors)")
  }

  @Test("the example of Documentation/Library.md compiles as it stands, and says what the page says")
  func documentedExample() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let page = try String(contentsOfFile: Resources.packageRoot + "/Documentation/Library.md", encoding: .utf8)
    let source = try #require(page.components(separatedBy: "```c\n").dropFirst().first)
    let code = try #require(source.components(separatedBy: "\n```").first)
    try (code + "\n").write(toFile: folder + "/example.c", atomically: true, encoding: .utf8)
    let result = try shell([try build(folder + "/example.c", named: "example")])
    let printed = try #require(page.components(separatedBy: "```text\n").dropFirst().first)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output == printed.components(separatedBy: "```").first, "\(result.output)")
  }

  @Test("the loss is that of mixcse probe, the gradients to the bit", arguments: ["mixcse", "supcon", "mochi"])
  func likeTheProgram(method: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (rows, width) = (9, 8)
    for view in ["z1", "z2"] {
      let buffer = FloatBuffer(count: rows * width)
      let numbers = UnsafeMutableBufferPointer(start: buffer.pointer, count: buffer.count)
      RandomStream(seed: 3, name: view).normal(step: 0, offset: 0, into: numbers)
      try NPYFile.write(buffer.matrix(rows: rows, columns: width), to: "\(folder)/\(view).npy")
      try Data(buffer: UnsafeBufferPointer(numbers)).write(to: URL(fileURLWithPath: "\(folder)/\(view).bin"))
    }
    try (0..<rows).map { "\($0 % 3)\n" }.joined().write(
      toFile: folder + "/labels.txt", atomically: true, encoding: .utf8)
    let probed = try shell([
      Resources.command, "probe", "--z1", folder + "/z1.npy", "--z2", folder + "/z2.npy", "--labels",
      folder + "/labels.txt", "--method", method, "--gradients", folder + "/gradients", "--json",
    ])
    try #require(probed.code == 0, "\(probed.errors)")
    let program = try build(Resources.fixture("library/evaluate.c"), named: "evaluate")
    let result = try shell([program, method, "\(rows)", "\(width)", folder])
    try #require(result.code == 0, "\(result.errors)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(probed.output.utf8)) as? [String: Any])
    // JSON has fewer digits.
    let loss = (try #require(report["loss"] as? Double), try #require(Double(result.output)))
    #expect(isClose(loss.0, loss.1, relative: 1e-14), "\(loss)")
    for view in 1...2 {
      let file = try NPYFile(contentsOf: "\(folder)/gradients/dz\(view).npy")
      let expected = withExtendedLifetime(file) { Data(bytes: file.matrix.pointer, count: rows * width * 4) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/dz\(view).bin")) == expected)
    }
  }
}
