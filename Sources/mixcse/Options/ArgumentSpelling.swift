// One pass over the arguments before they are parsed, for spellings that the parser cannot know: the reference's
// flags, and `--isolate` without a value.

import Training

enum ArgumentSpelling {
  /// The arguments as the parser knows them; those of the reference only where its scripts have them.
  static func standard(_ arguments: [String]) -> [String] {
    let isTraining = arguments.first == "train"
    let renamed =
      isTraining ? ReferenceFlags.renamed : arguments.first == "evaluate" ? ReferenceFlags.renamedInEvaluate : [:]
    var result: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (name, value) = (parts.first ?? "", parts.count > 1 ? parts[1] : nil)
      if argument == "--isolate" {
        result.append("--isolate=" + PluginDescription.everything)
      } else if isTraining, let values = ReferenceFlags.alwaysSo[name] {
        if value == nil { rest = rest.dropFirst(values) }
      } else if isTraining, name == "--lambdas", let lambda = value ?? rest.popFirst() {
        // A parameter of the sampler mixcse here.
        result += ["--set", "mixcse.lambda=" + lambda]
      } else if let ours = renamed[name] {
        result.append(([ours] + parts.dropFirst()).joined(separator: "="))
      } else {
        result.append(argument)
      }
    }
    return result
  }
}
