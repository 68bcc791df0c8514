import Cryptography
package import Operations
package import Replication
package import Storage
import Transport

#if canImport(Glibc)
  import Glibc
#endif

/// Why the daemon did not start, or ended. Each says what to do.
package enum StartError: Error {
  case configuration(ConfigurationError)
  case unreadable(String, errno: Int32)
  case certificateOfAnotherSite(found: String, configured: SiteID)
  case seedMalformed(String, reason: String)
  /// Key, certificate, store or socket; with its hint.
  case environment(String, hint: String)
  /// The store is another site's, a newer program's or no store: starting again cannot help.
  case wrongStore(StoreOpenError)
  /// Of tests, in a debug build.
  case failpoint(FailpointFault)

  static func cryptography(_ error: CryptographyError) -> StartError {
    .environment("\(error)", hint: error.hint)
  }

  static func store(_ error: StoreOpenError) -> StartError {
    switch error {
    case .ofAnotherSite, .newerSchema, .notAStore: .wrongStore(error)
    case .inUse, .directory, .store: .environment("\(error)", hint: error.hint)
    }
  }

  static func transport(_ error: TransportError) -> StartError {
    .environment("\(error)", hint: error.hint)
  }

  /// For what the parts of a start throw.
  static func wrapping(_ error: any Error) -> StartError {
    switch error {
    case let error as StartError: error
    case let error as StoreOpenError: .store(error)
    case let error as TransportError: .transport(error)
    case let error as FileStoreError: .environment("\(error)", hint: error.hint)
    case let error as StoreError: .environment("\(error)", hint: error.hint)
    case let error as WitnessError: .environment("witness file", hint: error.hint)
    default: .environment("\(error)", hint: "see the log")
    }
  }

  /// The process's exit code (sysexits.h): 78 keeps systemd from starting it again.
  package var exitCode: Int32 {
    switch self {
    case .configuration, .certificateOfAnotherSite, .seedMalformed, .wrongStore, .failpoint: 78
    case .unreadable: 66
    case .environment: 71
    }
  }

  /// For standard error.
  package func text(in language: Language) -> String {
    switch self {
    case .configuration(let error): error.text(in: language)
    case .unreadable(let path, let errno):
      "\(path): \(String(cString: strerror(errno))); check the path and its owner"
    case .certificateOfAnotherSite(let found, let configured):
      "the certificate is of \(found), the configuration of \(configured); correct CertificateFile="
    case .seedMalformed(let path, let reason): "\(path): \(reason); correct RegistrySeed="
    case .environment(let what, let hint): "\(what); \(hint)"
    case .wrongStore(let error): error.hint
    case .failpoint(let fault): "\(fault)"
    }
  }
}
