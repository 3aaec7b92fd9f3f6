#if HDF5
  import CReader

  extension HDF5Object {
    private func refuse(_ attribute: String, _ expected: String, _ found: String)
      -> CheckpointError
    {
      .item(path: file, item: item(attribute), expected: expected, found: found)
    }

    /// The attribute as messages call it.
    private func item(_ attribute: String) -> String {
      "attribute \(attribute) of \(path.isEmpty ? "/" : path)"
    }

    /// nil where there is none. It must have been wanted.
    private func attribute(_ name: String) throws(CheckpointError) -> HDF5Answer.Attribute? {
      let key = HDF5Answer.AttributeKey(path: Array(path.utf8), name: Array(name.utf8))
      if case .unreadable(let reason)? = answer.attributes[key] {
        throw .library(path: file, item: item(name), reason: HDF5Answer.reason(reason))
      }
      return answer.attributes[key]
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
        guard result?.count ?? 0 <= Int(FN_TEXT_COUNT) else {
          throw refuse(name, "at most \(Int(FN_TEXT_COUNT)) strings", "more")
        }
      }
      return result
    }

    /// Strings of fixed or variable length, scalar or 1-D. An empty list may be of any type.
    private func strings(_ name: String) throws(CheckpointError) -> [String]? {
      switch try attribute(name) {
      case nil: return nil
      case .texts(let texts)?:
        var result: [String] = []
        result.reserveCapacity(texts.count)
        for text in texts {
          guard !text.contains(0), let text = String(validating: text, as: UTF8.self) else {
            throw refuse(name, "UTF-8 text", "other bytes")
          }
          result.append(text)
        }
        return result
      case .other(form: Int(FN_ATTRIBUTE_EMPTY), _)?: return []
      case .other(form: Int(FN_ATTRIBUTE_SHAPE), _)?:
        throw refuse(name, "a string or a list of strings", "another shape")
      case .other(form: Int(FN_ATTRIBUTE_COUNT), let count)?:
        throw refuse(name, "at most \(Int(FN_TEXT_COUNT)) strings", "\(count)")
      case .other(form: Int(FN_ATTRIBUTE_TEXT), _)?:
        throw refuse(name, "at most 16 MiB of text", "more")
      case .other(form: Int(FN_ATTRIBUTE_SIZE), let count)?:
        throw refuse(name, "\(count) strings", "bytes of another number")
      default: throw refuse(name, "text", "something else")
      }
    }

    // MARK: - Numbers

    /// An integer attribute; nil where there is none.
    func integer(_ name: String) throws(CheckpointError) -> Int? {
      switch try attribute(name) {
      case nil: return nil
      case .signed(let value)?: return value
      case .unsigned(let value)?: return Int(clamping: value)
      default: throw refuse(name, "one integer", "something else")
      }
    }

    /// An unsigned integer attribute; nil where there is none.
    func unsigned(_ name: String) throws(CheckpointError) -> UInt64? {
      switch try attribute(name) {
      case nil: return nil
      case .signed(let value)?: return UInt64(clamping: value)
      case .unsigned(let value)?: return value
      default: throw refuse(name, "one integer", "something else")
      }
    }

    /// A floating-point attribute; nil where there is none.
    func double(_ name: String) throws(CheckpointError) -> Double? {
      switch try attribute(name) {
      case nil: return nil
      case .double(let value)?: return value
      default: throw refuse(name, "one floating-point number", "something else")
      }
    }
  }
#endif
