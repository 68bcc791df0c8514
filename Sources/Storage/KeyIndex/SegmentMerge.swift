import Replication

/// Merges sorted runs, page by page, into one. What it has read stands in memory alone: after a
/// restart it goes on behind the last page that it wrote.
struct SegmentMerge: Sendable {
  /// Reads a page of an input.
  typealias Load = (_ segment: Segment, _ page: Int) throws(StoreError) -> IndexPage

  private struct Input {
    let segment: Segment
    var nextPage: Int
    var items: [IndexItem] = []
    var index = 0
  }

  private var inputs: [Input]
  private(set) var builder: SegmentBuilder
  /// The greatest item so far; a greater one may stand for it.
  private var held: IndexItem?
  private(set) var isDone = false

  init(of segments: [Segment]) {
    inputs = segments.map { Input(segment: $0, nextPage: 0) }
    builder = SegmentBuilder()
  }

  /// Goes on behind an output that ends with `last`.
  /// - Parameter firstPage: the first page of an input that may hold what follows.
  init(
    of segments: [Segment], builder: SegmentBuilder, last: IndexItem, load: Load,
    firstPage: (Segment) throws(StoreError) -> Int
  ) throws(StoreError) {
    inputs = []
    self.builder = builder
    for segment in segments {
      var input = Input(segment: segment, nextPage: try firstPage(segment))
      while input.index == input.items.count, input.nextPage < segment.pageCount {
        let page = try load(segment, input.nextPage)
        input.items = page.items
        input.index = page.firstIndex(after: last)
        input.nextPage += 1
      }
      inputs.append(input)
    }
  }

  /// Merges until `pageCount` pages are ready, or all.
  mutating func step(pageCount: Int, load: Load) throws(StoreError) {
    while !isDone, builder.pages.count < pageCount {
      guard let least = try leastInput(load) else {
        if let held { builder.append(held) }
        held = nil
        builder.finish()
        isDone = true
        return
      }
      let item = inputs[least].items[inputs[least].index]
      inputs[least].index += 1
      if let held, !item.replaces(held) { builder.append(held) }
      held = item
    }
  }

  mutating func handOut() { builder.handOut() }

  /// The input whose next item is the least; nil when none has any.
  private mutating func leastInput(_ load: Load) throws(StoreError) -> Int? {
    var least: Int?
    var leastItem: IndexItem?
    var number = 0
    while number < inputs.count {
      if inputs[number].index == inputs[number].items.count {
        guard inputs[number].nextPage < inputs[number].segment.pageCount else {
          inputs.remove(at: number)
          // The others move up.
          least = nil
          leastItem = nil
          number = 0
          continue
        }
        inputs[number].items = try load(inputs[number].segment, inputs[number].nextPage).items
        inputs[number].index = 0
        inputs[number].nextPage += 1
      }
      let item = inputs[number].items[inputs[number].index]
      if leastItem.map({ item < $0 }) ?? true {
        least = number
        leastItem = item
      }
      number += 1
    }
    return least
  }
}
