// The one symbol of libPoolers.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.poolers", version: "1.0.0",
  [
    FirstToken(), Mean(), MeanOfTopTwo(), MeanOfFirstAndLast(), Maximum(), WeightedLayers(), LastToken(),
    SummaryPooler.rootOfLength, SummaryPooler.ramp, Attention(), Concatenation(), InverseDocumentFrequency(),
    Whitening(),
  ])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
