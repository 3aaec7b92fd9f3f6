/// How files that nobody vouches for are read: each by a process of its own that sees its bytes and nothing else.
package enum FileReading {
  /// Starts the process that the next model or data file will be read in, so that it is ready by then: for a program that
  /// is about to read one and has something else to do before. To be called on a thread that lives until then.
  package static func prepare() { StartedHelper.prepare(.reader) }

  /// Whether the system filters the calls of those processes. Where it does not, they are confined by what is left: they
  /// have no descriptors, no environment, limits of memory, time and files. True before the first file.
  package static var isFiltered: Bool { HelperOutput.isFiltered.load(ordering: .relaxed) }
}
