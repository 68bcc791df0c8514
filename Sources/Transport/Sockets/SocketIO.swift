internal import Glibc

/// What one read or write on a non-blocking socket did.
package enum IOResult: Hashable, Sendable {
  /// So many bytes, at least one.
  case bytes(Int)
  case wouldBlock
  /// The other end is gone: end of stream, reset, or a broken pipe.
  case closed
}

extension Socket {
  /// Appends at most `limit` received bytes to `buffer`.
  package static func read(
    from descriptor: CInt, appendingTo buffer: inout [UInt8], limit: Int
  ) throws(TransportError) -> IOResult {
    precondition(limit > 0, "read limit \(limit)")
    var count = 0
    var code: CInt = 0
    // Into room that nobody fills first: that would cost more than the read.
    buffer.append(addingCapacity: limit) { target in
      target.withUnsafeMutableBufferPointer { room, filledCount in
        let free = room.baseAddress.map { $0 + filledCount }
        count = retryingInterrupts { recv(descriptor, free, limit, 0) }
        code = errno
        filledCount += max(count, 0)
      }
    }
    return try result(count, code, .read)
  }

  /// Waits until there is something to read, an end or an error included.
  /// - Returns: false when nothing has come `within` the time.
  static func isReadable(_ descriptor: CInt, within limit: Duration) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return retryingInterrupts { Int(poll(&waiting, 1, limit.pollMilliseconds)) } != 0
  }

  /// Writes as much of `bytes` as the kernel takes. Never raises SIGPIPE.
  /// - Precondition: `bytes` is not empty.
  package static func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: CInt
  ) throws(TransportError) -> IOResult {
    precondition(!bytes.isEmpty, "write of nothing")
    let count = bytes.withUnsafeBytes { bytes in
      retryingInterrupts {
        send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
      }
    }
    return try result(count, errno, .write)
  }

  private static func result(
    _ count: Int, _ code: CInt, _ operation: TransportError.Operation
  ) throws(TransportError) -> IOResult {
    if count > 0 { return .bytes(count) }
    if count == 0 { return .closed }
    switch code {
    case EAGAIN: return .wouldBlock
    case ECONNRESET, EPIPE: return .closed
    default: throw TransportError(operation, errno: code, subject: "peer")
    }
  }

  /// Signals are blocked in most threads; a few retries cover the rest and bound the loop.
  private static func retryingInterrupts(_ call: () -> Int) -> Int {
    for _ in 0..<interruptRetryLimit {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
    errno = EAGAIN
    return -1
  }

  private static var interruptRetryLimit: Int { 16 }
}
