/// How much of the key index a connection keeps in memory.
struct KeyIndexMemory {
  /// Bytes of guides that are kept decoded. Those of further blocks are read when they are asked.
  let guideByteCount: Int
  /// Pages of each segment that are kept decoded, each at the place that its number says. Who
  /// writes in the order of time, ids of that order included, looks into one page many times.
  let pageCount: Int

  /// Guides of some 25 million entries, six bytes for each: who has fewer takes less. Beyond that
  /// lookups read guides from the store: with room for six million (of the guides before schema 8),
  /// a million changes more took 140 seconds to load and to catch up before there were so many, and
  /// 380 after.
  static let writer = KeyIndexMemory(guideByteCount: 160 << 20, pageCount: 32)
  static let reader = KeyIndexMemory(guideByteCount: 2 << 20, pageCount: 4)
  /// For whoever goes through all of it once.
  static let least = KeyIndexMemory(guideByteCount: 0, pageCount: 1)
}
