import Replication

/// Every metric Dongbo exports. Names stay: dashboards and alert rules of operators use them.
extension MetricDefinition {
  /// Labels: version, commit, swift, role.
  package static let buildInfo = MetricDefinition(
    "dongbo_build_info", .gauge,
    [
      .constant(name: "version"), .constant(name: "commit"), .constant(name: "swift"),
      .constant(name: "role"),
    ], "Always 1: what runs here.")
  /// Labels: state.
  package static let siteState = MetricDefinition(
    "dongbo_site_state", .gauge,
    [.oneOf(name: "state", values: SiteCondition.allCases.map(\.rawValue))],
    "1 for the state this site is in.")
  /// Labels: check.
  package static let checkStatus = MetricDefinition(
    "dongbo_check_status", .gauge,
    [.oneOf(name: "check", values: CheckID.allCases.map(\.rawValue))],
    "Worst finding of a check: 0 ok, 1 warning, 2 critical.")
  /// Labels: site, state.
  package static let linkState = MetricDefinition(
    "dongbo_link_state", .gauge,
    [.site, .oneOf(name: "state", values: LinkCondition.names)],
    "1 for the state the link is in.")
  /// Labels: site.
  package static let linkLastContact = MetricDefinition(
    "dongbo_link_last_contact_timestamp_seconds", .gauge, [.site],
    "Last byte received from the peer; 0 when never.")
  /// Labels: site, result.
  package static let linkSessions = MetricDefinition(
    "dongbo_link_sessions_total", .counter,
    [.site, .oneOf(name: "result", values: sessionResults)],
    "Sessions that came up, and how attempts and sessions ended.")
  /// Labels: site.
  package static let linkConsecutiveFailures = MetricDefinition(
    "dongbo_link_consecutive_failures", .gauge, [.site],
    "Failed attempts since the last session that came up.")
  /// Labels: site. In seconds.
  package static let peerClockOffset = MetricDefinition(
    "dongbo_peer_clock_offset_seconds", .gauge, [.site],
    "The peer's clock is off this site's by at least this; above 0 ahead. NaN unknown.")
  /// Labels: reason.
  package static let refusedConnections = MetricDefinition(
    "dongbo_refused_connections_total", .counter,
    [.oneOf(name: "reason", values: connectionReasons)],
    "Connections refused, by reason.")
  /// Labels: site, lane, direction.
  package static let entries = MetricDefinition(
    "dongbo_replication_entries_total", .counter, [.site, lane, direction],
    "Entries sent to and received from a peer, repeats included.")
  /// Labels: site, lane, direction.
  package static let bytes = MetricDefinition(
    "dongbo_replication_bytes_total", .counter, [.site, lane, direction],
    "Bytes of frames, as they went over the line.")
  /// Labels: site, lane, direction.
  package static let lagEntries = MetricDefinition(
    "dongbo_replication_lag_entries", .gauge, [.site, lane, direction],
    "sent: entries the peer has not acknowledged. received: the peer's, not here; NaN unknown.")
  /// Labels: site, lane. In seconds.
  package static let lagSeconds = MetricDefinition(
    "dongbo_replication_lag_seconds", .gauge, [.site, lane],
    "Age of the oldest entry the peer has not acknowledged, by this site's clock.")
  /// Labels: site, lane. In seconds since 1970.
  package static let oldestUnacknowledged = MetricDefinition(
    "dongbo_replication_oldest_unacknowledged_timestamp_seconds", .gauge,
    [.site, lane], "When that entry was written here; 0 when there is none.")
  /// Labels: kind.
  package static let conflicts = MetricDefinition(
    "dongbo_conflicts_open", .gauge, [kind], "Records whose owner must decide.")
  /// Labels: kind.
  package static let held = MetricDefinition(
    "dongbo_held_entries", .gauge, [kind], "Entries that wait for another.")
  /// Labels: kind.
  package static let quarantined = MetricDefinition(
    "dongbo_quarantined_entries", .gauge, [kind], "Entries that cannot be applied.")
  /// In seconds since 1970.
  package static let oldestHeld = MetricDefinition(
    "dongbo_held_oldest_timestamp_seconds", .gauge, [],
    "When the oldest entry of what is held was written; 0 when nothing is.")
  /// Labels: reason.
  package static let refusedEntries = MetricDefinition(
    "dongbo_refused_entries_total", .counter,
    [.oneOf(name: "reason", values: entryReasons)],
    "Entries refused, from applications and from peers.")
  /// A number.
  package static let filesPending = MetricDefinition(
    "dongbo_files_pending", .gauge, [],
    "Files that records name and that are not here yet; NaN unknown.")
  /// A number.
  package static let filesStored = MetricDefinition(
    "dongbo_files_stored", .gauge, [], "Files that are here as a whole.")
  /// In bytes.
  package static let filesStoredBytes = MetricDefinition(
    "dongbo_files_stored_bytes", .gauge, [], "Bytes of the files that are here.")
  /// Labels: site, direction. In bytes.
  package static let fileBytes = MetricDefinition(
    "dongbo_file_bytes_total", .counter, [.site, direction],
    "Bytes of file content sent to and received from a peer, repeats included.")
  /// Labels: content.
  package static let rottenFound = MetricDefinition(
    "dongbo_rotten_found_total", .counter, [content],
    "Files and entries whose stored bytes had changed or gone.")
  /// Labels: content.
  package static let rottenRepaired = MetricDefinition(
    "dongbo_rotten_repaired_total", .counter, [content],
    "Files and entries that a peer gave back.")
  /// In bytes.
  package static let scrubbedBytes = MetricDefinition(
    "dongbo_scrubbed_bytes_total", .counter, [], "Bytes that the scrub has read.")
  /// In seconds since 1970.
  package static let scrubRound = MetricDefinition(
    "dongbo_scrub_last_round_timestamp_seconds", .gauge, [],
    "When the scrub had last read everything; 0 when not yet.")
  /// A number.
  package static let compactedBodies = MetricDefinition(
    "dongbo_compacted_bodies_total", .counter, [],
    "Superseded bodies that went because of their age; their stubs stay.")
  /// In bytes.
  package static let compactedBytes = MetricDefinition(
    "dongbo_compacted_bytes_total", .counter, [], "Bytes of those bodies.")
  /// In seconds since 1970.
  package static let compactionRound = MetricDefinition(
    "dongbo_compaction_last_round_timestamp_seconds", .gauge, [],
    "When compaction had last looked at every record; 0 when not yet.")
  /// In bytes.
  package static let storeBytes = MetricDefinition(
    "dongbo_store_bytes", .gauge, [], "Size of the store and its files.")
  /// In bytes.
  package static let storeFreeBytes = MetricDefinition(
    "dongbo_store_free_bytes", .gauge, [], "Free disk where the store lies.")
  /// 1 or 0.
  package static let storeFull = MetricDefinition(
    "dongbo_store_full", .gauge, [],
    "1 while applications get 507 and peers zero credit for want of disk.")
  /// Labels: result.
  package static let fileUploads = MetricDefinition(
    "dongbo_file_uploads_total", .counter,
    [.oneOf(name: "result", values: ["stored", "refused", "abandoned"])],
    "Files that applications brought, by how it ended.")
  /// In bytes.
  package static let unnamedFileBytes = MetricDefinition(
    "dongbo_unnamed_file_bytes", .gauge, [], "Size of the complete files that no record names.")
  /// A number.
  package static let collectedFiles = MetricDefinition(
    "dongbo_collected_files_total", .counter, [],
    "Files removed because no living record names them.")
  /// In seconds.
  package static let commitDuration = MetricDefinition(
    "dongbo_commit_duration_seconds",
    .histogram(bounds: [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]), [], "From the begin of a transaction to its return from sync.")
  /// In entries.
  package static let groupEntries = MetricDefinition(
    "dongbo_commit_group_entries",
    .histogram(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]), [],
    "Entries in one transaction.")
  /// Labels: site. In seconds since 1970.
  package static let certificateNotAfter = MetricDefinition(
    "dongbo_tls_certificate_not_after_timestamp_seconds", .gauge, [.site],
    "End of the validity of a site's link certificate.")
  /// 1 or 0.
  package static let reloadSuccessful = MetricDefinition(
    "dongbo_config_last_reload_successful", .gauge, [],
    "1 when the last reading of the configuration was taken.")
  /// In seconds since 1970.
  package static let reloadTimestamp = MetricDefinition(
    "dongbo_config_last_reload_success_timestamp_seconds", .gauge, [],
    "When a configuration was last taken.")
  /// Counted by the registry itself.
  package static let seriesRefused = MetricDefinition(
    "dongbo_metric_series_refused_total", .counter, [], "Series over the limit.")
  /// In seconds.
  package static let processCPU = MetricDefinition(
    "process_cpu_seconds_total", .counter, [], "CPU time, user and system.")
  /// In bytes.
  package static let processResident = MetricDefinition(
    "process_resident_memory_bytes", .gauge, [], "Resident memory.")
  /// A number.
  package static let processDescriptors = MetricDefinition(
    "process_open_fds", .gauge, [], "Open file descriptors.")
  /// A number.
  package static let processMaximumDescriptors = MetricDefinition(
    "process_max_fds", .gauge, [], "Most file descriptors allowed.")
  /// In seconds since 1970.
  package static let processStart = MetricDefinition(
    "process_start_time_seconds", .gauge, [], "Start of the process.")

  /// In the order of the page.
  package static let all: [MetricDefinition] = [
    .buildInfo, .siteState, .checkStatus, .linkState, .linkLastContact, .linkSessions,
    .linkConsecutiveFailures, .peerClockOffset, .refusedConnections, .entries, .bytes,
    .lagEntries, .lagSeconds, .oldestUnacknowledged, .conflicts, .held, .quarantined, .oldestHeld,
    .refusedEntries, .filesPending, .filesStored, .filesStoredBytes, .fileBytes, .rottenFound,
    .rottenRepaired, .scrubbedBytes, .scrubRound, .fileUploads, .unnamedFileBytes, .collectedFiles,
    .compactedBodies, .compactedBytes, .compactionRound, .storeBytes,
    .storeFreeBytes, .storeFull, .commitDuration, .groupEntries, .certificateNotAfter,
    .reloadSuccessful, .reloadTimestamp, .seriesRefused, .processCPU, .processResident,
    .processDescriptors, .processMaximumDescriptors, .processStart,
  ]

  private static let lane = MetricLabel.oneOf(
    name: "lane", values: Lane.allCases.map(\.description))
  private static let direction = MetricLabel.oneOf(name: "direction", values: ["sent", "received"])
  private static let content = MetricLabel.oneOf(name: "content", values: ["file", "entry"])
  private static let kind = MetricLabel.oneOf(
    name: "kind", values: RecordKind.allCases.map(\.description))

  /// Reasons of `refused_entries_total`: the codes of outcomes, and what an application is told.
  /// Anything else counts as `other`.
  package static let entryReasons = [
    "fork", "several-puts", "duplicate-key", "identity-fork", "malformed", "unknown-operation",
    "unknown-site", "not-owner", "not-entitled", "not-allowed", "audience-mismatch",
    "registry-signature", "registry-ahead", "lane-mismatch", "secrecy", "foreign-origin",
    "crashed", "body-missing", "used-before", "revision-expected", "in-conflict", "too-large",
    "no-registry",
    "locked", "storage-full", "other",
  ]

  /// Reasons of `refused_connections_total`: the tokens of TLS failures, then those of refusals
  /// behind `hello-`. Anything else is `other`.
  package static let connectionReasons = [
    "tls-no-certificate", "tls-unknown-authority", "tls-certificate-expired",
    "tls-certificate-not-yet-valid", "tls-certificate-revoked", "tls-crl-missing",
    "tls-crl-expired", "tls-wrong-purpose", "tls-bad-identity", "tls-wrong-alpn", "tls-no-alpn",
    "tls-protocol-version", "tls-truncated", "tls-weak-key", "tls-handshake-too-long",
    "tls-peer-refused", "tls-timeout", "tls-other",
    "hello-unknown-site", "hello-wrong-identity", "hello-wrong-pin", "hello-unsupported-version",
    "hello-two-holders", "hello-log-forked", "hello-bad-tag", "hello-overloaded",
    "hello-shutting-down", "hello-protocol-violation", "hello-wrong-tier", "hello-restarting",
    "hello-above-ceiling", "hello-timeout", "too-many-links", "other",
  ]

  /// Results of `link_sessions_total`.
  package static let sessionResults = [
    "up", "connect-failed", "tls-failed", "refused", "timed-out", "peer-violation", "closed",
    "other",
  ]
}
