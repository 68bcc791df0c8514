import Cryptography
import Operations
import Replication

/// What every part of the daemon knows: who this site is, and where to report.
final class DaemonContext {
  let site: SiteID
  let centre: SiteID
  /// Replaced by a reload, as a whole.
  var configuration: SiteConfiguration
  /// Of this start, or of the last wake.
  var incarnation: Incarnation
  /// Random, one per process.
  let nonce: Bytes16
  let sealing: CheckpointKey
  let configuredPins: [Digest]
  /// What registry revision 1 shall hold; nil at a province.
  var seed: JSONObject?
  let disk = DiskGauge()
  let logger: Logger
  let metrics: MetricRegistry
  let started: WallTime
  let software = "dongbod \(DongboVersion.text)"

  private(set) var refusedEntryCount: UInt64 = 0
  private(set) var refusedConnectionCount: UInt64 = 0

  init(
    configuration: SiteConfiguration, incarnation: Incarnation, nonce: Bytes16,
    sealing: CheckpointKey, configuredPins: [Digest], logger: Logger, metrics: MetricRegistry,
    started: WallTime
  ) {
    site = configuration.site.id
    centre = configuration.link.centreID
    self.configuration = configuration
    self.incarnation = incarnation
    self.nonce = nonce
    self.sealing = sealing
    self.configuredPins = configuredPins
    self.logger = logger
    self.metrics = metrics
    self.started = started
  }

  var linkLimits: LinkLimits {
    var limits = LinkLimits()
    limits.pingInterval = configuration.limits.heartbeat
    limits.silenceTimeout = configuration.limits.heartbeat * 3
    limits.sessionLife = configuration.limits.sessionLife
    limits.creditWindow = Credit(
      entries: UInt32(clamping: configuration.limits.linkWindowEntryCount),
      bytes: UInt32(clamping: configuration.limits.linkWindowByteCount))
    limits.largestFrameByteCount = min(
      limits.largestFrameByteCount, configuration.limits.maximumFrameByteCount)
    return limits
  }

  /// An entry that is kept nowhere; its reason is all that is known of it.
  func countRefusedEntry(_ code: OutcomeCode, by count: Int = 1) {
    countRefusedEntry(reason: code.description, by: count)
  }

  func countRefusedEntry(reason: String, by count: Int = 1) {
    refusedEntryCount += UInt64(count)
    metrics.series(.refusedEntries, [reason]).add(Double(count))
  }

  func countRefusedConnection(_ reason: String) {
    refusedConnectionCount += 1
    metrics.series(.refusedConnections, [reason]).add(1)
  }
}
