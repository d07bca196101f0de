// The one symbol of libAugmenters.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.augmenters", version: "1.0.0",
  recipes: [
    "esimcse = augmenter:repeat sampler:queue:by=average loss:infonce",
    "consert = augmenter:shuffle augmenter:cutoff:edits=anchor sampler:two-sided loss:infonce:temperature=0.1",
  ],
  [Repetition(), Deletion(), Cutoff(), Shuffle(), SwitchedCase(), ViewDropout()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
