// `mixcse --version`, and that records name the same version.

import Foundation
import TestSupport
import Testing

@Suite struct VersionTests {
  @Test(arguments: [["--version"], ["train", "--version"]])
  func saysProgramABICompilerVectorsAndCommit(_ arguments: [String]) throws {
    let result = try shell([Resources.command] + arguments)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.contains(/^mixcse \d+\.\d+\.\d+\n/), "\(result.output)")
    for pattern in [#"plugin ABI: 1\.\d+"#, "compiler: Swift 6", "vectors: (128|256|512) bits"] {
      #expect(try result.output.contains(Regex(pattern)), "no \(pattern) in \(result.output)")
    }
    #expect(result.output.contains(/commit: ([0-9a-f]{12}(\+changes)?|unknown)\n/), "\(result.output)")
  }
}
