import FixedNetCompute
import FixedNetCore
import Foundation

/// A data set of IDX files under any names: images and their labels, and those of a test set where they are there. What
/// belongs together is said by the names, as MNIST, KMNIST and EMNIST have them: `train-images-idx3-ubyte` and
/// `train-labels-idx1-ubyte`, plain or `.gz`, with `t10k` or `test` for the test set.
struct IDXPair {
  /// The images' files, training first.
  private let images: [String]

  /// Whether a file's name is that of images or labels in IDX.
  static func isName(_ path: String) -> Bool {
    let name = base(path)
    return ["ubyte", ".idx"].contains { name.hasSuffix($0) } || name.contains("-idx")
      || name.contains(".idx")
  }

  /// Whether a folder has files of images in IDX.
  static func isFolder(_ path: String) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.contains { isName($0) && base($0).contains("images") }
  }

  /// The name in small letters without `.gz`.
  private static func base(_ path: String) -> String {
    let name = FilePath.name(of: path).lowercased()
    return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
  }

  /// `path`: a folder, or the images' file.
  /// Throws: `DataFileError.wrongFormat` where it is not clear which files are meant.
  init(path: String) throws(DataFileError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .file(FileError(path: path, action: "open", code: ENOENT))
    }
    let train = isFolder.boolValue ? try IDXPair.trainImages(in: path) : path
    guard IDXPair.base(train).contains("images") else {
      throw .wrongFormat(
        path: path,
        found:
          "its name says no 'images'; give the file of the images, whose labels' file is called "
          + "the same but for 'labels', or their folder")
    }
    let tests = ["t10k", "test"].compactMap { word in
      IDXPair.sibling(of: train, [("train", word)])
    }
    images = [train] + (IDXPair.base(train).contains("train") ? Array(tests.prefix(1)) : [])
  }

  /// The one file of training images in a folder.
  private static func trainImages(in folder: String) throws(DataFileError) -> String {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
      throw .file(FileError(path: folder, action: "read", code: EACCES))
    }
    let all = names.filter { isName($0) && base($0).contains("images") }
    let train = all.filter { base($0).contains("train") }
    let found = train.isEmpty ? all : train
    // The same file plain and packed is one.
    guard let first = found.first, Set(found.map(base)).count == 1 else {
      throw .wrongFormat(
        path: folder,
        found: found.isEmpty
          ? "a folder without images: neither sub-folders of pictures nor IDX files (train-images-idx3-ubyte, "
            + "train-labels-idx1-ubyte)"
          : "a folder with several files of images (\(OneLine.list(found))); give the one that is "
            + "meant")
    }
    return "\(folder)/\(first)"
  }

  /// The file whose name differs in these words, plain or packed; nil where there is none.
  private static func sibling(of path: String, _ words: [(from: String, to: String)]) -> String? {
    var name = FilePath.name(of: path)
    if name.lowercased().hasSuffix(".gz") { name.removeLast(3) }
    for (from, to) in words {
      guard let place = name.range(of: from, options: [.caseInsensitive, .backwards]) else {
        return nil
      }
      name.replaceSubrange(place, with: to)
    }
    let file = "\(FilePath.folder(of: path))/\(name)"
    return [file, "\(file).gz"].first { FileManager.default.fileExists(atPath: $0) }
  }

  // MARK: - Reading

  /// Throws: `DataFileError.file`, `.wrongFormat`, `.array`.
  func read() throws(DataFileError) -> (contents: DataContents, digest: String) {
    var parts: [DataPart] = []
    var digests: [String] = []
    for path in images {
      guard let labels = labels(of: path) else {
        throw .wrongFormat(
          path: path,
          found:
            "images without a file of their labels beside them (the same name with 'labels' and "
            + "'idx1')")
      }
      let x = try IDXPair.file(path) { path throws(DataError) in
        do throws(DataError) { return try IDXFile.images(path, rank: 3) } catch {
          guard let colours = try? IDXFile.images(path, rank: 4) else { throw error }
          return colours
        }
      }
      let y = try IDXPair.file(labels) { path throws(DataError) in try IDXFile.labels(path) }
      digests += [x.sha256, y.sha256]
      parts.append(
        DataPart(
          path: path, xName: FilePath.name(of: path), xShape: x.shape, x: x.pixels,
          yName: FilePath.name(of: labels), yShape: y.shape, y: y.numbers.map(Double.init),
          form: .bytes))
    }
    let isEMNIST = IDXPair.base(images[0]).contains("emnist")
    return (
      DataContents(
        parts: parts, others: [],
        doubt: isEMNIST
          ? "EMNIST's images lie on their sides, rows and columns exchanged, and are used so" : nil),
      Digest.sha256(Array(digests.joined().utf8))
    )
  }

  private func labels(of path: String) -> String? {
    let words = [("images", "labels"), ("idx3", "idx1")]
    let wide = ["int", "short"].map { words + [("ubyte", $0)] }
    return ([words, [words[0]]] + wide).lazy.compactMap { IDXPair.sibling(of: path, $0) }.first
  }

  private static func file(_ path: String, _ read: (String) throws(DataError) -> IDXFile)
    throws(DataFileError) -> IDXFile
  {
    do { return try read(path) } catch {
      switch error {
      case .file(let error): throw .file(error)
      case .malformed(_, let expected, let found):
        throw .wrongFormat(path: path, found: "must be \(expected), found \(found)")
      case .missing, .digest, .label, .download:
        throw .wrongFormat(path: path, found: "no IDX file")
      }
    }
  }
}
