import Operations
import Replication
import Transport

extension CommandRun {
  /// `lab create DIR --provinces A,B,C [--relay SITE]...`
  func createLab() throws(CommandFailure) -> ExitCode {
    let directory = invocation.operands[0]
    var provinces: [SiteID] = []
    for text in try needed(.provinces).split(separator: ",") {
      provinces.append(try site(String(text)))
    }
    var relayed: [SiteID] = []
    for text in invocation.all(.relay) { relayed.append(try site(text)) }
    let centre = try site(invocation.value(.centre) ?? "trung-uong")
    let plan = try LabPlan(centre: centre, provinces: provinces, relayed: relayed)
    let writer = try LabWriter(
      plan, directory: directory, language: language, now: WallClock.now(),
      policy: try signaturePolicy(), codeLists: try codeLists())
    try writer.write()
    describe(plan, directory)
    return .done
  }

  /// What `dongbo registry set code-lists` takes too.
  private func codeLists() throws(CommandFailure) -> JSONObject? {
    guard let path = invocation.value(.codeLists) else { return nil }
    let bytes = try readWhole(path)
    guard let lists = (try? JSONValue.parse(bytes))?.object else {
      throw usageFailure(
        vi: "\(visibleText(path)): không phải danh mục mã, xem Config/code-lists.json",
        en: "\(visibleText(path)): no code lists, see Config/code-lists.json")
    }
    return lists
  }

  private func signaturePolicy() throws(CommandFailure) -> SignaturePolicy.Mode {
    guard let text = invocation.value(.policy) else { return .acceptAsReference }
    guard let mode = SignaturePolicy.Mode(rawValue: text) else {
      let shown = visibleText(text)
      throw usageFailure(
        vi: "--signatures \(shown): require, accept-as-reference hoặc off",
        en: "--signatures \(shown): require, accept-as-reference or off")
    }
    return mode
  }

  /// What to run next, each line as one would paste it.
  private func describe(_ plan: LabPlan, _ directory: String) {
    for site in plan.sites {
      terminal.line("dongbod --config \(directory)/\(site.id)/dongbo.conf &")
    }
    for site in plan.sites where site.relayPort != nil {
      terminal.line("dongbo lab relay \(directory) \(site.id) &")
    }
    terminal.line("dongbo --config \(directory)/\(plan.centre.id)/dongbo.conf status")
  }

  /// `lab relay DIR SITE`: carries the province's connections to the centre until it is stopped,
  /// which cuts them.
  func relayLab() throws(CommandFailure) -> ExitCode {
    let (directory, province) = (invocation.operands[0], try site(invocation.operands[1]))
    let own = try labConfiguration(directory, province)
    let centre = try labConfiguration(directory, own.link.centreID)
    guard let entrance = own.link.centreAddresses.first, let exit = centre.link.listen.first,
      entrance != exit
    else {
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "\(province) gọi thẳng đến trung ương", en: "\(province) dials the centre itself"),
        hint: LocalText(vi: "dongbo lab create --relay", en: "dongbo lab create --relay"))
    }
    do throws(TransportError) {
      let loop = try EventLoop()
      let relay = try Relay(from: try address(entrance), to: try address(exit), on: loop)
      terminal.note("\(relay.address) -> \(exit)\n")
      try loop.run { false }
    } catch {
      throw CommandFailure(.failed, error.description, hint: error.hint)
    }
    return .done
  }

  private func labConfiguration(
    _ directory: String, _ site: SiteID
  ) throws(CommandFailure) -> SiteConfiguration {
    do throws(ConfigurationError) {
      return try LoadedConfiguration.load("\(directory)/\(site)/dongbo.conf").configuration
    } catch {
      throw CommandFailure(.badConfiguration, error.localText)
    }
  }

  private func address(_ place: HostPort) throws(TransportError) -> SocketAddress {
    guard let address = SocketAddress(numeric: place.host, port: place.port) else {
      throw .invalidAddress(place.description)
    }
    return address
  }
}
