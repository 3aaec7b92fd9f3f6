#if HDF5
  import CHDF5

  extension HDF5File {
    /// Elements that a dataset of unknown shape may have: 1 GiB as Float.
    static let elementLimit = 1 << 28

    /// Checks a dataset before anything is allocated for it: type, shape, layout, filters, and that the file holds as
    /// much as the dataset claims.
    /// Returns: its extents.
    func checkDataset(_ id: hid_t, item: String, rule: HDF5Rule) throws(CheckpointError) -> [Int] {
      let size = try checkType(id, item: item, rule: rule)
      let shape = try checkShape(id, item: item, rule: rule)
      try checkStorage(id, item: item, declared: shape.reduce(size, *))
      return shape
    }

    private func refuse(_ item: String, _ expected: String, _ found: String) -> CheckpointError {
      .item(path: path, item: item, expected: expected, found: found)
    }

    /// Returns: bytes per element.
    private func checkType(_ id: hid_t, item: String, rule: HDF5Rule) throws(CheckpointError)
      -> Int
    {
      var expected = "float32, float64 or float16"
      if case .numbers = rule { expected += " or integers" }
      guard let type = HDF5Handle(H5Dget_type(id)) else {
        throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
      guard H5Tcommitted(type.id) == 0 else { throw refuse(item, expected, "a named type") }
      let kind = H5Tget_class(type.id)
      let size = H5Tget_size(type.id)
      // Keras 3 stores bfloat16 as other numbers and says so in an attribute.
      if let kept = try HDF5File.keptType(id, file: path, item: item) {
        throw refuse(item, expected, kept)
      }
      if kind == H5T_FLOAT {
        for ieee in [
          fn_h5_float32(), fn_h5_float32_big(), fn_h5_float64(), fn_h5_float64_big(),
        ] where H5Tequal(type.id, ieee) > 0 {
          return size
        }
        if fn_h5_is_float16(type.id) != 0 { return size }
        throw refuse(item, expected, "a floating-point type of \(size) bytes")
      }
      if case .numbers = rule, kind == H5T_INTEGER, [1, 2, 4, 8].contains(size),
        H5Tget_precision(type.id) == size * 8
      {
        return size
      }
      if case .numbers = rule, fn_h5_is_boolean(type.id) != 0 { return size }
      throw refuse(item, expected, HDF5File.name(of: kind))
    }

    /// Keras' remark that a dataset's values stand for another type; nil where there is none.
    private static func keptType(_ id: hid_t, file: String, item: String) throws(CheckpointError)
      -> String?
    {
      guard H5Aexists(id, "dtype") > 0, H5Iinc_ref(id) >= 0, let handle = HDF5Handle(id) else {
        return nil
      }
      let object = HDF5Object(handle: handle, file: file, path: item, shape: [])
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

    private static func name(of kind: H5T_class_t) -> String {
      switch kind {
      case H5T_INTEGER: "integers"
      case H5T_FLOAT: "floating-point numbers"
      case H5T_STRING: "strings"
      case H5T_COMPOUND: "a compound type (complex?)"
      case H5T_ENUM: "an enumeration other than FALSE and TRUE"
      case H5T_BITFIELD: "bit fields (boolean?); store them as integers"
      case H5T_REFERENCE: "references"
      case H5T_VLEN: "lists of variable length"
      case H5T_ARRAY: "an array type"
      // What h5py makes of NumPy types that it does not know.
      case H5T_OPAQUE: "opaque bytes (bfloat16?)"
      default: "another type"
      }
    }

    private func checkShape(_ id: hid_t, item: String, rule: HDF5Rule) throws(CheckpointError)
      -> [Int]
    {
      guard let space = HDF5Handle(H5Dget_space(id)) else {
        throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
      let shape = HDF5File.shape(of: space.id)
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

    /// The extents of a simple or scalar space; nil for any other.
    static func shape(of space: hid_t) -> [Int]? {
      switch H5Sget_simple_extent_type(space) {
      case H5S_SCALAR: return []
      case H5S_SIMPLE: break
      default: return nil
      }
      let rank = H5Sget_simple_extent_ndims(space)
      guard (0...32).contains(rank) else { return nil }
      var extents = [hsize_t](repeating: 0, count: Int(rank))
      guard H5Sget_simple_extent_dims(space, &extents, nil) == rank else { return nil }
      return extents.map { Int(clamping: $0) }
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
    private func checkStorage(_ id: hid_t, item: String, declared: Int) throws(CheckpointError) {
      var found: Int64 = 0
      let fault = fn_h5_check_storage(id, UInt64(declared), UInt64(byteCount), &found)
      switch fault {
      case FN_H5_STORAGE_SOUND: return
      case FN_H5_STORAGE_VIRTUAL:
        throw refuse(item, "stored in this file", "a virtual dataset of other files")
      case FN_H5_STORAGE_EXTERNAL:
        throw refuse(item, "stored in this file", "values in another file")
      case FN_H5_STORAGE_FILTERS: throw refuse(item, "stored with at most 4 filters", "\(found)")
      case FN_H5_STORAGE_FILTER:
        throw refuse(
          item, "plain or compressed with gzip, shuffle or fletcher32",
          HDF5File.name(ofFilter: found))
      case FN_H5_STORAGE_EMPTY:
        throw refuse(item, "\(declared) bytes of values", "no values in the file")
      case FN_H5_STORAGE_BEYOND_FILE:
        throw refuse(item, "within the file's \(byteCount) bytes", "\(found) bytes")
      case FN_H5_STORAGE_SHORT:
        throw refuse(item, "\(declared) bytes of values", "\(found) bytes")
      case FN_H5_STORAGE_PACKED_SHORT:
        throw refuse(item, "\(declared) bytes of values", "only \(found) compressed bytes")
      case FN_H5_STORAGE_CHUNKS:
        throw refuse(item, "stored in chunks of at most 64 MiB", "larger ones")
      default: throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
    }
  }

  extension HDF5Object {
    /// A dataset's values as Float.
    func floats() throws(CheckpointError) -> [Float] {
      if let booleans = try booleans() { return booleans.map { Float($0) } }
      return try read(fn_h5_native_float(), zero: Float(0))
    }

    /// A dataset's values as Double.
    func doubles() throws(CheckpointError) -> [Double] {
      if let booleans = try booleans() { return booleans.map { Double($0) } }
      return try read(fn_h5_native_double(), zero: Double(0))
    }

    /// A dataset of booleans as 0 and 1: libhdf5 turns no enumeration into numbers. nil for other types.
    private func booleans() throws(CheckpointError) -> [UInt8]? {
      guard let type = HDF5Handle(H5Dget_type(handle.id)), fn_h5_is_boolean(type.id) != 0 else {
        return nil
      }
      let values = try read(type.id, zero: UInt8(0))
      if let odd = values.first(where: { $0 > 1 }) {
        throw .item(path: file, item: path, expected: "booleans, 0 and 1", found: "\(odd)")
      }
      return values
    }

    /// `Value` and the memory type `type` are of one size.
    private func read<Value>(_ type: hid_t, zero: Value) throws(CheckpointError) -> [Value] {
      let count = shape.reduce(1, *)
      guard count > 0 else { return [] }
      var values = [Value](repeating: zero, count: count)
      let status = values.withUnsafeMutableBytes {
        H5Dread(handle.id, type, 0, 0, 0, $0.baseAddress)
      }
      guard status >= 0 else {
        throw .library(path: file, item: path, reason: HDF5Library.lastMessage)
      }
      return values
    }
  }
#endif
