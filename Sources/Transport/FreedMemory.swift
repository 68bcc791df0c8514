internal import CZstd

/// What becomes of memory that is freed.
package enum FreedMemory {
  /// So much of it stays with the process, at the end of each heap.
  package static let keptByteCount = 4 << 20

  /// To be called once, at the start. By itself glibc gives back what is more than twice the
  /// largest block of late: with blocks of 128 KiB, the pieces of a file, it gives memory back and
  /// takes it anew, page by page, many times in a second.
  ///
  /// An allocator that stands in glibc's place, a sanitizer's or one that is loaded before it, says
  /// no to both and follows its own rules: nothing is wrong then.
  package static func keep() {
    let limit = CInt(keptByteCount)
    _ = mallopt(M_TRIM_THRESHOLD, limit)
    // With the one set the other no longer follows what is freed.
    _ = mallopt(M_MMAP_THRESHOLD, limit)
  }
}
