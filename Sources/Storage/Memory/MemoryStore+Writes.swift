package import Replication

extension MemoryStore: StoreTransaction {
  package mutating func setSiteState(_ state: SiteState) throws(StoreError) {
    precondition(
      state.storeID == self.state.storeID && state.site == self.state.site,
      "state of \(state.site) set in the store of \(self.state.site)")
    self.state = state
  }

  package mutating func append(_ row: LogRow, entry: Entry?) throws(StoreError) {
    precondition(row.lsn.value == UInt64(log.count) + 1, "row \(row.lsn) after \(log.count)")
    precondition(
      lastRows[row.incarnation] == log.last?.lsn || lastRows[row.incarnation] == nil,
      "\(row.incarnation) writes again after another")
    if let entry {
      precondition(
        held[row.entry] == nil && entry.identity == row.entry && entry.digest == row.digest,
        "row \(row.lsn) brings \(entry.identity) again or names another")
      held[row.entry] = Held(entry: entry, firstRow: row.lsn, recipients: row.recipients)
      identities[entry.digest] = row.entry
      if let record = entry.header.record {
        entriesOfRecord[record, default: []].append(row.entry)
      }
    } else {
      precondition(held[row.entry] != nil, "row \(row.lsn) of \(row.entry), which is not here")
      held[row.entry]?.recipients.formUnion(row.recipients)
    }
    log.append(row)
    lastRows[row.incarnation] = row.lsn
  }

  package mutating func setSummary(
    _ summary: RecordSummary, of record: RecordKey
  ) throws(StoreError) {
    summaries[record] = summary
  }

  package mutating func claim(_ key: UniqueKey, by record: RecordKey) throws(StoreError) {
    claims[key, default: []].insert(record)
  }

  package mutating func refer(_ entry: EntryIdentity, to key: UniqueKey) throws(StoreError) {
    references[key, default: []].insert(entry)
  }

  package mutating func setRegistry(
    _ revision: RegistryRevision, body: [UInt8]
  ) throws(StoreError) {
    registries[revision] = Registry(
      body: body, snapshot: try decodeRegistry(revision: revision, body: body))
  }

  package mutating func setWaiting(_ entry: WaitingEntry) throws(StoreError) {
    let identity = entry.entry.identity
    guard arrivals[identity] == nil else {
      arrivals[identity]?.waiting = entry
      return
    }
    arrivalCount += 1
    arrivals[identity] = Arrival(number: arrivalCount, waiting: entry)
  }

  package mutating func removeWaiting(_ identity: EntryIdentity) throws(StoreError) {
    arrivals[identity] = nil
  }

  package mutating func owe(_ event: OwedEvent) throws(StoreError) {
    let key = OwedKey(record: event.record, event: event.event)
    owedEvents[key] = owedEvents[key] ?? event
  }

  package mutating func settle(_ event: OwedEvent) throws(StoreError) {
    owedEvents[OwedKey(record: event.record, event: event.event)] = nil
  }

  package mutating func setVerdict(
    _ verdict: SignatureVerdict, of signature: EntryIdentity
  ) throws(StoreError) { verdicts[signature] = verdict }

  package mutating func name(_ file: FileReference) throws(StoreError) {
    files[file.digest] = files[file.digest] ?? (file.size, .pending)
  }

  package mutating func setFileState(
    _ state: FileState, of digest: Digest
  ) throws(StoreError) { files[digest]?.state = state }

  package mutating func forgetFile(_ digest: Digest) throws(StoreError) { files[digest] = nil }

  package mutating func noteSigned(at lsn: LSN) throws(StoreError) { signed.insert(lsn) }

  package mutating func setCursor(_ consumer: LogConsumer, to lsn: LSN) throws(StoreError) {
    cursors[consumer] = lsn
  }

  package mutating func setPeer(_ state: PeerState, of site: SiteID) throws(StoreError) {
    peerStates[site] = state
  }

  package mutating func addOutcome(
    _ outcome: Outcome, for peer: SiteID
  ) throws(StoreError) -> UInt64 {
    outcomeLists[peer, default: []].append(outcome)
    return UInt64(outcomeLists[peer]?.count ?? 0)
  }

  package mutating func setRemoteOutcome(_ outcome: Outcome) throws(StoreError) {
    remote[outcome.entry, default: [:]][outcome.site] = outcome
  }

  package mutating func dropBody(of identity: EntryIdentity) throws(StoreError) {
    guard let stub = held[identity]?.entry.stub else { return }
    held[identity]?.entry = stub
  }

  /// Nothing but ``rot(_:)`` spoils memory, and it spoils no bytes.
  package mutating func repair(_ entry: Entry) throws(StoreError) -> Bool {
    guard identities[entry.digest] == entry.identity else { return false }
    rotten.remove(entry.digest)
    if held[entry.identity]?.entry.body == nil, entry.body != nil {
      held[entry.identity]?.entry = entry
    }
    return true
  }

  package mutating func keepFork(_ entry: Entry, via: SiteID?) throws(StoreError) {
    let known = forked[entry.identity] ?? []
    guard !known.contains(where: { $0.entry.digest == entry.digest }) else { return }
    forked[entry.identity] = known + [Fork(entry: entry, via: via)]
  }
}

extension Recipients {
  mutating func formUnion(_ other: Recipients) { self = union(other) }
}
