#if MatIO
  import CReader

  /// What a helper says of a MATLAB file of version 4 to 7.
  struct MatAnswer {
    struct Variable {
      var name: [UInt8]
      var kind: Int
      var isComplex: Bool
      var rank: Int
      /// The first eight.
      var extents: [Int]
    }

    /// Why nothing could be read.
    struct Fault {
      var kind: Int
      var text: String
    }

    private(set) var variables: [Variable] = []
    private(set) var values: [[UInt8]: AnswerValues] = [:]
    private(set) var labels: [[UInt8]: MatNames] = [:]
    private(set) var unreadable: [[UInt8]] = []
    /// Bytes of all variables, unpacked; how many variables there are.
    private(set) var unpackedBytes = 0
    private(set) var count = 0
    private(set) var fault: Fault?

    init(_ output: HelperOutput) throws(HelperFailure) {
      var records = AnswerRecords(output)
      while var record = try records.next() {
        switch record.tag {
        case Int(FN_RECORD_VARIABLES):
          (unpackedBytes, count) = (try record.count(), try record.count())
        case Int(FN_RECORD_FAULT):
          fault = Fault(
            kind: try record.count(), text: String(decoding: try record.text(), as: UTF8.self))
        case Int(FN_RECORD_VARIABLE):
          variables.append(
            Variable(
              name: try record.text(), kind: try record.count(),
              isComplex: try record.count() != 0, rank: try record.count(),
              extents: try record.counts()))
        case Int(FN_RECORD_VALUES):
          let name = try record.text()
          switch try record.count() {
          case Int(FN_VALUES_HERE): values[name] = try record.values()
          case Int(FN_VALUES_UNREADABLE): unreadable.append(name)
          default: break
          }
        case Int(FN_RECORD_LABELS):
          let name = try record.text()
          labels[name] = try MatNames(record.texts(), record.values())
        default: throw .answer
        }
      }
    }

    /// The shapes of those of `names` that the file has, and how many numbers they are.
    /// `variables`: those that must be there.
    func shapes(of names: [String], variables required: [String], path: String)
      throws(MatFileError) -> [(name: String, shape: [Int], count: Int)]
    {
      if let missing = required.first(where: { find($0) == nil }) {
        let own = variables.count { !$0.name.contains(UInt8(ascii: ".")) }
        guard own >= count else {
          throw .damaged(
            path: path, reason: "only \(own) of its \(count) variables are readable")
        }
        let described = variables.filter { !$0.name.isEmpty }.map(\.description)
        throw .missing(path: path, variable: missing, found: described)
      }
      var shapes: [(name: String, shape: [Int], count: Int)] = []
      for name in names {
        guard let variable = find(name), labels[Array(name.utf8)] == nil else { continue }
        let shape = try variable.shape(path: path)
        let count = try MatFile.elementCount(shape, path: path, variable: name)
        // Every number takes at least a byte.
        guard count <= unpackedBytes else {
          throw .damaged(
            path: path,
            reason:
              "\(name) claims \(MatFile.text(shape)) numbers, the file holds \(unpackedBytes) bytes"
          )
        }
        guard !unreadable.contains(Array(name.utf8)) else {
          throw .damaged(path: path, reason: "libmatio cannot read \(name)")
        }
        shapes.append((name, shape, count))
      }
      return shapes
    }

    /// What the file holds besides: structs by their fields.
    func others(than names: [String]) -> [String] {
      let titles = variables.filter { !isOpened($0) }.map(\.title)
      return titles.filter { !$0.isEmpty && !names.contains($0) }
    }

    private func isOpened(_ variable: Variable) -> Bool {
      variable.kind == Int(FN_MATLAB_STRUCT)
        && variables.contains { $0.name.starts(with: variable.name + [UInt8(ascii: ".")]) }
    }

    private func find(_ name: String) -> Variable? {
      variables.first { $0.name == Array(name.utf8) }
    }
  }

  extension MatAnswer.Variable {
    /// Bytes that are no UTF-8 become question marks.
    var title: String { String(decoding: name, as: UTF8.self) }

    /// "X", or "dataset (a struct)".
    var description: String { kindName.map { "\(title) (\($0))" } ?? title }

    /// The extents of an array of numbers.
    func shape(path: String) throws(MatFileError) -> [Int] {
      guard let kindName else {
        guard !isComplex else {
          throw .variable(
            path: path, variable: title, expected: MatFile.expected, found: "complex numbers")
        }
        guard (1...Int(FN_MATLAB_RANK)).contains(rank), extents.count == rank else {
          throw .variable(
            path: path, variable: title, expected: "an array of at most 8 axes",
            found: "\(rank)")
        }
        return extents
      }
      throw .variable(path: path, variable: title, expected: MatFile.expected, found: kindName)
    }

    /// nil for numbers.
    private var kindName: String? {
      switch kind {
      case Int(FN_MATLAB_NUMBERS): nil
      case Int(FN_MATLAB_EMPTY): "an empty array"
      case Int(FN_MATLAB_CELL): "a cell array"
      case Int(FN_MATLAB_STRUCT): "a struct"
      case Int(FN_MATLAB_OBJECT): "an object"
      case Int(FN_MATLAB_TEXT): "text (char)"
      case Int(FN_MATLAB_SPARSE): "a sparse matrix; save full(X) instead"
      case Int(FN_MATLAB_FUNCTION): "a function"
      default: "of an unknown class"
      }
    }
  }

  extension MatAnswer.Fault {
    /// `count`: variables that were right.
    func error(_ count: Int, path: String) -> MatFileError {
      switch kind {
      case Int(FN_FAULT_CUT):
        .damaged(path: path, reason: "variable \(count + 1) reaches beyond the end: cut off?")
      case Int(FN_FAULT_TYPE):
        .damaged(path: path, reason: "variable \(count + 1) is of the unknown type \(text)")
      case Int(FN_FAULT_ZLIB):
        .damaged(path: path, reason: "variable \(count + 1), zlib: \(text)")
      case Int(FN_FAULT_TOO_LONG):
        .wrongFormat(
          path: path, found: "its variables unpack to more than 3 GiB; save fewer of them")
      case Int(FN_FAULT_HEADER):
        count > 0
          ? .damaged(path: path, reason: "variable \(count + 1) has no valid header")
          : .wrongFormat(
            path: path, found: "not a MATLAB file; give one that MATLAB, Octave or scipy.io saved")
      default: .damaged(path: path, reason: text)
      }
    }
  }
#endif
