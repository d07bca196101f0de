// `--max-seq-length` of the commands that embed lines.

import ArgumentParser

/// How many tokens of a line are read.
struct LengthOptions: ParsableArguments {
  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp(
      "Cut lines to that many tokens, 2 to the model's limit. (default: what the folder records, else that limit)",
      valueName: "tokens"))
  var maximum: Int?
}
