// The ELF reader against real libraries, every truncation of one, and thousands of damaged ones.

import Foundation
import Host
import TestSupport
import Testing

@Suite struct ELFImageTests {
  @Test func readsWhatReadelfReads() throws {
    let bench = try PluginBench()
    try bench.build(
      "good.c", as: "good.so",
      extra: ["-lm", "-Wl,--no-as-needed", "-lm", "-Wl,-rpath,$ORIGIN/x", "-Wl,-soname,libg.so.1"])
    let image = try ELFImage(try bench.bytes(of: "good.so"))
    let dynamic = try shell(["readelf", "-dW", bench.path("good.so")]).output
    #expect(image.soName == "libg.so.1")
    #expect(image.runPath == "$ORIGIN/x")
    #expect(image.needed.contains("libm.so.6") && image.needed.contains("libc.so.6"))
    #expect(dynamic.components(separatedBy: "(NEEDED)").count - 1 == image.needed.count)
    let notes = try shell(["readelf", "-nW", bench.path("good.so")]).output
    let id = try #require(image.buildID)
    #expect(notes.contains(id))
    #expect(image.exports.contains("cse_library_entry_v1") && !image.exports.contains("sample"))
    #expect(image.entryMajors == [1] && !image.offersBareFunctions)
  }

  @Test func countsSymbolsWithEitherHashTable() throws {
    let bench = try PluginBench()
    for style in ["sysv", "gnu", "both"] {
      try bench.build("symbols.c", as: "\(style).so", ["NEEDS_SYMBOL"], extra: ["-Wl,--hash-style=\(style)"])
      let image = try ELFImage(try bench.bytes(of: "\(style).so"))
      #expect(image.exports.contains("cse_library_entry_v1"), "\(style)")
      #expect(image.undefined.contains("nobody_defines_this"), "\(style)")
    }
  }

  @Test func readsTheSystemsLibraries() throws {
    let names = try shell(["sh", "-c", "ldd \(Resources.command) 2>/dev/null | awk '/=> \\//{print $3}'"]).output
    let paths = names.split(separator: "\n").map(String.init)
    try #require(paths.count > 3)
    for path in paths {
      let image = try ELFImage([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
      #expect(!image.exports.isEmpty, "\(path)")
      #expect(image.entryMajors.isEmpty)
    }
  }

  @Test func everyTruncationHasAReason() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so", extra: ["-Wl,-s"])
    let bytes = try bench.bytes(of: "good.so")
    for length in 0..<bytes.count {
      #expect(throws: PluginRefusal.self, "of \(bytes.count) bytes only \(length)") {
        try ELFImage(Array(bytes[..<length]))
      }
    }
  }

  @Test func truncationWithoutSectionsIsSeenFromTheSegments() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    var bytes = try bench.bytes(of: "good.so")
    // No section table at all, as in a stripped-down library: e_shoff and e_shnum zero.
    for index in 40..<48 { bytes[index] = 0 }
    bytes[60] = 0
    bytes[61] = 0
    #expect(try ELFImage(bytes).entryMajors == [1])
    let said = message { _ = try ELFImage(Array(bytes[..<0x2000])) }
    #expect(said.contains("ends at byte") && said.contains("the file has 8192 bytes: it is half-written or damaged"))
  }

  @Test(arguments: [
    (18, UInt8(183), "it is built for AArch64, this host needs"), (18, UInt8(3), "it is built for x86 (32-bit)"),
    (4, UInt8(1), "it is built for 32-bit code"), (5, UInt8(2), "it is built for big-endian code"),
    (16, UInt8(2), "expected a shared library, found a program"),
    (16, UInt8(1), "expected a shared library, found an object"),
    (6, UInt8(9), "it is damaged: unknown ELF version 9"), (1, UInt8(0), "it is no ELF file"),
    (54, UInt8(8), "it is damaged: its program headers have 8 bytes"),
    (58, UInt8(8), "it is damaged: its section headers have 8 bytes"),
  ])
  func patchedHeadersAreNamed(offset: Int, value: UInt8, expected: String) throws {
    #if arch(arm64)
      if value == 183 { return }
    #endif
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    var bytes = try bench.bytes(of: "good.so")
    bytes[offset] = value
    #expect(message { _ = try ELFImage(bytes) }.hasPrefix(expected))
  }

  @Test func whatTheLoaderWouldTrustIsChecked() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    let bytes = try bench.bytes(of: "good.so")
    let sections = try shell(["readelf", "-SW", bench.path("good.so")]).output.split(separator: "\n")
    let line = try #require(sections.first { $0.contains(" .rela.dyn ") })
    let fields = line.split(separator: " ")
    let name = try #require(fields.firstIndex(of: ".rela.dyn"))
    let table = try #require(Int(fields[name + 3], radix: 16))
    // The target, the type and the symbol of the first relocation.
    for (offset, value) in [(0, UInt8(0xFF)), (8, UInt8(0xEE)), (15, UInt8(0x7F))] {
      var damaged = bytes
      for index in 0..<(offset == 0 ? 8 : 1) { damaged[table + offset + index] = value }
      #expect(message { _ = try ELFImage(damaged) } == "it is damaged: relocation 0 leads out of the library")
    }
    try bench.build("symbols.c", as: "data.so", ["DATA_ENTRY"])
    let said = message { _ = try ELFImage(try bench.bytes(of: "data.so")) }
    #expect(said == "it is damaged: cse_library_entry_v1 is no function in its code")
  }

  @Test func damagedFilesNeverCrash() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so", extra: ["-Wl,--hash-style=both"])
    let bytes = try bench.bytes(of: "good.so")
    let seed: UInt64 = 7
    var generator = SeededGenerator(state: seed)
    // The tables that are read: headers, notes, hash tables, symbols at the start, the dynamic section further on.
    let places =
      Array(0..<0x600) + Array(0x2000..<min(bytes.count, 0x3100)) + Array((bytes.count - 0x800)..<bytes.count)
    let extremes: [UInt64] = [
      0, 1, .max, 1 << 63, UInt64(bytes.count), UInt64(bytes.count) - 1, 1 << 32, 0x7FFF_FFFF, ~7,
    ]
    var refused = 0
    for _ in 0..<6000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = places.randomElement(using: &generator) ?? 0
        let value = Bool.random(using: &generator) ? generator.next() : extremes.randomElement(using: &generator) ?? 0
        let width = [1, 2, 4, 8].randomElement(using: &generator) ?? 1
        for index in 0..<width where place / width * width + index < damaged.count {
          damaged[place / width * width + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
      }
      if (try? ELFImage(damaged)) == nil { refused += 1 }
    }
    // Most damage hits what nobody reads; that some is refused shows that the reader looks at all.
    #expect(refused > 500, "seed \(seed)")
  }
}
