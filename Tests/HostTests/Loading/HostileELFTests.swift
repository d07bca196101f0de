// Libraries whose tables would make a reader work out of all proportion to their size: refused, and at once.

import Files
import Foundation
import Host
import TestSupport
import Testing

@Suite struct HostileELFTests {
  private let bench: PluginBench

  init() throws { bench = try PluginBench() }

  private func refusal(_ bytes: [UInt8]) -> String { message { _ = try ELFImage(bytes) } }

  /// The place of a section in the file, as readelf has it.
  private func section(_ name: String, of library: String) throws -> (offset: Int, size: Int) {
    let lines = try shell(["readelf", "-SW", bench.path(library)]).output.split(separator: "\n")
    let fields = try #require(lines.first { $0.contains(" \(name) ") }).split(separator: " ")
    let place = try #require(fields.firstIndex { $0 == name })
    return (try #require(Int(fields[place + 3], radix: 16)), try #require(Int(fields[place + 4], radix: 16)))
  }

  private func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int, in bytes: inout [UInt8]) {
    for index in 0..<MemoryLayout<Value>.size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
    }
  }

  private func number(at offset: Int, bytes count: Int, in bytes: [UInt8]) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  @Test func symbolsThatShareOneLongName() throws {
    let long = "a" + String(repeating: "x", count: 20_000)
    let lines = ["int \(long)(void) { return 1; }"] + (0..<3000).map { "int b\($0)(void) { return 1; }" }
    try lines.joined(separator: "\n").write(toFile: bench.path("many.c"), atomically: true, encoding: .utf8)
    let built = try shell(["cc", "-shared", "-fPIC", "-o", bench.path("many.so"), bench.path("many.c")])
    try #require(built.code == 0, "\(built.errors)")
    var bytes = try bench.bytes(of: "many.so")
    #expect(try ELFImage(bytes).exports.contains(long))
    let (symbols, strings) = (try section(".dynsym", of: "many.so"), try section(".dynstr", of: "many.so"))
    let name = try #require(
      Data(bytes).range(of: Data(long.utf8), in: strings.offset..<(strings.offset + strings.size)))
    for entry in stride(from: symbols.offset + 24, to: symbols.offset + symbols.size, by: 24) {
      put(UInt32(name.lowerBound - strings.offset), at: entry, in: &bytes)
    }
    #expect(refusal(bytes) == "it is damaged: its tables name the same texts over and over")
  }

  @Test func segmentsAndNotesBeyondCounting() throws {
    try bench.build("good.c", as: "good.so")
    let bytes = try bench.bytes(of: "good.so")
    let (start, count) = (number(at: 32, bytes: 8, in: bytes), number(at: 56, bytes: 2, in: bytes))
    let headers = Array(bytes[start..<(start + 56 * count)])
    /// The library with `more` behind its program headers, all of them moved to its end.
    func library(_ more: [[UInt8]]) -> [UInt8] {
      var longer = bytes + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
      put(UInt64(longer.count), at: 32, in: &longer)
      put(UInt16(count + more.count), at: 56, in: &longer)
      return longer + headers + more.flatMap { $0 }
    }
    #expect(try ELFImage(library([])).entryMajors == [1])
    let note = try #require((0..<count).first { number(at: 56 * $0, bytes: 4, in: headers) == 4 })
    let notes = [[UInt8]](repeating: Array(headers[(56 * note)..<(56 * note + 56)]), count: 70)
    #expect(refusal(library(notes)) == "it is damaged: it has too many segments of notes")
    let loads = (0..<70).map { index in
      var load = [UInt8](repeating: 0, count: 56)
      put(UInt32(1), at: 0, in: &load)
      put(UInt64(1) << 40 + UInt64(index) << 16, at: 16, in: &load)
      put(UInt64(8), at: 40, in: &load)
      return load
    }
    #expect(refusal(library(loads)) == "it is damaged: it has too many segments")
  }

  @Test func searchPathsWithoutEnd() throws {
    try bench.build("symbols.c", as: "libhelper.so", ["HELPER"])
    func said(_ folders: Int) throws -> String {
      let path = "-Wl,-rpath," + (0..<folders).map { "/none/\($0)" }.joined(separator: ":")
      let link = ["-L" + bench.folder, "-lhelper", path]
      return refusal(
        try bench.bytes(of: Path.name(of: bench.build("symbols.c", as: "\(folders).so", ["NEEDS_HELPER"], extra: link)))
      )
    }
    #expect(try said(300) == "nothing was thrown")
    let long = "it is damaged: its dynamic section names more or longer libraries or folders than any loader takes"
    #expect(try said(3000) == long)
  }
}
