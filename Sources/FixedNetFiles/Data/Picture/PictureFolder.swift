import FixedNetCompute
import Foundation

/// A folder of pictures with one sub-folder for each class; or with a folder of these for training and one for testing.
/// Everything is taken in the order of the bytes of its name.
struct PictureFolder {
  /// The pictures of training or test.
  struct Part {
    let path: String
    /// Of each picture.
    var paths: [String] = []
    /// Its place among `classNames`.
    var classes: [Int] = []
    var classNames: [String] = []
  }

  /// Training, and test where it has a folder of its own.
  private(set) var parts: [Part]
  /// What is there and is not used.
  private(set) var others: [String] = []
  /// The name of the test set's folder.
  private(set) var testName: String?

  /// Ends of names that pictures have.
  static let ends = [".png", ".jpg", ".jpeg", ".jpe", ".jfif"]
  /// Pictures that are not read: to pass over them would leave samples out.
  private static let unreadEnds = [
    ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".pgm",
    ".ppm", ".pnm", ".svg",
  ]
  private static let training = ["train", "training"]
  /// The first one that is there is the test set.
  private static let testing = ["test", "testing", "val", "valid", "validation"]

  static func isPicture(_ name: String) -> Bool {
    let name = name.lowercased()
    return ends.contains { name.hasSuffix($0) }
  }

  /// Whether a folder is one of pictures: it has sub-folders, or pictures.
  static func isOne(_ path: String) -> Bool {
    guard let found = try? Listing(path) else { return false }
    return !found.folders.isEmpty || found.files.contains(where: isPicture)
  }

  /// Throws: `DataFileError.file`, `.wrongFormat` for what is no such folder.
  init(path: String) throws(DataFileError) {
    let top = try Listing(path)
    guard !top.folders.isEmpty else {
      throw .wrongFormat(
        path: path,
        found: "pictures without sub-folders; make one for each class, as "
          + "\(FilePath.name(of: path))/CLASS/\(top.files.first(where: PictureFolder.isPicture) ?? "1.png")"
      )
    }
    others = top.files
    guard let train = try PictureFolder.trainingFolder(of: top) else {
      parts = [try Part(path, top, others: &others)]
      return
    }
    let test = PictureFolder.testing.lazy
      .compactMap { name in top.folders.first { $0.lowercased() == name } }.first
    let names = [train, test].compactMap(\.self)
    others += top.folders.filter { !names.contains($0) }
    parts = []
    for name in names {
      let folder = "\(path)/\(name)"
      parts.append(try Part(folder, Listing(folder), others: &others))
    }
    testName = test
    try checkClasses()
  }

  /// The sub-folder for training, where all are for training or testing and it has sub-folders too; nil where they are
  /// classes.
  private static func trainingFolder(of top: Listing) throws(DataFileError) -> String? {
    let known = training + testing
    guard top.folders.allSatisfy({ known.contains($0.lowercased()) }),
      let train = top.folders.first(where: { training.contains($0.lowercased()) })
    else { return nil }
    return try Listing("\(top.path)/\(train)").folders.isEmpty ? nil : train
  }

  /// Training must know every class of the test set, which becomes of the same classes.
  private func checkClasses() throws(DataFileError) {
    guard parts.count > 1 else { return }
    for name in parts[1].classNames where !parts[0].classNames.contains(name) {
      throw .wrongFormat(
        path: "\(parts[1].path)/\(name)",
        found: "there is no class of this name to train on in '\(parts[0].path)' ("
          + "\(OneLine.list(parts[0].classNames)))")
    }
  }
}

extension PictureFolder.Part {
  /// Throws: `DataFileError.wrongFormat` for a class without pictures.
  fileprivate init(_ path: String, _ top: Listing, others: inout [String]) throws(DataFileError) {
    self.path = path
    for name in top.folders {
      let folder = "\(path)/\(name)"
      let found = try Listing(folder)
      if let inner = found.folders.first {
        throw .wrongFormat(
          path: "\(folder)/\(inner)",
          found: "a folder inside of the class '\(OneLine.short(name))'; put its pictures into "
            + "that one's folder, or take it away")
      }
      let pictures = try PictureFolder.pictures(of: found, others: &others)
      guard !pictures.isEmpty else {
        throw .wrongFormat(
          path: folder,
          found: "no picture (.png, .jpg) in this class; put some there, or take the folder away")
      }
      classes += pictures.map { _ in classNames.count }
      classNames.append(name)
      paths += pictures
    }
  }
}

extension PictureFolder {
  /// The pictures of a folder; its other files are named among `others`.
  /// Throws: `DataFileError.wrongFormat` for pictures of kinds that are not read.
  fileprivate static func pictures(of folder: Listing, others: inout [String])
    throws(DataFileError) -> [String]
  {
    for name in folder.files where !isPicture(name) {
      if let end = unreadEnds.first(where: { name.lowercased().hasSuffix($0) }) {
        throw .wrongFormat(
          path: "\(folder.path)/\(name)",
          found: "a picture that is not read (\(end)); make a .png or .jpg of it, or take it away")
      }
      others.append("\(FilePath.name(of: folder.path))/\(name)")
    }
    return folder.files.filter(isPicture).map { "\(folder.path)/\($0)" }
  }

  /// Folders within each other in which pictures to predict are looked for: a link may lead back.
  private static let depth = 8

  /// The pictures to predict: of the folder itself, then of all folders below it.
  /// Throws: `DataFileError.file`, `.wrongFormat` where there are none, and for folders that are too deep.
  static func all(in path: String) throws(DataFileError) -> [String] {
    let paths = try below(path, depth: depth)
    guard !paths.isEmpty else {
      throw .wrongFormat(path: path, found: "a folder without pictures (.png, .jpg)")
    }
    return paths
  }

  private static func below(_ path: String, depth: Int) throws(DataFileError) -> [String] {
    guard depth > 0 else {
      throw .wrongFormat(
        path: path,
        found:
          "a folder within \(PictureFolder.depth) others (a link that leads back?); name the one "
          + "with the pictures")
    }
    let found = try Listing(path)
    var others: [String] = []
    var paths = try pictures(of: found, others: &others)
    for name in found.folders { paths += try below("\(path)/\(name)", depth: depth - 1) }
    return paths
  }
}

/// What is in a folder, in the order of names' bytes, without what is hidden.
private struct Listing {
  let path: String
  private(set) var folders: [String] = []
  private(set) var files: [String] = []

  /// What systems leave in folders.
  private static let strays = ["Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir"]

  /// Throws: `DataFileError.file`.
  init(_ path: String) throws(DataFileError) {
    self.path = path
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
      throw .file(
        FileError(
          path: path, action: "read", code: access(path, F_OK) == 0 ? EACCES : ENOENT))
    }
    let sorted = names.filter { !$0.hasPrefix(".") && !Listing.strays.contains($0) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for name in sorted {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
      if isFolder.boolValue { folders.append(name) } else { files.append(name) }
    }
  }
}
