#if HDF5
  import CHDF5

  /// An HDF5 file in memory, being written. The bytes go to the disk in one piece (`AtomicFile`), so that a full disk
  /// has one errno and libhdf5 none of its own; and they hold no dates: the same input gives the same bytes.
  struct HDF5Builder: ~Copyable {
    /// Where the bytes will go, for messages.
    let path: String
    private let file: HDF5Handle
    private let links: HDF5Handle
    private let groups: HDF5Handle
    private let datasets: HDF5Handle

    /// libhdf5 wants a name, and would open and read a file that has it.
    private static let nowhere = "/dev/null/fixednet-image"

    /// How a string is marked; the bytes are UTF-8 either way.
    enum Encoding { case ascii, utf8 }

    init(path: String) throws(CheckpointError) {
      guard let access = HDF5Handle(H5Pcreate(fn_h5_file_access())),
        H5Pset_fapl_core(access.id, 1 << 20, false) >= 0,
        let fileList = HDF5Handle(H5Pcreate(fn_h5_file_create())),
        H5Pset_obj_track_times(fileList.id, false) >= 0,
        let links = HDF5Handle(H5Pcreate(fn_h5_link_create())),
        H5Pset_create_intermediate_group(links.id, 1) >= 0,
        let groups = HDF5Handle(H5Pcreate(fn_h5_group_create())),
        H5Pset_obj_track_times(groups.id, false) >= 0,
        let datasets = HDF5Handle(H5Pcreate(fn_h5_dataset_create())),
        H5Pset_obj_track_times(datasets.id, false) >= 0,
        let file = HDF5Handle(
          H5Fcreate(HDF5Builder.nowhere, fn_h5_truncate(), fileList.id, access.id))
      else { throw .library(path: path, item: "/", reason: HDF5Library.lastMessage) }
      self.path = path
      self.file = file
      self.links = links
      self.groups = groups
      self.datasets = datasets
    }

    private func failure(_ item: String) -> CheckpointError {
      .file(
        FileError(
          path: path, action: "write",
          reason: "HDF5 refused \(item) (\(HDF5Library.lastMessage))"))
    }

    /// Creates a group and those above it. Names are paths from the root.
    func group(_ name: String) throws(CheckpointError) {
      guard HDF5Handle(H5Gcreate2(file.id, name, links.id, groups.id, 0)) != nil else {
        throw failure(name)
      }
    }

    /// A second name for the object at `name`.
    func link(_ name: String, as other: String) throws(CheckpointError) {
      guard H5Lcreate_hard(file.id, name, file.id, other, links.id, 0) >= 0 else {
        throw failure(other)
      }
    }

    // MARK: - Datasets

    /// float32, row-major. An empty shape: one value.
    func dataset(_ name: String, shape: [Int], _ values: [Float]) throws(CheckpointError) {
      try dataset(name, shape, fn_h5_float32(), fn_h5_native_float(), values)
    }

    /// A list of float64.
    func dataset(_ name: String, _ values: [Double]) throws(CheckpointError) {
      try dataset(name, [values.count], fn_h5_float64(), fn_h5_native_double(), values)
    }

    /// int64, row-major.
    func integers(_ name: String, shape: [Int], _ values: [Int64]) throws(CheckpointError) {
      try dataset(name, shape, fn_h5_int64(), fn_h5_native_int64(), values)
    }

    /// One int64.
    func dataset(_ name: String, _ value: Int) throws(CheckpointError) {
      try dataset(name, [], fn_h5_int64(), fn_h5_native_int64(), [Int64(value)])
    }

    private func dataset<Value>(
      _ name: String, _ shape: [Int], _ type: hid_t, _ memory: hid_t, _ values: [Value]
    ) throws(CheckpointError) {
      guard HDF5Builder.count(shape) == values.count else {
        throw .item(
          path: path, item: "dataset \(name)",
          expected: "as many values as its shape \(shape) says", found: "\(values.count)")
      }
      let space = try space(shape, name)
      guard
        let dataset = HDF5Handle(
          H5Dcreate2(file.id, name, type, space.id, links.id, datasets.id, 0))
      else { throw failure(name) }
      guard !values.isEmpty else { return }
      let status = values.withUnsafeBytes { H5Dwrite(dataset.id, memory, 0, 0, 0, $0.baseAddress) }
      guard status >= 0 else { throw failure(name) }
    }

    /// The product; nil for extents that no dataset has.
    private static func count(_ shape: [Int]) -> Int? {
      shape.reduce(Optional(1)) { product, extent in
        guard let product, extent >= 0 else { return nil }
        let (value, overflow) = product.multipliedReportingOverflow(by: extent)
        return overflow ? nil : value
      }
    }

    private func space(_ shape: [Int], _ item: String) throws(CheckpointError) -> HDF5Handle {
      let extents = shape.map { hsize_t($0) }
      let id =
        shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), extents, nil)
      guard let space = HDF5Handle(id) else { throw failure(item) }
      return space
    }

    // MARK: - Attributes of the object at a path

    /// One string of variable length: the only form that holds a long model_config.
    func attribute(_ name: String, of object: String, _ value: String, _ encoding: Encoding = .utf8)
      throws(CheckpointError)
    {
      try strings(name, of: object, [value], shape: [], encoding)
    }

    /// A list of strings; an empty one as Keras writes it, float64. A list that would take more than an object's header
    /// holds is split into name0, name1, ... as Keras does.
    func attribute(
      _ name: String, of object: String, _ values: [String], _ encoding: Encoding = .ascii
    ) throws(CheckpointError) {
      if values.isEmpty {
        try attribute(name, of: object, [0], fn_h5_float64(), fn_h5_native_double(), [Double]())
        return
      }
      let width = values.reduce(1) { max($0, $1.utf8.count) }
      guard width * values.count > HDF5Builder.headerLimit else {
        try strings(name, of: object, values, shape: [values.count], encoding)
        return
      }
      guard width <= HDF5Builder.headerLimit else {
        throw failure("attribute \(name) of \(object)")
      }
      // The fewest parts of which the largest fits; the first ones get what does not divide evenly.
      let most = HDF5Builder.headerLimit / width
      let parts = (values.count + most - 1) / most
      let (size, extra) = values.count.quotientAndRemainder(dividingBy: parts)
      var start = 0
      for part in 0..<parts {
        let end = start + size + (part < extra ? 1 : 0)
        try fixedStrings("\(name)\(part)", of: object, Array(values[start..<end]), width: width)
        start = end
      }
    }

    /// Bytes of one attribute in Keras' files.
    private static let headerLimit = 64_512

    /// Strings of `width` bytes, filled up with zeros.
    private func fixedStrings(_ name: String, of object: String, _ values: [String], width: Int)
      throws(CheckpointError)
    {
      guard let type = HDF5Handle(H5Tcopy(fn_h5_c_string())), H5Tset_size(type.id, width) >= 0,
        H5Tset_strpad(type.id, H5T_STR_NULLPAD) >= 0
      else { throw failure("attribute \(name) of \(object)") }
      var text: [UInt8] = []
      for value in values {
        text += value.utf8
        text += [UInt8](repeating: 0, count: width - value.utf8.count)
      }
      try attribute(name, of: object, [values.count], type.id, type.id, text)
    }

    func attribute(_ name: String, of object: String, _ value: Int) throws(CheckpointError) {
      try attribute(name, of: object, [], fn_h5_int64(), fn_h5_native_int64(), [Int64(value)])
    }

    func attribute(_ name: String, of object: String, _ value: UInt64) throws(CheckpointError) {
      try attribute(name, of: object, [], fn_h5_uint64(), fn_h5_native_uint64(), [value])
    }

    func attribute(_ name: String, of object: String, _ value: Double) throws(CheckpointError) {
      try attribute(name, of: object, [], fn_h5_float64(), fn_h5_native_double(), [value])
    }

    private func attribute<Value>(
      _ name: String, of object: String, _ shape: [Int], _ type: hid_t, _ memory: hid_t,
      _ values: [Value]
    ) throws(CheckpointError) {
      let attribute = try attribute(name, of: object, shape, type)
      guard !values.isEmpty else { return }
      let status = values.withUnsafeBytes { H5Awrite(attribute.id, memory, $0.baseAddress) }
      guard status >= 0 else { throw failure("attribute \(name) of \(object)") }
    }

    private func attribute(_ name: String, of object: String, _ shape: [Int], _ type: hid_t)
      throws(CheckpointError) -> HDF5Handle
    {
      let space = try space(shape, name)
      guard let target = HDF5Handle(H5Oopen(file.id, object, 0)),
        let attribute = HDF5Handle(H5Acreate2(target.id, name, type, space.id, 0, 0))
      else { throw failure("attribute \(name) of \(object)") }
      return attribute
    }

    private func strings(
      _ name: String, of object: String, _ values: [String], shape: [Int], _ encoding: Encoding
    ) throws(CheckpointError) {
      guard let type = HDF5Handle(H5Tcopy(fn_h5_c_string())),
        H5Tset_size(type.id, fn_h5_variable()) >= 0,
        H5Tset_cset(type.id, encoding == .utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII) >= 0
      else { throw failure("attribute \(name) of \(object)") }
      let attribute = try attribute(name, of: object, shape, type.id)
      // One block of all texts, each ended by a zero, and pointers into it.
      var text: [CChar] = []
      var starts: [Int] = []
      for value in values {
        starts.append(text.count)
        text += value.utf8CString
      }
      let status = text.withUnsafeBufferPointer { text in
        let pointers = starts.map { start in text.baseAddress.map { base in base + start } }
        return pointers.withUnsafeBytes { H5Awrite(attribute.id, type.id, $0.baseAddress) }
      }
      guard status >= 0 else { throw failure("attribute \(name) of \(object)") }
    }

    // MARK: - The end

    /// The file's bytes.
    consuming func finish() throws(CheckpointError) -> [UInt8] {
      guard H5Fflush(file.id, H5F_SCOPE_LOCAL) >= 0 else { throw failure("the file") }
      let size = H5Fget_file_image(file.id, nil, 0)
      guard size > 0 else { throw failure("the file") }
      var bytes = [UInt8](repeating: 0, count: size)
      guard H5Fget_file_image(file.id, &bytes, size) == size else { throw failure("the file") }
      return bytes
    }
  }
#endif
