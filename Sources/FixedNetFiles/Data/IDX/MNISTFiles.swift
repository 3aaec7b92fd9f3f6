import Foundation
import Synchronization

/// The two data sets that come as four IDX files.
public enum MNISTName: String, CaseIterable, Sendable {
  /// Handwritten digits.
  case mnist
  /// Pictures of clothes.
  case fashionMNIST = "fashion-mnist"

  /// By their labels.
  public var classNames: [String] {
    switch self {
    case .mnist: (0...9).map(String.init)
    case .fashionMNIST:
      [
        "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot",
      ]
    }
  }

  /// What identifies the data in checkpoints: a digest of the MD5 digests of its files.
  public var digest: String {
    Digest.sha256(Array(MNISTFile.allCases.map { $0.md5(in: self) }.joined().utf8))
  }
}

/// The four files.
package enum MNISTFile: String, CaseIterable {
  case trainImages = "train-images-idx3-ubyte"
  case trainLabels = "train-labels-idx1-ubyte"
  case testImages = "t10k-images-idx3-ubyte"
  case testLabels = "t10k-labels-idx1-ubyte"

  /// All four, for messages.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// The names that the file has in the wild: as published, and as some programs unpack it, with a dot.
  var spellings: [String] {
    let dotted = rawValue.replacing("-idx", with: ".idx")
    return [rawValue, "\(rawValue).gz", dotted, "\(dotted).gz"]
  }

  package var shape: [Int] {
    switch self {
    case .trainImages: [60_000, 28, 28]
    case .trainLabels: [60_000]
    case .testImages: [10_000, 28, 28]
    case .testLabels: [10_000]
    }
  }

  /// The SHA-256 of the unpacked file, taken of one that has the MD5 below.
  package func sha256(in data: MNISTName) -> String {
    switch (data, self) {
    case (.mnist, .trainImages):
      "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    case (.mnist, .trainLabels):
      "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    case (.mnist, .testImages):
      "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    case (.mnist, .testLabels):
      "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    case (.fashionMNIST, .trainImages):
      "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    case (.fashionMNIST, .trainLabels):
      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    case (.fashionMNIST, .testImages):
      "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    case (.fashionMNIST, .testLabels):
      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    }
  }

  /// The MD5 of the unpacked file, as it is published.
  package func md5(in data: MNISTName) -> String {
    switch (data, self) {
    case (.mnist, .trainImages): "6bbc9ace898e44ae57da46a324031adb"
    case (.mnist, .trainLabels): "a25bea736e30d166cdddb491f175f624"
    case (.mnist, .testImages): "2646ac647ad5339dbf082846283269ea"
    case (.mnist, .testLabels): "27ae3e4e09519cfbb04c329615203637"
    case (.fashionMNIST, .trainImages): "f4a8712d7a061bf5bd6d2ca38dc4d50a"
    case (.fashionMNIST, .trainLabels): "9018921c3c673c538a1fc5bad174d6f9"
    case (.fashionMNIST, .testImages): "8181f5470baa50b63fa0f6fddb340f0a"
    case (.fashionMNIST, .testLabels): "15d484375f8d13e6eb1aabb0c3f46965"
    }
  }
}

/// MNIST and Fashion-MNIST from a folder of IDX files.
public struct MNISTFiles: Sendable {
  /// 28 x 28 bytes each.
  public var trainImages: [UInt8]
  /// One byte per image, 0 to 9.
  public var trainLabels: [UInt8]
  /// 10,000 images of 28x28 bytes.
  public var testImages: [UInt8]
  /// One byte per image, 0 to 9.
  public var testLabels: [UInt8]

  /// Reads the four files, plain or `.gz`, from the first of `folders` that has all of them, and checks their contents.
  /// `directory`: what the user gave with `--data-dir`.
  /// Throws: `DataError`; `.missing` names the folders that were searched.
  public static func load(
    _ name: MNISTName, directory: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DataError) -> MNISTFiles {
    let folders = folders(name, directory: directory, environment: environment)
    guard let folder = folders.first(where: { isComplete($0) }) else {
      throw .missing(name: name.rawValue, searched: folders)
    }
    // While one file's helper unpacks, those of the others start and unpack too. A further thread computes the digests right
    // behind them. No bytes are in memory twice.
    let queue = DispatchQueue(label: "fixednet.digest")
    let files = MNISTFile.allCases
    let results = Mutex<[MNISTFile: Result<[UInt8], DataError>]>([:])
    DispatchQueue.concurrentPerform(iterations: files.count) { index in
      let result = Result { () throws(DataError) in
        try read(files[index], of: name, in: folder, digestOn: queue)
      }
      results.withLock { $0[files[index]] = result }
    }
    // The first that fails is the same in every run.
    var values: [MNISTFile: [UInt8]] = [:]
    for file in files { values[file] = try results.withLock { $0[file] }?.get() }
    return MNISTFiles(
      trainImages: values[.trainImages] ?? [], trainLabels: values[.trainLabels] ?? [],
      testImages: values[.testImages] ?? [], testLabels: values[.testLabels] ?? [])
  }

  /// Where the files are looked for, in this order: `directory`, $FIXEDNET_DATA/<name>, Data/<name>,
  /// ~/.cache/fixednet/<name>.
  package static func folders(
    _ name: MNISTName, directory: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> [String] {
    var folders: [String] = []
    if let directory { folders.append(directory) }
    if let data = environment["FIXEDNET_DATA"], !data.isEmpty {
      folders.append("\(data)/\(name.rawValue)")
    }
    folders.append("Data/\(name.rawValue)")
    if let cache = cacheFolder(name, environment: environment) { folders.append(cache) }
    return folders
  }

  /// Where downloads are kept.
  package static func cacheFolder(
    _ name: MNISTName, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    guard let home = environment["HOME"], !home.isEmpty else { return nil }
    return "\(home)/.cache/fixednet/\(name.rawValue)"
  }

  /// Whether a folder has all four files.
  package static func isComplete(_ folder: String) -> Bool {
    MNISTFile.allCases.allSatisfy { path(of: $0, in: folder) != nil }
  }

  private static func path(of file: MNISTFile, in folder: String) -> String? {
    file.spellings.map { "\(folder)/\($0)" }.first { access($0, F_OK) == 0 }
  }

  private static func read(
    _ file: MNISTFile, of name: MNISTName, in folder: String, digestOn queue: DispatchQueue
  ) throws(DataError) -> [UInt8] {
    let path = path(of: file, in: folder) ?? file.rawValue
    let idx = try IDXFile.read(path, shape: file.shape, digestOn: queue)
    try check(idx, is: file, of: name, path: path)
    return idx.values
  }

  /// The shape, the contents and the labels must be the data set's.
  static func check(_ idx: IDXFile, is file: MNISTFile, of name: MNISTName, path: String)
    throws(DataError)
  {
    guard idx.shape == file.shape else {
      throw .malformed(
        path: path, expected: file.shape.map(String.init).joined(separator: " x "),
        found: idx.shape.map(String.init).joined(separator: " x "))
    }
    guard idx.sha256 == file.sha256(in: name) else {
      let other = MNISTName.allCases.first { file.sha256(in: $0) == idx.sha256 }
      let whose = other.map { ", which is that of --data \($0.rawValue)" } ?? ""
      throw .digest(path: path, expected: file.sha256(in: name), found: idx.sha256 + whose)
    }
    guard file.shape.count == 1 else { return }
    let image = idx.values.withUnsafeBufferPointer { labels in labels.firstIndex { $0 > 9 } }
    if let image {
      throw .label(path: path, value: Int(idx.values[image]), image: image, classCount: 10)
    }
  }
}
