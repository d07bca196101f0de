// `mixcse open-encoder`: opens an encoder beside this program's own, has it compute a few tokens, and says what it is
// as one line of JSON. Started by ComparisonPlan, not shown in the help.

import ArgumentParser
import Comparison
import Encoder
import Files
import Host
import Kernels
import ModelFiles
import Objective
import Training

struct OpenEncoderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "open-encoder", shouldDisplay: false)

  @Option var model: String
  @Option var dropout: Double?
  @Flag var mlm = false
  @OptionGroup var encoder: EncoderOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var plugins: PluginOptions

  func run() throws {
    var run = RunDescription()
    encoder.apply(to: &run)
    plugins.apply(to: &run)
    let logger = commandLogger()
    let services = HostServices(pool: ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    guard let asked = try run.encoder.choice(in: registry) else {
      throw ValidationError("--encoder: expected one beside this program's own, found none")
    }
    let folder = try asked.openFolder(
      model, .init(seed: 0, dropout: dropout, deadline: run.plugins.deadline, services: services, masked: mlm))
    let choice = asked.after(opening: folder)
    let opened = try choice.open(folder, weights: folder.openWeights(), services: services, seed: 0, masked: mlm)
    // A device that is there may still have no code for what is computed on it.
    let tokens = [Int32](repeating: 0, count: min(4, opened.maximumTokens))
    _ = try opened.forward(
      PackedBatch([tokens, Array(tokens.prefix(1))]),
      request: LayerRequest(layers: [opened.layerCount - 1], firstTokenOnly: false), mode: .inference)
    let facts = opened.calls.facts
    try printText(
      OpenedEncoder(
        text: opened.text(choice), version: choice.version, library: facts.libraryName, deviceName: facts.deviceName,
        maximumTokens: opened.maximumTokens
      ).json.text(indent: nil))
  }
}
