import Operations
import Replication

/// What is known of one peer while this process runs: for status, metrics and the next dial.
struct Peer {
  let site: SiteID
  var condition: LinkCondition = .never
  var lastHeard: WallTime?
  var certificateNotAfter: WallTime?
  /// When a second process last claimed this site.
  var secondHolderSeen: Instant?
  /// What stopped the link in this process's time: an entry that must not leave, and its record.
  var aboveCeiling: String?
  /// Measured at the last HELLO that said a time.
  var clockOffset: ClockOffset?
  var consecutiveFailureCount = 0
  var upSince: Instant?
  /// The peer's outcomes up to this number are durable here.
  var outcomesTaken: UInt64 = 0
  /// Its last outcome has this number.
  var outcomesAnnounced: UInt64 = 0
  var acknowledged: [Lane: LSN] = [:]
  /// The end of the peer's log as it last said.
  var logEnd: LSN?
  var received: [Lane: LSN] = [:]
  let series: PeerSeries

  init(site: SiteID, metrics: MetricRegistry) {
    self.site = site
    series = PeerSeries(site, metrics)
  }
}

/// The counters of one peer, looked up once.
struct PeerSeries {
  private let entries: [[MetricSeries]]
  private let bytes: [[MetricSeries]]
  private let fileBytes: [MetricSeries]
  let lastContact: MetricSeries
  let failures: MetricSeries

  init(_ site: SiteID, _ metrics: MetricRegistry) {
    metrics.declare(site: site.description)
    func both(_ definition: MetricDefinition) -> [[MetricSeries]] {
      Lane.allCases.map { lane in
        ["sent", "received"].map {
          metrics.series(definition, [site.description, lane.description, $0])
        }
      }
    }
    entries = both(.entries)
    bytes = both(.bytes)
    fileBytes = ["sent", "received"].map {
      metrics.series(.fileBytes, [site.description, $0])
    }
    lastContact = metrics.series(.linkLastContact, [site.description])
    failures = metrics.series(.linkConsecutiveFailures, [site.description])
  }

  func count(_ message: Message, byteCount: Int, isSent: Bool) {
    let lane = Int(message.lane.rawValue)
    let direction = isSent ? 0 : 1
    bytes[lane][direction].add(Double(byteCount))
    if case .entries(let message) = message {
      entries[lane][direction].add(Double(message.entries.count))
    }
    if case .file(let file) = message, case .piece(let piece) = file.form {
      fileBytes[direction].add(piece.bytes.count)
    }
  }
}
