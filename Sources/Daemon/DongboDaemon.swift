import Cryptography
import Operations
import Replication
import Storage
import Transport

/// The site at run time: starts in order, runs the reactor on the calling thread, stops in reverse.
///
/// Threads: the reactor (sockets, TLS, sessions, HTTP), one that reads bodies and the writer behind
/// it, two readers, the verifier and its pool, the files, the witness, backups.
package final class DongboDaemon {
  /// How long a stop may take; systemd would kill soon after.
  static let stopLimit = Duration.seconds(8)
  static let reverifyInterval = Duration.seconds(60)
  /// Traffic keys of a link are used for no longer; records are counted beside.
  static let rekeyInterval = Duration.seconds(3_600)
  static let diskInterval = Duration.seconds(1)
  /// The verifier looks again by itself: a read may have failed, or a wake have come to nothing.
  static let verifierInterval = Duration.seconds(5)

  /// What the threads tell the reactor.
  enum Inbox: Sendable {
    case writer(WriterReport)
    case reader(ReadReply)
    case files(FileReply)
    case leads(LeadPage)
    case upload(UploadReply)
    case backup(BackupReply)
    case filesLooked(FileCollector.Page)
    case compactable(Compactor.Page)
    case refreshed(StatusCollector.Snapshot)
    case witnessFailed(WitnessError)
    /// The verifier met an entry whose bytes have changed.
    case unreadable(Digest)
  }

  let path: String
  var loaded: LoadedConfiguration
  let context: DaemonContext
  let loop: EventLoop
  let inbox: Mailbox<Inbox>
  let signals: SignalPipe
  let store: OpenedStore
  /// Files beside records, by digest.
  let fileStore: FileStore
  let uploads: Uploads
  let collector: FileCollector
  let writer: Writer
  let readers: ReaderPool
  let verifier: Verifier
  let fileWorker: FileWorker
  let witness: WitnessKeeper
  let links: LinkTable
  let status: StatusCollector
  let notifier = ServiceNotifier()
  var files: FileCare?
  var backups: Backups?
  var compactor: Compactor?
  var admin: AdminServer?
  var adminServer: HTTPServer?
  var monitoring: MonitoringServer?
  var pressure = DiskPressure()
  /// Verdicts could not be kept.
  var verifierWaits = false
  var isStopping = false
  var isDone = false
  var failure: StartError?

  /// - Parameter path: of the configuration file.
  package init(configurationPath path: String) throws(StartError) {
    self.path = path
    FreedMemory.keep()
    do throws(FailpointFault) { try Failpoint.arm(environmentValue("DONGBO_FP")) } catch {
      throw .failpoint(error)
    }
    do throws(ConfigurationError) { loaded = try LoadedConfiguration.load(path) } catch {
      throw .configuration(error)
    }
    let configuration = loaded.configuration
    let files = try SiteFiles(configuration)
    do {
      // Before any other thread: threads inherit the blocked signals.
      signals = try SignalPipe()
      loop = try EventLoop()
      inbox = try Mailbox<Inbox>(capacity: 65_536, consumer: .reactor)
      context = try DaemonContext(configuration, files)
      store = try OpenedStore.open(
        configuration.site.dataDirectory, site: configuration.site.id, hashing: OpenSSLHash(),
        makeStoreID: Bytes16.random)
      let reserve = Int64(clamping: configuration.limits.reserveByteCount)
      let directory = store.directory
      fileStore = try FileStore(directory: directory, hashing: OpenSSLHash()) {
        () throws(FileStoreError) in try directory.freeByteCount(beyond: reserve)
      }
      let start = try SiteStart(
        store: store, context: context, files: files, fileStore: fileStore
      ).run()
      let inbox = inbox
      writer = try Writer(
        store: store.writer, context: start.writerContext
      ) { report in inbox.postReply(.writer(report)) }
      readers = try ReaderPool(
        store: store, timeBox: configuration.limits.readerTime, site: context.site,
        sealing: context.sealing
      ) { reply in inbox.postReply(.reader(reply)) }
      uploads = Uploads(store: fileStore, readers: readers, metrics: context.metrics) { reply in
        inbox.postReply(.upload(reply))
      }
      collector = FileCollector(
        daemon: context, store: fileStore, readers: readers, writer: writer, uploads: uploads
      ) { page in inbox.postReply(.filesLooked(page)) }
      let writer = writer
      verifier = try Verifier(
        reader: try store.makeReader(timeBox: configuration.limits.readerTime),
        cursor: start.verifiedUpTo, trust: files.recordTrust,
        unreadable: { digest in inbox.postReply(.unreadable(digest)) }
      ) { batch in writer.postBounded(.keepVerdicts(batch)) }
      fileWorker = try FileWorker(
        store: fileStore, reader: try store.makeReader(timeBox: configuration.limits.readerTime),
        centre: context.centre
      ) { reply in inbox.postReply(.files(reply)) }
      witness = try WitnessKeeper(path: configuration.site.witnessFile) { error in
        inbox.postReply(.witnessFailed(error))
      }
      links = try LinkTable(
        daemon: context, loop: loop, writer: writer, readers: readers, tls: files.tls,
        registry: start.registry, news: start.news)
      status = StatusCollector(
        daemon: context, loop: loop, links: links, directory: store.directory, files: fileStore)
      status.certificateNotAfter = files.notAfter
    } catch {
      throw StartError.wrapping(error)
    }
  }

  /// Runs until a signal or a failure of the environment.
  package func run() throws(StartError) {
    do throws(TransportError) {
      try wire()
      context.logger.log(
        .info, "site.started",
        [
          "site": .of(context.site), "version": .text(DongboVersion.text),
          "incarnation": .of(context.incarnation), "end": .of(links.news.state.end.lsn),
          "locked": .flag(links.news.state.lock != nil),
        ])
      _ = notifier.send(.ready, .status(StatusScreen(status.report(), in: .en).verdictLine))
      try loop.run { isDone }
    } catch {
      failure = .transport(error)
    }
    shutDown()
    if let failure { throw failure }
  }

  // MARK: Wiring

  private func wire() throws(TransportError) {
    _ = try loop.register(inbox.descriptor, interest: .read) { [self] _ in takeInbox() }
    _ = try loop.register(signals.descriptor, interest: .read) { [self] _ in takeSignals() }
    let backups = try makeBackups()
    self.backups = backups
    let admin = AdminServer(
      daemon: context, loop: loop, writer: writer, readers: readers, links: links, status: status,
      files: fileStore, uploads: uploads, backups: backups,
      reload: { [unowned self] in reload() })
    self.admin = admin
    links.onProgress = { [unowned self] _ in
      self.admin?.progressed()
      status.changed()
    }
    status.startRefresh = { [readers, inbox] body in
      readers.postBounded(
        .background { reader in
          inbox.postReply(.refreshed(body(reader)))
        })
    }
    careForFiles()
    try listen(admin)
    bootstrapRegistry()
    verifier.wake()
    links.startDialling()
    every(Self.reverifyInterval) { [unowned self] in links.reverify() }
    every(Self.rekeyInterval) { [unowned self] in
      for driver in links.drivers.values { driver.rekey() }
    }
    collector.step(now: WallClock.now())
    compact()
    every(FileCollector.interval) { [unowned self] in collector.step(now: WallClock.now()) }
    every(UploadLimits.idleInterval) { [unowned self] in
      uploads.abandonIdle(now: MonotonicClock.now())
    }
    every(BackupLimits.interval) { [unowned self] in
      self.backups?.dropIdle(now: MonotonicClock.now())
    }
    every(Self.diskInterval) { [unowned self] in lookAtDisk() }
    every(Self.verifierInterval) { [unowned self] in verifier.wake() }
    if let interval = notifier.watchdogInterval {
      every(interval / 2) { [unowned self] in _ = notifier.send(.watchdog) }
    }
    status.refresh()
  }

  private func makeBackups() throws(TransportError) -> Backups {
    let worker = try BackupWorker(
      store: store, reserve: context.configuration.limits.reserveByteCount
    ) { [inbox] reply in inbox.postReply(.backup(reply)) }
    return Backups(worker: worker, logger: context.logger)
  }

  private func compact() {
    let compactor = Compactor(
      daemon: context, loop: loop, readers: readers, writer: writer
    ) { [inbox] page in inbox.postReply(.compactable(page)) }
    self.compactor = compactor
    compactor.start()
  }

  private func careForFiles() {
    let fetcher = FileFetcher(
      daemon: context, loop: loop, links: links, writer: writer, worker: fileWorker,
      store: fileStore
    ) { [readers, inbox] body in
      readers.postBounded(
        .background { reader in
          inbox.postReply(.leads(body(reader)))
        })
    }
    let files = FileCare(
      daemon: context, loop: loop, links: links, writer: writer, worker: fileWorker,
      store: fileStore, fetcher: fetcher)
    self.files = files
    links.files = files
    files.start()
  }

  private func listen(_ admin: AdminServer) throws(TransportError) {
    let configuration = context.configuration
    var limits = HTTPServer.Limits()
    limits.connectionCount = configuration.limits.maximumAdminConnectionCount
    adminServer = try HTTPServer(
      // Open to connect: who may do what is judged by the caller's credentials, group by group.
      adopting: try Socket.listen(onUnixPath: configuration.admin.socket, mode: 0o666), on: loop,
      hosts: .any, limits: limits
    ) { [unowned admin] request, peer, respond in admin.handle(request, peer, respond) }
    let addresses = try SocketAddress.resolve(configuration.monitoring.listen.description)
    if let address = addresses.first {
      monitoring = try MonitoringServer(
        on: address, loop: loop, allowedHosts: configuration.monitoring.allowedHosts,
        status: status, metrics: context.metrics,
        isReady: { [unowned self] in readinessFaults() })
    }
    try links.startListening()
  }

  private func every(_ interval: Duration, _ action: @escaping () -> Void) {
    _ = loop.schedule(after: interval) { [weak self] in
      guard let self, !isStopping else { return }
      action()
      every(interval, action)
    }
  }

  /// A centre without a registry writes revision 1: itself and what the seed lists.
  private func bootstrapRegistry() {
    guard context.site == context.centre, links.news.state.registry.number == 0,
      let seed = context.seed
    else { return }
    _ = writer.post(.editRegistry(nil, .bootstrap(seed: seed)))
  }

  private func readinessFaults() -> [String] {
    var faults: [String] = []
    if isStopping { faults.append("stopping") }
    if context.disk.isFull {
      faults.append("storage full: free or enlarge the disk of DataDirectory")
    }
    if let end = status.certificateNotAfter, end < WallClock.now() {
      faults.append("certificate expired: renew CertificateFile")
    }
    return faults
  }

  /// At a bounded interval, and when a write was refused.
  func lookAtDisk() {
    let disk = context.disk
    let isChanged = pressure.look(
      free: try? store.directory.freeByteCount(),
      reserve: context.configuration.limits.reserveByteCount, wasRefused: disk.takeRefusal())
    disk.set(isFull: pressure.isFull)
    guard isChanged else { return }
    context.logger.log(
      pressure.isFull ? .error : .notice, "disk.room", ["enough": .flag(!pressure.isFull)])
    links.storageFullChanged(pressure.isFull)
    status.changed()
  }
}
