// Scalars and hyperparameters in the form TensorBoard reads: protocol buffers of `Event` inside TFRecord frames. Used
// by EventLog as a run goes on, and by the reports of comparisons.

package import Files

/// The bytes of one events file, or of a part of one.
///
/// Source: tensorflow/core/util/event.proto, framework/summary.proto and lib/io/record_writer.cc;
/// tensorboard/plugins/hparams/plugin_data.proto and api.proto.
package struct EventFile {
  /// The file so far.
  package private(set) var bytes: [UInt8] = []

  /// A file with its version record and nothing else.
  package init() { append(record: double(1, 0) + text(3, "brain.Event:2")) }

  private init(empty: Void) {}

  /// What appending something adds to a file.
  package static func part(_ append: (inout EventFile) -> Void) -> [UInt8] {
    var file = EventFile(empty: ())
    append(&file)
    return file.bytes
  }

  /// Appends numbers of one step. `time`: seconds since 1970.
  package mutating func append(_ scalars: [(tag: String, value: Double)], step: Int, time: Double) {
    let values = scalars.flatMap { scalar in
      // Summary.value = 1; of it tag = 1 and simple_value = 2.
      field(1, text(1, scalar.tag.visibleOnOneLine) + [2 << 3 | 5] + little(Float(scalar.value).bitPattern))
    }
    append(record: double(1, time) + [2 << 3] + varint(UInt64(bitPattern: Int64(step))) + field(5, values))
  }

  /// Says that a run begins, and with which settings: numbers, texts and truth values by name.
  package mutating func begin(_ settings: [(name: String, value: JSONValue)], group: String, time: Double) {
    // SessionStartInfo: hparams = 1 (a map: key = 1, value = 2), group_name = 4, start_time_secs = 5.
    let map = settings.flatMap { field(1, text(1, $0.name) + field(2, value($0.value))) }
    append("_hparams_/session_start_info", field(3, map + text(4, group) + double(5, time)), time: time)
  }

  /// Says that a run is finished.
  package mutating func end(time: Double) {
    // SessionEndInfo: status = 1 (STATUS_SUCCESS = 1), end_time_secs = 2.
    append("_hparams_/session_end_info", field(4, [1 << 3, 1] + double(2, time)), time: time)
  }

  /// A summary of the hparams plugin, whose whole content is its metadata.
  private mutating func append(_ tag: String, _ content: [UInt8], time: Double) {
    // SummaryMetadata.plugin_data = 1: plugin_name = 1, content = 2. The value is a tensor of one zero, as the plugin's
    // own writer has it: dtype = 1 (DT_FLOAT = 1), tensor_shape = 2 of one dimension of 1, float_val = 5.
    let metadata = field(1, text(1, "hparams") + field(2, content))
    let tensor = [1 << 3, 1] + field(2, field(2, [1 << 3, 1])) + field(5, little(Float(0).bitPattern))
    let value = text(1, tag) + field(8, tensor) + field(9, metadata)
    append(record: double(1, time) + [2 << 3, 0] + field(5, field(1, value)))
  }

  /// google.protobuf.Value: number_value = 2, string_value = 3, bool_value = 4.
  private func value(_ json: JSONValue) -> [UInt8] {
    if let number = json.double { return double(2, number) }
    if let bool = json.bool { return [4 << 3, bool ? 1 : 0] }
    return text(3, json.string ?? json.text(indent: nil))
  }

  /// Length, checksum of the length, data, checksum of the data.
  private mutating func append(record: [UInt8]) {
    let length = little(UInt64(record.count))
    bytes += length + little(CRC32C.masked(length)) + record + little(CRC32C.masked(record))
  }

  private func double(_ number: UInt8, _ value: Double) -> [UInt8] { [number << 3 | 1] + little(value.bitPattern) }

  private func text(_ number: UInt8, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }

  private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(UInt64(content.count)) + content
  }

  private func varint(_ value: UInt64) -> [UInt8] {
    var (rest, result) = (value, [UInt8]())
    while rest >= 128 {
      result.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  private func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
