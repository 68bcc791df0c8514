import Operations
import Replication
import Storage
import Transport

/// What the threads and the operator tell the reactor.
extension DongboDaemon {
  func takeInbox() {
    for message in inbox.drain() {
      switch message {
      case .writer(.group(let replies, let news)): committed(replies, news)
      case .writer(.woke(let incarnation)): woke(incarnation)
      case .writer(.full(let jobs)): full(jobs)
      case .writer(.rotten(let digest, let jobs, let waiting)):
        rotten(digest, jobs, waiting: waiting)
      case .writer(.failed(let error)): fail(error)
      case .reader(.queried(let request, let result)):
        if case .failure(.rotten(let digest)) = result { files?.examine(digest) }
        admin?.queried(request, result)
      case .reader(let reply): links.take(reply)
      case .files(let reply): files?.take(reply)
      case .leads(let page): files?.fetcher.take(page)
      case .upload(let reply): uploads.take(reply)
      case .backup(let reply): backups?.take(reply, now: MonotonicClock.now())
      case .filesLooked(let page):
        let isLocked = links.news.state.lock != nil
        collector.take(page, isLocked: isLocked, now: WallClock.now())
      case .compactable(let page): compactor?.take(page)
      case .refreshed(let snapshot): status.refreshed(snapshot)
      case .witnessFailed(let error): fail(error)
      case .unreadable(let digest): files?.examine(digest)
      }
    }
  }

  /// Sessions begin anew, so that both ends compare what they know of each other's log (law 6).
  private func woke(_ incarnation: Incarnation) {
    context.incarnation = incarnation
    context.logger.log(
      .warning, "site.woke",
      [
        "incarnation": .of(incarnation),
        "reason": "the machine slept, was put back, or its clock was set",
      ])
    for driver in links.drivers.values.sorted(by: { $0.number < $1.number }) {
      driver.refuse(Refuse(.restarting, "this site woke and begins the session anew"))
    }
  }

  private func committed(_ replies: [WriterReply], _ news: CommitNews) {
    Failpoint.groupReported.reach()
    let grew = news.logEnd.lsn != links.news.logEnd.lsn
    note(news)
    links.committed(news)
    if news.registry != nil { files?.rightsChanged() }
    for reply in replies { answer(reply) }
    witness.keep(
      Witness(storeID: news.state.storeID, checkpoint: news.logEnd))
    if news.hasSigned || verifierWaits && grew {
      verifierWaits = false
      verifier.wake(news.signed)
    }
    if grew {
      admin?.wakeFeeds()
      status.changed()
    }
    if news.namesFiles { files?.fetcher.wake() }
  }

  private func answer(_ reply: WriterReply) {
    switch reply {
    case .submitted(let request, let result, let pendingFileCount):
      admin?.submitted(request, result, pendingFileCount: pendingFileCount)
    case .fileCame(let request, let file, let isNamed):
      admin?.fileCame(request, file, isNamed: isNamed)
      if isNamed { status.changed() }
    case .filesCollected(let digests, let fault): collector.collected(digests, fault)
    case .compacted(let tally): compactor?.compacted(tally)
    case .registryEdited(let request?, let result): admin?.registryEdited(request, result)
    case .registryEdited(nil, .success(let revision)):
      context.logger.log(.info, "registry.written", ["revision": .of(revision)])
    case .registryEdited(nil, .failure(let refusal)):
      context.logger.log(.error, "registry.refused", ["reason": .of("\(refusal)")])
    case .rejoined(let request, let unconfirmed): admin?.rejoined(request, unconfirmed)
    case .verdictsKept: verifier.answered(isKept: true)
    case .filesSet(let changes):
      files?.filesSet(changes)
      status.changed()
    case .repaired(let digest, let isDone):
      files?.repaired(digest, isDone)
      verifier.wake()
    case .retried(let request, let result): admin?.retried(request, result)
    case .linkOpened(let link, let opening): links.opened(link, opening)
    case .committed(let link, let ticket, let report): links.committed(link, ticket, report)
    }
  }

  private func note(_ news: CommitNews) {
    context.metrics.series(.commitDuration).observe(news.tally.commitSeconds)
    context.metrics.series(.groupEntries).observe(Double(news.tally.entryCount))
    for (code, count) in news.tally.refused { context.countRefusedEntry(code, by: count) }
    // Nothing of the entry itself: a person at the other end has to find it there.
    for site in news.tally.secretsFrom.sorted() {
      context.logger.log(
        .error, "entry.secret-refused",
        ["site": .of(site), "do": "at that site: dongbo explain DB-SECR-001"])
    }
    uploads.named(news.tally.namedFiles)
    for alarm in news.alarms {
      switch alarm {
      case .identityFork(let identity):
        context.logger.log(.error, "entry.identity-fork", ["entry": .of(identity)])
      case .rollbackSeen(let origin, let incarnation):
        context.logger.log(
          .warning, "site.rollback-seen",
          ["site": .of(origin), "incarnation": .of(incarnation)])
      }
    }
    let lock = news.state.lock
    if lock != links.news.state.lock {
      context.logger.log(
        lock == nil ? .notice : .error, lock == nil ? "site.unlocked" : "site.locked",
        ["reason": .text(lock?.description ?? "confirmed")])
    }
  }

  /// Nothing of the group was written. Applications are told; a link gets no ACK and tries again.
  private func full(_ jobs: [WriterJob]) {
    context.logger.log(.error, "disk.full", ["do": .text(StoreError.full.hint)])
    lookAtDisk()
    for job in jobs {
      switch job {
      case .submit(let request, _), .decide(let request, _), .rejoin(let request, _),
        .retry(let request, _, _), .fileCame(let request, _):
        admin?.fail(request, .storageFull)
      case .editRegistry(let request, _):
        if let request { admin?.fail(request, .storageFull) }
      case .keepVerdicts: verdictsNotKept()
      // Looked at again after the next start.
      case .collectFiles: break
      case .compact: compactor?.notWritten()
      case .setFiles, .repair: files?.notWritten(job)
      case .openLink(let link, _), .change(let link, _, _, _):
        links.drivers[link]?.refuse(Refuse(.overloaded, "storage is full"))
      }
    }
  }

  /// What a peer sent waits for the repair; an application is told to come again.
  private func rotten(_ digest: Digest, _ jobs: [WriterJob], waiting: SessionNumber?) {
    files?.examine(digest)
    if let waiting { links.writesStalled(waiting, at: digest) }
    for job in jobs {
      switch job {
      case .submit(let request, _), .decide(let request, _), .rejoin(let request, _),
        .retry(let request, _, _), .editRegistry(.some(let request), _),
        .fileCame(let request, _):
        admin?.fail(request, .store(.rotten(digest)))
      case .keepVerdicts: verdictsNotKept()
      case .editRegistry(nil, _), .collectFiles: break
      case .compact: compactor?.notWritten()
      case .setFiles, .repair: files?.notWritten(job)
      case .openLink(let link, _), .change(let link, _, _, _):
        links.drivers[link]?.refuse(Refuse(.overloaded, "an entry is being repaired"))
      }
    }
  }

  /// The verifier is told again with the next row.
  private func verdictsNotKept() {
    verifierWaits = true
    verifier.answered(isKept: false)
  }

  /// A failed commit is an unknown outcome: nothing is acknowledged, recovery decides.
  private func fail(_ error: StoreError) { fail("store.failed", "\(error)", hint: error.hint) }

  private func fail(_ error: WitnessError) { fail("witness.failed", "\(error)", hint: error.hint) }

  private func fail(_ event: StaticString, _ error: String, hint: String) {
    context.logger.log(.error, event, ["error": .of(error), "do": .text(hint)])
    failure = .environment(error, hint: hint)
    isDone = true
  }

  // MARK: Signals

  func takeSignals() {
    for signal in signals.take() {
      switch signal {
      case .terminate, .interrupt:
        if isStopping {
          isDone = true
        } else {
          stop()
        }
      case .hangUp: _ = reload()
      }
    }
  }

  /// Takes no more work, lets the writer finish what it has, says good-bye to peers.
  private func stop() {
    isStopping = true
    _ = notifier.send(.stopping)
    context.logger.log(.info, "site.stopping")
    monitoring?.close()
    adminServer?.close()
    links.stop()
    _ = loop.schedule(after: .milliseconds(200)) { [weak self] in self?.isDone = true }
  }

  /// In reverse of the start; the writer last, whose clean close leaves no log behind. Not after a
  /// failure: then nobody knows what the last transaction became, and recovery decides.
  func shutDown() {
    _ = notifier.send(.stopping)
    verifier.stop()
    fileWorker.stop()
    backups?.stop()
    if failure == nil { writer.stop() } else { writer.abandon() }
    takeLast()
    witness.stop()
    takeLast()
    readers.stop()
    if failure == nil { store.writer.close() }
    context.logger.flushRepeats(everything: true)
    context.logger.log(.info, "site.stopped")
  }

  /// What the writer and the witness said while they ended.
  private func takeLast() {
    for message in inbox.drain() {
      switch message {
      case .writer(.group(_, let news)):
        witness.keep(Witness(storeID: news.state.storeID, checkpoint: news.logEnd))
      case .writer(.failed(let error)): fail(error)
      case .witnessFailed(let error): fail(error)
      default: break
      }
    }
  }

  /// Parses everything, checks everything, swaps at once; on any fault the old set stays.
  /// - Returns: the faults; nil when it was taken.
  func reload() -> String? {
    _ = notifier.send(
      .reloading(monotonicMicroseconds: MonotonicClock.now().nanoseconds / 1_000))
    defer { _ = notifier.send(.ready) }
    do throws(StartError) {
      try takeConfiguration()
      status.reloadFault = nil
      context.metrics.series(.reloadTimestamp).set(Double(WallClock.now().microseconds) / 1e6)
      context.logger.log(.notice, "config.reloaded")
      return nil
    } catch {
      let text = error.text(in: context.configuration.site.language)
      status.reloadFault = text
      context.logger.log(.error, "config.reload-failed", ["faults": .text(text)])
      return text
    }
  }

  private func takeConfiguration() throws(StartError) {
    let fresh: LoadedConfiguration
    do throws(ConfigurationError) { fresh = try LoadedConfiguration.load(path) } catch {
      throw .configuration(error)
    }
    let difference = ReloadDifference(from: loaded.settings, to: fresh.settings)
    if !difference.restartKeys.isEmpty {
      context.logger.log(
        .warning, "config.needs-restart",
        ["keys": .text(difference.restartKeys.joined(separator: ", "))])
    }
    let files = try SiteFiles(fresh.configuration)
    loaded = fresh
    context.configuration = fresh.configuration
    context.logger.configure(
      format: fresh.configuration.log.format, level: fresh.configuration.log.level)
    links.tls = files.tls
    status.certificateNotAfter = files.notAfter
    verifier.use(files.recordTrust)
    compactor?.startAgain()
    admin?.forgetRights()
    links.reverify()
  }
}
