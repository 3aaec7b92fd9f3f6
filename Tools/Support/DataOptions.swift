import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation

/// The options that say which data set a tool works on.
public struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "digits (built in, drawn by the program), mnist or fashion-mnist.", valueName: "name"))
  public var data: String?

  @Option(
    help: ArgumentHelp(
      "Folder that holds the four IDX files, plain or .gz. Without it: $FIXEDNET_DATA/<name>, "
        + "Data/<name>, ~/.cache/fixednet/<name>.", valueName: "folder"))
  public var dataDir: String?

  @Flag(help: "Fetch missing files of mnist or fashion-mnist into ~/.cache/fixednet.")
  public var download = false

  @Option(
    help: ArgumentHelp(
      "With --download: where to fetch from instead of the usual mirrors.", valueName: "url"))
  public var mirror: [String] = []

  public init() {}

  /// Loads the data set that was asked for, or `fallback`.
  /// Throws: `ToolError`, `DataError`.
  public func load(default fallback: String = "digits") throws -> LoadedData {
    let name = data ?? fallback
    guard mirror.isEmpty || download else {
      throw ValidationError("--mirror says where --download fetches from; give both")
    }
    if name == "digits" {
      guard dataDir == nil, !download else {
        throw ValidationError(
          "--data digits is drawn by the program; it takes no folder or download")
      }
      return LoadedData(set: .digits(), digest: "digits, version 1, seed 0")
    }
    guard let kind = MNISTName(rawValue: name) else {
      throw ValidationError("--data must be digits, mnist or fashion-mnist, found '\(name)'")
    }
    if download {
      try fetch(kind)
    }
    let files = try MNISTFiles.load(kind, directory: dataDir)
    let shape = Shape.image(height: 28, width: 28, channels: 1)
    let set = DataSet(
      name: name,
      train: ImageSet(shape: shape, pixels: .bytes(files.trainImages), labels: files.trainLabels),
      test: ImageSet(shape: shape, pixels: .bytes(files.testImages), labels: files.testLabels),
      classNames: kind.classNames)
    return LoadedData(set: set, digest: kind.digest)
  }
}

extension DataOptions {
  /// Into --data-dir where it is given, else into the cache.
  private func fetch(_ kind: MNISTName) throws {
    guard let folder = dataDir ?? MNISTFiles.cacheFolder(kind) else {
      throw ToolError("--download: no $HOME to keep the files in; give --data-dir")
    }
    try Downloader(mirrors: mirror.isEmpty ? nil : mirror).fetch(kind, into: folder) {
      FileHandle.standardError.write(Data("\($0)\n".utf8))
    }
  }
}

/// A data set and what identifies its contents.
public struct LoadedData {
  public var set: DataSet
  public var digest: String
}
