// Loading: what a library's entry function may return, and what is said about everything else.

import Host
import PluginAPI
import TestSupport
import Testing

@Suite struct PluginLoaderTests {
  @Test func readsADescriptor() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    let library = try bench.registry().library(atPath: bench.path("good.so"))
    #expect(library.id == "org.example.good" && library.version == "1.2.0" && library.license == "MIT")
    #expect(library.components.map(\.name) == ["first_token", "blend", "score"])
    #expect(library.components.map(\.kind) == [.pooler, .sampler, .loss])
    #expect(library.components[1].id == "org.example.good.blend")
    #expect(library.components[0].summary == "the first token")
    #expect(library.components[1].metrics == ["mean_logit", "share"])
    #expect(library.components[1].parameters.map(\.name) == ["lambda", "count", "mask", "note", "unit"])
    #expect(library.recipes.map(\.text) == ["sampler:blend:lambda=0.3 loss:score"])
    #expect(library.sha256.count == 64 && library.buildID?.isEmpty == false)
    let pointer = library.components[2].pointer
    #expect(pointer.pointee.on_logits != nil && pointer.pointee.pool == nil)
    #expect(library.components[2].declared != pointer)
  }

  /// Records name the hash of what was checked, so what is another file by the time it runs is not used.
  @Test func aFileThatIsAnotherWhenItIsLoadedIsRefused() throws {
    let bench = try PluginBench()
    let path = bench.path("changing.so")
    let constructor = """
      #include <sys/time.h>
      __attribute__((constructor)) static void change(void) { utimes("\(path)", 0); }
      """
    _ = try bench.write(constructor.utf8, as: "change.c")
    try bench.build("good.c", as: "changing.so", extra: [bench.path("change.c")])
    let registry = try bench.registry()
    #expect(message { _ = try registry.library(atPath: path) }.contains("it was replaced while it was being checked"))
  }

  @Test func shorterDescriptorsAreReadAsFarAsTheyGo() throws {
    let bench = try PluginBench()
    let library = try bench.registry().library(atPath: bench.build("sizes.c", as: "older.so", ["OLDER"]))
    #expect(library.id == "org.example.older" && library.license == nil && library.recipes.isEmpty)
    let component = try #require(library.components.first).pointer.pointee
    #expect(component.on_logits != nil)
    #expect(component.n_support == 0 && component.support == nil && component.get_extension == nil)
    #expect(Int(component.struct_size) == MemoryLayout<cse_component>.size)
  }

  @Test func longerDescriptorsAreReadAsFarAsWeKnowThem() throws {
    let bench = try PluginBench()
    let library = try bench.registry().library(atPath: bench.build("sizes.c", as: "newer.so", ["NEWER"]))
    #expect(library.components.map(\.name) == ["new"] && library.license == "MIT")
    #expect(library.identity.abiMinor == 7)
  }

  @Test(arguments: [
    ("WRONG_MAJOR", "it is built for plugin ABI 2, this host speaks 1"),
    ("HOST_TOO_OLD", "org.example.broken needs plugin ABI 1.7, this host speaks 1.0; update the host"),
    ("REFUSES", "it refuses this host: this library wants a full moon"),
    ("REFUSES_SILENTLY", "it refuses this host and gives no reason"),
    ("NOT_IDEMPOTENT", "its entry function gave another descriptor when it was called again"),
    ("WILD_LIBRARY", "its descriptor is wrong: cse_library: it points to 0x5000, where nothing is"),
    ("CROOKED_LIBRARY", "its descriptor is wrong: cse_library: it points to 0x"),
    ("SHORT_LIBRARY", "its descriptor is wrong: cse_library: struct_size is 8, expected at least 40"),
    ("NOTHING_OFFERED", "its descriptor is wrong: components: it offers neither components nor recipes"),
    ("TOO_MANY", "its descriptor is wrong: n_components: 1073741824 are more than 1024"),
    ("WILD_COMPONENTS", "its descriptor is wrong: components: its 2 entries cannot be read"),
    ("COMPONENTS_NULL", "its descriptor is wrong: components: it is NULL"),
    ("COMPONENT_NULL", "its descriptor is wrong: components[1]: it is NULL"),
    ("COMPONENT_WILD", "its descriptor is wrong: components[1]: it points to 0x7fffffff0000, where nothing is"),
    ("COMPONENT_CROOKED", "its descriptor is wrong: components[1]: it points to 0x"),
    ("COMPONENT_KERNEL", "its descriptor is wrong: components[1]: it points to 0xffffffffffffff00"),
    ("SHORT_COMPONENT", "its descriptor is wrong: components[1]: struct_size is 16, expected at least 40"),
    ("NAME_NULL", "its descriptor is wrong: components[1].name: it is NULL"),
    ("NAME_WILD", "its descriptor is wrong: components[1].name: its text cannot be read"),
    ("NAME_LETTERS", "its descriptor is wrong: components[1].name: expected at most 64 of [a-z0-9_-], found 'Mix CSE'"),
    ("NAME_WITHOUT_END", "its descriptor is wrong: components[1].name: it is longer than 256 bytes"),
    ("NAME_TWICE", "its descriptor is wrong: components[1]: a second component is called 'broken'"),
    ("KINDS_UNKNOWN", "its descriptor is wrong: components: component 'broken' is of kind 77"),
    ("DOC_NOT_UTF8", "its descriptor is wrong: second.doc: it is not UTF-8"),
    ("DOC_CONTROL", "its descriptor is wrong: second.doc: it holds the control character U+1B"),
    ("NO_FUNCTION", "its descriptor is wrong: second: a loss needs the function on_logits or on_embeds"),
    ("SAMPLER_EMPTY", "its descriptor is wrong: second: a sampler needs the function sample or plan"),
    ("POOLER_EMPTY", "its descriptor is wrong: second: a pooler needs the function pool"),
    ("WILD_FUNCTION", "its descriptor is wrong: second.on_embeds: it points to 0x1234, where no code is"),
    ("DATA_FUNCTION", "its descriptor is wrong: second.on_embeds: it points to 0x"),
    (
      "PARAMS",
      "its descriptor is wrong: second.params: line 2, column 22: the default 'zeroo' is not one of zero|exclude"
    ),
    ("TEMPERATURE", "its descriptor is wrong: second.params: 'temperature' must be a float above 0"),
    ("METRICS", "its descriptor is wrong: second.metrics: 'a' appears twice"),
    ("METRICS_EMPTY", "its descriptor is wrong: second.metrics: expected names separated by commas, found ''"),
    ("RECIPE_SYNTAX", "its descriptor is wrong: recipes: 'mine sampler:x', column 1: expected name = sampler:NAME"),
    (
      "RECIPE_KIND",
      "its descriptor is wrong: recipes: 'smapler:x', column 1: expected augmenter:NAME, sampler:NAME or loss:NAME"
    ),
    (
      "RECIPE_WITHOUT_LOSS",
      "its descriptor is wrong: recipes: 'mine = sampler:x', column 1: the recipe 'mine' has no loss"
    ),
    (
      "RECIPE_TWICE",
      "its descriptor is wrong: recipes: 'mine = loss:second', column 1: a second recipe is called 'mine'"
    ),
    ("SUPPORT", "its descriptor is wrong: second.support: float32 on the CPU is required and not among them"),
    ("SUPPORT_WILD", "its descriptor is wrong: second.support: its 4 entries cannot be read"),
    ("ID_LETTERS", "its descriptor is wrong: id: expected org.example.mylib, found 'org example'"),
    ("ID_NULL", "its descriptor is wrong: id: it is NULL"),
    ("VERSION_EMPTY", "its descriptor is wrong: version: it is empty"),
    ("VERSION_LINES", "its descriptor is wrong: version: expected one line"),
  ])
  func refusesABrokenLibrary(defect: String, expected: String) throws {
    let bench = try PluginBench()
    let path = try bench.build("broken.c", as: "broken.so", [defect])
    let registry = try bench.registry([])
    let said = message { _ = try registry.library(atPath: path) }
    #expect(said.hasPrefix("plugin \(path) cannot be used: " + expected), "said: \(said)")
    #expect(exitCode { _ = try registry.library(atPath: path) } == 69)
  }

  @Test func theUnbrokenLibraryLoads() throws {
    let bench = try PluginBench()
    let library = try bench.registry([]).library(atPath: bench.build("broken.c", as: "fine.so"))
    #expect(library.components.count == 2)
  }

  @Test func missingSymbolsAreNamed() throws {
    let bench = try PluginBench()
    let path = try bench.build("symbols.c", as: "needy.so", ["NEEDS_SYMBOL", "helper=nobody_defines_this"])
    let said = message { _ = try bench.registry([]).library(atPath: path) }
    #expect(said.contains("undefined symbol: nobody_defines_this"), "dlerror stands there verbatim: \(said)")
    #expect(said.contains("nothing it links to defines: nobody_defines_this"))
  }

  @Test func aFileThatChangesAfterItsCheckIsNotLoaded() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    let registry = try bench.registry()
    try bench.build("good.c", as: "good.so", ["VERSION=\"2.0.0\""])
    #expect(registry.libraries.isEmpty)
    #expect(registry.refusals.map(\.reason) == [.changedSinceChecked])
  }

  @Test func unknownKindsAreLeftOutWithANote() throws {
    let bench = try PluginBench()
    let library = try bench.registry([]).library(
      atPath: bench.build("broken.c", as: "half.so", ["ONE_KIND_UNKNOWN"]))
    #expect(library.components.map(\.name) == ["second"])
    #expect(library.notes == ["component 'broken' is of kind 77, which this host does not run; it is left out"])
  }
}
