import COpenSSL

/// Owns one OpenSSL object for a scope and frees it once.
struct Owned: ~Copyable {
  let raw: OpaquePointer
  private let release: (OpaquePointer?) -> Void

  /// Takes what a C constructor or decoder returned.
  /// - Throws: `.library` with OpenSSL's own words when that was null.
  init(
    _ raw: OpaquePointer?, _ release: @escaping (OpaquePointer?) -> Void
  ) throws(CryptographyError) {
    guard let raw else { throw .library(drainErrors()) }
    self.raw = raw
    self.release = release
  }

  deinit { release(raw) }
}

/// What went wrong with a key, a certificate or the library, outside a TLS session.
package enum CryptographyError: Error, Hashable, CustomStringConvertible {
  /// The bytes hold no PEM block of the kind named.
  case unreadable(String)
  /// Only EC keys on the named curves P-256 and P-384 are taken.
  case unsupportedKey
  /// The certificate does not belong to the private key.
  case keyMismatch
  /// More blocks in one PEM file than `limit`.
  case tooManyCertificates(limit: Int)
  /// A bound of the caller's request, in words: a time out of range, an end before its start.
  case invalidRequest(String)
  /// OpenSSL refused; its own words.
  case library(String)

  package var description: String {
    switch self {
    case .unreadable(let kind): "no readable \(kind) in PEM form"
    case .unsupportedKey: "the key is not an EC key on the curve P-256 or P-384"
    case .keyMismatch: "the private key does not belong to the certificate"
    case .tooManyCertificates(let limit): "more than \(limit) blocks in one PEM file"
    case .invalidRequest(let reason): reason
    case .library(let text): "OpenSSL: \(text)"
    }
  }

  /// What an operator can do about it.
  package var hint: String {
    switch self {
    case .unreadable: "check that the file is the right one and starts with -----BEGIN"
    case .unsupportedKey: "make a new key: openssl genpkey -algorithm EC -pkeyopt group:P-256"
    case .keyMismatch: "install key and certificate of the same request together"
    case .tooManyCertificates: "keep only the certificates of this link in the file"
    case .invalidRequest: "correct the request"
    case .library: "check the installed libssl3 package and the file named with this error"
    }
  }
}

/// Most blocks that one PEM file may hold: chains, the link CA with its successor, CRLs.
let maximumPEMBlockCount = 8

/// Empties this thread's error queue.
/// - Returns: the words of the oldest error, which is the cause of those after it.
func drainErrors() -> String {
  let code = ERR_peek_error()
  defer { ERR_clear_error() }
  guard code != 0 else { return "no reason given" }
  return String(cString: ERR_reason_error_string(code) ?? ERR_lib_error_string(code))
}

/// Throws unless `status` is 1, OpenSSL's word for success.
func check(_ status: CInt) throws(CryptographyError) {
  guard status == 1 else { throw .library(drainErrors()) }
}

/// The DER bytes that a function of the `i2d` family writes; it allocates, this frees.
func derBytes(
  _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> CInt
) throws(CryptographyError) -> [UInt8] {
  var start: UnsafeMutablePointer<UInt8>?
  let count = encode(&start)
  guard count > 0, let start else { throw .library(drainErrors()) }
  defer { dongbo_free(start) }
  return Array(UnsafeBufferPointer(start: start, count: Int(count)))
}

/// Runs `body` on a read-only BIO over `bytes`, which are not copied.
func withMemoryBIO<Result>(
  over bytes: [UInt8], _ body: (OpaquePointer) throws(CryptographyError) -> Result
) throws(CryptographyError) -> Result {
  guard let count = CInt(exactly: bytes.count) else { throw .unreadable("block") }
  let outcome = bytes.withUnsafeBytes { buffer -> Swift.Result<Result, CryptographyError> in
    Swift.Result { () throws(CryptographyError) -> Result in
      let bio = try Owned(BIO_new_mem_buf(buffer.baseAddress, count)) { BIO_free($0) }
      return try body(bio.raw)
    }
  }
  return try outcome.get()
}

/// The bytes that `write` puts into a memory BIO: PEM output.
func writtenBytes(
  _ write: (OpaquePointer) -> CInt
) throws(CryptographyError) -> [UInt8] {
  let bio = try Owned(BIO_new(BIO_s_mem())) { BIO_free($0) }
  try check(write(bio.raw))
  let count = BIO_ctrl_pending(bio.raw)
  return Array(unsafeUninitializedCapacity: count) { buffer, initialized in
    BIO_read_ex(bio.raw, buffer.baseAddress, count, &initialized)
  }
}
