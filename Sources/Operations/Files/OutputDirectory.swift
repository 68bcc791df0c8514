import Glibc

/// Why a file could not be written for the user.
package struct OutputFileError: Error, Hashable, Sendable, CustomStringConvertible {
  package let operation: String
  /// The directory, or the name in it.
  package let name: String
  package let errno: Int32

  package var description: String {
    "\(operation) \(visibleText(name)): \(String(cString: strerror(errno)))"
  }

  package var hint: String {
    switch errno {
    case EEXIST: "choose an empty directory: nothing is written over"
    case ENOSPC, EDQUOT, EFBIG: "free disk space or choose another directory"
    case ELOOP, ENOTDIR, ENOENT: "name a directory that exists, not a link"
    default: "check owner and mode of the directory"
    }
  }
}

/// A directory that the user named, into which files of a record are written. Nothing in it is
/// followed or written over.
package struct OutputDirectory: ~Copyable {
  private let path: String
  private let descriptor: Int32

  /// Opens a directory that exists; the last part of `path` may not be a link.
  package init(_ path: String) throws(OutputFileError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputFileError(operation: "open", name: path, errno: errno)
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Begins a file for this user alone. It has its name once it is whole; until then its bytes are
  /// under a hidden one, so that a kill leaves nothing that looks like a file of the record.
  /// - Throws: `EEXIST` when anything has the name, be it a link to nowhere.
  package func create(_ name: SafeFileName) throws(OutputFileError) -> OutputFile {
    guard !isTaken(name.text, in: descriptor) else {
      throw OutputFileError(operation: "create", name: name.text, errno: EEXIST)
    }
    // A descriptor of its own: the file may outlive this value, and is removed if not finished.
    let directory = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard directory >= 0 else {
      throw OutputFileError(operation: "create", name: name.text, errno: errno)
    }
    for number in 1...OutputFile.maximumHiddenCount {
      let hidden = ".dongbo-\(getpid())-\(number)"
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let file = openat(descriptor, hidden, flags, 0o600)
      if file < 0, errno == EEXIST { continue }
      guard file >= 0 else { break }
      return OutputFile(name, hidden: hidden, descriptor: file, directory: directory)
    }
    let error = OutputFileError(operation: "create", name: name.text, errno: errno)
    close(directory)
    throw error
  }
}

/// Whether anything has the name; what cannot be looked at is taken.
private func isTaken(_ name: String, in directory: Int32) -> Bool {
  var status = stat()
  return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT
}

/// A file being written for the user. It is removed unless ``finish()`` is called.
package struct OutputFile: ~Copyable {
  /// Files that a directory may hold unfinished.
  static let maximumHiddenCount = 1_000

  package let name: SafeFileName
  private let hidden: String
  private let descriptor: Int32
  private let directory: Int32
  /// The hidden name is free again: it may be another file's.
  private var isNamed = false

  fileprivate init(_ name: SafeFileName, hidden: String, descriptor: Int32, directory: Int32) {
    self.name = name
    self.hidden = hidden
    self.descriptor = descriptor
    self.directory = directory
  }

  deinit {
    if !isNamed { unlinkat(directory, hidden, 0) }
    close(descriptor)
    close(directory)
  }

  /// Writes the next bytes.
  package func append(_ bytes: Span<UInt8>) throws(OutputFileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = count == 0 ? ENOSPC : errno
        throw OutputFileError(operation: "write", name: name.text, errno: code)
      }
      done += count
    }
  }

  /// The file is whole, gets its name and stays; synced when this returns.
  /// - Throws: `EEXIST` when something took the name meanwhile.
  package mutating func finish() throws(OutputFileError) {
    guard fsync(descriptor) == 0 else {
      throw OutputFileError(operation: "sync", name: name.text, errno: errno)
    }
    guard giveName() else {
      throw OutputFileError(operation: "create", name: name.text, errno: errno)
    }
    isNamed = true
    guard fsync(directory) == 0 else {
      throw OutputFileError(operation: "sync", name: name.text, errno: errno)
    }
  }

  /// A link fails where something has the name; a rename would write over it.
  private func giveName() -> Bool {
    if linkat(directory, hidden, directory, name.text, 0) == 0 {
      unlinkat(directory, hidden, 0)
      return true
    }
    // FAT and some network file systems know no links.
    guard errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS else { return false }
    guard !isTaken(name.text, in: directory) else {
      errno = EEXIST
      return false
    }
    return renameat(directory, hidden, directory, name.text) == 0
  }
}
