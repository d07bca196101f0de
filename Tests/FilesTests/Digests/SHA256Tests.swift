// SHA-256 against published answers, against the system's own program, and its two ways against each other.

import CDigests
import Files
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SHA256Tests {
  // Source: FIPS 180-4 examples, NIST CAVP SHA256ShortMsg.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownDigests(text: String, expected: String) {
    #expect(SHA256.digits(of: Array(text.utf8)) == expected)
  }

  @Test func aMillionLetters() {
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(SHA256.digits(of: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)) == expected)
  }

  /// The instructions and the plain code agree on many blocks at once and on every split.
  @Test func bothWaysAgree() {
    guard cd_sha256_select(1) == 1 else {
      print("skipped: this processor has no SHA instructions, so the plain code is all there is")
      return
    }
    defer { _ = cd_sha256_select(1) }
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ 7) }
    for length in [0, 63, 64, 65, 127, 128, 200, 640, 1000] {
      let digits = [Int32(1), 0].map { hardware in
        _ = cd_sha256_select(hardware)
        return SHA256.digits(of: Array(bytes.prefix(length)))
      }
      #expect(digits[0] == digits[1], "\(length) bytes")
    }
  }

  @Test func everyLengthAndEverySplitAgreesWithTheSystem() throws {
    let scratch = try Scratch()
    var names: [String] = []
    for length in [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000] {
      names.append(try scratch.file("\(length)", (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }))
    }
    let lines = try shell(["sha256sum"] + names).output.split(separator: "\n")
    for line in lines {
      let name = String(line.split(separator: "/").last ?? "")
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + name)))
      #expect(line.hasPrefix(SHA256.digits(of: bytes)), "\(name) bytes")
      var pieces = SHA256()
      for byte in bytes { withUnsafeBytes(of: byte) { pieces.update($0) } }
      #expect(line.hasPrefix(pieces.finish().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()))
    }
  }
}
