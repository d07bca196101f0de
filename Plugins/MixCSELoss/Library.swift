// The one symbol of libMixCSELoss.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.mixcse", version: "1.0.0",
  recipes: [
    "mixcse = sampler:mixcse loss:infonce",
    "mixcse-paper = sampler:mixcse:normalize=true,direction=anchor,own_mix_only=true loss:infonce",
    "mixcse-arc = sampler:mixcse:along=arc loss:infonce",
  ], [MixCSE()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
