import Cryptography
import Replication
import Storage

/// A rotten entry on its way from a peer.
struct Repair {
  /// Where it is asked for; nil while nobody is asked.
  var session: SessionNumber?
  var bytes: [UInt8] = []
  /// Asked so often: each time the next of the peers.
  var askCount = 0
}

/// Rotten entries: found on a read or by the scrub, fetched again by digest, repaired.
extension SimulatedSite {
  private static let retryWait: Duration = .seconds(2)

  func foundRotten(_ digest: Digest) {
    guard isUp, repairs[digest] == nil else { return }
    note("has a rotten \(digest.description.prefix(8))")
    world.count(.rottenFound)
    repairs[digest] = Repair()
    after(.milliseconds(1)) { [self] in fetch(digest) }
  }

  /// Reads everything, as the scrub does once a day.
  func scrub() {
    guard isUp else { return }
    for digest in store.rottenEntries { foundRotten(digest) }
  }

  private func fetch(_ digest: Digest) {
    guard var repair = repairs[digest] else { return }
    after(Self.retryWait) { [self] in fetch(digest) }
    if let session = repair.session, link(session) != nil { return }
    let open = linksInOrder.filter { $0.session.freeFilePlaces > 0 }
    guard !open.isEmpty else { return }
    let link = open[repair.askCount % open.count]
    repair = Repair(session: link.number, askCount: repair.askCount + 1)
    repairs[digest] = repair
    link.advance(.fileWanted(.entry(digest), byteCount: nil, offset: 0))
  }

  func refused(_ wanted: Wanted) {
    guard case .entry(let digest) = wanted else { return }
    repairs[digest]?.session = nil
  }

  func sessionEnded(_ session: SessionNumber) {
    for (digest, repair) in repairs where repair.session == session {
      repairs[digest]?.session = nil
    }
  }

  /// Simulated records name no files: only entries are ever wanted.
  func serve(_ wanted: Wanted, offset: UInt64, byteCount: Int, to link: SimulatedLink) {
    guard case .entry(let digest) = wanted else {
      return link.advance(.fileUnavailable(wanted, .notHere))
    }
    do throws(StoreError) {
      guard try mayHave(wanted, link.peer, centre: centre, in: store),
        let bytes = try store.entry(digest: digest)?.wireBytes
      else { return link.advance(.fileUnavailable(wanted, .notEntitled)) }
      let start = min(Int(clamping: offset), bytes.count)
      let piece = Array(bytes[start..<min(start + byteCount, bytes.count)])
      link.advance(
        .fileRead(wanted, offset: offset, bytes: piece, totalByteCount: UInt64(bytes.count)))
    } catch {
      link.advance(.fileUnavailable(wanted, .damaged))
      if case .rotten(let rotten) = error { foundRotten(rotten) }
    }
  }

  func take(
    _ wanted: Wanted, offset: UInt64, _ bytes: ArraySlice<UInt8>, of total: UInt64,
    from link: SimulatedLink
  ) {
    guard case .entry(let digest) = wanted, var repair = repairs[digest],
      repair.session == link.number, offset == UInt64(repair.bytes.count)
    else { return link.advance(.wantCancelled(wanted)) }
    repair.bytes += bytes
    let count = UInt64(repair.bytes.count)
    if count == total {
      if let entry = try? Entry(wireBytes: repair.bytes, hashing: OpenSSLHash()),
        entry.digest == digest
      {
        post(.repair(entry))
      } else {
        world.fail("\(id) is given other bytes than those of \(digest)")
      }
      repair = Repair(askCount: repair.askCount)
    }
    repairs[digest] = repair
    link.advance(.fileWritten(wanted, upTo: count))
  }

  /// What waited for it goes on, after what is being written; what needs another waits again.
  func repaired(_ digests: [Digest]) {
    for digest in digests where repairs.removeValue(forKey: digest) != nil {
      note("repairs \(digest.description.prefix(8))")
      world.count(.rottenRepaired)
    }
    isReleased = true
    for link in linksInOrder where link.session.isUp { link.advance(.loadsResumed) }
  }
}
