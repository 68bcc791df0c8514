/// Why a session is refused or ended: travels in REFUSE and is what the operator reads. Raw values
/// are on the wire: never renumber. A code of a later version decodes as `unknown`.
package enum RefusalCode: Hashable, Sendable, CustomStringConvertible {
  case unknownSite
  case wrongIdentity
  case wrongPin
  case unsupportedVersion
  case twoHolders
  case logForked
  case badTag
  case overloaded
  case shuttingDown
  case protocolViolation
  case wrongTier
  case restarting
  case aboveCeiling
  case unknown(UInt16)

  private static let known: [RefusalCode] = [
    .unknownSite, .wrongIdentity, .wrongPin, .unsupportedVersion, .twoHolders, .logForked, .badTag,
    .overloaded, .shuttingDown, .protocolViolation, .wrongTier, .restarting,
    .aboveCeiling,
  ]

  package init(code: UInt16) {
    self = Self.known.first { $0.code == code } ?? .unknown(code)
  }

  package var code: UInt16 {
    switch self {
    case .unknownSite: 1
    case .wrongIdentity: 2
    case .wrongPin: 3
    case .unsupportedVersion: 4
    case .twoHolders: 5
    case .logForked: 6
    case .badTag: 7
    case .overloaded: 8
    case .shuttingDown: 9
    case .protocolViolation: 10
    case .wrongTier: 11
    case .restarting: 12
    case .aboveCeiling: 13
    case .unknown(let code): code
    }
  }

  package var description: String {
    switch self {
    case .unknownSite: "unknown-site"
    case .wrongIdentity: "wrong-identity"
    case .wrongPin: "wrong-pin"
    case .unsupportedVersion: "unsupported-version"
    case .twoHolders: "two-holders"
    case .logForked: "log-forked"
    case .badTag: "bad-tag"
    case .overloaded: "overloaded"
    case .shuttingDown: "shutting-down"
    case .protocolViolation: "protocol-violation"
    case .wrongTier: "wrong-tier"
    case .restarting: "restarting"
    case .aboveCeiling: "above-ceiling"
    case .unknown(let code): "refusal-\(code)"
    }
  }
}
