import COpenSSL

/// What a session and the network exchange, as arrays that are handed on whole: OpenSSL's memory
/// BIO would copy every byte once more in each direction, into room that it clears before.
///
/// One session's, and on its thread: OpenSSL calls back only inside the session's own calls.
final class CiphertextBuffers {
  /// From the network; OpenSSL has read what comes before ``position``.
  private var arrived: ArraySlice<UInt8> = []
  private var position = 0
  /// Nothing more comes from the network.
  var isEnded = false
  /// For the network.
  private var departing: [UInt8] = []

  /// A BIO over these buffers, which must outlive it; nil when memory is out.
  func makeBIO() -> OpaquePointer? {
    guard let method = Self.method, let bio = BIO_new(method) else { return nil }
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    return bio
  }

  /// From the network, and not read by OpenSSL yet.
  var arrivedByteCount: Int { arrived.endIndex - position }

  var departingByteCount: Int { departing.count }

  func arrive(_ bytes: ArraySlice<UInt8>) {
    // What is read already is not carried along.
    arrived = arrivedByteCount == 0 ? bytes : arrived[position...] + bytes
    position = arrived.startIndex
  }

  /// Room for what is about to depart, found once and not record by record.
  func expectDeparture(byteCount: Int) {
    let needed = departing.count + byteCount
    guard needed > departing.capacity else { return }
    departing.reserveCapacity(max(needed, 2 * departing.count))
  }

  func takeDeparting() -> [UInt8] {
    defer { departing = [] }
    return departing
  }

  // MARK: What OpenSSL calls

  /// `nonisolated(unsafe)`: Swift cannot know that the pointer may be shared. The table behind it
  /// is filled once, before anyone has it; OpenSSL only reads it; it is never freed.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = BIO_meth_new(type, "ciphertext"),
      BIO_meth_set_read_ex(
        method,
        { bio, target, capacity, count in
          CiphertextBuffers.of(bio)._withUnsafeGuaranteedRef {
            $0.read(bio, target, capacity, count)
          }
        }) == 1,
      BIO_meth_set_write_ex(
        method,
        { bio, source, byteCount, count in
          CiphertextBuffers.of(bio)._withUnsafeGuaranteedRef { $0.write(source, byteCount, count) }
        }) == 1,
      BIO_meth_set_ctrl(
        method,
        { bio, command, _, _ in
          CiphertextBuffers.of(bio)._withUnsafeGuaranteedRef { $0.control(command) }
        }) == 1
    else { return nil }
    return method
  }()

  private static func of(_ bio: OpaquePointer?) -> Unmanaged<CiphertextBuffers> {
    guard let data = BIO_get_data(bio) else { preconditionFailure("a BIO without buffers") }
    return Unmanaged.fromOpaque(data)
  }

  private func read(
    _ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int,
    _ count: UnsafeMutablePointer<Int>?
  ) -> CInt {
    BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    let byteCount = min(capacity, arrivedByteCount)
    guard byteCount > 0 else {
      if isEnded { return 0 }
      BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      return -1
    }
    let start = position - arrived.startIndex
    arrived.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(start: target, count: byteCount).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount]))
    }
    count?.pointee = byteCount
    position += byteCount
    // What is read keeps no memory on an idle link.
    if arrivedByteCount == 0 { arrive([]) }
    return 1
  }

  private func write(
    _ source: UnsafePointer<CChar>?, _ byteCount: Int, _ count: UnsafeMutablePointer<Int>?
  ) -> CInt {
    source?.withMemoryRebound(to: UInt8.self, capacity: byteCount) {
      departing.append(contentsOf: UnsafeBufferPointer(start: $0, count: byteCount))
    }
    count?.pointee = byteCount
    return 1
  }

  private func control(_ command: CInt) -> Int {
    switch command {
    case BIO_CTRL_FLUSH: 1
    case BIO_CTRL_EOF: isEnded && arrivedByteCount == 0 ? 1 : 0
    default: 0
    }
  }
}
