// Which encoder beside this program's own the runs computed with, out of the record of a comparison. In every kind of
// report.

import Files
import Training

/// One encoder, in words.
struct EncoderWords: Equatable {
  /// The strategy that it computed; nil where it computed all.
  let label: String?
  /// `torch 2.11.0 on NVIDIA H200, bf16`
  let text: String

  /// Of all strategies one, or one for each where they differ; none where all had this program's own.
  static func of(_ results: ComparisonResults) -> [EncoderWords] {
    guard let record = results.record[RunIdentity.encoder]?.object else { return [] }
    if record["id"]?.string != nil { return [EncoderWords(label: nil, text: text(record))] }
    return record.members.map { member in
      let own = EncoderWords(label: member.key, text: EncoderDescription.ownName)
      return member.value.object.map { EncoderWords(label: member.key, text: text($0)) } ?? own
    }
  }

  private static func text(_ record: JSONObject) -> String {
    let library = record["library"]?.string ?? "\(record["id"]?.string ?? "") \(record["version"]?.string ?? "")"
    let device = record["deviceName"]?.string ?? record["device"]?.string ?? ""
    return "\(library) on \(device), \(record["precision"]?.string ?? "")"
  }
}
