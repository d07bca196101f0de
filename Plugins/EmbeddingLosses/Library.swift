// The one symbol of libEmbeddingLosses.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.embedding", version: "1.0.0",
  recipes: [
    "directau = loss:uniformity", "barlow-twins = loss:barlow", "vicreg = loss:vicreg",
    "dimension-wise = loss:infonce loss:0.1*dimension", "sncse = sampler:soft-negatives loss:infonce loss:0.001*sncse",
  ],
  [AlignmentUniformity(), BarlowTwins(), VICReg(), TwoSidedMargin(), DimensionWise()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
