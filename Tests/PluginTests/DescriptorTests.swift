// What the shipped libraries offer, read through the one exported symbol as any host would.

import Glibc
import PluginAPI
import TestSupport
import Testing

@Suite("Shipped libraries")
struct DescriptorTests {
  @Test(
    "offer their components under the documented names",
    arguments: [
      ("libMixCSELoss.so", "org.mixcse.mixcse", ["mixcse"]),
      ("libSimCSELoss.so", "org.mixcse.simcse", ["infonce"]),
      (
        "libPoolers.so", "org.mixcse.poolers",
        [
          "cls", "avg", "avg_top2", "avg_first_last", "max", "weighted", "last", "sqrt_len", "ramp",
          "attention", "concat", "idf", "whiten",
        ]
      ),
    ])
  func componentsOfShippedLibraries(file: String, id: String, components: [String]) throws {
    let library = try load(file)
    #expect(String(cString: library.pointee.id) == id)
    #expect(try described(library).map { String(cString: $0.pointee.name) } == components)
  }

  @Test("give the same descriptor at every call of the entry")
  func idempotent() throws {
    #expect(try load("libMixCSELoss.so") == load("libMixCSELoss.so"))
  }

  @Test("declare MixCSE's parameters once, with the published run's defaults")
  func parameters() throws {
    let mixcse = try #require(described(load("libMixCSELoss.so")).first)
    let lines = String(cString: mixcse.pointee.params).split(separator: "\n").map { $0.prefix { $0 != "-" } }
    #expect(
      lines == [
        "lambda: float = 0.2 in [0,1] live ", "hard_weight: float = 0.0 live ", "mask: zero|exclude = zero ",
        "direction: both|anchor = both ", "normalize: bool = false ", "own_mix_only: bool = false ",
        "neighbour: roll|random|hardest = roll ", "along: line|arc = line ", "alpha: float = 0.0 in [0,) live ",
      ])
  }

  @Test("are not linked into the command")
  func notLinked() throws {
    let result = try shell(["ldd", Resources.command])
    #expect(result.code == 0)
    for name in ["MixCSELoss", "SimCSELoss", "Poolers"] { #expect(!result.output.contains(name)) }
  }

  private func load(_ file: String) throws -> UnsafePointer<cse_library> {
    let handle = try #require(dlopen(Resources.pluginDirectory + "/" + file, RTLD_NOW | RTLD_LOCAL))
    let symbol = try #require(dlsym(handle, "cse_library_entry_v1"))
    typealias Entry = @convention(c) (UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>?
    return try #require(unsafeBitCast(symbol, to: Entry.self)(nil))
  }

  private func described(_ library: UnsafePointer<cse_library>) throws -> [UnsafePointer<cse_component>] {
    try (0..<Int(library.pointee.n_components)).map { try #require(library.pointee.components[$0]) }
  }
}
