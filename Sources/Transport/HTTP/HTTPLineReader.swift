/// Bytes received and not yet consumed, read line by line. Lines end in CR LF and nothing else.
///
/// It looks at each byte once and judges at the earliest byte that allows it, so the outcome does
/// not depend on how the bytes were cut into pieces on their way.
struct HTTPLineReader: Hashable, Sendable {
  private var bytes: [UInt8] = []
  private var head = 0
  /// Bytes before this index hold no line end.
  private var scanned = 0

  /// Number of bytes not consumed.
  var count: Int { bytes.count - head }

  mutating func append(_ more: some Collection<UInt8>) {
    // Consumed bytes leave in bulk, once they are the greater part.
    if head > bytes.count / 2 { compact() }
    bytes.append(contentsOf: more)
  }

  /// The next line without its end, or nil when it is not complete.
  /// - Throws: a bare CR or LF, or `tooLong` when the line is longer than `limit`.
  mutating func nextLine(
    limit: Int, tooLong: HTTPParseError.Reason
  ) throws(HTTPParseError) -> ArraySlice<UInt8>? {
    while scanned < bytes.count {
      let byte = bytes[scanned]
      if byte == 0x0a {
        guard scanned > head, bytes[scanned - 1] == 0x0d else {
          throw HTTPParseError(.bareLineFeed)
        }
        let line = bytes[head..<scanned - 1]
        scanned += 1
        head = scanned
        return line
      }
      if scanned > head, bytes[scanned - 1] == 0x0d { throw HTTPParseError(.bareCarriageReturn) }
      // A CR just beyond the limit may still end the line.
      if byte != 0x0d, scanned - head >= limit { throw HTTPParseError(tooLong) }
      scanned += 1
    }
    return nil
  }

  /// Up to `limit` of the bytes at hand.
  mutating func take(limit: Int) -> ArraySlice<UInt8> {
    let end = head + min(limit, count)
    defer {
      head = end
      scanned = end
    }
    return bytes[head..<end]
  }

  private mutating func compact() {
    bytes.removeSubrange(..<head)
    scanned -= head
    head = 0
  }
}
