import Replication

/// What the sites of simulated worlds are called.
enum SiteNames {
  /// A country has 34 provinces; a world may have a few more than twice as many.
  static let provinceCounts = 1...100
  static let centre = name("trung-uong")
  private static let first = ["lang-son", "nghe-an", "ca-mau", "hue", "dien-bien", "gia-lai"]

  static func provinces(_ count: Int) -> [SiteID] {
    (0..<count).map { name($0 < first.count ? first[$0] : "tinh-\($0 + 1)") }
  }

  private static func name(_ text: String) -> SiteID {
    guard let site = SiteID(text) else { preconditionFailure("\(text) is no site") }
    return site
  }
}
