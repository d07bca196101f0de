// What a plan writes down: the identity of the run, and the facts of run.json that the description does not say.

import Files
import Host
import Objective
import Ranks

extension TrainingPlan {
  /// Makes the identity of the run again each time: a reload changes the libraries of its components.
  func identify(
    _ inputs: RunInputs, _ objective: ContrastiveModel
  ) -> () throws -> RunIdentity {
    {
      try RunIdentity(self, inputs: inputs) { known in
        objective.instances.map(\.component).first { $0.kind == known.kind && $0.id == known.id } ?? known
      }
    }
  }

  /// The instances of a run with their values; a learned temperature with the value it began with.
  static func pluginRecord(_ objective: ContrastiveModel, _ augmentation: Augmentation?) -> JSONValue {
    pluginRecord(
      (augmentation?.instances ?? []) + objective.instances, firstTemperatures: objective.firstTemperatures)
  }

  private static func pluginRecord(
    _ instances: [PluginInstance], firstTemperatures: [String: String] = [:]
  ) -> JSONValue {
    .array(
      instances.map { instance in
        let library = instance.component.library
        let first = firstTemperatures[instance.name]
        let settings = instance.values.resolved.map { name, text in
          (name, JSONValue.string(name == "temperature" ? first ?? text : text))
        }
        // What else computed its numbers; only plugins in Python say.
        let runtime = library.runtime.map { [("runtime", JSONValue.string($0))] } ?? []
        return .object(
          JSONObject(
            [
              ("instance", .string(instance.name)), ("kind", .string(instance.component.kind.rawValue)),
              ("id", .string(instance.component.id)), ("version", .string(library.version)),
              ("sha256", .string(library.sha256)), ("parameters", .object(JSONObject(settings))),
            ] + runtime))
      })
  }

  private func shadowRecord(_ objective: ContrastiveModel) -> JSONValue {
    .array(
      (objective.shadows?.entries ?? []).map { entry in
        .object(
          JSONObject([
            ("label", .string(entry.label)), ("strategy", .string(entry.strategy.text)),
            ("plugins", Self.pluginRecord(entry.instances)),
          ]))
      })
  }

  /// What computed, by name: null for this program's own encoder.
  private func encoderRecord(_ model: SentenceModel) -> JSONValue {
    guard let encoder, let opened = model.encoder as? PluginEncoder else { return .null }
    return .object(
      JSONObject([
        ("id", .string(encoder.id)), ("library", .string(opened.calls.facts.libraryName)),
        ("sha256", encoder.component.map { .string($0.library.sha256) } ?? .null), ("device", .string(encoder.device)),
        ("deviceName", .string(opened.calls.facts.deviceName)), ("precision", .string(encoder.precision.rawValue)),
      ]))
  }

  /// For run.json: which program, and what is easier to read there than in the description.
  func record(_ model: SentenceModel, threads: Int) -> [(String, JSONValue)] {
    let objective = model.objective
    return origin.members + [
      ("model", .string(description.model)), ("outputDir", .string(description.outputFolder ?? "")),
      ("evalData", options.evalData.map { .string($0) } ?? .null), ("strategy", .string(strategy.text)),
      ("expansions", .array(strategy.expansions.map { .string($0) })), ("pooler", .string(pooler.text)),
      ("head", .string(head.rawValue)), ("headTrainOnly", .bool(description.pooling.headTrainOnly)),
      ("evalPooler", .string(evaluationPooling.text)),
      ("temperature", description.strategy.temperature.map { .number($0) } ?? .null),
      ("learnTemperature", .bool(description.strategy.learnsTemperature)),
      ("hardNegativeWeight", .number(description.strategy.hardNegativeWeight)),
      ("schedules", .array(schedules.map(\.record))), ("threads", .integer(threads)),
      ("ranks", .integer(ranks?.size ?? 1)), ("shadows", shadowRecord(objective)), ("encoder", encoderRecord(model)),
    ]
  }
}
