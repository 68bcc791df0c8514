import Cryptography
import Foundation
import Replication
import Testing

@testable import Console

/// The certificate commands of README.md, run word for word, must give what a link accepts.
@Suite struct WalkTests {
  private let directory: TemporaryDirectory
  private let blocks: [String: String]

  init() throws {
    directory = try TemporaryDirectory()
    let readme = String(
      decoding: try Files.read(repository + "/README.md", limit: 1 << 20), as: UTF8.self)
    var blocks: [String: String] = [:]
    for part in readme.components(separatedBy: "```sh ").dropFirst() {
      guard let end = part.firstIndex(of: "\n"), let fence = part.range(of: "```") else { continue }
      blocks[String(part[..<end])] = String(part[end..<fence.lowerBound])
    }
    self.blocks = blocks
  }

  /// Runs one block as `site` would, its own directory standing for /etc/dongbo.
  private func run(_ name: String, in folder: String, site: String) throws {
    let block = try #require(blocks[name], "README has no block '\(name)'")
    let commands = block.replacing("/usr/share/doc/dongbo", with: repository + "/Config")
      .replacing("/etc/dongbo", with: directory.path + "/" + site)
      .replacing("chown root:dongbo", with: "test -f")
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-eu", "-c", "mkdir -p \(directory.path)/\(site); cd \(folder); " + commands,
    ]
    shell.standardOutput = FileHandle.nullDevice
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    try #require(shell.terminationStatus == 0, "'\(name)' failed")
  }

  private func read(_ path: String) throws -> [UInt8] {
    try Files.read(directory.path + "/" + path, limit: 1 << 20)
  }

  private func context(_ site: String) throws -> TLSContext {
    try TLSContext(
      chainPEM: try read(site + "/link.crt"), key: SigningKey(pem: try read(site + "/link.key")),
      authorityPEM: try read(site + "/link-ca.crt"),
      revocationListPEM: try read(site + "/link-ca.crl"))
  }

  /// Shakes hands and returns both states.
  private func handshake() throws -> (client: TLSConnection.State, server: TLSConnection.State) {
    let client = try TLSConnection(context: context("lang-son"), role: .client)
    let server = try TLSConnection(context: context("trung-uong"), role: .server)
    for _ in 0..<4 {
      for (sender, receiver) in [(client, server), (server, client)] {
        receiver.receive(sender.takeCiphertext()[...])
      }
    }
    return (client.state, server.state)
  }

  @Test func itsCommandsMakeALinkAndRevokeIt() throws {
    let home = directory.path
    try run("authority", in: home, site: "authority")
    for site in ["trung-uong", "lang-son"] {
      try run("request \(site)", in: home + "/dongbo-ca", site: site)
      try run("issue \(site)", in: home + "/dongbo-ca", site: site)
      try run("install \(site)", in: home + "/dongbo-ca", site: site)
    }
    let up = try handshake()
    guard case .established(let centre) = up.client, case .established(let province) = up.server
    else {
      Issue.record("no session: \(up)")
      return
    }
    #expect(centre.site == SiteID("trung-uong"))
    #expect(province.site == SiteID("lang-son"))

    try run("revoke lang-son", in: home + "/dongbo-ca", site: "lang-son")
    try run("install trung-uong", in: home + "/dongbo-ca", site: "trung-uong")
    guard case .failed = try handshake().server else {
      Issue.record("a revoked certificate was accepted")
      return
    }
  }
}
