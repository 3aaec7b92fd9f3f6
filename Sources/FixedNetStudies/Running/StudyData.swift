import FixedNet
import FixedNetFiles
import Foundation

/// The studies' data sets: MNIST and Fashion-MNIST as IDX files, and the 5,000 digits of 20x20 as a MATLAB file.
package final class StudyData {
  /// With mnist/, fashion-mnist/ and digits20x20.mat or ex3data1.mat; nil: the usual places.
  private let directory: String?
  private let environment: [String: String]
  /// What was loaded, and what identifies it.
  private var loaded: [String: (set: DataSet, digest: String)] = [:]

  package init(
    directory: String?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.directory = directory
    self.environment = environment
  }

  /// The data sets that there are.
  static let names = MNISTName.allCases.map(\.rawValue) + ["digits20x20"]

  /// The digest of a data set that was loaded.
  package func digest(of name: String) -> String? { loaded[name]?.digest }

  /// "mnist", "fashion-mnist" or "digits20x20"; the same one again is not read again.
  /// Throws: `DataError`, `DataFileError`, `StudyError.data`.
  package func load(_ name: String) throws -> DataSet {
    if let (set, _) = loaded[name] { return set }
    let result = try name == "digits20x20" ? matlab(name) : images(name)
    loaded[name] = result
    return result.set
  }

  /// The folders that are searched, in this order.
  private var folders: [String] {
    var folders = directory.map { [$0] } ?? []
    if let data = environment["FIXEDNET_DATA"], !data.isEmpty { folders.append(data) }
    folders.append("Data")
    if let home = environment["HOME"], !home.isEmpty { folders.append("\(home)/.cache/fixednet") }
    return folders
  }

  private func images(_ name: String) throws -> (set: DataSet, digest: String) {
    guard let kind = MNISTName(rawValue: name) else {
      throw StudyError.data("no data set is called '\(name)'")
    }
    let folders = folders.map { "\($0)/\(name)" }
    guard let found = folders.first(where: { MNISTFiles.isComplete($0) }) else {
      throw StudyError.data(
        "the files of \(name) are in none of \(folders.joined(separator: ", ")); fetch them with "
          + "train --data \(name) --download, or give --data-dir a folder that holds \(name)/")
    }
    let files = try MNISTFiles.load(kind, directory: found, environment: [:])
    let shape = Shape.image(height: 28, width: 28, channels: 1)
    let set = DataSet(
      name: name,
      train: ImageSet(
        shape: shape, pixels: .bytes(files.trainImages),
        labels: files.trainLabels.map(UInt16.init)),
      test: ImageSet(
        shape: shape, pixels: .bytes(files.testImages),
        labels: files.testLabels.map(UInt16.init)),
      classNames: kind.classNames)
    return (set, kind.digest)
  }

  /// All samples are the training set and the test set, as in the notebook.
  private func matlab(_ name: String) throws -> (set: DataSet, digest: String) {
    let paths = folders.flatMap { ["\($0)/\(name).mat", "\($0)/ex3data1.mat"] }
    guard let path = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw StudyError.data(
        "neither \(name).mat nor ex3data1.mat is in \(folders.joined(separator: ", ")); give "
          + "--data-dir the folder that holds one of them")
    }
    let file = try DataFile.load(path: path, options: DataFileOptions(testFraction: 0))
    guard file.set.train.shape == .vector(400), file.set.classCount == 10,
      !file.set.train.predictsNumbers
    else {
      throw StudyError.data(
        "'\(path)': must hold samples of 400 with 10 classes, found \(file.set.train.shape) with "
          + "\(file.set.classCount)")
    }
    var set = file.set
    set.name = URL(filePath: path).lastPathComponent
    return (set, file.digest)
  }
}
