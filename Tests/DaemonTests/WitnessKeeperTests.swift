import Cryptography
import Glibc
import Replication
import Storage
import Testing

@testable import Daemon

/// The thread that keeps the witness: woken once for many commits.
@Suite struct WitnessKeeperTests {
  /// Kills: a witness that is put beside one that waits and lost; one that wakes nobody.
  @Test func theLastOneIsWritten() throws {
    let path = "/tmp/dongbo-witness-keeper-\(getpid())"
    defer { unlink(path) }
    let storeID = Bytes16(high: 1, low: 2)
    func witness(_ lsn: UInt64) -> Witness {
      Witness(
        storeID: storeID,
        checkpoint: Checkpoint(
          incarnation: Incarnation(Bytes16(high: 3, low: 4)), lsn: LSN(lsn), head: .zero,
          tag: Bytes16(high: 0, low: 0)))
    }
    let keeper = try WitnessKeeper(path: path) { Issue.record("\($0)") }
    for lsn in 1...100 as ClosedRange<UInt64> { keeper.keep(witness(lsn)) }
    keeper.stop()
    #expect(try WitnessFile.read(path, hashing: OpenSSLHash()) == .found(witness(100)))
  }
}
