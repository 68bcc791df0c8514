import Cryptography
import Glibc
import Operations
import Replication
import Testing

@testable import Console
@testable import Transport

@Suite struct LabTests {
  private let directory: TemporaryDirectory
  private let lab: String

  init() throws {
    directory = try TemporaryDirectory()
    lab = directory.path + "/lab"
  }

  private func load(_ site: String) throws -> SiteConfiguration {
    try LoadedConfiguration.load("\(lab)/\(site)/dongbo.conf").configuration
  }

  private func mode(_ path: String) throws -> mode_t {
    var status = stat()
    try #require(stat(path, &status) == 0, "\(path)")
    return status.st_mode & 0o777
  }

  private func read(_ path: String) throws -> [UInt8] { try Files.read(path, limit: 1 << 20) }

  @Test func everySiteGetsAConfigurationAndAnIdentityThatFit() throws {
    let outcome = dongbo("lab", "create", lab, "--provinces", "lang-son,nghe-an,x")
    #expect(outcome.exitCode == .done, "\(outcome.error)")
    let centre = try load("trung-uong")
    #expect(centre.site.tier == .centre)
    let centreKey = try CertificateInfo(pem: try read(centre.link.certificateFile)).pin
    var ports = Set(centre.link.listen.map(\.port) + [centre.monitoring.listen.port])
    for name in ["trung-uong", "lang-son", "nghe-an", "x"] {
      let site = try load(name)
      let certificate = try CertificateInfo(pem: try read(site.link.certificateFile))
      let key = try SigningKey(pem: try read(site.link.keyFile))
      #expect(certificate.site == site.site.id)
      #expect(certificate.pin == pin(ofPublicKeyInfo: key.publicKeyInfo))
      #expect(site.admin.socket == (try Files.absolute("\(lab)/\(name)")) + "/admin.sock")
      #expect(try mode(site.link.keyFile) == 0o600)
      #expect(try mode("\(lab)/\(name)") == 0o700)
      #expect(try mode(site.site.dataDirectory) == 0o700)
      if site.site.tier == .province {
        #expect(site.link.centrePin?.digest == centreKey)
        #expect(site.link.centreID == centre.site.id)
        #expect(site.link.centreAddresses == centre.link.listen)
        #expect(ports.insert(site.monitoring.listen.port).inserted)
      }
    }
    #expect(try mode(lab + "/authority/link-ca.key") == 0o600)
    #expect(outcome.lines.first == "dongbod --config \(lab)/trung-uong/dongbo.conf &")
  }

  @Test func theSeedListsEverySiteWithItsPinAndOrgan() throws {
    _ = dongbo("lab", "create", lab, "--provinces", "lang-son,moi")
    let file = try #require(try load("trung-uong").site.registrySeed)
    let seed = try #require(try JSONValue.parse(try read(file)).object)
    let sites = seed.objects("sites")
    #expect(sites.map { $0.shown("siteId") } == ["trung-uong", "lang-son", "moi"])
    #expect(sites.map { $0.shown("organIds") } == ["A99.00", "A99.P20", "A99.X02"])
    for site in sites {
      let own = try load(site.shown("siteId")).link.certificateFile
      #expect(site.shown("pins") == KeyPin(try CertificateInfo(pem: try read(own)).pin).description)
      #expect(site["ceiling"] == .string("none"))
    }
    #expect(seed.objects("organs").map { $0.shown("organId") } == ["A99.00", "A99.P20", "A99.X02"])
  }

  @Test func theSeedHasTheCodeListsOfTheFile() throws {
    let file = try directory.file("lists", #"{"accounts":[{"code":"611","name":"Chi phí"}]}"#)
    _ = dongbo("lab", "create", lab, "--provinces", "lang-son", "--code-lists", file)
    let seed = try JSONValue.parse(try read(lab + "/trung-uong/registry.json")).object
    #expect(seed?["codeLists"] == (try JSONValue.parse(try read(file))))
    for bad in ["", "[]", "{"] {
      let path = try directory.file("bad-\(bad.utf8.count)-\(bad.hasPrefix("["))", bad)
      let outcome = run([
        "lab", "create", lab + "2", "--provinces", "lang-son", "--code-lists", path,
      ])
      #expect(outcome.exitCode == .usage && access(lab + "2", F_OK) != 0)
    }
  }

  @Test func aLabIsNeverWrittenOver() throws {
    _ = dongbo("lab", "create", lab, "--provinces", "lang-son")
    let key = try read(lab + "/lang-son/link.key")
    let again = dongbo("lab", "create", lab, "--provinces", "lang-son")
    #expect(again.exitCode == .failed)
    #expect(again.error.contains(lab))
    #expect(try read(lab + "/lang-son/link.key") == key)
  }

  @Test(arguments: [
    ["--provinces", "Hà Nội"], ["--provinces", "a,b,a"], ["--provinces", "trung-uong"],
    ["--provinces", "a", "--relay", "b"], ["--provinces", ","], [],
  ])
  func badTopologiesAreRefusedBeforeAnythingIsWritten(arguments: [String]) throws {
    let outcome = run(["lab", "create", lab] + arguments)
    #expect(outcome.exitCode == .usage)
    #expect(access(lab, F_OK) != 0)
  }

  @Test func aPathTooLongForASocketIsRefused() throws {
    let long = lab + String(repeating: "x", count: 90)
    let outcome = dongbo("lab", "create", long, "--provinces", "a")
    #expect(outcome.exitCode == .usage)
    #expect(outcome.error.contains("107"))
  }

  @Test func aRelayStandsBetweenItsProvinceAndTheCentre() throws {
    let outcome = dongbo("lab", "create", lab, "--provinces", "a,b", "--relay", "b")
    let centre = try load("trung-uong").link.listen
    #expect(try load("a").link.centreAddresses == centre)
    #expect(try load("b").link.centreAddresses != centre)
    #expect(outcome.lines.contains("dongbo lab relay \(lab) b &"))
    #expect(dongbo("lab", "relay", lab, "a").exitCode == .failed)
  }

  @Test func certShowAndSiteAddAgreeOnThePin() throws {
    _ = dongbo("lab", "create", lab, "--provinces", "lang-son")
    let shown = dongbo("cert", "show", lab + "/lang-son/link.crt").lines
    #expect(shown.first == "site   lang-son")
    let site = try FakeSite { _ in json(#"{"revision":2}"#) }
    defer { site.stop() }
    let added = site.run(
      "site", "add", "lang-son", "--certificate", lab + "/lang-son/link.crt", "--organ", "A99.P20")
    #expect(added.exitCode == .done)
    let pin = shown[1].split(separator: " ").last ?? ""
    #expect(
      site.seen == [
        #"POST /api/v1/registry/sites {"generation":1,"organIds":["A99.P20"],"#
          + #""pins":["\#(pin)"],"siteId":"lang-son","tier":"province"}"#
      ])
    let other = site.run("site", "add", "nghe-an", "--certificate", lab + "/lang-son/link.crt")
    #expect(other.exitCode == .failed)
  }
}

@Suite struct RelayTests {
  /// Bytes both ways through the relay, then the end of the stream.
  @Test func carriesBothDirectionsAndTheEnd() throws {
    let loop = try EventLoop()
    let loopback = SocketAddress.ipv4(host: 0x7F00_0001, port: 0)
    let echo = try Listener(adopting: try Socket.listen(on: loopback), on: loop) {
      descriptor, peer in
      guard
        let connection = try? Connection(
          adopting: descriptor, from: peer, on: loop, outputLimit: 1 << 22)
      else { return }
      connection.onEvent = { [weak connection] event in
        switch event {
        case .received(let bytes): _ = connection?.send(bytes)
        case .closed(.byPeer), .connected, .drained, .closed: break
        }
      }
    }
    let relay = try Relay(from: loopback, to: echo.address, on: loop)
    let client = try Connection(
      to: relay.address, on: loop, timeout: .seconds(5), outputLimit: 1 << 22)
    let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var received: [UInt8] = []
    var end: ChannelEnd?
    client.onEvent = { event in
      switch event {
      case .connected: _ = client.send(sent)
      case .received(let bytes): received += bytes
      case .drained: break
      case .closed(let reason): end = reason
      }
    }
    for _ in 0..<100_000 where received.count < sent.count && end == nil {
      try loop.runOnce(atMost: .seconds(5))
    }
    // Not inside #expect, which would look for the smallest difference of a megabyte.
    let isSame = received == sent
    #expect(isSame)
    client.finish()
    for _ in 0..<1_000 where end == nil { try loop.runOnce(atMost: .seconds(5)) }
    #expect(end == .finished)
  }

  @Test func endsAConnectionWhoseTargetIsDown() throws {
    let loop = try EventLoop()
    let loopback = SocketAddress.ipv4(host: 0x7F00_0001, port: 0)
    let held = try Socket.listen(on: loopback)
    let gone = try Socket.localAddress(of: held.number)
    try held.close()
    let relay = try Relay(from: loopback, to: gone, on: loop)
    let client = try Connection(
      to: relay.address, on: loop, timeout: .seconds(5), outputLimit: 1024)
    var end: ChannelEnd?
    client.onEvent = { event in
      if case .closed(let reason) = event { end = reason }
    }
    for _ in 0..<1_000 where end == nil { try loop.runOnce(atMost: .seconds(5)) }
    #expect(end == .byPeer)
  }
}
