// Whether a file in Python is meant to be a plugin, told without running it. Asked by PluginFile.

import PluginGrammar

/// Looks into sources in Python.
enum PythonSource {
  /// Whether a line imports something of `mixcse`: `from mixcse.plugin import sampler`, `import mixcse.plugin`.
  static func isPlugin(_ bytes: [UInt8]) -> Bool {
    bytes.split(separator: UInt8(ascii: "\n")).contains { line in
      let words = String(decoding: line.prefix(200), as: UTF8.self).split { $0 == " " || $0 == "\t" || $0 == "\r" }
      guard words.count > 1, words[0] == "from" || words[0] == "import" else { return false }
      return words[1] == "mixcse" || words[1].hasPrefix("mixcse.")
    }
  }
}
