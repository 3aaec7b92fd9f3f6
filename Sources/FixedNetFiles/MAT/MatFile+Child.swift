import Foundation

#if MatIO
  import CMatio
#endif

extension MatFile {
  /// Versions 4 to 7: libmatio reads in a child process; here its numbers arrive through a pipe.
  /// `unpackedBytes`, `variableCount`: what `MatContainer` found.
  static func readInChild(
    path: String, variables: [String], optional: [String], unpackedBytes: Int, variableCount: Int
  ) throws(MatFileError) -> MatContents {
    #if MatIO
      let names = variables + optional
      guard names.count <= Int(FN_MAT_NAMES) else {
        throw .variable(
          path: path, variable: "list", expected: "at most \(FN_MAT_NAMES) names",
          found: "\(names.count)")
      }
      // One at a time: a child inherits the pipes of those that live, and would keep them open.
      lock.lock()
      defer { lock.unlock() }
      var child = try MatChild(path: path, names: names, unpackedBytes: unpackedBytes)
      do {
        let directory = try child.directory()
        let arrays = try readValues(
          child, directory, variables: variables, names: names, unpackedBytes: unpackedBytes,
          variableCount: variableCount)
        try child.end()
        let others = directory.map(\.title).filter { !$0.isEmpty && !names.contains($0) }
        return MatContents(arrays: arrays, others: others)
      } catch {
        throw child.abandon(error)
      }
    #else
      throw .unavailable(path: path, trait: "MatIO")
    #endif
  }
}

#if MatIO
  extension MatFile {
    private static let lock = NSLock()

    private static func readValues(
      _ child: borrowing MatChild, _ directory: [fn_mat_info], variables: [String], names: [String],
      unpackedBytes: Int, variableCount: Int
    ) throws(MatFileError) -> [String: MatArray] {
      let path = child.path
      let found = directory.map(\.title)
      if let variable = variables.first(where: { !found.contains($0) }) {
        guard directory.count >= variableCount else {
          throw .damaged(
            path: path,
            reason: "only \(directory.count) of its \(variableCount) variables are readable")
        }
        let described = directory.filter { !$0.title.isEmpty }.map(\.description)
        throw .missing(path: path, variable: variable, found: described)
      }
      var shapes: [(name: String, shape: [Int], count: Int)] = []
      for name in names {
        guard let info = directory.first(where: { $0.title == name }) else { continue }
        let shape = try info.shape(path: path)
        let count = try elementCount(shape, path: path, variable: name)
        // Every number takes at least a byte.
        guard count <= unpackedBytes else {
          throw .damaged(
            path: path,
            reason: "\(name) claims \(text(shape)) numbers, the file holds \(unpackedBytes) bytes")
        }
        shapes.append((name, shape, count))
      }
      var arrays: [String: MatArray] = [:]
      for (name, shape, count) in shapes {
        arrays[name] = MatArray(shape: shape, columnMajor: try child.doubles(count))
      }
      return arrays
    }
  }

  extension fn_mat_info {
    /// Bytes that are no UTF-8 become question marks.
    fileprivate var title: String {
      withUnsafeBytes(of: name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }

    /// "X", or "dataset (a struct)".
    fileprivate var description: String { kindName.map { "\(title) (\($0))" } ?? title }

    /// The extents of an array of numbers.
    fileprivate func shape(path: String) throws(MatFileError) -> [Int] {
      guard let kindName else {
        guard is_complex == 0 else {
          throw .variable(
            path: path, variable: title, expected: MatFile.expected, found: "complex numbers")
        }
        guard (1...Int32(FN_MAT_RANK)).contains(rank) else {
          throw .variable(
            path: path, variable: title, expected: "an array of at most 8 axes",
            found: "\(rank)")
        }
        let extents = withUnsafeBytes(of: extents) { Array($0.bindMemory(to: UInt64.self)) }
        return extents.prefix(Int(rank)).map { Int(clamping: $0) }
      }
      throw .variable(path: path, variable: title, expected: MatFile.expected, found: kindName)
    }

    /// nil for numbers.
    private var kindName: String? {
      switch matio_classes(UInt32(bitPattern: kind)) {
      case MAT_C_DOUBLE, MAT_C_SINGLE, MAT_C_INT8, MAT_C_UINT8, MAT_C_INT16, MAT_C_UINT16,
        MAT_C_INT32, MAT_C_UINT32, MAT_C_INT64, MAT_C_UINT64:
        nil
      case MAT_C_EMPTY: "an empty array"
      case MAT_C_CELL: "a cell array"
      case MAT_C_STRUCT: "a struct"
      case MAT_C_OBJECT, MAT_C_OPAQUE: "an object"
      case MAT_C_CHAR: "text (char)"
      case MAT_C_SPARSE: "a sparse matrix; save full(X) instead"
      case MAT_C_FUNCTION: "a function"
      default: "an unknown class (\(kind))"
      }
    }
  }

  /// The child process, and the pipe it writes to.
  private struct MatChild: ~Copyable {
    let path: String
    private let input: Int32
    private let process: pid_t
    private var isRunning = true

    /// Seconds of the processor that reading so many bytes may take.
    private static func seconds(_ bytes: Int) -> UInt32 { UInt32(2 + bytes >> 24) }

    init(path: String, names: [String], unpackedBytes: Int) throws(MatFileError) {
      var process: pid_t = 0
      // Numbers that are stored in one byte become eight; and libmatio keeps copies.
      let memory = UInt64(unpackedBytes) * 16 + 256 << 20
      let strings = names.map { strdup($0) }
      defer { for string in strings { free(string) } }
      let pointers = strings.map { UnsafePointer($0) }
      input = fn_mat_start(
        path, pointers, names.count, MatChild.seconds(unpackedBytes), memory, &process)
      guard input >= 0 else {
        throw .file(FileError(path: path, action: "read", reason: "no child process to read it in"))
      }
      self.path = path
      self.process = process
    }

    /// Everything the file has, in order.
    func directory() throws(MatFileError) -> [fn_mat_info] {
      let input = input
      var result: [fn_mat_info] = []
      while result.count <= Int(FN_MAT_VARIABLES) {
        var info = fn_mat_info()
        let isWhole = withUnsafeMutableBytes(of: &info) { MatChild.fill($0, from: input) }
        guard isWhole else { throw cutOff }
        if info.rank < 0 { return result }
        result.append(info)
      }
      throw .damaged(path: path, reason: "too many variables")
    }

    func doubles(_ count: Int) throws(MatFileError) -> [Double] {
      var values = [Double](repeating: 0, count: count)
      let input = input
      guard values.withUnsafeMutableBytes({ MatChild.fill($0, from: input) }) else { throw cutOff }
      return values
    }

    private var cutOff: MatFileError {
      .damaged(path: path, reason: "it could not be read to its end")
    }

    /// False where the child ends before.
    private static func fill(_ bytes: UnsafeMutableRawBufferPointer, from input: Int32) -> Bool {
      var filled = 0
      while filled < bytes.count {
        let count = Foundation.read(
          input, bytes.baseAddress! + filled, min(1 << 20, bytes.count - filled))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        filled += count
      }
      return true
    }

    /// Waits for the child, which has nothing left to write.
    mutating func end() throws(MatFileError) {
      isRunning = false
      let status = fn_mat_end(process, input, 0)
      guard status == Int32(FN_MAT_READ) else { throw reason(status) }
    }

    /// Ends the child because of `error`. Returns what is to be said: where the child died, that.
    mutating func abandon(_ error: MatFileError) -> MatFileError {
      guard isRunning else { return error }
      isRunning = false
      // A child that closed its end of the pipe has an exit status that says why.
      guard error == cutOff else {
        _ = fn_mat_end(process, input, 1)
        return error
      }
      let status = fn_mat_end(process, input, 0)
      return status == Int32(FN_MAT_READ) || status == -SIGPIPE ? error : reason(status)
    }

    private func reason(_ status: Int32) -> MatFileError {
      switch -status {
      case SIGALRM, SIGXCPU: .damaged(path: path, reason: "reading it did not end")
      case 1...: .damaged(path: path, reason: "reading it crashed")
      default: .damaged(path: path, reason: "libmatio cannot read it")
      }
    }
  }
#endif
