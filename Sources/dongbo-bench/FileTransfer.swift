import Glibc
import Replication

/// One file on its way from the province to the centre, and what every fault costs it.
struct FileTransfer {
  let file: SeededFile
  private let sites: LivingLab
  /// Where the present stretch began in the file, and what the sender's counter said then.
  private var stretchStart = 0
  private var counterAtStart = 0
  /// What the sender's counter said before the file: other files count to it too.
  private var counterBefore = 0
  /// Sent by processes of the sender that are gone.
  private var earlierByteCount = 0
  /// For each fault: bytes that had been sent and must be sent again.
  private(set) var resentByteCounts: [Int] = []

  /// Looks in a row that must agree before what is on its way counts as arrived.
  private static let settledLookCount = 5
  private static let settleMicroseconds: UInt32 = 10_000
  /// Between two looks, before a fault: it must come in time.
  private static let pauseMicroseconds: UInt32 = 500
  /// ... and before the end of the file: a look costs the cores that are measured.
  private static let endPauseMicroseconds: UInt32 = 2_000
  /// So long without a byte, and the transfer stands still. A sender that was killed reads the
  /// whole file again before it serves it.
  private static let patienceMicroseconds: UInt32 = 120_000_000

  init(_ file: SeededFile, in sites: LivingLab) throws(BenchFailure) {
    self.file = file
    self.sites = sites
    counterBefore = try counter()
    counterAtStart = counterBefore
  }

  /// Bytes at the receiver, on its disk; all of them once it has compared the digest.
  var arrivedByteCount: Int {
    let (name, files) = ("\(file.digest)", sites.lab.centre.files)
    var status = stat()
    if stat("\(files)/part/\(name)", &status) == 0 { return Int(status.st_size) }
    return stat("\(files)/\(name.prefix(2))/\(name)", &status) == 0 ? file.byteCount : 0
  }

  /// Until `byteCount` bytes have arrived, and one since the last fault.
  func wait(for byteCount: Int) throws(BenchFailure) {
    let target = max(byteCount, stretchStart + 1)
    let pause = byteCount < file.byteCount ? Self.pauseMicroseconds : Self.endPauseMicroseconds
    var (last, idleCount) = (stretchStart, 0 as UInt32)
    while idleCount < Self.patienceMicroseconds / pause {
      let arrived = arrivedByteCount
      guard arrived < target else {
        if arrived == file.byteCount, target < file.byteCount {
          throw BenchFailure("the file was complete before the fault at \(byteCount) bytes")
        }
        return
      }
      idleCount = arrived == last ? idleCount + 1 : 0
      last = arrived
      // Another process writes the file: there is no event to wait for, and a watch of each write
      // would cost the transfer more than a look.
      usleep(pause)
    }
    throw BenchFailure("no byte of the file comes after \(last); see \(sites.lab.directory)")
  }

  /// - Returns: bytes that must be sent again.
  mutating func cut() throws(BenchFailure) -> Int {
    sites.cut()
    return try settle(sent: nil)
  }

  /// What a sender that is killed sent after the last look at its counter is not known: of that
  /// fault less may be counted than was sent again, never more.
  mutating func kill(_ end: LabEnd) throws(BenchFailure) -> Int {
    let sent = end == .province ? try counter() : nil
    sites.kill(end)
    return try settle(sent: sent)
  }

  /// All that was sent since the file began.
  func sentByteCount() throws(BenchFailure) -> Int {
    earlierByteCount + (try counter()) - counterBefore
  }

  /// Waits until nothing moves any more, and counts.
  /// - Parameter sent: by a sender that is gone, as far as it could be read.
  private mutating func settle(sent: Int?) throws(BenchFailure) -> Int {
    var (last, agreeing) = ([-1, -1], 0)
    while agreeing < Self.settledLookCount {
      usleep(Self.settleMicroseconds)
      let count = if let sent { sent } else { try counter() }
      let look = [count, arrivedByteCount]
      agreeing = look == last ? agreeing + 1 : 0
      last = look
    }
    let (counter, arrived) = (last[0], last[1])
    let resent = max(0, stretchStart + (counter - counterAtStart) - arrived)
    resentByteCounts.append(resent)
    stretchStart = arrived
    if let sent { earlierByteCount += sent }
    counterAtStart = sent == nil ? counter : 0
    return resent
  }

  private func counter() throws(BenchFailure) -> Int {
    Int(try sites.page(.province).sum("dongbo_file_bytes_total", with: "direction=\"sent\""))
  }
}
