import Testing

/// The daemon as a whole: real processes, real TLS, loopback and temporary directories only.
///
/// One test at a time: each starts several processes and the machine has few cores.
@Suite(.serialized) enum DaemonTests {}
