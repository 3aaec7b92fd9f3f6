import Foundation

/// A folder of its own for what another program is given; `remove` it afterwards.
package struct WorkFolder {
  package let path: String
  private let entry: UnfinishedFiles.Entry

  /// nil where there is no place for one.
  package init?() {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-work-\(UUID().uuidString)")
    let made = url.path
    // No signal comes between the folder and its entry.
    let entry = UnfinishedFiles.withoutSignals {
      mkdir(made, 0o700) == 0 ? UnfinishedFiles.insert(made, isTree: true) : nil
    }
    guard let entry else { return nil }
    (path, self.entry) = (made, entry)
  }

  package func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
  }

  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
    UnfinishedFiles.remove(entry)
  }
}
