import Replication

/// The workload as other databases take it: one change a line for `COPY ... FROM STDIN`, the same
/// bodies byte for byte. Columns: number from 1; i, u or d; kind; id; body.
///
/// They edit where we may not: an annotation is an update of its document, and a withdrawal is a
/// deletion (design.md section 6).
struct WorkloadRows {
  private var known: Set<RecordKey> = []
  private var number = 0

  static func write(changeCount: Int, seed: UInt64) {
    var workload = Workload(seed: seed)
    var rows = WorkloadRows()
    for _ in 0..<changeCount { Terminal.out(rows.line(workload.next())) }
  }

  mutating func line(_ change: WorkloadChange) -> String {
    number += 1
    let isFirst = known.insert(change.record).inserted
    let letter = change.operation == .withdraw ? "d" : isFirst ? "i" : "u"
    let body = letter == "d" ? "\\N" : Self.escaped(change.json)
    return "\(number)\t\(letter)\t\(change.record.kind)\t\(change.record.id)\t\(body)\n"
  }

  /// Canonical JSON has no tab and no line break of its own; a backslash is doubled.
  private static func escaped(_ json: [UInt8]) -> String {
    let backslash = UInt8(ascii: "\\")
    guard json.contains(backslash) else { return String(decoding: json, as: UTF8.self) }
    let bytes = json.flatMap { $0 == backslash ? [backslash, backslash] : [$0] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
