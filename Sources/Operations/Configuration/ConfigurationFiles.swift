import Glibc

/// Limits of reading configuration from disk.
package enum ConfigurationFiles {
  /// Of one file.
  package static let maximumFileByteCount = 1 << 20
  /// One file a province leaves room for several each.
  package static let maximumDropInCount = 512
}

/// The main file and `path.d/*.conf`, in bytewise order of their names. A missing drop-in
/// directory is no fault, a missing main file is.
///
/// - Throws: all files that cannot be read, each with the system's reason.
package func readConfigurationFiles(
  _ path: String
) throws(ConfigurationError) -> [ConfigurationText] {
  var faults: [ConfigurationFault] = []
  var texts: [ConfigurationText] = []
  do throws(ConfigurationError) {
    let names = try dropInNames(path + ".d")
    for file in [path] + names.map({ path + ".d/" + $0 }) {
      do throws(ConfigurationFault) {
        texts.append(ConfigurationText(file: file, bytes: try readFile(file)))
      } catch {
        faults.append(error)
      }
    }
  } catch {
    faults += error.faults
  }
  guard faults.isEmpty else { throw ConfigurationError(faults: faults) }
  return texts
}

private func dropInNames(_ directory: String) throws(ConfigurationError) -> [String] {
  guard let stream = opendir(directory) else {
    if errno == ENOENT { return [] }
    throw ConfigurationError(faults: [unreadable(directory, errno)])
  }
  defer { closedir(stream) }
  var names: [[UInt8]] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
      tuple.withMemoryRebound(to: UInt8.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
        Array(UnsafeBufferPointer(start: $0, count: strnlen($0, 256)))
      }
    }
    guard name.first != UInt8(ascii: "."), name.suffix(5).elementsEqual(".conf".utf8) else {
      continue
    }
    names.append(name)
    guard names.count <= ConfigurationFiles.maximumDropInCount else {
      let limit = "\(ConfigurationFiles.maximumDropInCount)"
      let whole = SourceLine(file: directory, line: 0)
      throw ConfigurationError(faults: [ConfigurationFault(.tooManyFiles, at: whole, [limit])])
    }
  }
  return names.sorted { $0.lexicographicallyPrecedes($1) }
    .map { String(decoding: $0, as: UTF8.self) }
}

private func readFile(_ path: String) throws(ConfigurationFault) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw unreadable(path, errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path, EINVAL) }
  let limit = ConfigurationFiles.maximumFileByteCount
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  while bytes.count <= limit {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw unreadable(path, errno) }
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
  throw ConfigurationFault(.tooLarge, at: SourceLine(file: path, line: 0), ["\(limit)"])
}

/// A fault when the secret at `path` may be read or written by others, or written by its group.
/// A file that is not there is no fault here: whoever opens it says so.
func exposureFault(of path: String, at place: SourceLine) -> ConfigurationFault? {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & 0o027 != 0 else { return nil }
  let mode = "0" + String(status.st_mode & 0o777, radix: 8)
  return ConfigurationFault(.secretExposed, at: place, [path, mode])
}

private func unreadable(_ path: String, _ code: CInt) -> ConfigurationFault {
  let reason = strerror(code).map { String(cString: $0) } ?? "errno \(code)"
  return ConfigurationFault(.unreadable, at: SourceLine(file: path, line: 0), [reason])
}

/// `path` against the working directory: the files it names are found from any place.
func absolutePath(_ path: String) -> String {
  guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
  defer { free(directory) }
  return Paths.resolve(path, against: String(cString: directory))
}
