// The one symbol of libSupervisedLosses.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.supervised", version: "1.0.0",
  recipes: [
    "supcon = sampler:two-sided loss:supcon", "cosent = loss:cosent", "angle = loss:cosent loss:angle",
  ],
  [SupervisedContrastive(), WeightedInfoNCE(), CoSENT(), Angle(), CosineRegression()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
