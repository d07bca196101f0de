// What the devices of all ranks have to do with each other, from what each says of its own: which ranks share one, and
// whether they are of one kind.

import Kernels

/// The devices of the ranks, compared.
struct DeviceSharing {
  /// Whether two ranks have the same one.
  let isShared: Bool
  /// Where a rank was to have one of its own, and has not: the first such rank.
  let problem: RankFailure?
  /// What the user is told.
  let notes: [String]

  init(_ places: [DevicePlace], group: RankGroup) {
    var (notes, problem): ([String], RankFailure?) = ([], nil)
    var sharers: [(id: String, ranks: [Int])] = []
    for (rank, place) in places.enumerated() where !place.id.isEmpty {
      if let known = sharers.firstIndex(where: { $0.id == place.id }) {
        sharers[known].ranks.append(rank)
      } else {
        sharers.append((place.id, [rank]))
      }
    }
    for (_, ranks) in sharers where ranks.count > 1 {
      let (first, second) = (ranks[0], ranks[1])
      let list = ranks.map(String.init).joined(separator: ", ")
      notes.append("note: ranks \(list) share one device: \(places[first].name) on \(group.host(of: first))")
      problem =
        problem
        ?? RankFailure(
          place: group.name(of: second),
          message: "expected a device of its own, found that of rank \(first) (\(places[second].name)). Start one "
            + "process for each device, or name one for all: --device cuda:0")
    }
    for (what, key) in [("devices", \DevicePlace.name), ("libraries", \DevicePlace.library)] {
      guard let other = places.firstIndex(where: { $0[keyPath: key] != places[0][keyPath: key] }) else { continue }
      notes.append(
        "note: the ranks' \(what) differ: \(places[0][keyPath: key]) on rank 0, \(places[other][keyPath: key]) on rank "
          + "\(other); the same step may have other bits there, which is looked at before each checkpoint")
    }
    (self.notes, self.problem, isShared) = (notes, problem, problem != nil)
  }
}
