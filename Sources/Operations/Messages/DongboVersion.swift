/// The version of this build, the same in daemon and command line.
package enum DongboVersion {
  package static let text = "0.2.0"
}
