import Cryptography
import Replication
import Storage
import Transport

/// What the thread of files has in hand. Confined to that thread.
struct FileDesk {
  /// Bytes hashed at once of what an earlier transfer left: a few milliseconds.
  static let hashStepByteCount = 4 << 20

  let store: FileStore
  let reader: SQLiteReader
  private let centre: SiteID
  private let reply: @Sendable (FileReply) -> Void
  private var parts: [Digest: PartFile] = [:]
  /// Parts with bytes on disk that are not hashed yet, in their turns.
  private var hashing: [Digest] = []
  /// Entries being received: small, so they are kept in memory.
  private var entries: [Digest: [UInt8]] = [:]
  private var scrub: StoreScrub
  /// Files that are hashed before they are served, in their turns, with the reads that wait.
  private var checks: [Check] = []

  private struct Check {
    let digest: Digest
    let scrub: FileScrub
    var reads: [FileJob]
  }

  init(
    store: FileStore, reader: SQLiteReader, centre: SiteID,
    reply: @escaping @Sendable (FileReply) -> Void
  ) {
    self.store = store
    self.reader = reader
    self.centre = centre
    self.reply = reply
    scrub = StoreScrub(store: store, reader: reader)
  }

  var isHashing: Bool { !hashing.isEmpty || !checks.isEmpty }

  mutating func perform(_ job: FileJob) {
    switch job {
    case .read(let session, let peer, let range): read(session, peer, range)
    case .open(let session, let lead): open(session, lead)
    case .write(let session, let wanted, let offset, let pieces, let total):
      write(session, wanted, offset, pieces, total)
    case .close(let wanted): close(wanted)
    case .scrub:
      var findings: [FileFinding] = []
      let start = MonotonicClock.now()
      var step = scrub.step(&findings)
      step.duration = MonotonicClock.now() - start
      if !findings.isEmpty { reply(.found(findings)) }
      reply(.scrubbed(step))
    case .examine(let digest): reply(.found([scrub.rottenEntry(digest)]))
    }
  }

  // MARK: Receiving

  private mutating func open(_ session: SessionNumber?, _ lead: ContentLead) {
    switch lead.wanted {
    case .entry(let digest):
      entries[digest] = []
      if let session { reply(.opened(session, lead.wanted, offset: 0)) }
    case .file(let digest):
      do throws(FileStoreError) {
        let byteCount = lead.byteCount ?? 0
        let opening = try store.openPart(digest, byteCount: Int64(clamping: byteCount))
        guard case .part(let part) = opening else {
          return reply(.storedFile(digest, byteCount: byteCount))
        }
        parts[digest] = part
        if part.receivedByteCount > 0 || part.byteCount == 0 { hashing.append(digest) }
        guard part.receivedByteCount < part.byteCount else { return }
        guard let session else {
          // It was here when the list was read and has been taken away since.
          drop(digest)
          return reply(.failed(lead.wanted, .file(.missing(digest))))
        }
        reply(.opened(session, lead.wanted, offset: UInt64(part.receivedByteCount)))
      } catch {
        if case .sizeMismatch = error { suspect(digest) }
        reply(.failed(lead.wanted, .file(error)))
      }
    }
  }

  private mutating func write(
    _ session: SessionNumber, _ wanted: Wanted, _ offset: UInt64,
    _ pieces: [ArraySlice<UInt8>], _ total: UInt64
  ) {
    switch wanted {
    case .entry(let digest): takeEntry(session, digest, offset, pieces, total)
    case .file(let digest):
      // A piece that was on its way when its transfer failed.
      guard let part = parts[digest] else { return }
      do throws(FileStoreError) {
        try part.write(pieces, at: Int64(clamping: offset)) {
          // The last bytes are answered once the digest is compared.
          guard part.receivedByteCount < part.byteCount else { return }
          reply(.written(session, wanted, upTo: UInt64(part.receivedByteCount)))
        }
        guard part.receivedByteCount == part.byteCount else { return }
        if !hashing.contains(digest) { hashing.append(digest) }
      } catch {
        drop(digest)
        reply(.failed(wanted, .file(error)))
      }
    }
  }

  private mutating func takeEntry(
    _ session: SessionNumber, _ digest: Digest, _ offset: UInt64,
    _ pieces: [ArraySlice<UInt8>], _ total: UInt64
  ) {
    guard var received = entries[digest], UInt64(received.count) == offset,
      total <= UInt64(Entry.maximumWireByteCount)
    else { return }
    for piece in pieces { received += piece }
    guard UInt64(received.count) == total else {
      entries[digest] = received
      return reply(.written(session, .entry(digest), upTo: UInt64(received.count)))
    }
    entries[digest] = nil
    if let entry = try? Entry(wireBytes: received, hashing: OpenSSLHash()), entry.digest == digest {
      reply(.fetchedEntry(entry, byteCount: total))
    } else {
      reply(.failed(.entry(digest), .wrongEntry))
    }
  }

  mutating func hashStep() {
    hashPart()
    checkStep()
  }

  /// Hashes a stretch of one part, and stores it when it is whole.
  private mutating func hashPart() {
    guard let digest = hashing.first else { return }
    hashing.removeFirst()
    guard let part = parts[digest] else { return }
    do throws(FileStoreError) {
      switch try part.verifyStep(maximumByteCount: Self.hashStepByteCount) {
      case .receiving: break
      case .verifying: hashing.append(digest)
      case .stored:
        parts[digest] = nil
        reply(.storedFile(digest, byteCount: UInt64(part.byteCount)))
      }
      // More of an unfinished part may be on disk than one stretch.
      if part.receivedByteCount < part.byteCount, part.hasUnhashedBytes { hashing.append(digest) }
    } catch {
      drop(digest)
      reply(.failed(.file(digest), .file(error)))
    }
  }

  private mutating func close(_ wanted: Wanted) {
    switch wanted {
    case .entry(let digest): entries[digest] = nil
    case .file(let digest):
      // All bytes are here: it is being hashed, which needs no peer.
      if let part = parts[digest], part.receivedByteCount == part.byteCount { return }
      drop(digest)
    }
  }

  private mutating func drop(_ digest: Digest) {
    parts.removeValue(forKey: digest)?.close()
    hashing.removeAll { $0 == digest }
  }

  // MARK: Serving

  /// The file stood here before this process: its bytes are compared with its digest first.
  private mutating func check(_ digest: Digest, before read: FileJob) {
    if let index = checks.firstIndex(where: { $0.digest == digest }) {
      checks[index].reads.append(read)
    } else {
      checks.append(
        Check(digest: digest, scrub: FileScrub(store, only: digest), reads: [read]))
    }
  }

  private mutating func checkStep() {
    guard let check = checks.first else { return }
    checks.removeFirst()
    do throws(FileStoreError) {
      switch try check.scrub.step(maximumByteCount: Self.hashStepByteCount) {
      case .reading: return checks.append(check)
      case .rotten(let digest, let isKept):
        reply(.found([.rottenFile(digest, isKept: isKept)]))
      case .roundEnded: store.noteHashed(check.digest)
      }
    } catch {
      for case .read(let session, _, let range) in check.reads {
        reply(.unavailable(session, range.wanted, .busy))
      }
      return
    }
    for case .read(let session, let peer, let range) in check.reads { read(session, peer, range) }
  }

  private mutating func read(_ session: SessionNumber, _ peer: SiteID, _ range: ReadRange) {
    do throws(ReadFault) {
      let (pieces, total) = try served(peer, range)
      reply(.read(session, range, pieces: pieces, totalByteCount: total))
    } catch {
      if range.isAhead { return reply(.read(session, range, pieces: [], totalByteCount: 0)) }
      if case .unchecked(let digest) = error {
        return check(digest, before: .read(session, peer: peer, range))
      }
      reply(.unavailable(session, range.wanted, error.refusal))
      if let finding = error.finding { reply(.found([finding])) }
      if case .rotten(let digest) = error { suspect(digest) }
    }
  }

  private func served(
    _ peer: SiteID, _ range: ReadRange
  ) throws(ReadFault) -> (pieces: [[UInt8]], total: UInt64) {
    let wanted = range.wanted
    let entry: Entry?
    let isNamed: Bool
    do throws(StoreError) {
      (entry, isNamed) = try reader.inSnapshot { reader throws(StoreError) in
        guard try mayHave(wanted, peer, centre: centre, in: reader) else { return (nil, false) }
        guard case .entry(let digest) = wanted else { return (nil, true) }
        return (try reader.entry(digest: digest), true)
      }
    } catch {
      guard case .rotten(let digest) = error else { throw .busy }
      throw .rottenEntry(scrub.rottenEntry(digest))
    }
    guard isNamed else { throw .notEntitled }
    guard case .file(let digest) = wanted else {
      guard let bytes = entry?.wireBytes else { throw .notHere }
      let start = min(Int(clamping: range.offset), bytes.count)
      let end = min(start + range.pieceByteCount, bytes.count)
      return ([Array(bytes[start..<end])], UInt64(bytes.count))
    }
    do throws(FileStoreError) {
      let file = try store.open(digest)
      if store.isHashed(digest) {
        return (try pieces(of: file, range), UInt64(file.byteCount))
      }
    } catch {
      switch error {
      case .missing: throw lost(digest) ?? .notHere
      case .rotten, .notOurs: throw .rotten(digest)
      default: throw .busy
      }
    }
    throw .unchecked(digest)
  }

  private func pieces(
    of file: StoredFile, _ range: ReadRange
  ) throws(FileStoreError) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var offset = range.offset
    while pieces.count < range.pieceCount, offset < UInt64(file.byteCount) {
      let bytes = try file.read(at: Int64(offset), count: range.pieceByteCount)
      pieces.append(bytes)
      offset += UInt64(bytes.count)
    }
    return pieces
  }

  /// A file that the store of records believes to be here.
  private func lost(_ digest: Digest) -> ReadFault? {
    let state = try? reader.inSnapshot { reader throws(StoreError) in
      try reader.fileState(of: digest)
    }
    return state == .here ? .lostFile(digest) : nil
  }

  /// Reads the file again from disk; moved aside when it has changed.
  private mutating func suspect(_ digest: Digest) { scrub.suspect(digest) }
}

/// Why bytes are not given to a peer.
private enum ReadFault: Error {
  case notEntitled
  case notHere
  case busy
  /// Not hashed since it was found here.
  case unchecked(Digest)
  case lostFile(Digest)
  case rotten(Digest)
  case rottenEntry(FileFinding)

  var refusal: FileRefusal {
    switch self {
    case .notEntitled: .notEntitled
    case .notHere, .lostFile: .notHere
    case .busy, .unchecked: .busy
    case .rotten, .rottenEntry: .damaged
    }
  }

  var finding: FileFinding? {
    switch self {
    case .lostFile(let digest): .lostFile(digest)
    case .rottenEntry(let finding): finding
    case .notEntitled, .notHere, .busy, .unchecked, .rotten: nil
    }
  }
}
