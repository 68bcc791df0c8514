import Replication

/// What happens to a transfer, and where in the file: the same for the same seed.
struct FaultPlan: Equatable, Sendable {
  enum Fault: Equatable, Sendable {
    /// The line is cut, and heals.
    case cut
    /// A daemon is killed, and starts again.
    case kill(LabEnd)
  }

  struct Step: Equatable, Sendable {
    let fault: Fault
    /// The fault comes once so many bytes are at the receiver, and at least one of them since the
    /// last fault.
    let byteCount: Int
  }

  let steps: [Step]

  /// The last stretch is left out, so that the last fault still meets a transfer.
  static let greatestShare = 0.95

  /// Kills alternate between the ends, the receiver first.
  init(fileByteCount: Int, cutCount: Int, killCount: Int, random: inout SplitMix64) {
    let kills = (0..<killCount).map { Fault.kill($0 % 2 == 0 ? .centre : .province) }
    let count = cutCount + killCount
    var isKill = Array(repeating: true, count: killCount)
    isKill += Array(repeating: false, count: cutCount)
    for index in isKill.indices.reversed() { isKill.swapAt(index, random.below(index + 1)) }
    let range = Double(fileByteCount) * Self.greatestShare
    let places = (0..<count).map { _ in Int(random.fraction() * range) }.sorted()
    var left = kills[...]
    steps = zip(isKill, places).map { isKill, place in
      Step(fault: (isKill ? left.popFirst() : nil) ?? .cut, byteCount: place)
    }
  }
}

/// One of the two sites of a lab.
enum LabEnd: Int, CaseIterable, Sendable, CustomStringConvertible {
  case province, centre

  var other: LabEnd { self == .province ? .centre : .province }
  var office: Office { self == .province ? .province : .centre }
  var id: SiteID { office.site }
  var description: String { self == .province ? "province" : "centre" }
}
