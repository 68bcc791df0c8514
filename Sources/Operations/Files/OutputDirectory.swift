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

  /// Makes an empty file for this user alone.
  /// - Throws: `EEXIST` when anything has the name, be it a link to nowhere.
  package func create(_ name: SafeFileName) throws(OutputFileError) -> OutputFile {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let file = openat(descriptor, name.text, flags, 0o600)
    guard file >= 0 else {
      throw OutputFileError(operation: "create", name: name.text, errno: errno)
    }
    // A descriptor of its own: the file may outlive this value, and is removed if not finished.
    let directory = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard directory >= 0 else {
      let error = OutputFileError(operation: "create", name: name.text, errno: errno)
      unlinkat(descriptor, name.text, 0)
      close(file)
      throw error
    }
    return OutputFile(name, descriptor: file, directory: directory)
  }
}

/// A file being written for the user. It is removed unless ``finish()`` is called.
package struct OutputFile: ~Copyable {
  package let name: SafeFileName
  private let descriptor: Int32
  private let directory: Int32
  private var isFinished = false

  fileprivate init(_ name: SafeFileName, descriptor: Int32, directory: Int32) {
    self.name = name
    self.descriptor = descriptor
    self.directory = directory
  }

  deinit {
    if !isFinished { unlinkat(directory, name.text, 0) }
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

  /// The file is whole and stays; synced when this returns.
  package mutating func finish() throws(OutputFileError) {
    guard fsync(descriptor) == 0, fsync(directory) == 0 else {
      throw OutputFileError(operation: "sync", name: name.text, errno: errno)
    }
    isFinished = true
  }
}
