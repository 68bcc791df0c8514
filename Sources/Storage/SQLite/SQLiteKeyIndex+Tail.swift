import Replication

/// The one row beside the segments (``KeyTail``).
extension SQLiteKeyIndex {
  /// Of all kinds that there is anything of.
  func counts() throws(StoreError) -> [RecordKind: KindTally] {
    try refresh()
    return tail.counts
  }

  /// Greater than those of all former transactions.
  func nextNumber() throws(StoreError) -> UInt64 {
    try refresh()
    return hasTail ? tail.number + 1 : UInt64(bitPattern: nextID)
  }

  /// A reader finds the same row in most of its snapshots, and decodes it once.
  func readTail() throws(StoreError) {
    let known = tail.number
    let changed = try withTail { bytes throws(StoreError) in
      known > 0 && KeyTail.number(in: bytes) == known ? nil : try KeyTail.decode(bytes)
    }
    guard let changed else { return }
    pending.removeAll()
    for item in changed.items { pending.add(item) }
    tailItemCount = changed.items.count
    tail = changed.tail
  }

  /// Reads the tail as it is stored, and its check.
  /// - Returns: its bytes.
  func checkTail() throws(StoreError) -> Int {
    try withTail { bytes throws(StoreError) in
      _ = try KeyTail.decode(bytes)
      return bytes.count
    }
  }

  private func withTail<Value>(
    _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let value = try connection.first("SELECT tail FROM key_tail") { row throws(StoreError) in
      try row.withBytes(0, body)
    }
    guard let value else { throw .corrupt("the tail of the key index is missing") }
    return value
  }

  /// What an open transaction added to it is no more.
  func forgetTail() {
    tail.number = 0
    pending.removeAll()
    tailItemCount = 0
  }

  /// Writes the tail with these items.
  func writeTail(_ items: [IndexItem]) throws(StoreError) {
    try connection.run("UPDATE key_tail SET tail = ?", [.blob(tail.encoded(with: items))])
  }
}
