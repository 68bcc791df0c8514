import Replication

/// Every metric Dongbo exports. Names stay: dashboards and alert rules of operators use them.
extension MetricDefinition {
  package static let buildInfo = MetricDefinition(
    "dongbo_build_info", .gauge,
    [
      .constant(name: "version"), .constant(name: "commit"), .constant(name: "swift"),
      .constant(name: "role"),
    ], "Always 1: what runs here.")
  package static let siteState = MetricDefinition(
    "dongbo_site_state", .gauge,
    [.oneOf(name: "state", values: SiteState.allCases.map(\.rawValue))],
    "1 for the state this site is in.")
  package static let checkStatus = MetricDefinition(
    "dongbo_check_status", .gauge,
    [.oneOf(name: "check", values: CheckID.allCases.map(\.rawValue))],
    "Worst finding of a check: 0 ok, 1 warning, 2 critical.")
  package static let linkState = MetricDefinition(
    "dongbo_link_state", .gauge,
    [.site, .oneOf(name: "state", values: PeerState.names)],
    "1 for the state the link is in.")
  package static let linkLastContact = MetricDefinition(
    "dongbo_link_last_contact_timestamp_seconds", .gauge, [.site],
    "Last byte received from the peer; 0 when never.")
  package static let linkSessions = MetricDefinition(
    "dongbo_link_sessions_total", .counter,
    [.site, .oneOf(name: "result", values: sessionResults)],
    "Sessions that came up, and how attempts and sessions ended.")
  package static let linkConsecutiveFailures = MetricDefinition(
    "dongbo_link_consecutive_failures", .gauge, [.site],
    "Failed attempts since the last session that came up.")
  package static let refusedConnections = MetricDefinition(
    "dongbo_refused_connections_total", .counter,
    [.oneOf(name: "reason", values: connectionReasons)],
    "Connections refused, by reason.")
  package static let entries = MetricDefinition(
    "dongbo_replication_entries_total", .counter, [.site, lane, direction],
    "Entries sent to and received from a peer, repeats included.")
  package static let bytes = MetricDefinition(
    "dongbo_replication_bytes_total", .counter, [.site, lane, direction],
    "Bytes of frames, as they went over the line.")
  package static let lagEntries = MetricDefinition(
    "dongbo_replication_lag_entries", .gauge, [.site, lane, direction],
    "sent: entries the peer has not acknowledged. received: the peer's, not here; NaN unknown.")
  package static let lagSeconds = MetricDefinition(
    "dongbo_replication_lag_seconds", .gauge, [.site, lane],
    "Age of the oldest entry the peer has not acknowledged, by this site's clock.")
  package static let oldestUnacknowledged = MetricDefinition(
    "dongbo_replication_oldest_unacknowledged_timestamp_seconds", .gauge,
    [.site, lane], "When that entry was written here; 0 when there is none.")
  package static let conflicts = MetricDefinition(
    "dongbo_conflicts_open", .gauge, [kind], "Records whose owner must decide.")
  package static let held = MetricDefinition(
    "dongbo_held_entries", .gauge, [kind], "Entries that wait for another.")
  package static let quarantined = MetricDefinition(
    "dongbo_quarantined_entries", .gauge, [kind], "Entries that cannot be applied.")
  package static let oldestHeld = MetricDefinition(
    "dongbo_held_oldest_timestamp_seconds", .gauge, [],
    "Since when the oldest held entry waits; 0 when there is none.")
  package static let refusedEntries = MetricDefinition(
    "dongbo_refused_entries_total", .counter,
    [.oneOf(name: "reason", values: entryReasons)],
    "Entries refused, from applications and from peers.")
  package static let storeBytes = MetricDefinition(
    "dongbo_store_bytes", .gauge, [], "Size of the store and its files.")
  package static let storeFreeBytes = MetricDefinition(
    "dongbo_store_free_bytes", .gauge, [], "Free disk where the store lies.")
  package static let commitDuration = MetricDefinition(
    "dongbo_commit_duration_seconds",
    .histogram(bounds: [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]), [], "From the begin of a transaction to its return from sync.")
  package static let groupEntries = MetricDefinition(
    "dongbo_commit_group_entries",
    .histogram(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]), [],
    "Entries in one transaction.")
  package static let certificateNotAfter = MetricDefinition(
    "dongbo_tls_certificate_not_after_timestamp_seconds", .gauge, [.site],
    "End of the validity of a site's link certificate.")
  package static let reloadSuccessful = MetricDefinition(
    "dongbo_config_last_reload_successful", .gauge, [],
    "1 when the last reading of the configuration was taken.")
  package static let reloadTimestamp = MetricDefinition(
    "dongbo_config_last_reload_success_timestamp_seconds", .gauge, [],
    "When a configuration was last taken.")
  package static let seriesRefused = MetricDefinition(
    "dongbo_metric_series_refused_total", .counter, [], "Series over the limit.")
  package static let processCPU = MetricDefinition(
    "process_cpu_seconds_total", .counter, [], "CPU time, user and system.")
  package static let processResident = MetricDefinition(
    "process_resident_memory_bytes", .gauge, [], "Resident memory.")
  package static let processDescriptors = MetricDefinition(
    "process_open_fds", .gauge, [], "Open file descriptors.")
  package static let processMaximumDescriptors = MetricDefinition(
    "process_max_fds", .gauge, [], "Most file descriptors allowed.")
  package static let processStart = MetricDefinition(
    "process_start_time_seconds", .gauge, [], "Start of the process.")

  /// In the order of the page.
  package static let all: [MetricDefinition] = [
    .buildInfo, .siteState, .checkStatus, .linkState, .linkLastContact, .linkSessions,
    .linkConsecutiveFailures, .refusedConnections, .entries, .bytes, .lagEntries, .lagSeconds,
    .oldestUnacknowledged, .conflicts, .held, .quarantined, .oldestHeld, .refusedEntries,
    .storeBytes, .storeFreeBytes, .commitDuration, .groupEntries, .certificateNotAfter,
    .reloadSuccessful, .reloadTimestamp, .seriesRefused, .processCPU, .processResident,
    .processDescriptors, .processMaximumDescriptors, .processStart,
  ]

  private static let lane = MetricLabel.oneOf(
    name: "lane", values: Lane.allCases.map(\.description))
  private static let direction = MetricLabel.oneOf(name: "direction", values: ["sent", "received"])
  private static let kind = MetricLabel.oneOf(
    name: "kind", values: RecordKind.allCases.map(\.description))

  /// Reasons of `refused_entries_total`; anything else counts as `other`.
  package static let entryReasons = [
    "structure", "authority", "ceiling", "schema", "signature", "registry", "too_large",
    "not_entitled", "fork", "locked", "disk_full", "other",
  ]

  /// Reasons of `refused_connections_total`, of TLS and of HELLO; anything else is `other`.
  package static let connectionReasons = [
    "tls_no_certificate", "tls_untrusted", "tls_expired", "tls_not_yet_valid", "tls_revoked",
    "tls_wrong_name", "tls_wrong_pin", "tls_alpn", "tls_version", "tls_timeout", "tls_other",
    "hello_version", "hello_unknown_site", "hello_retired_site", "hello_site_mismatch",
    "hello_two_holders", "hello_two_logs", "hello_checkpoint_tag", "hello_malformed",
    "hello_timeout", "too_many_links", "other",
  ]

  /// Results of `link_sessions_total`.
  package static let sessionResults = [
    "up", "connect_failed", "tls_failed", "refused", "timed_out", "peer_violation", "closed",
    "other",
  ]
}
