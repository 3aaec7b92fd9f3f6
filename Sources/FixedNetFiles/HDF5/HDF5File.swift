#if HDF5
  import CHDF5
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

  /// Somebody's HDF5 file, open for reading. Nothing in it is trusted: objects are opened only by `open`, by names that
  /// are known beforehand, and never walked.
  struct HDF5File: ~Copyable {
    let path: String
    let byteCount: Int
    private let handle: HDF5Handle
    private let linkAccess: HDF5Handle

    /// What `handle` reads from, where that is memory.
    private let image: HDF5Image?

    /// Bytes and components of a path inside of a file; the trial reading has the same limits.
    private static let pathLimit = 65_536
    private static let componentLimit = 1_024
    static let sizes = 512...(4 << 30)
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    static func isHDF5(_ start: [UInt8]) -> Bool { start.starts(with: signature) }

    /// Opens the file at `path`.
    /// `names`: paths of the datasets that will be opened, and of groups of datasets 0, 1, ..., besides those that
    /// Keras' legacy layout lists; they are read for a trial like everything else.
    /// `userBlock`: bytes of something else in front, as MATLAB writes them.
    init(path: String, names: [String] = [], userBlock: Int = 0) throws(CheckpointError) {
      let count = try HDF5File.checkedSize(path, userBlock: userBlock)
      let source = path.withCString { fn_h5_source(path: strdup($0), bytes: nil, size: count) }
      defer { free(UnsafeMutablePointer(mutating: source.path)) }
      try self.init(source, image: nil, path: path, names: names)
    }

    /// Opens a file in memory. `path`: for messages.
    init(image: HDF5Image, path: String, names: [String] = []) throws(CheckpointError) {
      try HDF5File.check(start: image.start, count: image.count, path: path)
      try self.init(image.source.pointee, image: image, path: path, names: names)
    }

    private init(_ source: fn_h5_source, image: HDF5Image?, path: String, names: [String])
      throws(CheckpointError)
    {
      var source = source
      // libhdf5 keeps a pointer to an image's source.
      let place = image?.source
      func withSource<Result>(_ body: (UnsafePointer<fn_h5_source>) -> Result) -> Result {
        if let place { body(UnsafePointer(place)) } else { withUnsafePointer(to: &source, body) }
      }
      guard withSource({ fn_h5_heaps_are_sound($0) }) != 0 else {
        throw .library(path: path, item: "the file", reason: "a string reaches beyond its heap")
      }
      try HDF5File.tryOut(withSource { HDF5Wanted.probe($0, names: names) }, path: path)
      guard let handle = HDF5Handle(withSource { fn_h5_open_source($0) }) else {
        throw HDF5File.refusal(HDF5Library.lastMessage, path: path)
      }
      guard let links = HDF5Handle(fn_h5_careful_links()) else {
        throw .library(path: path, item: "the file", reason: HDF5Library.lastMessage)
      }
      self.path = path
      self.image = image
      byteCount = source.size
      self.handle = handle
      linkAccess = links
    }

    /// A file that is marked as open is whole in most cases: its writer goes on, or ended without closing it.
    private static func refusal(_ reason: String, path: String) -> CheckpointError {
      guard reason.contains("h5clear") else {
        return .library(path: path, item: "the file", reason: reason)
      }
      return .wrongFormat(
        path: path,
        found: "marked as open by the program that writes it; close it there, or, where that has "
          + "ended, take the mark off with h5clear -s FILE")
    }

    /// What the trial reading found.
    private static func tryOut(_ result: Int, path: String) throws(CheckpointError) {
      let reason: String
      switch result {
      case FN_H5_SURVIVES: return
      case FN_H5_NO_CHILD:
        throw .file(
          FileError(path: path, action: "read", reason: "no child process for a trial reading"))
      case FN_H5_TOO_MUCH_MEMORY: reason = "a trial reading needed more memory than is plausible"
      case Int(SIGALRM), Int(SIGXCPU): reason = "a trial reading did not end"
      default: reason = "a trial reading crashed"
      }
      throw .library(path: path, item: "the file", reason: reason)
    }

    /// The size of a regular file that starts like HDF5.
    private static func checkedSize(_ path: String, userBlock: Int) throws(CheckpointError) -> Int {
      let count: Int
      let start: [UInt8]
      do {
        count = try FileBytes.size(of: path, limit: sizes.upperBound)
        start = Array(try FileBytes.start(of: path, count: userBlock + 8).dropFirst(userBlock))
      } catch { throw .file(error) }
      try check(start: start, count: count, path: path)
      return count
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

    func root() throws(CheckpointError) -> HDF5Object {
      guard let root = HDF5Handle(H5Oopen(handle.id, "/", linkAccess.id)) else {
        throw .library(path: path, item: "/", reason: HDF5Library.lastMessage)
      }
      return HDF5Object(handle: root, file: path, path: "", shape: [])
    }

    /// Whether `group` has something called `name` (one component).
    func has(_ name: String, in group: borrowing HDF5Object) -> Bool {
      fn_h5_link_kind(group.handle.id, name, linkAccess.id) >= 0
    }

    /// Opens `name` below `group`: the one place where objects are opened. Component by component, hard links only, so
    /// that no other file and no other part of this one is ever reached; then the object has to be what `rule` says.
    func open(_ name: String, in group: borrowing HDF5Object, as rule: HDF5Rule)
      throws(CheckpointError) -> HDF5Object
    {
      let item = "\(group.path)/\(name)"
      let components = name.split(separator: "/", omittingEmptySubsequences: false)
      guard name.utf8.count <= HDF5File.pathLimit, components.count <= HDF5File.componentLimit,
        components.allSatisfy({ !["", ".", ".."].contains($0) && !$0.utf8.contains(0) })
      else {
        throw .item(
          path: path, item: "the name '\(item)'", expected: "a plain path inside its group",
          found: "a name that is empty, too long, or leads elsewhere")
      }
      var current = try step(String(components[0]), from: group.handle.id, item: item)
      for component in components.dropFirst() {
        try require(H5I_GROUP, current.id, item: item)
        current = try step(String(component), from: current.id, item: item)
      }
      switch rule {
      case .group:
        try require(H5I_GROUP, current.id, item: item)
        return HDF5Object(handle: current, file: path, path: item, shape: [])
      case .any:
        return HDF5Object(handle: current, file: path, path: item, shape: [])
      case .real, .numbers:
        try require(H5I_DATASET, current.id, item: item)
        let shape = try checkDataset(current.id, item: item, rule: rule)
        return HDF5Object(handle: current, file: path, path: item, shape: shape)
      }
    }

    /// The object behind the hard link `component`.
    private func step(_ component: String, from group: hid_t, item: String)
      throws(CheckpointError) -> HDF5Handle
    {
      switch fn_h5_link_kind(group, component, linkAccess.id) {
      case 0: break
      case -1:
        throw .missing(
          path: path, item: item, advice: "the file is incomplete; save the model again")
      case 1: throw hardLink(item, found: "a soft link")
      case 64: throw hardLink(item, found: "a link to another file")
      default: throw hardLink(item, found: "a user-defined link")
      }
      guard let handle = HDF5Handle(H5Oopen(group, component, linkAccess.id)) else {
        throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
      return handle
    }

    /// Seconds that listing the names may take.
    private static let listSeconds: UInt32 = 10

    /// The names in the root group, for messages: listed in a child process, because nothing is walked in this one.
    func names() -> [String] {
      var bytes = [CChar](repeating: 0, count: 4096)
      let count = fn_h5_list_root(handle.id, HDF5File.listSeconds, &bytes, bytes.count)
      return bytes.prefix(max(0, count)).split(separator: 0).map {
        String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
    }

    private func hardLink(_ item: String, found: String) -> CheckpointError {
      .item(
        path: path, item: item, expected: "stored in this file under its own name", found: found)
    }

    private func require(_ type: H5I_type_t, _ id: hid_t, item: String) throws(CheckpointError) {
      let found = H5Iget_type(id)
      guard found != type else { return }
      let names = [H5I_GROUP.rawValue: "a group", H5I_DATASET.rawValue: "a dataset"]
      throw .item(
        path: path, item: item, expected: names[type.rawValue] ?? "something else",
        found: names[found.rawValue] ?? "something else")
    }
  }

  /// A group or a dataset of an open file.
  struct HDF5Object: ~Copyable {
    let handle: HDF5Handle
    /// The file's path, for messages.
    let file: String
    /// Its own path in the file.
    let path: String
    /// A dataset's extents.
    let shape: [Int]
  }
#endif
