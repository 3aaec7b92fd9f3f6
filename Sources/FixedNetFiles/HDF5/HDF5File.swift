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
    /// Whatever is there.
    case any
  }

  /// Somebody's HDF5 file, open for reading. Nothing in it is trusted: objects are opened only by `open`, by names that
  /// are known beforehand, and never walked.
  struct HDF5File: ~Copyable {
    let path: String
    let byteCount: Int
    private let handle: HDF5Handle
    private let linkAccess: HDF5Handle

    /// Seconds that a trial reading of everything but the weights may take.
    private static let probeSeconds: UInt32 = 10
    static let sizes = 512...(4 << 30)
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// `userBlock`: bytes of something else in front, as MATLAB writes them.
    init(path: String, userBlock: Int = 0) throws(CheckpointError) {
      let count = try HDF5File.checkedSize(path, userBlock: userBlock)
      guard fn_h5_heaps_are_sound(path) != 0 else {
        throw .library(path: path, item: "the file", reason: "a string reaches beyond its heap")
      }
      let signal = fn_h5_probe(path, HDF5File.probeSeconds)
      guard signal >= 0 else {
        throw .file(
          FileError(path: path, action: "read", reason: "no child process for a trial reading"))
      }
      guard signal == 0 else {
        throw .library(
          path: path, item: "the file",
          reason: signal == SIGALRM ? "a trial reading did not end" : "a trial reading crashed")
      }
      guard let access = HDF5Handle(H5Pcreate(fn_h5_file_access())),
        H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG) >= 0,
        H5Pset_fapl_sec2(access.id) >= 0,
        let links = HDF5Handle(H5Pcreate(fn_h5_link_access())),
        H5Pset_nlinks(links.id, 1) >= 0, fn_h5_deny_external_links(links.id) >= 0
      else {
        throw .library(path: path, item: "the file", reason: HDF5Library.lastMessage)
      }
      guard let handle = HDF5Handle(H5Fopen(path, fn_h5_read_only(), access.id)) else {
        throw .library(path: path, item: "the file", reason: HDF5Library.lastMessage)
      }
      self.path = path
      byteCount = count
      self.handle = handle
      linkAccess = links
    }

    /// The size of a regular file that starts like HDF5.
    private static func checkedSize(_ path: String, userBlock: Int) throws(CheckpointError) -> Int {
      let count: Int
      var start = [UInt8](repeating: 0, count: 8)
      do {
        count = try FileBytes.size(of: path, limit: sizes.upperBound)
        start = try FileBytes.start(of: path, count: userBlock + 8)
        start.removeFirst(min(userBlock, start.count))
      } catch { throw .file(error) }
      if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
        throw .wrongFormat(
          path: path,
          found:
            "a zip archive (.keras?), not HDF5; save the model as .h5: model.save(\"model.h5\")")
      }
      guard count > 0 else {
        throw .wrongFormat(path: path, found: "the file is empty; save the model as .h5 again")
      }
      guard start == signature else {
        throw .wrongFormat(path: path, found: "not an HDF5 file; give a model saved as .h5")
      }
      guard sizes.contains(count) else {
        throw .wrongFormat(
          path: path, found: "\(count) bytes are too few for an HDF5 file; it is cut off")
      }
      return count
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
      guard name.utf8.count <= 4096, components.count <= 32,
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

    /// The names in the root group, for messages: listed in a child process, because nothing is walked in this one.
    func names() -> [String] {
      var bytes = [CChar](repeating: 0, count: 4096)
      let count = fn_h5_list_root(handle.id, HDF5File.probeSeconds, &bytes, bytes.count)
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
