import Replication
import Storage

/// O7: once the mishaps are over everything comes to rest, in bounded time.
extension SimulatedWorld {
  /// Runs until nothing is on its way, at most `limit` of virtual time.
  /// - Returns: false when something still is.
  func drain(within limit: Duration = .seconds(1_200)) -> Bool {
    let end = now + limit
    while now < end {
      run(for: .milliseconds(250))
      if unrest() == nil { return true }
    }
    fail("O7: not at rest after \(limit): \(unrest() ?? "now it is")")
    return false
  }

  /// What keeps the world from being at rest; nil when nothing does.
  func unrest() -> String? {
    if let request = clients.pending.keys.min() { return "request \(request) is unanswered" }
    for site in sites where members.contains(site.id) {
      guard site.isUp else { return "\(site.id) is down" }
      guard site.jobs.isEmpty, !site.isSyncing, site.waiting.jobs.isEmpty else {
        return "\(site.id) writes"
      }
      if let digest = site.store.rottenEntries.first { return "\(site.id) has a rotten \(digest)" }
      if (try? site.store.owed(limit: 1).isEmpty) == false { return "\(site.id) owes an answer" }
      if let lock = try? site.store.siteState().lock { return "\(site.id) is locked: \(lock)" }
    }
    for province in provinces where members.contains(province.id) {
      if let cause = unrest(from: province, to: centre) ?? unrest(from: centre, to: province) {
        return cause
      }
    }
    return nil
  }

  private func unrest(from sender: SimulatedSite, to receiver: SimulatedSite) -> String? {
    guard let link = sender.linksInOrder.last(where: { $0.peer == receiver.id }),
      let progress = link.session.progress
    else { return "\(sender.id) has no session with \(receiver.id)" }
    guard let end = try? sender.store.logEnd().lsn,
      let outcomesEnd = try? sender.store.outcomesEnd(for: receiver.id),
      let taken = try? receiver.store.peer(sender.id).outcomesTaken
    else { return "\(sender.id) cannot be read" }
    for lane in Lane.allCases where progress.acknowledged[lane] != end {
      return "\(receiver.id) has \(lane) \(progress.acknowledged[lane]) of \(end) of \(sender.id)"
    }
    return taken == outcomesEnd
      ? nil : "\(receiver.id) has outcomes \(taken) of \(outcomesEnd) of \(sender.id)"
  }
}
