import Replication
import Testing

@testable import Storage

@Suite struct KeyHashTests {
  /// What OpenSSL's `openssl mac -macopt size:16 SIPHASH` says of 0, 1, 2 ... under the key of the
  /// paper.
  @Test(arguments: [
    (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
    (7, "a1f1ebbed8dbc153c0b84aa61ff08239"), (8, "3b62a9ba6258f5610f83e264f31497b4"),
    (15, "5493e99933b0a8117e08ec0f97cfc3d9"), (16, "6ee2a4ca67b054bbfd3315bf85230577"),
    (63, "5150d1772f50834a503e069a973fbd7c"),
  ])
  func itIsTheAlgorithmThatIsNamed(count: Int, hash: String) {
    let secret = Bytes16(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f)
    let bytes = (0..<count).map { UInt8($0) }
    #expect(hexText(KeyHash(secret: secret)(bytes).bytes) == hash)
  }
}
