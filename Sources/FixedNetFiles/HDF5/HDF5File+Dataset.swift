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
      try checkStorage(id, item: item, byteCount: shape.reduce(size, *))
      return shape
    }

    private func refuse(_ item: String, _ expected: String, _ found: String) -> CheckpointError {
      .item(path: path, item: item, expected: expected, found: found)
    }

    /// Returns: bytes per element.
    private func checkType(_ id: hid_t, item: String, rule: HDF5Rule) throws(CheckpointError)
      -> Int
    {
      var expected = "float32 or float64"
      if case .numbers = rule { expected += " or integers" }
      guard let type = HDF5Handle(H5Dget_type(id)) else {
        throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
      guard H5Tcommitted(type.id) == 0 else { throw refuse(item, expected, "a named type") }
      let kind = H5Tget_class(type.id)
      let size = H5Tget_size(type.id)
      if kind == H5T_FLOAT {
        for ieee in [
          fn_h5_float32(), fn_h5_float32_big(), fn_h5_float64(), fn_h5_float64_big(),
        ] where H5Tequal(type.id, ieee) > 0 {
          return size
        }
        throw refuse(item, expected, "a floating-point type of \(size) bytes")
      }
      if case .numbers = rule, kind == H5T_INTEGER, [1, 2, 4, 8].contains(size),
        H5Tget_precision(type.id) == size * 8
      {
        return size
      }
      throw refuse(item, expected, HDF5File.name(of: kind))
    }

    private static func name(of kind: H5T_class_t) -> String {
      switch kind {
      case H5T_INTEGER: "integers"
      case H5T_FLOAT: "floating-point numbers"
      case H5T_STRING: "strings"
      case H5T_COMPOUND: "a compound type (complex?)"
      case H5T_ENUM: "an enumeration (boolean?)"
      case H5T_REFERENCE: "references"
      case H5T_VLEN: "lists of variable length"
      case H5T_ARRAY: "an array type"
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
    private func checkStorage(_ id: hid_t, item: String, byteCount declared: Int)
      throws(CheckpointError)
    {
      // Closed on every path: libhdf5 1.10 crashes at exit when the list of a virtual dataset stays open.
      guard let list = HDF5Handle(H5Dget_create_plist(id)) else {
        throw .library(path: path, item: item, reason: HDF5Library.lastMessage)
      }
      let layout = H5Pget_layout(list.id)
      guard [H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED].contains(layout),
        H5Pget_external_count(list.id) == 0
      else {
        throw refuse(
          item, "stored in this file",
          layout == H5D_VIRTUAL ? "a virtual dataset of other files" : "values in another file")
      }
      let filters = H5Pget_nfilters(list.id)
      guard (0...4).contains(filters) else {
        throw refuse(item, "stored with at most 4 filters", "\(filters)")
      }
      for index in 0..<filters {
        let filter = fn_h5_filter(list.id, UInt32(index))
        guard [H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32].contains(filter)
        else {
          throw refuse(
            item, "plain or compressed with gzip, shuffle or fletcher32", "filter \(filter)")
        }
      }
      guard declared > 0 else { return }
      let stored = Int(clamping: H5Dget_storage_size(id))
      guard stored > 0 else {
        throw refuse(item, "\(declared) bytes of values", "no values in the file")
      }
      guard stored <= self.byteCount else {
        throw refuse(item, "within the file's \(self.byteCount) bytes", "\(stored) bytes")
      }
      guard layout == H5D_CHUNKED else {
        guard stored >= declared else {
          throw refuse(item, "\(declared) bytes of values", "\(stored) bytes")
        }
        return
      }
      // DEFLATE expands at most 1032-fold.
      guard declared / 1032 <= stored + 64 else {
        throw refuse(item, "\(declared) bytes of values", "only \(stored) compressed bytes")
      }
      var extents = [hsize_t](repeating: 0, count: 32)
      let rank = H5Pget_chunk(list.id, 32, &extents)
      var chunk = 8
      for extent in extents.prefix(max(0, Int(rank))) {
        let (value, overflow) = chunk.multipliedReportingOverflow(by: Int(clamping: extent))
        guard !overflow, value <= 128 << 20 else {
          throw refuse(item, "stored in chunks of at most 64 MiB", "larger ones")
        }
        chunk = value
      }
    }
  }

  extension HDF5Object {
    /// A dataset's values as Float.
    func floats() throws(CheckpointError) -> [Float] {
      try read(fn_h5_native_float(), zero: Float(0))
    }

    /// A dataset's values as Double.
    func doubles() throws(CheckpointError) -> [Double] {
      try read(fn_h5_native_double(), zero: Double(0))
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
