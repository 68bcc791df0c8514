internal import CZstd

/// What becomes of memory that is freed.
package enum FreedMemory {
  /// So much of it stays with the process, at the end of each heap.
  package static let keptByteCount = 4 << 20

  /// To be called once, at the start. By itself glibc gives back what is more than twice the
  /// largest block of late: with blocks of 128 KiB, the pieces of a file, it gives memory back and
  /// takes it anew, page by page, many times in a second.
  package static func keep() {
    let limit = CInt(keptByteCount)
    precondition(mallopt(M_TRIM_THRESHOLD, limit) == 1, "no place for freed memory")
    // With the one set the other no longer follows what is freed.
    precondition(mallopt(M_MMAP_THRESHOLD, limit) == 1, "no bound for blocks of their own")
  }
}
