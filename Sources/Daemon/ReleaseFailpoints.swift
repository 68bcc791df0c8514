import Storage

#if !DEBUG
  /// A release build has no points: here the calls of this module compile to nothing.
  extension Failpoint {
    func reach() {}

    func reach<Failure: Error>(failing failure: @autoclosure () -> Failure) throws(Failure) {}
  }
#endif
