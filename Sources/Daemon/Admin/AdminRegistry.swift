import Operations
import Replication
import Transport

/// New revisions of the registry: at the centre only, signed there.
extension AdminServer {
  func addSite(_ request: HTTPRequest, _ respond: @escaping Respond) {
    guard let body = (try? JSONValue.parse(request.body))?.object,
      let site = RegistrySnapshot.Site(adminInput: body)
    else {
      return respond(problem(.malformedQuery("siteId, tier and pins (sha256:...) are needed")))
    }
    let pending = begin(.respond(respond))
    post(.editRegistry(pending, .addSite(site)), pending)
  }

  /// `POST registry/PART`: the new content of one part; the answer is the new revision.
  func replaceRegistryPart(
    _ name: String, _ request: HTTPRequest, _ respond: @escaping Respond
  ) {
    guard let part = RegistryPart(name: name) else { return respond(problem(.noRoute)) }
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(request.body) } catch {
      return respond(problem(.record(.json(error))))
    }
    let pending = begin(.respond(respond))
    post(.editRegistry(pending, .replace(part, value)), pending)
  }

  func registryEdited(_ request: RequestID, _ result: Result<RegistryRevision, EditRefusal>) {
    guard case .respond(let respond) = end(request) else { return }
    switch result {
    case .success(let revision):
      respond(.json(["revision": .integer(Int64(clamping: revision.number))]))
    case .failure(let refusal): respond(problem(.refused(refusal)))
    }
  }
}

extension RegistrySnapshot.Site {
  /// A site as `dongbo site add` sends it.
  init?(adminInput body: JSONObject) {
    guard let id = body["siteId"]?.text.flatMap({ SiteID($0.bytes) }) else { return nil }
    let pins = (body["pins"]?.array ?? []).compactMap { $0.text.flatMap { KeyPin($0.string) } }
    guard pins.count == body["pins"]?.array?.count, (1...2).contains(pins.count) else { return nil }
    let tier: RegistrySnapshot.Tier
    switch body["tier"]?.text?.string {
    case "province", nil: tier = .province
    case "centre": tier = .centre
    case _?: return nil
    }
    self.init(
      id: id, tier: tier, generation: body["generation"]?.integer ?? 1,
      pins: pins.map(\.digest), organIDs: (body["organIds"]?.array ?? []).compactMap(\.text))
  }
}
