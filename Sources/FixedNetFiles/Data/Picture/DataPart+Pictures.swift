import FixedNetCompute
import FixedNetCore

extension DataPart {
  /// A folder of pictures; or one picture, which is no data set. `options.image`: what all pictures become; nil: they are
  /// of one size, and all grey or all coloured. The test set is divided off before anything is read: no picture is in memory
  /// twice.
  /// Throws: `DataFileError`; `.wrongFormat` names the picture that cannot be read.
  static func readPictures(_ path: String, _ options: DataFileOptions) throws(DataFileError)
    -> (contents: DataContents, digest: String)
  {
    guard !PictureFolder.isPicture(path) || PictureFolder.isOne(path) else {
      throw .wrongFormat(
        path: path,
        found: "one picture and no data set; give a folder with a sub-folder of pictures for each "
          + "class (predict takes single pictures)")
    }
    let folder = try PictureFolder(path: path)
    let fraction = options.testFraction ?? DataFile.defaultTestFraction
    var found = folder.parts
    var split: (rule: String, note: String)?
    if found.count == 1, fraction > 0 {
      (found, split) = try found[0].divided(fraction: fraction)
    }
    var parts: [DataPart] = []
    var lines: [String] = []
    var shape = options.image
    for part in found {
      let pictures = try PictureReader.read(
        part.paths, as: shape, like: options.image == nil ? found[0].paths[0] : nil)
      shape = pictures.shape
      parts.append(DataPart(part, pictures))
      // Where the folder is does not matter.
      lines += zip(part.paths, pictures.digests).map { file, digest in
        "\(digest) \(String(decoding: file.utf8.dropFirst(path.utf8.count), as: UTF8.self))"
      }
    }
    let doubt = folder.testName.flatMap { name in
      name.lowercased().hasPrefix("val") ? "the test set is the folder '\(name)'" : nil
    }
    return (
      DataContents(parts: parts, others: folder.others, doubt: doubt, split: split),
      Digest.sha256(Array(lines.joined(separator: "\n").utf8))
    )
  }

  private init(_ found: PictureFolder.Part, _ pictures: Pictures) {
    path = found.path
    xName = "the pictures"
    xShape = [found.paths.count] + pictures.shape.dimensions
    x = pictures.pixels
    yName = "the folders"
    yShape = [found.paths.count]
    y = found.classes.map(Double.init)
    classNames = found.classNames
    form = .pictures(paths: found.paths, pictures.counts)
  }

  /// "1,797 pictures of 8x8x1, 3 turned upright (EXIF), bytes divided by 255"
  static func pictureNote(_ parts: [DataPart]) -> String? {
    var counts = PictureCounts()
    for part in parts {
      guard case .pictures(_, let own) = part.form else { return nil }
      counts = counts + own
    }
    let count = parts.reduce(0) { $0 + $1.count }
    return "\(Format.grouped(count)) pictures of \(parts[0].sample)\(counts.note)"
  }
}

extension PictureFolder.Part {
  /// Training, and a test set that has the same part of each class.
  /// Throws: `DataFileError.option` where that would have none.
  fileprivate func divided(fraction: Double) throws(DataFileError)
    -> ([PictureFolder.Part], (rule: String, note: String))
  {
    let (first, second) = StratifiedSplit.places(
      paths.count, taking: StratifiedSplit.share(of: paths.count, fraction),
      seed: DataFile.splitSeed
    ) { classes[$0] }
    guard !second.isEmpty else {
      throw .option(
        path: path, option: "--test-fraction \(fraction)",
        reason: "no class has so many pictures that one is left to test, give a larger part "
          + "(0 tests on the training samples);")
    }
    func part(_ places: [Int]) -> PictureFolder.Part {
      var part = self
      (part.paths, part.classes) = (places.map { paths[$0] }, places.map { classes[$0] })
      return part
    }
    return (
      [part(first), part(second)],
      (
        "\(second.count) of all classes by permutation 0",
        "\(Format.grouped(second.count)) of them, the same part of each class and always the "
          + "same, are the test set (--test-fraction \(fraction))"
      )
    )
  }
}

extension PictureCounts {
  /// ", 7 brought to this size, bytes divided by 255"
  var note: String {
    let parts = [
      (resized, "brought to this size"), (greyed, "made grey (Rec. 601 luma)"),
      (coloured, "grey ones made red, green and blue"),
      (transparent, "with transparency laid over black"), (deep, "of 16 bits rounded to 8"),
      (turned, "turned upright (EXIF)"),
    ].filter { $0.0 > 0 }.map { "\(Format.grouped($0.0)) \($0.1)" }
    return ([""] + parts + ["bytes divided by 255"]).joined(separator: ", ")
  }
}

extension DataSamples {
  /// The pictures that a file or folder is for `predict`, by their paths; nil for what is no picture.
  /// Throws: `DataFileError` for a folder that has none.
  public static func pictures(in path: String) throws(DataFileError) -> [String]? {
    guard DataFile.Kind(path: path) == .pictures else { return nil }
    return PictureFolder.isOne(path) ? try PictureFolder.all(in: path) : [path]
  }

  /// Pictures, brought to what a model takes. `image`: how its vectors hold images; nil where it takes images.
  /// Throws: `DataFileError`.
  public static func pictures(_ paths: [String], input: Shape, image: Shape?)
    throws(DataFileError) -> DataSamples
  {
    guard let shape = input.dimensions.count == 3 ? input : image,
      shape.elementCount == input.elementCount, shape.isPicture
    else {
      throw .array(
        path: paths[0], array: "a picture", expected: "\(input) for the model",
        found: "an image",
        advice: "a model for pictures takes [height, width, 1 or 3], or was trained on pictures")
    }
    let pictures = try PictureReader.read(paths, as: shape, like: nil)
    return DataSamples(
      values: pictures.pixels.floats, count: paths.count, answers: nil,
      note: "\(Format.grouped(paths.count)) pictures of \(shape)\(pictures.counts.note)")
  }
}

extension Shape {
  /// Whether a picture can have it: grey, or red, green and blue.
  var isPicture: Bool {
    guard case .image(_, _, let channels) = self else { return false }
    return channels == 1 || channels == 3
  }
}
