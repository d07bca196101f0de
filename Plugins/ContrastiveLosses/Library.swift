// The one symbol of libContrastiveLosses.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.contrastive", version: "1.0.0",
  recipes: [
    "dcl = loss:dcl", "debiased = loss:debiased", "hcl = loss:hcl", "arccse = loss:arccse", "am-softmax = loss:am",
    "focal = loss:focal", "siglip = loss:sigmoid", "triplet = loss:triplet",
  ],
  [
    Decoupled(), Debiased(), HardnessReweighted(), AngularMargin(), AdditiveMargin(), Focal(), PairwiseSigmoid(),
    Triplet(),
  ])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
