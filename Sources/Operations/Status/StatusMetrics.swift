import Replication

extension StatusReport {
  /// Sets the gauges that say the same as the screen. Called at scrape time.
  package func publish(to registry: MetricRegistry) {
    registry.setState(.siteState, to: facts.state.rawValue)
    for id in CheckID.allCases {
      let worst = findings.filter { $0.id == id }.map(\.severity).max() ?? .ok
      registry.series(.checkStatus, [id.rawValue]).set(Double(worst.rawValue))
    }
    for kind in RecordKind.allCases {
      let name = [kind.description]
      registry.series(.conflicts, name).set(Double(facts.conflicts[kind]))
      registry.series(.held, name).set(Double(facts.held[kind]))
      registry.series(.quarantined, name).set(Double(facts.quarantined[kind]))
    }
    registry.series(.oldestHeld).set(facts.oldestHeld?.inSeconds ?? 0)
    registry.series(.storeBytes).set(Double(facts.storeByteCount))
    registry.series(.storeFull).set(facts.isStorageFull ? 1 : 0)
    registry.series(.storeFreeBytes).set(facts.freeByteCount.map { Double($0) })
    registry.series(.reloadSuccessful).set(facts.reloadFault == nil ? 1 : 0)
    publishCertificate(facts.certificateNotAfter, facts.site, to: registry)
    for peer in facts.peers { publish(peer, to: registry) }
  }

  private func publish(_ peer: PeerStatus, to registry: MetricRegistry) {
    let site = peer.site.description
    registry.setState(.linkState, [site], to: peer.state.name)
    registry.series(.linkLastContact, [site]).set(peer.lastProof?.inSeconds ?? 0)
    registry.series(.linkConsecutiveFailures, [site]).set(Double(peer.consecutiveFailureCount))
    registry.series(.peerClockOffset, [site]).set(
      peer.clockOffset.map { Double($0.milliseconds) / 1e3 })
    publishCertificate(peer.certificateNotAfter, peer.site, to: registry)
  }

  private func publishCertificate(
    _ end: WallTime?, _ site: SiteID, to registry: MetricRegistry
  ) {
    registry.series(.certificateNotAfter, [site.description]).set(end?.inSeconds)
  }
}

extension WallTime {
  /// Seconds since 1970 for a `_timestamp_seconds` metric.
  package var inSeconds: Double { Double(microseconds) / 1e6 }
}
