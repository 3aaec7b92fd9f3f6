#if HDF5
  import CHDF5
  import Foundation

  extension HDF5Object {
    /// Elements of a list of strings, and bytes of all its text, that an attribute may have.
    private static var countLimit: Int { 65_536 }
    private static var textLimit: Int { 16 << 20 }

    private func refuse(_ attribute: String, _ expected: String, _ found: String)
      -> CheckpointError
    {
      .item(path: file, item: item(attribute), expected: expected, found: found)
    }

    /// The attribute as messages call it.
    private func item(_ attribute: String) -> String {
      "attribute \(attribute) of \(path.isEmpty ? "/" : path)"
    }

    private func damaged(_ attribute: String) -> CheckpointError {
      .library(path: file, item: item(attribute), reason: HDF5Library.lastMessage)
    }

    private func open(_ name: String) throws(CheckpointError) -> HDF5Handle? {
      let exists = H5Aexists(handle.id, name)
      guard exists != 0 else { return nil }
      guard exists > 0, let attribute = HDF5Handle(H5Aopen(handle.id, name, 0)) else {
        throw damaged(name)
      }
      return attribute
    }

    // MARK: - Strings

    /// A string attribute; nil where there is none.
    func string(_ name: String) throws(CheckpointError) -> String? {
      guard let values = try strings(name) else { return nil }
      guard values.count == 1 else { throw refuse(name, "one string", "\(values.count)") }
      return values[0]
    }

    /// A list of strings, which Keras splits into name0, name1, ... when it is long; nil where there is none.
    func list(_ name: String) throws(CheckpointError) -> [String]? {
      if let values = try strings(name) { return values }
      var result: [String]?
      var part = 0
      while let values = try strings("\(name)\(part)") {
        result = (result ?? []) + values
        part += 1
        guard result?.count ?? 0 <= HDF5Object.countLimit else {
          throw refuse(name, "at most \(HDF5Object.countLimit) strings", "more")
        }
      }
      return result
    }

    /// Strings of fixed or variable length, scalar or 1-D. An empty list may be of any type.
    private func strings(_ name: String) throws(CheckpointError) -> [String]? {
      guard let attribute = try open(name) else { return nil }
      guard let type = HDF5Handle(H5Aget_type(attribute.id)),
        let space = HDF5Handle(H5Aget_space(attribute.id))
      else { throw damaged(name) }
      guard let shape = HDF5File.shape(of: space.id), shape.count <= 1 else {
        throw refuse(name, "a string or a list of strings", "another shape")
      }
      let count = shape.first ?? 1
      if count == 0 { return [] }
      guard H5Tget_class(type.id) == H5T_STRING, H5Tcommitted(type.id) == 0 else {
        throw refuse(name, "text", "something else")
      }
      guard count <= HDF5Object.countLimit else {
        throw refuse(name, "at most \(HDF5Object.countLimit) strings", "\(count)")
      }
      guard fn_h5_strings_fit(attribute.id, type.id, UInt64(count)) != 0 else {
        throw refuse(name, "\(count) strings", "bytes of another number")
      }
      return H5Tis_variable_str(type.id) > 0
        ? try variableStrings(name, attribute.id, type.id, space.id, count)
        : try fixedStrings(name, attribute.id, type.id, count)
    }

    private func fixedStrings(_ name: String, _ attribute: hid_t, _ type: hid_t, _ count: Int)
      throws(CheckpointError) -> [String]
    {
      let size = H5Tget_size(type)
      guard size > 0, size <= HDF5Object.textLimit / count else {
        throw refuse(name, "at most 16 MiB of text", "\(count) strings of \(size) bytes")
      }
      var bytes = [UInt8](repeating: 0, count: size * count)
      guard H5Aread(attribute, type, &bytes) >= 0 else { throw damaged(name) }
      let padding = H5Tget_strpad(type)
      var result: [String] = []
      for index in 0..<count {
        var text = bytes[index * size..<(index + 1) * size]
        switch padding {
        case H5T_STR_NULLTERM: text = text.prefix { $0 != 0 }
        case H5T_STR_SPACEPAD: while text.last == 0x20 { text.removeLast() }
        default: while text.last == 0 { text.removeLast() }
        }
        result.append(try self.text(name, Array(text)))
      }
      return result
    }

    private func variableStrings(
      _ name: String, _ attribute: hid_t, _ type: hid_t, _ space: hid_t, _ count: Int
    ) throws(CheckpointError) -> [String] {
      guard let memory = HDF5Handle(H5Tcopy(fn_h5_c_string())),
        H5Tset_size(memory.id, fn_h5_variable()) >= 0,
        H5Tset_cset(memory.id, H5Tget_cset(type)) >= 0
      else { throw damaged(name) }
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      guard H5Aread(attribute, memory.id, &pointers) >= 0 else { throw damaged(name) }
      defer { H5Dvlen_reclaim(memory.id, space, 0, &pointers) }
      var result: [String] = []
      var total = 0
      for pointer in pointers {
        let length = pointer.map { strnlen($0, HDF5Object.textLimit + 1) } ?? 0
        total += length
        guard total <= HDF5Object.textLimit else {
          throw refuse(name, "at most 16 MiB of text", "more")
        }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: length)
        result.append(try text(name, Array(bytes)))
      }
      return result
    }

    private func text(_ name: String, _ bytes: [UInt8]) throws(CheckpointError) -> String {
      guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
        throw refuse(name, "UTF-8 text", "other bytes")
      }
      return text
    }

    // MARK: - Numbers

    /// An integer attribute; nil where there is none.
    func integer(_ name: String) throws(CheckpointError) -> Int? {
      var value: Int64 = 0
      return try number(name, H5T_INTEGER, fn_h5_native_int64(), &value) ? Int(value) : nil
    }

    /// An unsigned integer attribute; nil where there is none.
    func unsigned(_ name: String) throws(CheckpointError) -> UInt64? {
      var value: UInt64 = 0
      return try number(name, H5T_INTEGER, fn_h5_native_uint64(), &value) ? value : nil
    }

    /// A floating-point attribute; nil where there is none.
    func double(_ name: String) throws(CheckpointError) -> Double? {
      var value = 0.0
      return try number(name, H5T_FLOAT, fn_h5_native_double(), &value) ? value : nil
    }

    private func number<Value: BitwiseCopyable>(
      _ name: String, _ kind: H5T_class_t, _ memory: hid_t, _ value: inout Value
    ) throws(CheckpointError) -> Bool {
      guard let attribute = try open(name) else { return false }
      guard let type = HDF5Handle(H5Aget_type(attribute.id)),
        let space = HDF5Handle(H5Aget_space(attribute.id))
      else { throw damaged(name) }
      guard H5Tget_class(type.id) == kind, H5Tget_size(type.id) <= 8, H5Tcommitted(type.id) == 0,
        HDF5File.shape(of: space.id) == []
      else {
        throw refuse(
          name, kind == H5T_INTEGER ? "one integer" : "one floating-point number", "something else")
      }
      guard H5Aread(attribute.id, memory, &value) >= 0 else { throw damaged(name) }
      return true
    }
  }
#endif
