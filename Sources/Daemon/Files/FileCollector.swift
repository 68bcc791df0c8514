import Operations
import Replication
import Storage
import Transport

/// Removes files that no living record names once their grace period is over, a page at a time.
///
/// A reader looks for candidates; the writer alone removes (`WriterJob.collectFiles`). Why nothing
/// is lost that is needed: a put asks inside the writer's transaction whether its files are here,
/// and the writer does one job after the other. Either the put came first, then the entry names the
/// file when the collector asks again; or the removal came first, then the put finds nothing and
/// shows the file as pending. And a file put here again, while the put that names it is still to
/// come, is younger than the grace period: `FileStore.remove` compares under the store's lock.
final class FileCollector {
  /// Between two pages, once the round after the start is over.
  static let interval = Duration.seconds(60)
  static let pageCount = 256

  /// What a reader found in one page.
  struct Page: Sendable {
    /// In the page; empty at the end of a round, or when the files could not be listed.
    var looked: [Digest] = []
    var unnamed: [StoredUpload] = []
    var candidates: [Digest] = []
    var fault: String?
  }

  private let daemon: DaemonContext
  private let store: FileStore
  private let readers: ReaderPool
  private let writer: Writer
  private let uploads: Uploads
  private let reply: @Sendable (Page) -> Void
  private var last: Digest?
  private var isLooking = false
  private var isFirstRound = true

  init(
    daemon: DaemonContext, store: FileStore, readers: ReaderPool, writer: Writer,
    uploads: Uploads, reply: @escaping @Sendable (Page) -> Void
  ) {
    self.daemon = daemon
    self.store = store
    self.readers = readers
    self.writer = writer
    self.uploads = uploads
    self.reply = reply
  }

  private func age(_ now: WallTime) -> FileAge {
    FileAge(now: now, grace: daemon.configuration.files.grace)
  }

  /// Looks at the next page.
  func step(now: WallTime) {
    guard !isLooking else { return }
    isLooking = true
    let (store, reply, after, age) = (store, reply, last, age(now))
    readers.postBounded(
      .background { reader in
        reply(Self.look(at: store, after: after, age, in: reader))
      })
  }

  private static func look(
    at store: FileStore, after last: Digest?, _ age: FileAge, in reader: SQLiteReader
  ) -> Page {
    var page = Page()
    do {
      for file in try store.files(after: last, limit: pageCount) {
        page.looked.append(file.digest)
        // A snapshot a file: each is a short read, and the writer asks again.
        let found = try reader.inSnapshot { reader throws(StoreError) in
          let isNamed = try reader.fileState(of: file.digest) != nil
          guard file.writtenAt < age.writtenBefore else {
            return (isNamed: isNamed, isCandidate: false)
          }
          let isLiving = try NamedFiles.isLiving(
            file.digest, withdrawnBefore: age.withdrawnBefore, in: reader)
          return (isNamed: isNamed, isCandidate: !isLiving)
        }
        if !found.isNamed {
          page.unnamed.append(StoredUpload(digest: file.digest, byteCount: file.byteCount))
        }
        if found.isCandidate { page.candidates.append(file.digest) }
      }
    } catch {
      page.fault = "\(error)"
    }
    return page
  }

  /// - Parameter isLocked: a site that lost rows does not know which files they named: nothing is
  ///   removed until its peers have given them back.
  func take(_ page: Page, isLocked: Bool, now: WallTime) {
    isLooking = false
    if let fault = page.fault {
      daemon.logger.log(.warning, "files.look-failed", ["error": .text(fault)])
    }
    for digest in page.looked { uploads.unnamed.remove(digest) }
    for file in page.unnamed {
      uploads.unnamed.insert(file.digest, byteCount: file.byteCount)
    }
    uploads.showUnnamed()
    if !isLocked, !page.candidates.isEmpty {
      writer.postBounded(.collectFiles(page.candidates, age(now)))
    }
    last = page.looked.last
    if last == nil { isFirstRound = false }
    // The first round learns how much lies unnamed: the quota waits for it.
    if isFirstRound { step(now: now) }
  }

  func collected(_ digests: [Digest], _ fault: FileStoreError?) {
    for digest in digests { uploads.unnamed.remove(digest) }
    uploads.showUnnamed()
    if let fault {
      daemon.logger.log(
        .warning, "files.collect-failed", ["error": .of(fault), "do": .text(fault.hint)])
    }
    guard !digests.isEmpty else { return }
    daemon.metrics.series(.collectedFiles).add(Double(digests.count))
    daemon.logger.log(.info, "files.collected", ["count": .of(digests.count)])
  }
}
