#if HDF5
  import CReader
  import Foundation

  /// What an object of a file has to be.
  enum HDF5Rule {
    case group
    /// float32 or float64 of exactly this shape.
    case real(shape: [Int])
    /// float32, float64 or integers of any shape.
    case numbers
    /// Anything: a look at its attributes decides.
    case any
  }

  /// Somebody's HDF5 file. Nothing in it is trusted: a helper has read what was wanted of it, and here its table is checked
  /// against what things have to be.
  struct HDF5File: ~Copyable {
    let path: String
    let answer: HDF5Answer
    /// nil: there is nothing but the answer.
    let source: HDF5Source?

    var byteCount: Int { source?.count ?? 0 }

    /// Bytes and components of a path inside of a file; the helper has the same limits.
    private static let pathLimit = 65_536
    private static let componentLimit = 1_024
    static let sizes = 512...(4 << 30)
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    static func isHDF5(_ start: [UInt8]) -> Bool { start.starts(with: signature) }

    /// Opens the file at `path` and reads what is wanted.
    init(path: String, wants: HDF5Wants) throws(CheckpointError) {
      let file: SealedFile
      do { file = try SealedFile(path: path, limit: HDF5File.sizes.upperBound, for: .reader) } catch
      {
        throw .file(error)
      }
      try self.init(file, wants: wants)
    }

    /// Reads what is wanted of a file. `userBlock`: bytes of something else in front, as MATLAB writes them.
    init(_ file: SealedFile, wants: HDF5Wants, userBlock: Int = 0) throws(CheckpointError) {
      let start: [UInt8]
      do { start = try file.bytes(at: userBlock, count: 8) } catch { throw .file(error) }
      try HDF5File.check(start: start, count: file.count, path: file.path)
      let source = HDF5Source(file: file, member: nil)
      let answer: HDF5Answer
      do { answer = try source.read(wants) } catch {
        throw HDF5File.error(error, path: file.path)
      }
      try self.init(source, answer)
    }

    /// What was read of a file.
    init(_ source: HDF5Source, _ answer: HDF5Answer) throws(CheckpointError) {
      try self.init(answer, path: source.file.path, source: source)
    }

    /// An answer. `path`: for messages.
    init(_ answer: HDF5Answer, path: String, source: HDF5Source? = nil) throws(CheckpointError) {
      self.path = path
      self.source = source
      self.answer = answer
      if let fault = answer.fault { throw HDF5File.refusal(fault.kind, fault.text, path: path) }
    }

    /// What is said where a helper has no answer.
    static func error(_ failure: HelperFailure, path: String) -> CheckpointError {
      failure.isSystems
        ? .file(FileError(path: path, action: "read", reason: failure.reason))
        : .library(path: path, item: "the file", reason: failure.reason)
    }

    /// A file that is marked as open is whole in most cases: its writer goes on, or ended without closing it.
    private static func refusal(_ kind: Int, _ text: [UInt8], path: String) -> CheckpointError {
      switch kind {
      case Int(FN_FAULT_OPEN):
        return .wrongFormat(
          path: path,
          found: "marked as open by the program that writes it; close it there, or, where that has "
            + "ended, take the mark off with h5clear -s FILE")
      case Int(FN_FAULT_HEAP):
        return .library(path: path, item: "the file", reason: "a string reaches beyond its heap")
      case Int(FN_FAULT_COUNT):
        return .library(
          path: path, item: "the file", reason: "it has more objects than are plausible")
      default:
        let reason = HDF5Answer.reason(text)
        return reason.contains("signature not found")
          ? .wrongFormat(path: path, found: "its weights are not an HDF5 file")
          : .library(path: path, item: "the file", reason: reason)
      }
    }

    private static func check(start: [UInt8], count: Int, path: String) throws(CheckpointError) {
      if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
        throw .wrongFormat(
          path: path, found: "a zip archive (.keras?), not HDF5; give an HDF5 file here")
      }
      guard count > 0 else {
        throw .wrongFormat(path: path, found: "the file is empty; save the model as .h5 again")
      }
      guard start == signature else {
        throw .wrongFormat(
          path: path, found: "not an HDF5 file; give a model saved as .h5 or .keras")
      }
      guard sizes.contains(count) else {
        throw .wrongFormat(
          path: path, found: "\(count) bytes are too few for an HDF5 file; it is cut off")
      }
    }

    // MARK: - Objects

    func root() throws(CheckpointError) -> HDF5Object {
      guard let root = answer.objects[[]], root.kind == Int(FN_OBJECT_GROUP) else {
        throw .library(
          path: path, item: "/", reason: HDF5Answer.reason(answer.objects[[]]?.reason ?? []))
      }
      return HDF5Object(file: path, path: "", shape: [], answer: answer, source: source)
    }

    /// Whether `group` has something called `name` (one component). It must have been wanted.
    func has(_ name: String, in group: borrowing HDF5Object) -> Bool {
      answer.objects[Array("\(group.path)/\(name)".utf8)] != nil
    }

    /// Opens `name` below `group`, which must have been wanted: the one place where objects are opened. Component by
    /// component, hard links only, so that no other file and no other part of this one is ever reached; then the object has to
    /// be what `rule` says.
    func open(_ name: String, in group: borrowing HDF5Object, as rule: HDF5Rule)
      throws(CheckpointError) -> HDF5Object
    {
      let item = "\(group.path)/\(name)"
      let components = name.split(separator: "/", omittingEmptySubsequences: false)
      guard item.utf8.count <= HDF5File.pathLimit, components.count <= HDF5File.componentLimit,
        components.allSatisfy({ !["", ".", ".."].contains($0) && !$0.utf8.contains(0) })
      else {
        throw .item(
          path: path, item: "the name '\(item)'", expected: "a plain path inside its group",
          found: "a name that is empty, too long, or leads elsewhere")
      }
      var place = Array(group.path.utf8)
      for (depth, component) in components.enumerated() {
        place.append(UInt8(ascii: "/"))
        place += component.utf8
        try step(place, isLast: depth == components.count - 1, item: item)
      }
      var shape: [Int] = []
      switch rule {
      case .any: break
      case .group: try require(FN_OBJECT_GROUP, place, item: item)
      case .real, .numbers:
        try require(FN_OBJECT_DATASET, place, item: item)
        shape = try checkDataset(place, item: item, rule: rule)
      }
      return HDF5Object(file: path, path: item, shape: shape, answer: answer, source: source)
    }

    /// The object at `place` must be behind a hard link, and a group where the path goes on.
    private func step(_ place: [UInt8], isLast: Bool, item: String) throws(CheckpointError) {
      guard let object = answer.objects[place] else {
        throw .missing(
          path: path, item: item, advice: "the file is incomplete; save the model again")
      }
      switch object.link {
      case Int(FN_LINK_HARD): break
      case Int(FN_LINK_SOFT): throw hardLink(item, found: "a soft link")
      case Int(FN_LINK_EXTERNAL): throw hardLink(item, found: "a link to another file")
      default: throw hardLink(item, found: "a user-defined link")
      }
      guard object.kind != Int(FN_OBJECT_UNREADABLE) else {
        throw .library(path: path, item: item, reason: HDF5Answer.reason(object.reason))
      }
      if !isLast { try require(FN_OBJECT_GROUP, place, item: item) }
    }

    /// The names in the root group, for messages, where they were wanted.
    func names() -> [String] {
      answer.names[[]]?.map { String(decoding: $0, as: UTF8.self) } ?? []
    }

    /// Those in a group of the root.
    func names(in group: String) -> [String] {
      answer.names[Array("/\(group)".utf8)]?.map { String(decoding: $0, as: UTF8.self) } ?? []
    }

    private func hardLink(_ item: String, found: String) -> CheckpointError {
      .item(
        path: path, item: item, expected: "stored in this file under its own name", found: found)
    }

    private func require(_ kind: some BinaryInteger, _ place: [UInt8], item: String)
      throws(CheckpointError)
    {
      let found = answer.objects[place]?.kind ?? 0
      guard found != Int(kind) else { return }
      let names = [Int(FN_OBJECT_GROUP): "a group", Int(FN_OBJECT_DATASET): "a dataset"]
      throw .item(
        path: path, item: item, expected: names[Int(kind)] ?? "something else",
        found: names[found] ?? "something else")
    }
  }

  /// A group or a dataset of a file that was read.
  struct HDF5Object: ~Copyable {
    /// The file's path, for messages.
    let file: String
    /// Its own path in the file.
    let path: String
    /// A dataset's extents.
    let shape: [Int]
    let answer: HDF5Answer
    let source: HDF5Source?
  }

  extension HDF5Answer {
    /// A library's reason.
    static func reason(_ text: [UInt8]) -> String {
      text.isEmpty ? "no reason given" : String(decoding: text, as: UTF8.self)
    }
  }
#endif
