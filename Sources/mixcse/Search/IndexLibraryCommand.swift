// `mixcse index library`: compiles the library that keeps graphs against the hnswlib that is there, which is a set of
// headers.

import ArgumentParser
import Files
import Processes
import Search

struct IndexLibraryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "library", abstract: "Compiles the library that keeps graphs, with the hnswlib of this machine.",
    discussion: """
      Needs a C++ compiler (g++ or clang++, or what CXX names) and the headers of hnswlib 0.6 or later (Debian: \
      libhnswlib-dev). It is put where mixcse index and search find it.
      """)

  @Option(
    help: ArgumentHelp(
      "The folder that hnswlib/hnswlib.h is in. (default: where the compiler looks)", valueName: "dir"),
    completion: .directory)
  var headers: String?
  @Option(
    help: ArgumentHelp(
      "The folder of the library. (default: graphs in the folder of your plugins, $XDG_DATA_HOME/cse/plugins)",
      valueName: "dir"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "Where cse_graph.h and HNSWGraph are. (default: CSE_SDK, share/cse beside the program's folder, or the sources "
        + "the program was built from)", valueName: "dir"))
  var sdk: String?

  func run() throws {
    let source = try PluginSDK(sdk).graph()
    let compiler = try LibraryBuild.cxxCompiler()
    let include = headers.map { ["-isystem", $0] } ?? []
    let probe = try ChildOutput(
      of: compiler, include + ["-x", "c++", "-include", "hnswlib/hnswlib.h", "-fsyntax-only", "/dev/null"])
    guard probe.isSuccess || !probe.errors.contains("hnswlib.h") else {
      throw ValidationError(
        "expected hnswlib/hnswlib.h \(headers.map { "in \($0)" } ?? "where \(compiler) looks"), found none\n"
          + "  sudo apt-get install libhnswlib-dev\n"
          + "  (or: pip download --no-deps --no-binary hnswlib hnswlib, unpack it, --headers FOLDER)")
    }
    let build = try LibraryBuild(GraphLibrary.fileName, in: output, else: GraphLibrary.folder)
    try build.run(compiler, source: source.file) { target in
      ["-std=c++17", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-w", "-I" + source.header] + include
        + [source.file, "-o", target, "-pthread"]
    }
    try printText("\(build.target)\nmixcse index build ... --approximate hnsw, or mixcse index graph INDEX")
    guard output != nil else { return }
    try printText("  with \(GraphLibrary.variable)=\(build.target)")
  }
}
