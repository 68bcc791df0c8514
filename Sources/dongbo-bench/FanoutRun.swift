import Glibc
import Replication
import Transport

/// One change at the centre that every province is entitled to: from the return of the commit until
/// the last of them shows it, durable there. Their daemons share this machine, and each change
/// comes back as a receipt from each of them.
enum FanoutRun {
  struct Plan: Equatable, Sendable {
    var linkCount = 34
    var changeCount = 200
    var seed: UInt64 = 1
  }

  /// Between two changes, for the receipts of the first.
  private static let pauseMicroseconds: UInt32 = 250_000
  /// Between two looks at one province.
  private static let lookMicroseconds: UInt32 = 200
  private static let maximumLookCount = 50_000

  static func figures(_ plan: Plan) throws(BenchFailure) -> Figures {
    let fleet = try Fleet(provinceCount: plan.linkCount)
    Terminal.note("starting \(plan.linkCount) provinces")
    try fleet.startProvinces()
    try fleet.lab.centre.admin.upload(Workload.file)
    let writer = fleet.lab.centre.admin
    let readers = fleet.lab.provinces.map(\.admin)
    var random = SplitMix64(seed: plan.seed)
    // The first brings the file, and opens every connection of ours; it is not counted.
    try write(0, to: fleet.directory, by: writer, &random, readers)
    try fleet.waitUntilAllHaveAll()

    Terminal.note("writing \(plan.changeCount) changes for all of them")
    var milliseconds: [Double] = []
    for number in 1...plan.changeCount {
      usleep(pauseMicroseconds)
      milliseconds.append(try write(number, to: fleet.directory, by: writer, &random, readers))
    }
    try fleet.end()

    var figures = Figures()
    figures.add("links", count: plan.linkCount)
    for (key, percent) in [("p50", 50.0), ("p99", 99.0), ("most", 100.0)] {
      let value = Statistics.percentile(percent, of: milliseconds) ?? 0
      figures.add("\(key)Milliseconds", value, decimals: 2)
    }
    return figures
  }

  /// - Returns: milliseconds until the last has it, as seen by looking at one after another.
  @discardableResult
  private static func write(
    _ number: Int, to directory: LabDirectory, by writer: AdminSite, _ random: inout SplitMix64,
    _ readers: [AdminSite]
  ) throws(BenchFailure) -> Double {
    let time = Workload.firstMilliseconds + UInt64(number)
    let ids = (0..<2).map { _ in Workload.uniqueID(milliseconds: time, random: &random) }
    let body = Bodies.document(
      number: "\(number + 1)", id: ids[0], naming: Workload.file, from: .centre,
      to: Array(directory.provinces), random: &random)
    let record = RecordKey(kind: .document, id: RecordID(ids[1]))
    try writer.write(.put(record, revision: 1, owner: Workload.centre, body))
    let begun = MonotonicClock.now().nanoseconds
    for (reader, office) in zip(readers, directory.provinces) {
      try wait(for: record, at: reader, of: office.site)
    }
    return Double(MonotonicClock.now().nanoseconds - begun) / 1_000_000
  }

  private static func wait(
    for record: RecordKey, at reader: AdminSite, of site: SiteID
  ) throws(BenchFailure) {
    for _ in 0..<maximumLookCount {
      if try reader.has(record) { return }
      usleep(lookMicroseconds)
    }
    throw BenchFailure("\(record.kind) \(record.id) does not arrive at \(site)")
  }
}
