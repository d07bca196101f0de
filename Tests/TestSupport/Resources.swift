// Where tests find what lies outside the package: the real model, the shared data, the built products.
// Needs.swift says what becomes of a test whose resources are missing.

import Foundation

/// Files and folders the tests need, found from the environment or beside the package.
public enum Resources {
  /// The root of the package.
  public static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// The folder the products were built into: plugins, the command and the test bundle lie side by side.
  public static let productDirectory = URL(fileURLWithPath: "/proc/self/exe")
    .resolvingSymlinksInPath().deletingLastPathComponent().path

  /// The folder of the plugin libraries built from `Plugins/`.
  public static var pluginDirectory: String { productDirectory }

  /// The path of the built `mixcse` command.
  public static var command: String { productDirectory + "/mixcse" }

  /// The folder of all-MiniLM-L6-v2: `CSE_MODEL`, else `.cache/models/all-MiniLM-L6-v2` under the package root.
  public static let model: String? = existing(
    ProcessInfo.processInfo.environment["CSE_MODEL"] ?? packageRoot + "/.cache/models/all-MiniLM-L6-v2")

  /// The shared data and reference folder: `CSE_SHARED`, else `../shared` beside the package.
  public static let sharedRoot: String? = existing(
    ProcessInfo.processInfo.environment["CSE_SHARED"] ?? packageRoot + "/../shared")

  /// A path below the shared folder, or nil where there is none.
  public static func shared(_ relativePath: String) -> String? {
    sharedRoot.map { $0 + "/" + relativePath }
  }

  /// A path below `Tests/Fixtures`.
  public static func fixture(_ relativePath: String) -> String {
    packageRoot + "/Tests/Fixtures/" + relativePath
  }

  /// A Python that has torch and transformers: MIXCSE_PYTHON, that of `make interop`, or python3; nil without one.
  public static let transformersPython: String? = {
    let question = """
      import importlib.util, sys
      sys.exit(None in map(importlib.util.find_spec, ("numpy", "torch", "transformers")))
      """
    let named = ProcessInfo.processInfo.environment["MIXCSE_PYTHON"]
    let places = [named, packageRoot + "/.cache/venv/bin/python", "/usr/bin/python3"].compactMap { $0 }
    return places.first {
      FileManager.default.isExecutableFile(atPath: $0) && (try? shell([$0, "-c", question]).code) == 0
    }
  }()

  /// Whether nothing may be left out: `CI=true`.
  public static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

  private static func existing(_ path: String) -> String? {
    FileManager.default.fileExists(atPath: path) ? path : nil
  }
}

/// Whether two numbers differ by at most `absolute` plus `relative` times the larger magnitude.
public func isClose(_ a: Double, _ b: Double, absolute: Double = 0, relative: Double = 0) -> Bool {
  abs(a - b) <= absolute + relative * max(abs(a), abs(b))
}
