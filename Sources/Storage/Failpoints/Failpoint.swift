package import Replication

/// A moment between two steps whose order across threads matters. A test names it in `DONGBO_FP`
/// (``FailpointPlan``) and ends the process there; in a release build it is nothing.
package enum Failpoint: String, CaseIterable, Sendable {
  // MARK: Start

  /// The tables of a step of the schema are made in its open transaction, its version too.
  case migrating
  /// A step of the schema is durable; the next one, or whoever needs the store, has not begun.
  case migrated
  /// The witness is judged in the open transaction: the lock that it proves is not durable.
  case witnessJudged = "witness-judged"
  /// That lock is durable and the witness speaks of this store: the loss is proved by the lock
  /// alone. Nothing was written since this start, no genesis either.
  case witnessRenewed = "witness-renewed"

  // MARK: Witness

  /// A slot is about to be written; what it will say is durable in the store.
  case witnessWriting = "witness-writing"
  /// One slot says what the store holds now, the other what was said before this start.
  case witnessBetweenSlots = "witness-between-slots"

  // MARK: Writer

  /// The transaction of a group is open and empty.
  case groupBegun = "group-begun"
  /// All of a group is in its transaction, of the first one also the genesis of this start. Nothing
  /// of it is durable; nobody was told.
  case groupCommitting = "group-committing"
  /// A group is durable; nobody was told.
  case groupCommitted = "group-committed"
  /// The reactor knows that a group is durable; no reply, no ACK and no witness of it has left.
  case groupReported = "group-reported"
  /// The last peer has confirmed in the open transaction: the site is locked until it is durable.
  case unlocking
  /// Bodies are dropped in the open transaction.
  case compacting
  /// A checkpoint is due; no page of the WAL has been moved.
  case checkpointBeginning = "checkpoint-beginning"
  /// Pages of the WAL are in the database, synced; the WAL is still as it was.
  case checkpointEnded = "checkpoint-ended"

  // MARK: Files

  /// A file stands under its digest, durable; its row does not say so.
  case filePlaced = "file-placed"
}

#if DEBUG
  extension Failpoint {
    /// Reads `DONGBO_FP`, before any point is reached.
    /// - Throws: when it names no point or cannot be read: a slip of the pen must not let a test
    ///   pass that then ends nothing.
    package static func arm(_ text: String?) throws(FailpointFault) {
      guard let text else { return }
      FailpointPlan.arm(try FailpointPlan(text))
    }

    /// The process is at this point.
    package func reach() { _ = FailpointPlan.reach(self) }

    /// The process is at this point, where the environment may report `failure`.
    package func reach<Failure: Error>(
      failing failure: @autoclosure () -> Failure
    ) throws(Failure) {
      if FailpointPlan.reach(self) { throw failure() }
    }

    /// Whether a checkpoint follows each group: who waits for one need not fill the WAL first.
    static var wantsCheckpoints: Bool {
      FailpointPlan.isNamed(.checkpointBeginning) || FailpointPlan.isNamed(.checkpointEnded)
    }

    /// Whether its place in the code can say that the environment failed.
    var canFail: Bool {
      switch self {
      case .migrating, .witnessWriting, .groupCommitting, .checkpointBeginning, .filePlaced: true
      case .migrated, .witnessJudged, .witnessRenewed, .witnessBetweenSlots, .groupBegun,
        .groupCommitted, .groupReported, .unlocking, .compacting, .checkpointEnded:
        false
      }
    }
  }
#else
  // Nothing, and not `package`: what another module calls stays a call, however empty. Daemon has
  // the same for its own points.
  extension Failpoint {
    /// Nothing.
    package static func arm(_ text: String?) throws(FailpointFault) {}

    func reach() {}

    func reach<Failure: Error>(failing failure: @autoclosure () -> Failure) throws(Failure) {}

    static var wantsCheckpoints: Bool { false }
  }
#endif

/// Why `DONGBO_FP` cannot be followed.
package struct FailpointFault: Error, Hashable, Sendable, CustomStringConvertible {
  package let part: String
  package let reason: String
  package var description: String { "DONGBO_FP: '\(part)': \(reason)" }
}

extension StoreError {
  /// What a disk that fails makes SQLite say.
  package static var ioFailure: StoreError {
    .failed(operation: "failpoint", code: 5, message: "input/output error")
  }
}
