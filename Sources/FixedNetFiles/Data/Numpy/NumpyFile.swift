import CReader
import FixedNetCompute

/// NumPy's arrays: one in an `.npy`, or those of an `.npz`, each by its name. A helper reads them: see `FN_READ_NUMPY`.
struct NumpyFile {
  struct Array {
    var shape: [Int]
    /// nil: texts.
    var values: AnswerValues?
    /// Texts as names of classes in order, and the place of each text among them.
    var classes: [String] = []
    var places: [Double] = []
  }

  /// Bytes that arrays may have in all.
  private static let sizeLimit = 4 << 30

  private let file: SealedFile
  private let members: [(name: String, place: ZipArchive.Place, role: Int)]

  /// The arrays; "" for the one of an `.npy`.
  var names: [String] { members.map(\.name) }

  /// Throws: `DataFileError.file`, `.wrongFormat`, `.array`.
  init(_ file: SealedFile) throws(DataFileError) {
    self.file = file
    let start: [UInt8]
    do { start = try file.bytes(at: 0, count: 6) } catch { throw .file(error) }
    if start == [0x93] + Swift.Array("NUMPY".utf8) {
      let whole = ZipArchive.Place(
        start: 0, packedCount: file.count, count: file.count, method: 0, checksum: 0)
      members = [("", whole, Int(FN_MEMBER_FILE))]
      return
    }
    guard ZipArchive.isZip(start) else {
      throw .wrongFormat(
        path: file.path,
        found: start.isEmpty
          ? "the file is empty" : "no file of NumPy's; save it with numpy.savez or numpy.save")
    }
    do throws(CheckpointError) {
      let archive = try ZipArchive(file, from: .numpy)
      var found: [(name: String, place: ZipArchive.Place, role: Int)] = []
      for name in archive.names where name.hasSuffix(".npy") {
        let place = try archive.place(of: name, limit: NumpyFile.sizeLimit)
        found.append((String(name.dropLast(4)), place, Int(FN_MEMBER_BYTES)))
      }
      members = found
    } catch { throw NumpyFile.error(error, path: file.path) }
  }

  private static func error(_ error: CheckpointError, path: String) -> DataFileError {
    switch error {
    case .file(let error): .file(error)
    case .wrongFormat(_, let found): .wrongFormat(path: path, found: found)
    case .item(_, let item, let expected, let found):
      .array(path: path, array: item, expected: expected, found: found)
    case .missing, .unavailable, .json, .model, .library: .hdf5(error)
    }
  }

  // MARK: - Reading

  /// Reads arrays: those in `doubles` as float64, others as float32. What they are is known and checked before values are
  /// asked for.
  /// Throws: `DataFileError.array` for what is no array of numbers or texts.
  func read(_ names: [String], doubles: Set<String>) throws(DataFileError) -> [String: Array] {
    let chosen = members.filter { names.contains($0.name) }
    let headers = try ask(chosen.map { ($0, 0) })
    var (bytes, answered) = (0, 0)
    for (index, member) in chosen.enumerated() {
      guard let header = headers.headers[index] else { throw damaged() }
      if let error = header.error(file.path, member.name, file.count) { throw error }
      // What the header says must be what the archive says.
      let declared = header.shape.reduce(header.size) { $0.multipliedReportingOverflow(by: $1).0 }
      guard header.shape.allSatisfy({ $0 >= 0 }), declared == member.place.count - header.start
      else {
        throw .array(
          path: file.path, array: NumpyFile.title(member.name),
          expected: "\(declared) bytes of values, as its header says",
          found: "\(member.place.count - header.start)")
      }
      bytes += member.place.count
      answered += (declared / max(1, header.size)) * (doubles.contains(member.name) ? 8 : 4)
    }
    guard bytes <= NumpyFile.sizeLimit else {
      throw .wrongFormat(
        path: file.path, found: "arrays of more than 4 GiB; save fewer samples, or float32")
    }
    let answer = try ask(
      chosen.map { ($0, Int(doubles.contains($0.name) ? FN_AS_DOUBLE : FN_AS_FLOAT)) },
      expected: answered)
    var arrays: [String: Array] = [:]
    for (index, member) in chosen.enumerated() {
      guard let header = answer.headers[index] else { throw damaged() }
      if let error = header.error(file.path, member.name, file.count) { throw error }
      guard header.shape == headers.headers[index]?.shape else { throw damaged() }
      arrays[member.name] = try array(header.shape, answer, index, member.name)
    }
    return arrays
  }

  private func array(_ shape: [Int], _ answer: NumpyAnswer, _ index: Int, _ name: String)
    throws(DataFileError) -> Array
  {
    let count = shape.reduce(1, *)
    if let values = answer.values[index] {
      guard values.count == count else { throw damaged() }
      return Array(shape: shape, values: values)
    }
    guard let labels = answer.labels[index] else {
      throw .array(
        path: file.path, array: NumpyFile.title(name), expected: "names of at most 65,536 classes",
        found: "more")
    }
    var array = Array(shape: shape, values: nil)
    for name in labels.names {
      guard let text = String(validating: name, as: UTF8.self) else {
        throw .array(
          path: file.path, array: NumpyFile.title(name), expected: "names in UTF-8",
          found: String(decoding: name, as: UTF8.self))
      }
      array.classes.append(text)
    }
    do { array.places = try labels.places.doubles() } catch { throw damaged() }
    let names = Double(array.classes.count)
    guard array.places.count == count,
      array.places.allSatisfy({ $0 >= 0 && $0 < names && $0 == $0.rounded(.down) })
    else { throw damaged() }
    return array
  }

  /// "array x", or "the array" of an `.npy`.
  static func title(_ name: String) -> String { name.isEmpty ? "the array" : name }

  private static func title(_ bytes: [UInt8]) -> String { "the names of classes" }

  private func damaged() -> DataFileError {
    .wrongFormat(path: file.path, found: HelperFailure.answer.reason)
  }

  private typealias Member = (name: String, place: ZipArchive.Place, role: Int)

  /// `expected`: bytes of values.
  private func ask(_ wanted: [(member: Member, how: Int)], expected: Int = 0)
    throws(DataFileError) -> NumpyAnswer
  {
    let bytes = wanted.reduce(0) { $0 + ($1.how == 0 ? 1 << 16 : $1.member.place.count) }
    let seconds = 2 + (file.count + bytes) >> 25
    var request = HelperRequest(
      kind: Int(FN_READ_NUMPY), memory: 64 << 20 + 4 * bytes, seconds: seconds)
    request.number(wanted.count)
    for (member, how) in wanted {
      request.number(how)
      for value in [
        member.role, member.place.start, member.place.packedCount, member.place.count,
        member.place.method, Int(member.place.checksum),
      ] {
        request.number(value)
      }
    }
    do throws(HelperFailure) {
      // A byte becomes eight at most.
      let run = try HelperRun(
        .reader, file, request, room: 16 << 20 + 8 * bytes, expected: expected, seconds: seconds)
      return try NumpyAnswer(run.answer())
    } catch {
      throw error.isSystems
        ? .file(FileError(path: file.path, action: "read", reason: error.reason))
        : .wrongFormat(path: file.path, found: error.reason)
    }
  }
}

/// What a helper says of arrays, by their places in the request.
struct NumpyAnswer {
  struct Header {
    var state: Int
    var type: String
    var size: Int
    var start: Int
    var shape: [Int]
  }

  private(set) var headers: [Int: Header] = [:]
  private(set) var values: [Int: AnswerValues] = [:]
  private(set) var labels: [Int: (names: [[UInt8]], places: AnswerValues)] = [:]

  init(_ output: HelperOutput) throws(HelperFailure) {
    var records = AnswerRecords(output)
    while var record = try records.next() {
      let index = try record.count()
      switch record.tag {
      case Int(FN_RECORD_ARRAY):
        headers[index] = Header(
          state: try record.count(), type: String(decoding: try record.text(), as: UTF8.self),
          size: try record.count(), start: try record.count(), shape: try record.counts())
      case Int(FN_RECORD_VALUES): values[index] = try record.values()
      case Int(FN_RECORD_LABELS): labels[index] = (try record.texts(), try record.values())
      default: throw .answer
      }
    }
  }
}

extension NumpyAnswer.Header {
  /// Why an array cannot be read; nil where it can.
  func error(_ path: String, _ name: String, _ size: Int) -> DataFileError? {
    func refuse(_ expected: String, _ found: String, _ advice: String = "") -> DataFileError {
      .array(
        path: path, array: NumpyFile.title(name), expected: expected, found: found, advice: advice)
    }
    switch state {
    case Int(FN_NUMPY_SOUND): return nil
    case Int(FN_NUMPY_PACKED): return refuse("packed as the archive says", "damaged bytes")
    case Int(FN_NUMPY_CHECKSUM):
      return refuse("as it was written", "a wrong checksum: the file is damaged")
    case Int(FN_NUMPY_VERSION): return refuse("an array of version 1 to 3", "another version")
    case Int(FN_NUMPY_TYPE):
      return refuse("numbers, booleans or texts", typeName, "in NumPy, x.astype('float32')")
    default: return refuse("an array of NumPy", "a damaged header, or more or fewer values")
    }
  }

  private var typeName: String {
    switch type.dropFirst(type.hasPrefix("[") ? 0 : 1).first {
    case "O": "objects of Python (dtype object), which only Python can unpack"
    case "[": "records of several fields"
    case "c": "complex numbers"
    case "M", "m": "dates or times"
    default: "values of type '\(OneLine.short(type))'"
    }
  }
}
