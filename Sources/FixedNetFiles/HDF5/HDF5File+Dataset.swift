#if HDF5
  import CReader
  import FixedNetCompute

  extension HDF5File {
    /// Elements that a dataset of unknown shape may have: 1 GiB as Float.
    static let elementLimit = 1 << 28

    /// Checks a dataset before its values are looked at: type, shape, layout, filters, and that the file holds as much as the
    /// dataset claims.
    /// Returns: its extents.
    func checkDataset(_ place: [UInt8], item: String, rule: HDF5Rule) throws(CheckpointError)
      -> [Int]
    {
      guard let dataset = answer.datasets[place] else {
        throw .library(path: path, item: item, reason: HelperFailure.answer.reason)
      }
      try checkType(dataset, item: item, rule: rule)
      let shape = try checkShape(dataset, item: item, rule: rule)
      try checkStorage(dataset, item: item, declared: shape.reduce(dataset.size, *))
      return shape
    }

    private func refuse(_ item: String, _ expected: String, _ found: String) -> CheckpointError {
      .item(path: path, item: item, expected: expected, found: found)
    }

    private func checkType(_ dataset: HDF5Answer.Dataset, item: String, rule: HDF5Rule)
      throws(CheckpointError)
    {
      var expected = "float32, float64 or float16"
      if case .numbers = rule { expected += " or integers" }
      guard !dataset.isNamedType else { throw refuse(item, expected, "a named type") }
      // Keras 3 stores bfloat16 as other numbers and says so in an attribute.
      if let kept = try keptType(item) { throw refuse(item, expected, kept) }
      switch dataset.form {
      case Int(FN_FORM_FLOAT16), Int(FN_FORM_FLOAT32), Int(FN_FORM_FLOAT64): return
      case Int(FN_FORM_INTEGER), Int(FN_FORM_BOOLEAN): if case .numbers = rule { return }
      default: break
      }
      throw refuse(
        item, expected,
        dataset.kind == Int(FN_CLASS_FLOAT)
          ? "a floating-point type of \(dataset.size) bytes" : HDF5File.name(of: dataset.kind))
    }

    /// Keras' remark that a dataset's values stand for another type; nil where there is none.
    private func keptType(_ item: String) throws(CheckpointError) -> String? {
      let object = HDF5Object(file: path, path: item, shape: [], answer: answer, source: source)
      let type = try object.string("dtype")
      return ["float32", "float64"].contains(type) ? nil : type
    }

    /// "filter 32000 (lzf)".
    /// Source: The HDF Group, "Registered Filter Plugins".
    private static func name(ofFilter number: Int64) -> String {
      let names: [Int64: String] = [
        4: "szip", 5: "nbit", 6: "scale-offset", 305: "lzo", 307: "bzip2", 32000: "lzf",
        32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd",
        32026: "blosc2",
      ]
      return "filter \(number)" + (names[number].map { " (\($0)); save it with gzip" } ?? "")
    }

    private static func name(of kind: Int) -> String {
      switch kind {
      case Int(FN_CLASS_INTEGER): "integers"
      case Int(FN_CLASS_FLOAT): "floating-point numbers"
      case Int(FN_CLASS_STRING): "strings"
      case Int(FN_CLASS_COMPOUND): "a compound type (complex?)"
      case Int(FN_CLASS_ENUMERATION): "an enumeration other than FALSE and TRUE"
      case Int(FN_CLASS_BITFIELD): "bit fields (boolean?); store them as integers"
      case Int(FN_CLASS_REFERENCE): "references"
      case Int(FN_CLASS_LIST): "lists of variable length"
      case Int(FN_CLASS_ARRAY): "an array type"
      // What h5py makes of NumPy types that it does not know.
      case Int(FN_CLASS_OPAQUE): "opaque bytes (bfloat16?)"
      default: "another type"
      }
    }

    private func checkShape(_ dataset: HDF5Answer.Dataset, item: String, rule: HDF5Rule)
      throws(CheckpointError) -> [Int]
    {
      let shape = dataset.shape
      if case .real(let expected) = rule {
        guard shape == expected else {
          throw refuse(item, HDF5File.text(expected), shape.map(HDF5File.text) ?? "no values")
        }
        return expected
      }
      guard let shape, HDF5File.product(shape) != nil else {
        throw refuse(
          item, "an array of at most 2^28 values", shape.map(HDF5File.text) ?? "no values")
      }
      return shape
    }

    /// The product, or nil beyond the limit.
    private static func product(_ shape: [Int]) -> Int? {
      var result = 1
      for extent in shape {
        let (value, overflow) = result.multipliedReportingOverflow(by: extent)
        guard !overflow, value <= elementLimit else { return nil }
        result = value
      }
      return result
    }

    /// "shape (5, 5, 1, 6)" or "a single value".
    static func text(_ shape: [Int]) -> String {
      shape.isEmpty ? "a single value" : "shape (\(shape.map(String.init).joined(separator: ", ")))"
    }

    /// The values must be in this file, and as many as the shape says.
    private func checkStorage(_ dataset: HDF5Answer.Dataset, item: String, declared: Int)
      throws(CheckpointError)
    {
      let found = dataset.found
      switch dataset.fault {
      case Int(FN_STORAGE_SOUND): return
      case Int(FN_STORAGE_VIRTUAL):
        throw refuse(item, "stored in this file", "a virtual dataset of other files")
      case Int(FN_STORAGE_EXTERNAL):
        throw refuse(item, "stored in this file", "values in another file")
      case Int(FN_STORAGE_FILTERS):
        throw refuse(item, "stored with at most 4 filters", "\(found)")
      case Int(FN_STORAGE_FILTER):
        throw refuse(
          item, "plain or compressed with gzip, shuffle or fletcher32",
          HDF5File.name(ofFilter: Int64(found)))
      case Int(FN_STORAGE_EMPTY):
        throw refuse(item, "\(declared) bytes of values", "no values in the file")
      case Int(FN_STORAGE_BEYOND_FILE):
        throw refuse(item, "within the file's \(byteCount) bytes", "\(found) bytes")
      case Int(FN_STORAGE_SHORT):
        throw refuse(item, "\(declared) bytes of values", "\(found) bytes")
      case Int(FN_STORAGE_PACKED_SHORT):
        throw refuse(item, "\(declared) bytes of values", "only \(found) compressed bytes")
      case Int(FN_STORAGE_CHUNKS):
        throw refuse(item, "stored in chunks of at most 64 MiB", "larger ones")
      default:
        throw .library(path: path, item: item, reason: "how its values are stored is unreadable")
      }
    }
  }

  extension HDF5File {
    /// A dataset of strings as names of classes, in order, and the place of each string among them; nil for datasets of
    /// another kind. It must have been wanted.
    func labels(_ name: String, in group: borrowing HDF5Object) throws(CheckpointError)
      -> (shape: [Int], classes: [String], places: [Double])?
    {
      let item = "\(group.path)/\(name)"
      guard let dataset = answer.datasets[Array(item.utf8)],
        dataset.kind == Int(FN_CLASS_STRING), !dataset.isNamedType
      else { return nil }
      _ = try open(name, in: group, as: .any)
      try checkStorage(dataset, item: item, declared: dataset.shape?.reduce(dataset.size, *) ?? 0)
      guard let shape = dataset.shape, let labels = answer.labels[Array(item.utf8)] else {
        throw refuse(
          item, "one string for each sample, of at most 1,024 bytes and 65,536 classes",
          dataset.shape.map(HDF5File.text) ?? "no values")
      }
      var classes: [String] = []
      for name in labels.names {
        guard let text = String(validating: name, as: UTF8.self) else {
          throw refuse(item, "names in UTF-8", String(decoding: name, as: UTF8.self))
        }
        classes.append(text)
      }
      let places: [Double]
      do { places = try labels.places.doubles() } catch { throw HDF5File.error(error, path: path) }
      guard places.count == shape.reduce(1, *),
        places.allSatisfy({ $0 >= 0 && $0 < Double(classes.count) && $0 == $0.rounded(.down) })
      else { throw .library(path: path, item: item, reason: HelperFailure.answer.reason) }
      return (shape, classes, places)
    }
  }

  extension HDF5Object {
    /// A dataset's values as Float.
    func floats() throws(CheckpointError) -> [Float] {
      let values = try values(as: .float)
      do { return try values.floats() } catch { throw HDF5File.error(error, path: file) }
    }

    /// A dataset's values as those of samples: see `AnswerValues.pixels`.
    func pixels() throws(CheckpointError) -> ImageSet.Pixels {
      let values = try values(as: .float)
      do { return try values.pixels(shape.first ?? 0) } catch {
        throw HDF5File.error(error, path: file)
      }
    }

    /// A dataset's values as Double where they are in a file; nil where memory holds them.
    func doublesInPlace() throws(CheckpointError) -> AnswerValues? {
      let values = try values(as: .double)
      return values.isInPlace ? values : nil
    }

    /// A dataset's values as Double.
    func doubles() throws(CheckpointError) -> [Double] {
      let values = try values(as: .double)
      do { return try values.doubles() } catch { throw HDF5File.error(error, path: file) }
    }

    /// The values where they are: in the answer, or in one that is asked for now that type and shape are known to be right.
    private func values(as form: HDF5Wants.Form) throws(CheckpointError)
      -> AnswerValues
    {
      if let values = try values(in: answer, as: form) { return values }
      // Whatever the answer has of them is of the other form; then that is exact or was to be rounded anyway.
      var wants = HDF5Wants()
      let bytes = max(1, shape.reduce(form == .float ? 4 : 8, *))
      wants.values(.name(String(path.dropFirst())), as: form, limit: bytes)
      guard let source else {
        throw .library(path: file, item: path, reason: HelperFailure.answer.reason)
      }
      let other: HDF5Answer
      do { other = try source.read(wants, approved: bytes) } catch {
        throw HDF5File.error(error, path: file)
      }
      guard let values = try values(in: other, as: form) else {
        throw .library(path: file, item: path, reason: HelperFailure.answer.reason)
      }
      return values
    }

    /// The values of this form, or of the other; nil where they are not in the answer.
    private func values(in answer: HDF5Answer, as form: HDF5Wants.Form) throws(CheckpointError)
      -> AnswerValues?
    {
      var found: AnswerValues?
      for values in answer.values[Array(path.utf8)] ?? [] {
        switch values {
        case .here(let here):
          if found == nil || here.isDouble == (form == .double) { found = here }
        case .later: break
        case .unreadable(let reason):
          throw .library(path: file, item: path, reason: HDF5Answer.reason(reason))
        case .odd(let odd):
          throw .item(path: file, item: path, expected: "booleans, 0 and 1", found: "\(odd)")
        }
      }
      guard found?.count ?? shape.reduce(1, *) == shape.reduce(1, *) else {
        throw .library(path: file, item: path, reason: HelperFailure.answer.reason)
      }
      return found
    }
  }
#endif
