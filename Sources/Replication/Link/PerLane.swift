/// One value for each lane; iterates in no order of its own, so it cannot decide one.
package struct PerLane<Value> {
  package var normal: Value
  package var urgent: Value

  package init(normal: Value, urgent: Value) {
    self.normal = normal
    self.urgent = urgent
  }

  /// The same value in both lanes.
  package init(both value: Value) { self.init(normal: value, urgent: value) }

  /// The value of one lane.
  package subscript(lane: Lane) -> Value {
    get { lane == .normal ? normal : urgent }
    set {
      switch lane {
      case .normal: normal = newValue
      case .urgent: urgent = newValue
      }
    }
  }

  /// - Returns: each lane's value after `transform`, normal first.
  package func map<Result>(_ transform: (Value) -> Result) -> PerLane<Result> {
    PerLane<Result>(normal: transform(normal), urgent: transform(urgent))
  }
}

extension PerLane: Sendable where Value: Sendable {}
extension PerLane: Equatable where Value: Equatable {}
extension PerLane: Hashable where Value: Hashable {}
