// What may be a name: of components and recipes, of parameters, of libraries, and paths in the place of names.
// Used by every reader of texts about plugins, from descriptors to the command line.

/// Whether `text` is a name of a component or recipe: `[a-z0-9_-]+`.
package func isLowercaseName(_ text: String) -> Bool {
  !text.isEmpty
    && text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}

/// Whether `text` is a name of a parameter: `[a-z_][a-z0-9_-]*`, at most 64 letters.
package func isParameterName(_ text: String) -> Bool {
  guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
  return isLowercaseName(text) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) && first != UInt8(ascii: "-")
}

/// Whether `text` is an id of a library or the name of a metric: letters, digits, `.`, `_` and `-`, beginning and
/// ending with a letter or digit.
package func isLibraryID(_ text: String) -> Bool {
  func isPlain(_ byte: UInt8) -> Bool {
    let lowered = byte | 0x20
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowered)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
  guard let first = text.utf8.first, let last = text.utf8.last, isPlain(first), isPlain(last) else { return false }
  return text.utf8.allSatisfy { isPlain($0) || "._-".utf8.contains($0) }
}

/// Whether a component's name is a path to a library.
package func isPath(_ name: String) -> Bool { name.contains("/") }

/// How the names of files end that can be plugins: libraries, and files in Python.
package let pluginEndings = [".so", pythonEnding]
/// How the name of a plugin in Python ends.
package let pythonEnding = ".py"

/// Whether a file of this name can be a plugin.
package func isPluginFileName(_ name: some StringProtocol) -> Bool { pluginEndings.contains { name.hasSuffix($0) } }

/// A path and the component that is picked in it, if any: `./lib.so:name`.
package func splitPath(_ name: String) -> (path: String, component: String?) {
  guard let colon = name.lastIndex(of: ":"), isPluginFileName(name[..<colon]) else { return (name, nil) }
  return (String(name[..<colon]), String(name[name.index(after: colon)...]))
}

/// `text` without spaces, tabs and line ends around it.
package func trimmed(_ text: String) -> String {
  let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
  let start = text.drop(while: isBlank)
  var end = start
  while let last = end.last, isBlank(last) { end.removeLast() }
  return String(end)
}
