// Model folders: configuration, weights in each form, what a folder says of its pooling.

import Encoder
import Files
import ModelFiles

extension FuzzTarget {
  static let models = [
    FuzzTarget("config") { bytes, scratch in
      _ = try EncoderConfiguration(contentsOf: scratch.file("config.json", bytes))
    },
    FuzzTarget("safetensors") { bytes, scratch in
      try readAll(SafetensorsFile(path: scratch.file("a.safetensors", bytes)))
    },
    FuzzTarget("shards") { bytes, scratch in
      _ = try scratch.file("shards/x.safetensors", shard)
      try readAll(ShardedCheckpoint(index: scratch.file("shards/model.safetensors.index.json", bytes)))
    },
    FuzzTarget("torch", largest: 1 << 16) { bytes, scratch in
      try readAll(TorchCheckpoint(path: scratch.file("a.bin", bytes)))
    },
    // The pickle inside of an archive, where a fuzzer that has to get the checksum right would not come.
    FuzzTarget("pickle") { bytes, scratch in
      let storages: [(String, [UInt8])] = [48, 14, 14, 48, 16, 96, 12, 40, 4, 0].enumerated().map { index, count in
        ("archive/data/\(index)", [UInt8](repeating: 1, count: count))
      }
      try readAll(TorchCheckpoint(path: scratch.file("b.bin", archive([("archive/data.pkl", bytes)] + storages))))
    },
    // modules.json, a zero byte, 1_Pooling/config.json.
    FuzzTarget("modules") { bytes, scratch in
      let cut = bytes.firstIndex(of: 0) ?? bytes.endIndex
      _ = try scratch.file("modules/modules.json", Array(bytes[..<cut]))
      _ = try scratch.file("modules/1_Pooling/config.json", Array(bytes[cut...].dropFirst()))
      _ = try scratch.file("modules/config.json", configuration)
      _ = try ModelFolder(path: scratch.path + "/modules")
    },
    FuzzTarget("mixcse-json") { bytes, scratch in
      _ = try scratch.file("own/mixcse.json", bytes)
      _ = try scratch.file("own/config.json", configuration)
      _ = try ModelFolder(path: scratch.path + "/own")
    },
  ]

  private static let shard: [UInt8] = {
    let header = Array(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8)
    return little(header.count, 8) + header + little(0, 8)
  }()

  private static let configuration = Array(
    """
    {"model_type": "bert", "vocab_size": 45, "hidden_size": 8, "num_hidden_layers": 6, "num_attention_heads": 2,
     "intermediate_size": 16, "max_position_embeddings": 40, "type_vocab_size": 2, "hidden_act": "gelu",
     "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "pad_token_id": 0}
    """.utf8)

  /// Every tensor of a size that an input of some kilobytes could honestly have; those that repeat fewer elements are
  /// refused.
  private static func readAll(_ source: any TensorSource) throws {
    for (index, entry) in source.entries.enumerated() where entry.type.isLoadable && !entry.repeats {
      var count = 1
      for side in entry.shape { count = count.multipliedReportingOverflow(by: side).overflow ? .max : count * side }
      guard count >= 0, count <= 1 << 16 else { continue }
      let values = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1))
      defer { values.deallocate() }
      try source.read(index, into: values)
    }
  }
}
