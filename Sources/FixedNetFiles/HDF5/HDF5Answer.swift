#if HDF5
  import CReader

  /// What a helper says of an HDF5 file: a flat table of what was wanted, by paths from the root, which is empty. HDF5's
  /// names are bytes: two that Swift takes for equal are two here.
  struct HDF5Answer {
    typealias Path = [UInt8]

    struct Object {
      var link: Int
      var kind: Int
      /// Why it could not be opened.
      var reason: [UInt8]
    }

    struct Dataset {
      var form: Int
      var kind: Int
      var size: Int
      var isNamedType: Bool
      /// nil for a null space.
      var shape: [Int]?
      var fault: Int
      var found: Int
    }

    enum Attribute {
      case texts([[UInt8]])
      case signed(Int)
      case unsigned(UInt64)
      case double(Double)
      /// FN_ATTRIBUTE_..., and what goes with it.
      case other(form: Int, count: Int)
      case unreadable([UInt8])
    }

    enum Values {
      case here(AnswerValues)
      case later
      case unreadable([UInt8])
      case odd(Int)
    }

    struct AttributeKey: Hashable {
      var path: Path
      var name: [UInt8]
    }

    private(set) var objects: [Path: Object] = [:]
    private(set) var datasets: [Path: Dataset] = [:]
    private(set) var attributes: [AttributeKey: Attribute] = [:]
    /// As float32, and as float64.
    private(set) var values: [Path: [Values]] = [:]
    private(set) var names: [Path: [[UInt8]]] = [:]
    /// Datasets of strings: each one's names in order, and the places of the strings among them.
    private(set) var labels: [Path: (names: [[UInt8]], places: AnswerValues)] = [:]
    /// Members of an archive by their places in the request: what became of them.
    private(set) var members: [Int: (state: Int, bytes: [UInt8]?)] = [:]
    /// Why nothing could be read.
    private(set) var fault: (kind: Int, text: [UInt8])?

    init(_ output: HelperOutput) throws(HelperFailure) {
      var records = AnswerRecords(output)
      while var record = try records.next() {
        switch record.tag {
        case Int(FN_RECORD_FAULT): fault = (try record.count(), try record.text())
        case Int(FN_RECORD_OBJECT):
          let path = try record.text()
          objects[path] = Object(
            link: try record.count(), kind: try record.count(), reason: try record.text())
        case Int(FN_RECORD_DATASET): datasets[try record.text()] = try Dataset(&record)
        case Int(FN_RECORD_ATTRIBUTE):
          let key = AttributeKey(path: try record.text(), name: try record.text())
          attributes[key] = try Attribute(&record)
        case Int(FN_RECORD_VALUES):
          let path = try record.text()
          values[path, default: []].append(try Values(&record))
        case Int(FN_RECORD_LABELS):
          let path = try record.text()
          labels[path] = (try record.texts(), try record.values())
        case Int(FN_RECORD_NAMES):
          let path = try record.text()
          names[path] = try record.texts()
        case Int(FN_RECORD_MEMBER):
          let (index, state) = (try record.count(), try record.count())
          let isHere = state == Int(FN_MEMBER_HERE) && record.hasMore
          members[index] = (state, isHere ? try record.bytes() : nil)
        default: throw .answer
        }
      }
    }
  }

  extension HDF5Answer.Dataset {
    fileprivate init(_ record: inout AnswerRecord) throws(HelperFailure) {
      form = try record.count()
      kind = try record.signed()
      size = try record.count()
      isNamedType = try record.count() != 0
      let hasShape = try record.count() != 0
      // Extents beyond Int are no array's that is read here.
      let rank = try record.count()
      guard rank <= 32, form == 0 || size <= 8 else { throw .answer }
      var extents: [Int] = []
      for _ in 0..<rank { extents.append(Int(clamping: try record.bits())) }
      shape = hasShape ? extents : nil
      fault = try record.count()
      found = try record.signed()
    }
  }

  extension HDF5Answer.Attribute {
    fileprivate init(_ record: inout AnswerRecord) throws(HelperFailure) {
      let form = try record.count()
      switch form {
      case Int(FN_ATTRIBUTE_TEXTS):
        let texts = try record.texts()
        guard !texts.isEmpty else { throw .answer }
        self = .texts(texts)
      case Int(FN_ATTRIBUTE_SIGNED): self = .signed(try record.signed())
      case Int(FN_ATTRIBUTE_UNSIGNED): self = .unsigned(try record.bits())
      case Int(FN_ATTRIBUTE_FLOAT): self = .double(Double(bitPattern: try record.bits()))
      case Int(FN_ATTRIBUTE_UNREADABLE): self = .unreadable(try record.text())
      default: self = .other(form: form, count: Int(clamping: try record.bits()))
      }
    }
  }

  extension HDF5Answer.Values {
    fileprivate init(_ record: inout AnswerRecord) throws(HelperFailure) {
      switch try record.count() {
      case Int(FN_VALUES_HERE): self = .here(try record.values())
      case Int(FN_VALUES_LATER): self = .later
      case Int(FN_VALUES_UNREADABLE): self = .unreadable(try record.text())
      case Int(FN_VALUES_ODD): self = .odd(try record.count())
      default: throw .answer
      }
    }
  }
#endif
