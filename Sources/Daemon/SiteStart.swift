import Cryptography
import Operations
import Replication
import Storage
import Transport

/// Judges the store against its witness before anything is written, and reads what the reactor
/// starts from. Uses the writer's connection before the writer's thread has it.
struct SiteStart {
  let store: OpenedStore
  let context: DaemonContext
  let files: SiteFiles
  let fileStore: FileStore

  struct Result {
    let writerContext: WriterContext
    let registry: RegistrySnapshot
    let news: CommitNews
    /// How far the log's signatures were looked at.
    let verifiedUpTo: LSN
  }

  func run() throws -> Result {
    let configuration = context.configuration
    let reading = try WitnessFile.read(configuration.site.witnessFile, hashing: OpenSSLHash())
    let finding: WitnessFinding
    switch reading {
    case .missing, .damaged: finding = .absent
    case .found(let witness): finding = .found(storeID: witness.storeID, witness.checkpoint)
    }
    var writer = store.writer
    try writer.begin()
    var reconciler = Reconciler(
      site: context.site, centre: context.centre, configuredPins: context.configuredPins,
      log: SiteLog(
        state: try writer.siteState(), unopened: context.incarnation, hashing: OpenSSLHash(),
        now: WallClock.now()),
      hashing: OpenSSLHash(), signatures: ECDSAChecker())
    try reconciler.judgeWitness(finding, sealing: context.sealing, in: &writer)
    // Writes nothing of its own: this start's genesis, and what is owed, are the writer's.
    try reconciler.log.finish(in: &writer)
    Failpoint.witnessJudged.reach()
    try writer.commit()
    let state = reconciler.log.state
    if let lock = state.lock {
      context.logger.log(.error, "site.locked", ["reason": .of(lock)])
    }
    let registry = try writer.registry(state.registry) ?? .builtIn
    try testify(state)
    Failpoint.witnessRenewed.reach()
    let attempts = try AttemptNote(store.directory)
    attempts.watchCrashes()
    let sealed = Checkpoint(
      of: context.site, incarnation: state.end.incarnation, lsn: state.end.lsn,
      head: state.end.head, sealing: context.sealing)
    let news = CommitNews(
      logEnd: sealed, state: state, outcomesEnd: [:], alarms: [], tally: GroupTally(),
      namesFiles: false, registry: nil)
    return Result(
      writerContext: WriterContext(
        site: context.site, centre: context.centre, configuredPins: context.configuredPins,
        sealing: context.sealing, signingKey: files.key, hashing: OpenSSLHash(),
        attempts: attempts, files: fileStore,
        incarnation: context.incarnation,
        groupEntryCount: configuration.limits.groupEntryCount,
        groupByteCount: configuration.limits.groupByteCount,
        disk: context.disk),
      registry: registry, news: news, verifiedUpTo: try writer.cursor(of: .verifier))
  }
}

extension SiteStart {
  /// The witness speaks of this store from before its first new row: a kill in the first moments is
  /// no loss. Both slots, so that nothing of an earlier branch is left to come back.
  private func testify(_ state: SiteState) throws {
    var file = try WitnessFile(
      opening: context.configuration.site.witnessFile, hashing: OpenSSLHash())
    let sealed = Checkpoint(
      of: context.site, incarnation: state.end.incarnation, lsn: state.end.lsn,
      head: state.end.head, sealing: context.sealing)
    try file.rejoin(Witness(storeID: state.storeID, checkpoint: sealed))
  }
}

extension SiteFiles {
  var notAfter: WallTime {
    WallTime(microseconds: UInt64(max(certificate.validity.notAfter, 0)) * 1_000_000)
  }
}

extension Bytes16 {
  /// From the machine's generator: incarnations, nonces, store ids.
  static func random() -> Bytes16 {
    var generator = SystemRandomNumberGenerator()
    return Bytes16(high: generator.next(), low: generator.next())
  }
}

extension DaemonContext {
  convenience init(
    _ configuration: SiteConfiguration, _ files: SiteFiles
  ) throws(StartError) {
    let pin = files.certificate.pin
    let isCentre = configuration.site.tier == .centre
    let sealing: CheckpointKey
    do throws(CryptographyError) {
      sealing = try CheckpointKey(derivingFrom: files.key).accepting(former: files.formerKeys)
    } catch {
      throw .cryptography(error)
    }
    self.init(
      configuration: configuration, incarnation: Incarnation(.random()), nonce: .random(),
      sealing: sealing,
      configuredPins: isCentre ? [pin] : [configuration.link.centrePin?.digest].compactMap { $0 },
      logger: .standardError(
        format: configuration.log.format, level: configuration.log.level),
      metrics: MetricRegistry(), started: WallClock.now())
    metrics.series(
      .buildInfo, [DongboVersion.text, "none", "6.3", configuration.site.tier.rawValue]
    ).set(1)
    if isCentre { seed = try Self.readSeed(configuration, pin: pin) }
  }

  /// Content of registry revision 1: the seed file's sites, or the centre alone.
  private static func readSeed(
    _ configuration: SiteConfiguration, pin: Digest
  ) throws(StartError) -> JSONObject {
    let own = RegistrySnapshot.Site(
      id: configuration.site.id, tier: .centre, generation: 1, pins: [pin])
    guard let path = configuration.site.registrySeed else {
      return RegistrySnapshot.adding(own, to: JSONObject(), number: 1)
    }
    let bytes = try SiteFiles.read(path)
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(bytes) } catch {
      throw .seedMalformed(path, reason: "\(error)")
    }
    guard let object = value.object, object["sites"]?.array != nil else {
      throw .seedMalformed(path, reason: "an object with sites is needed")
    }
    // A seed that lists the centre itself says more of it than the key does.
    let names = (object["sites"]?.array ?? []).map { $0.object?["siteId"]?.text?.string }
    guard names.contains(configuration.site.id.description) else {
      return RegistrySnapshot.adding(own, to: object, number: 1)
    }
    var seed = object
    seed["number"] = .integer(1)
    return seed
  }
}
