// What of an objective goes into checkpoints, and what it says when a run ends. Used by SentenceModel and FrozenModel.

import Host
import Objective

extension ContrastiveModel {
  /// States of all plugins; those of shadows may be missing in a checkpoint, all of a shadow together.
  var checkpointTensors: [CheckpointTensor] {
    let own = states.map {
      CheckpointTensor(
        name: "state/" + $0.name, type: $0.element == .float32 ? "F32" : "I64", shape: $0.shape, memory: $0.bytes)
    }
    return own
      + (shadows?.tensors ?? []).map {
        CheckpointTensor(
          name: "state/" + $0.name, type: $0.type, shape: $0.shape, memory: $0.memory, optionalGroup: $0.group)
      }
  }

  var closingLines: [String] { shadows.map { ShadowTable.lines($0.summaries, seconds: $0.seconds) } ?? [] }
}
