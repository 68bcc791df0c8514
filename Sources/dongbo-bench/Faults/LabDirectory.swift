import Glibc
import Replication

/// A lab that `dongbo lab create` made and somebody else runs: where its sites answer, and what
/// offices they serve.
struct LabDirectory: Sendable {
  let path: String
  /// The centre first.
  let offices: [Office]

  var centre: Office { offices[0] }
  var provinces: ArraySlice<Office> { offices.dropFirst() }

  /// Reads the registry that the lab's centre began with.
  init(_ path: String) throws(BenchFailure) {
    let centre = Workload.centre
    let file = "\(path)/\(centre)/registry.json"
    guard let text = TextFile.read(file),
      let registry = (try? JSONValue.parse(Array(text.utf8)))?.object
    else { throw BenchFailure("\(file) cannot be read: is \(path) a lab of dongbo lab create?") }
    offices = (registry["organs"]?.array ?? []).compactMap { Self.office($0) }
    self.path = path
    guard offices.count >= 2, offices[0].site == centre else {
      throw BenchFailure("\(file) does not list \(centre) and a province")
    }
  }

  private static func office(_ value: JSONValue) -> Office? {
    guard let organ = value.object, let site = organ["siteId"]?.text.flatMap({ SiteID($0.bytes) }),
      let id = organ["organId"]?.text?.string, let name = organ["organName"]?.text?.string
    else { return nil }
    return Office(site: site, organ: id, name: name, mark: "VP")
  }

  func admin(_ site: SiteID) -> AdminSite { AdminSite(socket: "\(path)/\(site)/admin.sock") }

  func dataDirectory(_ site: SiteID) -> String { "\(path)/\(site)/data" }
}
