// `mixcse encoder build torch`: compiles the encoder on libtorch against the torch that is there, since torch's C++ ABI
// is another with each version. Needs a C++ compiler, no CUDA toolkit.

import ArgumentParser
import Host

struct EncoderBuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Compiles an encoder plugin against what is installed here.",
    discussion: """
      torch: needs a C++ compiler (g++ or clang++, or what CXX names) and a Python environment with torch 2.9 or later; \
      with another version of torch it is built again. It is put where --encoder torch finds it.
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable { case torch }

  @Argument(help: ArgumentHelp("Which encoder.", valueName: "encoder")) var kind: Kind
  @Option(help: ArgumentHelp("The Python whose torch it computes with.", valueName: "file")) var python = "python3"
  @Option(
    help: ArgumentHelp(
      "The folder of the library. (default: encoders in the folder of your plugins, $XDG_DATA_HOME/cse/plugins)",
      valueName: "dir"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "Where cse_encoder.h and Plugins/TorchEncoder are. (default: CSE_SDK, share/cse beside the program's folder, or "
        + "the sources the program was built from)", valueName: "dir"))
  var sdk: String?

  private static let library = "libTorchEncoder.so"

  func run() throws {
    let sources = try PluginSDK(sdk)
    let source = try sources.torchEncoder()
    let torch = try TorchInstallation(python: python)
    let compiler = try LibraryBuild.cxxCompiler()
    let build = try LibraryBuild(Self.library, in: output, else: PluginRegistry.encoderFolder)
    let began = ContinuousClock.now
    try build.run(
      compiler, source: "\(source) against torch \(torch.version)",
      advice: "\nThis version of the program was built with torch 2.11 and 2.15: \(python) -m pip install torch==2.11"
    ) { torch.arguments(source: source, header: sources.header, target: $0) }
    let seconds = Double((ContinuousClock.now - began).components.seconds)
    try printText(
      "\(build.target): torch \(torch.version), \(torch.cuda.map { "CUDA \($0)" } ?? "processors only"), "
        + "\(Int(seconds)) s")
    let name = output == nil ? kind.rawValue : build.target
    try printText("mixcse train --encoder \(name) --device \(torch.cuda == nil ? "cpu" : "cuda") ...")
  }
}
