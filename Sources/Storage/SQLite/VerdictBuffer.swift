import Replication

/// Verdicts that the open transaction has set and that no statement has written yet. The verifier
/// brings those of a thousand signatures at once. Who asks for one of these gets it from here.
///
/// Also how far the table reaches: nearly every signature that is asked for is younger than all
/// that have a verdict, since it is judged in the order of the log.
struct VerdictBuffer {
  /// Runs of which the last sequence is known; more start afresh.
  static let maximumRunCount = 1_024

  private struct Signature: Hashable {
    let run: Int64
    /// With its bit pattern, as the table has it.
    let sequence: Int64
  }

  /// In the order in which they were set: of two about one signature the later one stands.
  fileprivate private(set) var rows = RowBuffer(columnCount: 8)
  private var waiting: [Signature: SignatureVerdict] = [:]
  /// Of each run, the last sequence with a row in the table; below all without any.
  private var lastSequences: [Int64: Int64] = [:]

  var isEmpty: Bool { waiting.isEmpty }
  var isFull: Bool { rows.bytes.count >= RowBuffer.maximumByteCount }

  mutating func add(_ verdict: SignatureVerdict, run: Int64, sequence: Int64) {
    waiting[Signature(run: run, sequence: sequence)] = verdict
    rows.add(run)
    rows.add(sequence)
    rows.add(Int64(verdict.state.rawValue))
    rows.add(verdict.reason.bytes.array)
    rows.add(verdict.verifiedAt.microseconds)
    rows.add(verdict.registry.number)
    rows.add(verdict.registry.digest.raw)
    rows.add(verdict.details.canonicalBytes)
  }

  func verdict(run: Int64, sequence: Int64) -> SignatureVerdict? {
    waiting.isEmpty ? nil : waiting[Signature(run: run, sequence: sequence)]
  }

  /// The last sequence of the run with a row in the table; nil: not known here.
  func lastSequence(of run: Int64) -> Int64? { lastSequences[run] }

  mutating func keepLast(_ sequence: Int64, of run: Int64) {
    if lastSequences.count >= Self.maximumRunCount { lastSequences = [:] }
    lastSequences[run] = sequence
  }

  /// What waited has been written.
  mutating func removeWritten() {
    for signature in waiting.keys {
      guard let last = lastSequences[signature.run] else { continue }
      lastSequences[signature.run] = max(last, signature.sequence)
    }
    removeWaiting()
  }

  /// The transaction was rolled back, or another snapshot begins.
  mutating func forget() {
    removeWaiting()
    lastSequences.removeAll(keepingCapacity: true)
  }

  private mutating func removeWaiting() {
    rows.removeAll()
    waiting.removeAll(keepingCapacity: true)
  }
}

extension SQLiteConnection {
  func write(_ buffer: VerdictBuffer) throws(StoreError) {
    try insert(
      buffer.rows,
      one: """
        INSERT OR REPLACE INTO verdict
          (run, sequence, state, reason, verified_at, registry_number, registry_digest, details)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      batch: """
        INSERT OR REPLACE INTO verdict
          (run, sequence, state, reason, verified_at, registry_number, registry_digest, details)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?)
        """)
  }
}
