import Foundation

/// The pages of code that a program needed to start: option parsing, the dynamic linker, the libraries' initialisers.
/// They stay resident, some 25 MB of them, though a training loop runs a few kilobytes of code.
public enum StartUpCode {
  /// Unmaps the code of the program and of its libraries from this process. Nothing is lost: code that was mapped as such
  /// is never written to, and what runs again is mapped again from its file, page by page. Where the system has no
  /// /proc/self/maps nothing happens.
  public static func release() {
    #if os(Linux)
      // A file of no length, which is read to its end all the same.
      guard let file = FileHandle(forReadingAtPath: "/proc/self/maps"),
        let maps = try? file.readToEnd()
      else { return }
      for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
        // start-end permissions offset device inode path
        let fields = line.split(separator: " ", maxSplits: 5)
        guard fields.count == 6, fields[1] == "r-xp", fields[5].contains("/") else { continue }
        let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard bounds.count == 2, bounds[0] < bounds[1],
          let start = UnsafeMutableRawPointer(bitPattern: bounds[0])
        else { continue }
        _ = madvise(start, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
      }
    #endif
  }
}
