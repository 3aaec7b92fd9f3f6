import CReader
import FixedNetCompute
import Foundation

/// A picture as a helper gives it.
struct PictureAnswer {
  var state: Int
  var height: Int
  var width: Int
  var channels: Int
  var flags: Int
  var text: String
  var bytes: [UInt8] = []

  init(_ record: inout AnswerRecord) throws(HelperFailure) {
    state = try record.count()
    (height, width, channels) = (try record.count(), try record.count(), try record.count())
    flags = try record.count()
    text = String(decoding: try record.text(), as: UTF8.self)
    if record.hasMore { bytes = try record.bytes() }
  }

  /// What was done to it.
  func counts(as target: Shape) -> PictureCounts {
    let wanted = target.dimensions
    func flag(_ flag: some BinaryInteger) -> Int { flags & Int(flag) != 0 ? 1 : 0 }
    return PictureCounts(
      resized: [height, width] == Array(wanted.prefix(2)) ? 0 : 1,
      transparent: flag(FN_PICTURE_ALPHA), deep: flag(FN_PICTURE_DEEP),
      turned: flag(FN_PICTURE_TURNED), greyed: channels > wanted[2] ? 1 : 0,
      coloured: channels < wanted[2] ? 1 : 0)
  }
}

/// Files of pictures that one helper reads: their bytes, one after the other.
struct PictureBatch {
  private(set) var paths: [String] = []
  private(set) var bytes: [UInt8] = []
  private(set) var sizes: [Int] = []
  private(set) var digests: [String] = []

  var count: Int { paths.count }

  init() {}

  init(paths: [String], limit: Int) throws(DataFileError) {
    for path in paths { try append(path, limit: limit) }
  }

  /// Throws: `DataFileError.file`.
  mutating func append(_ path: String, limit: Int) throws(DataFileError) {
    let file: [UInt8]
    do { file = try FileBytes.read(path, limit: limit) } catch { throw .file(error) }
    append(path, file)
  }

  private mutating func append(_ path: String, _ file: [UInt8]) {
    paths.append(path)
    bytes += file
    sizes.append(file.count)
    digests.append(Digest.sha256(file))
  }

  // MARK: - Reading

  /// All pictures. `like`: a picture whose size and channels they must have already.
  /// Throws: `DataFileError` for the first one that cannot be read.
  func read(as target: Shape, like: String?) throws(DataFileError) -> [PictureAnswer] {
    let answers = try ask(for: target, isExact: like != nil)
    for (answer, path) in zip(answers, paths) {
      if let error = answer.error(path: path, target: target, like: like ?? path) { throw error }
    }
    guard answers.count == count, answers.allSatisfy({ $0.bytes.count == target.elementCount })
    else { throw .wrongFormat(path: paths[0], found: HelperFailure.answer.reason) }
    return answers
  }

  /// What a helper says of them, up to the first that cannot be read. `target`: nil for only what they are.
  /// Throws: `DataFileError` where a picture makes its helper fail.
  func ask(for target: Shape?, isExact: Bool) throws(DataFileError) -> [PictureAnswer] {
    do throws(HelperFailure) { return try answers(target, isExact: isExact) } catch {
      guard !error.isSystems else {
        throw .file(FileError(path: paths[0], action: "read", reason: error.reason))
      }
      guard count > 1 else { throw .wrongFormat(path: paths[0], found: error.reason) }
    }
    // Which one it was shows when each has a helper of its own.
    var answers: [PictureAnswer] = []
    var place = 0
    for (path, size) in zip(paths, sizes) {
      var single = PictureBatch()
      single.append(path, Array(bytes[place..<place + size]))
      answers += try single.ask(for: target, isExact: isExact)
      if answers.last?.state != Int(FN_PICTURE_HERE) { break }
      place += size
    }
    return answers
  }

  private func answers(_ target: Shape?, isExact: Bool) throws(HelperFailure) -> [PictureAnswer] {
    let file: SealedFile
    do throws(FileError) { file = try SealedFile(bytes, path: paths[0], for: .reader) } catch {
      throw .system(error.reason)
    }
    let room = 64 << 10 + count * (1024 + (target?.elementCount ?? 0))
    // A picture of the largest size takes up to nine bytes for each pixel while it is decoded; a mebibyte takes less than
    // a quarter of a second.
    let seconds = 4 + bytes.count >> 22
    var request = HelperRequest(
      kind: Int(FN_READ_PICTURES),
      memory: 64 << 20 + 9 * Int(FN_PICTURE_PIXELS), seconds: seconds)
    for extent in target?.dimensions ?? [0, 0, 0] { request.number(extent) }
    request.number(isExact ? 1 : 0)
    request.number(count)
    for size in sizes { request.number(size) }
    let output = try HelperRun(.reader, file, request, room: room, seconds: seconds).answer()
    var answers: [PictureAnswer] = []
    var records = AnswerRecords(output)
    while var record = try records.next() {
      guard record.tag == Int(FN_RECORD_PICTURE), try record.count() == answers.count,
        answers.count < count
      else { throw .answer }
      answers.append(try PictureAnswer(&record))
    }
    guard let last = answers.last,
      answers.count == count || last.state != Int(FN_PICTURE_HERE)
    else { throw .answer }
    return answers
  }
}

extension PictureAnswer {
  /// Why the picture cannot be read; nil where it can.
  func error(path: String, target: Shape, like: String) -> DataFileError? {
    let found: String
    switch state {
    case Int(FN_PICTURE_HERE): return nil
    case Int(FN_PICTURE_EMPTY): found = "the file is empty"
    case Int(FN_PICTURE_OTHER):
      found =
        (text.isEmpty ? "neither PNG nor JPEG" : "\(text) and neither PNG nor JPEG")
        + "; make a .png or .jpg of it, or take it away"
    case Int(FN_PICTURE_DAMAGED):
      found = "a damaged picture: \(OneLine.short(text)); write it anew, or take it away"
    case Int(FN_PICTURE_LARGE):
      found =
        "a picture of \(Format.grouped(width)) x \(Format.grouped(height)) pixels; at most "
        + "\(Format.grouped(Int(FN_PICTURE_PIXELS))) are read: make it smaller"
    case Int(FN_PICTURE_KIND): found = "\(text); save it as RGB or grey"
    case Int(FN_PICTURE_SIZE):
      return .array(
        path: path, array: "a picture", expected: "\(size(target)) like '\(like)'",
        found: "\(width) x \(height)", advice: "--image HxWxC brings all to one size")
    case Int(FN_PICTURE_COLOURS):
      let grey = "\(target.dimensions[0])x\(target.dimensions[1])"
      return .array(
        path: path, array: "a picture",
        expected: channels == 1 ? "coloured like '\(like)'" : "grey like '\(like)'",
        found: channels == 1 ? "a grey one" : "a coloured one",
        advice: "--image \(grey)x1 makes all grey, --image \(grey)x3 all coloured")
    default: found = HelperFailure.answer.reason
    }
    return .wrongFormat(path: path, found: found)
  }

  /// "32 x 32 pixels", the width first.
  private func size(_ shape: Shape) -> String {
    "\(shape.dimensions[1]) x \(shape.dimensions[0]) pixels"
  }
}
