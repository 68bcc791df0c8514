/// Number the shell gives to a session, never used again in this process.
package struct SessionNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let value: UInt64
  package init(_ value: UInt64) { self.value = value }
  package var description: String { "\(value)" }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What to do with a session whose HELLO has come.
package enum Admission: Hashable, Sendable {
  /// Nobody else holds the site: go on.
  case admit
  /// The same process dialled again: close the old session with `.replaced` and go on. A
  /// challenger that waited is refused with `.twoHolders` and alarmed: the dial is an answer.
  case replace(SessionNumber, refusing: SessionNumber?)
  /// Another process claims the site: give the old session `.probeRequested`, keep the new one
  /// waiting until ``SessionDirectory/answered(_:)`` or ``SessionDirectory/expire(now:)`` decides.
  case probe(SessionNumber)
  /// A third one while two are being told apart: refuse it with `.overloaded`; it dials again.
  case busy
}

/// Which session holds each site at this end. One session a site; two processes under one identity
/// are told apart by asking the first whether it still lives.
package struct SessionDirectory: Sendable {
  /// How long the old session has to answer.
  package static let probeTimeout: Duration = .seconds(5)

  private struct Holder {
    let session: SessionNumber
    let nonce: Bytes16
    var challenger: Challenger?
  }

  private struct Challenger {
    let session: SessionNumber
    let nonce: Bytes16
    let deadline: Instant
  }

  private var holders: [SiteID: Holder] = [:]
  /// What sessions of each site have had written, all together.
  private var writeCounts: [SiteID: UInt64] = [:]
  /// The count when a session read what it quotes to its peer.
  private var countsAtOpening: [SessionNumber: UInt64] = [:]

  package init() {}

  // MARK: What a session quotes

  /// The session asks for its ``LocalView`` now, behind every write posted so far.
  package mutating func opened(_ session: SessionNumber, site: SiteID) {
    countsAtOpening[session] = writeCounts[site] ?? 0
  }

  /// A session of the site has something written.
  package mutating func wrote(site: SiteID) { writeCounts[site, default: 0] += 1 }

  /// Whether another session of the site wrote after this one read what it quotes. It must not go
  /// on: resuming at what it quoted would wipe out what the other one's checkpoints prove, as of
  /// a clone whose entries the clone's origin must take back. Refuse it with `.restarting`; the
  /// next dial reads what is committed.
  package func isOutdated(_ session: SessionNumber, site: SiteID) -> Bool {
    countsAtOpening[session].map { $0 != writeCounts[site] ?? 0 } ?? false
  }

  // MARK: Who holds a site

  /// The session that holds `site`.
  package func holder(of site: SiteID) -> SessionNumber? { holders[site]?.session }

  /// The session waits for nothing else than this before its HELLO is judged.
  package mutating func admit(
    _ session: SessionNumber, site: SiteID, nonce: Bytes16, now: Instant
  ) -> Admission {
    guard var holder = holders[site] else {
      holders[site] = Holder(session: session, nonce: nonce)
      return .admit
    }
    if holder.nonce == nonce {
      holders[site] = Holder(session: session, nonce: nonce)
      return .replace(holder.session, refusing: holder.challenger?.session)
    }
    guard holder.challenger == nil else { return .busy }
    holder.challenger = Challenger(
      session: session, nonce: nonce, deadline: now + Self.probeTimeout)
    holders[site] = holder
    return .probe(holder.session)
  }

  /// The session answered its PING (`.probeAnswered`).
  /// - Returns: the challenger, to be refused with `.twoHolders` and alarmed; nil without one.
  package mutating func answered(_ session: SessionNumber) -> SessionNumber? {
    for (site, holder) in holders where holder.session == session {
      holders[site]?.challenger = nil
      return holder.challenger?.session
    }
    return nil
  }

  /// Challengers whose probe went unanswered now hold their site: close each `old` with
  /// `.replaced` and let each `new` go on. In the order of the new sessions.
  package mutating func expire(now: Instant) -> [(old: SessionNumber, new: SessionNumber)] {
    var replaced: [(old: SessionNumber, new: SessionNumber)] = []
    for (site, holder) in holders {
      guard let challenger = holder.challenger, challenger.deadline <= now else { continue }
      holders[site] = Holder(session: challenger.session, nonce: challenger.nonce)
      replaced.append((holder.session, challenger.session))
    }
    return replaced.sorted { $0.new < $1.new }
  }

  /// When to call ``expire(now:)`` next; nil without a challenger.
  package var nextDeadline: Instant? { holders.values.compactMap(\.challenger?.deadline).min() }

  /// The session is over.
  /// - Returns: the challenger that now holds the site and may go on; nil without one.
  package mutating func ended(_ session: SessionNumber) -> SessionNumber? {
    countsAtOpening[session] = nil
    for (site, holder) in holders {
      if holder.challenger?.session == session {
        holders[site]?.challenger = nil
        return nil
      }
      guard holder.session == session else { continue }
      holders[site] = holder.challenger.map { Holder(session: $0.session, nonce: $0.nonce) }
      return holder.challenger?.session
    }
    return nil
  }
}
