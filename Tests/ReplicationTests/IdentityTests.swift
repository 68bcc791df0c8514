import Testing

@testable import Replication

@Test func siteIDsAreBytesInOrder() {
  #expect(SiteID("lang-son")?.description == "lang-son")
  #expect(SiteID("Lang-Son") == nil)
  #expect(SiteID("") == nil)
  #expect(SiteID(String(repeating: "a", count: 33)) == nil)
}
