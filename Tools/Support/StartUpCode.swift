import Foundation

/// The pages of code that a program needed to start: option parsing, the dynamic linker, the libraries' initialisers.
/// They stay resident, some 25 MB of them, though a training loop runs a few kilobytes of code.
package enum StartUpCode {
  /// Unmaps the code of the program and of its libraries from this process. Nothing is lost: code that was mapped as such
  /// is never written to, and what runs again is mapped again from its file, page by page. Where the system has no
  /// /proc/self/maps nothing happens.
  package static func release() {
    #if os(Linux)
      // A file of no length, which is read to its end all the same.
      guard let file = FileHandle(forReadingAtPath: "/proc/self/maps"),
        let maps = try? file.readToEnd()
      else { return }
      // Bytes, not characters: this is a tenth of the time that a program needs to start.
      for line in [UInt8](maps).split(separator: UInt8(ascii: "\n")) {
        // start-end permissions offset device inode path
        let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
        guard fields.count == 6, fields[1].elementsEqual("r-xp".utf8),
          fields[5].contains(UInt8(ascii: "/"))
        else { continue }
        let bounds = fields[0].split(separator: UInt8(ascii: "-")).compactMap {
          UInt(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        guard bounds.count == 2, bounds[0] < bounds[1],
          let start = UnsafeMutableRawPointer(bitPattern: bounds[0])
        else { continue }
        _ = madvise(start, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
      }
    #endif
  }
}
