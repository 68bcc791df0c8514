internal import Glibc

/// Owns one open descriptor and closes it exactly once: at the end of its life, or by ``close()``
/// where the answer of close(2) matters.
package struct FileDescriptor: ~Copyable, Sendable {
  /// The number, for system calls made while this value lives.
  package let number: CInt

  /// - Precondition: `number` is open and owned by nobody else.
  package init(adopting number: CInt) {
    precondition(number >= 0, "descriptor \(number)")
    self.number = number
  }

  deinit { _ = Glibc.close(number) }

  /// Closes now. The descriptor is gone even when this throws.
  package consuming func close() throws(TransportError) {
    let result = Glibc.close(number)
    let code = errno
    discard self
    // Linux releases the number before it reports EINTR, so a second close would hit a stranger.
    if result != 0, code != EINTR { throw TransportError(.close, errno: code) }
  }
}
