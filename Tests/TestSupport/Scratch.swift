// A folder for the files of one test.

import Foundation

/// A folder that is removed with the object.
public final class Scratch {
  /// Where it lies.
  public let path: String

  /// Makes a folder of a name of its own.
  public init() throws {
    path = NSTemporaryDirectory() + "cse-files-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file into the folder and gives its path.
  public func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }

  /// Writes text into a file of the folder and gives its path.
  public func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

  /// The names in the folder, in order.
  public var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}
