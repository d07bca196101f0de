// Where the text of bare functions stands: in the ELF file, or in `FILE.cse` beside it, so that it is read before any
// code runs. Found by PluginFile; what the text says is for BareFunctions to read.

import Glibc

/// Where the text of bare functions stands.
package enum BareSource: Sendable, Equatable {
  /// Read from the file; `origin`: "cse_functions" or the path of the sidecar.
  case text(String, origin: String)
  /// The library has a function that returns it: `const char *cse_functions_v1(void)`.
  case function
}

extension BareSource {
  /// What the name of the text beside a library has after the library's: `libnoise.so.cse`.
  package static let sidecarSuffix = ".cse"

  /// The most bytes a text of bare functions may have.
  package static let largestText = 64 * 1024

  /// Where the text stands, for messages.
  package var origin: String {
    switch self {
    case .text(_, let origin): origin
    case .function: "cse_functions_v1()"
    }
  }

  /// The text that goes with a library; nil where there is none.
  /// - Throws: `PluginRefusal.functions` where there is a text that cannot be read.
  package static func find(_ image: ELFImage, path: String, allowInsecure: Bool) throws(PluginRefusal) -> BareSource? {
    let sidecar = path + sidecarSuffix
    var info = stat()
    if stat(sidecar, &info) == 0 {
      let opened = try OpenedFile(sidecar)
      // It decides how the code is called, so it is as dangerous as the code.
      if !allowInsecure, let problem = FileSafety.problem(of: opened) { throw problem }
      guard info.st_size <= largestText else {
        throw .functions(origin: sidecar, problem: "it has \(info.st_size) bytes, at most \(largestText) are read")
      }
      guard let text = String(validating: try opened.contents(), as: UTF8.self) else {
        throw .functions(origin: sidecar, problem: "it is not UTF-8")
      }
      return .text(text, origin: sidecar)
    }
    switch image.functionsText {
    case .absent: return image.exports.contains("cse_functions_v1") ? .function : nil
    case .pointer:
      throw .functions(
        origin: "cse_functions",
        problem: "it is a pointer; write an array, const char cse_functions[] = \"...\", so that it can be read"
          + " without running the library")
    case .unreadable(let problem): throw .functions(origin: "cse_functions", problem: problem)
    case .text(let text): return .text(text, origin: "cse_functions")
    }
  }
}
