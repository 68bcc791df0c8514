import Replication

/// The limits that the product takes as values. Rare branches are made common by drawing them
/// narrow (buggify): no switch stands in the product, so what runs here is what is delivered, and
/// a limit that cannot be set from outside shows itself.
struct SimulatedLimits {
  /// Both ends of every link: some must be the same at both.
  var link = LinkLimits()
  var reconciler = ReconcilerLimits()
  /// Items of one page, wherever something is paged through.
  var pageLength = 1_000
  /// Jobs of one transaction.
  var groupJobCount = 64
  /// Of a store on a disk: a longer WAL is moved into the database. Far below the product's, which
  /// no seed would reach.
  var walByteCount = 256 << 10
  /// At a start every history of checkpoints keeps its newest only.
  var hasShortHistories = false

  /// - Parameter random: decides which of the limits are narrow, and how.
  static func narrow(_ random: inout SplitMix64) -> SimulatedLimits {
    var limits = SimulatedLimits()
    if random.chance(50) { limits.groupJobCount = 1 }
    if random.chance(50) { limits.link.queuedByteCount = 1 }
    limits.hasShortHistories = random.chance(50)
    narrowCredit(&limits.link, &random)
    narrowFrames(&limits.link, &random)
    narrowTimes(&limits.link, &random)
    // Later limits are drawn last, for seeds to stay what they are.
    if random.chance(50) { limits.walByteCount = 0 }
    if random.chance(50) { limits.pageLength = 1 }
    if random.chance(50) { limits.reconciler.releasedAtOnce = 1 }
    if random.chance(50) { limits.reconciler.owedPerTransaction = 1 }
    return limits
  }

  private static func narrowCredit(_ link: inout LinkLimits, _ random: inout SplitMix64) {
    switch random.below(3) {
    case 0:
      link.initialCredit = Credit(entries: 1, bytes: 1)
      link.creditWindow = Credit(entries: 1, bytes: 1)
    case 1:
      link.initialCredit = Credit(entries: 2, bytes: 4 << 10)
      link.creditWindow = Credit(entries: 3, bytes: 8 << 10)
    default: break
    }
  }

  private static func narrowFrames(_ link: inout LinkLimits, _ random: inout SplitMix64) {
    if random.chance(50) {
      link.framesInFlight = 1
      link.mostFramesInFlight = 1
      link.framesInFlightOfItsOwn = random.below(2)
      // Never below what the other end may have in flight.
      link.uncommittedFrames = 2
    }
    if random.chance(30) { link.urgentFramesInARow = 1 }
    if random.chance(50) {
      let byteCount = random.chance(50) ? 8 << 10 : 1
      link.firstFrameByteCount = byteCount
      link.smallestFrameByteCount = byteCount
      link.largestFrameByteCount = byteCount
    }
    if random.chance(40) { link.scannedRows = 1 + random.below(3) }
    if random.chance(50) { link.outcomesPerMessage = 1 }
    if random.chance(50) { link.filesAtOnce = 1 }
    if random.chance(50) { link.fileWindowByteCount = 64 }
    if random.chance(50) { link.largestFileFrameByteCount = 16 }
  }

  private static func narrowTimes(_ link: inout LinkLimits, _ random: inout SplitMix64) {
    if random.chance(30) { link.emptyProgressInterval = .milliseconds(1) }
    if random.chance(30) { link.progressWriteInterval = .milliseconds(1) }
    if random.chance(30) { link.sessionLife = .seconds(20 + random.below(60)) }
  }
}
