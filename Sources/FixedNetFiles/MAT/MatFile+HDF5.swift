import FixedNetCompute

extension MatFile {
  /// Version 7.3: HDF5 behind a text of 512 bytes, with the extents in reverse order, read through our own reader.
  static func readHDF5(
    _ source: SealedFile, variables: [String], optional: [String], inPlace: Set<String>
  ) throws(MatFileError) -> MatContents {
    #if HDF5
      let contents: Result<MatContents, MatFileError>
      do throws(CheckpointError) {
        var wants = HDF5Wants()
        wants.names()
        for name in variables + optional {
          for attribute in ["MATLAB_class", "MATLAB_sparse", "MATLAB_empty"] {
            wants.attribute(attribute, of: .name(name))
          }
          wants.values(.name(name), as: .double)
          wants.labels(.name(name))
        }
        let file = try HDF5File(source, wants: wants, userBlock: MatFormat.userBlock)
        contents = try readVariables(
          file, file.root(), variables: variables, optional: optional,
          inPlace: inPlace)
      } catch { throw matError(error, path: source.path) }
      return try contents.get()
    #else
      throw .unavailable(path: source.path, trait: "HDF5")
    #endif
  }
}

#if HDF5
  extension MatFile {
    /// The failure inside of the result is about a variable, the thrown one about HDF5.
    private static func readVariables(
      _ file: borrowing HDF5File, _ root: borrowing HDF5Object, variables: [String],
      optional: [String], inPlace: Set<String>
    ) throws(CheckpointError) -> Result<MatContents, MatFileError> {
      for name in variables where !file.has(name, in: root) {
        let found = file.names().filter { !$0.hasPrefix("#") }
        return .failure(.missing(path: file.path, variable: name, found: found))
      }
      var contents = MatContents(arrays: [:], others: [])
      for name in variables + optional where file.has(name, in: root) {
        if let texts = file.answer.labels[Array("/\(name)".utf8)] {
          do { contents.labels[name] = try MatNames(texts.names, texts.places) } catch {
            throw HDF5File.error(error, path: file.path)
          }
          continue
        }
        if let found = try otherClass(try file.open(name, in: root, as: .any)) {
          return .failure(
            .variable(path: file.path, variable: name, expected: expected, found: found))
        }
        let object = try file.open(name, in: root, as: .numbers)
        // HDF5's row-major of reversed extents is MATLAB's column-major.
        let shape = Array(object.shape.reversed())
        if inPlace.contains(name), let values = try object.doublesInPlace() {
          contents.columns[name] = MatColumns(shape: shape, values: values)
        } else {
          contents.arrays[name] = MatArray(shape: shape, columnMajor: try object.doubles())
        }
      }
      contents.others = file.names().filter {
        !$0.hasPrefix("#") && !(variables + optional).contains($0)
      }
      return .success(contents)
    }

    /// What MATLAB calls an object that holds no numbers; nil where it may hold some.
    private static func otherClass(
      _ object: borrowing HDF5Object
    ) throws(CheckpointError) -> String? {
      let numbers = [
        "double", "single", "logical", "int8", "uint8", "int16", "uint16", "int32", "uint32",
        "int64", "uint64",
      ]
      guard try object.unsigned("MATLAB_sparse") == nil else {
        return "a sparse matrix; save full(X) instead"
      }
      guard try object.unsigned("MATLAB_empty") ?? 0 == 0 else { return "an empty array" }
      guard let name = try object.string("MATLAB_class"), !numbers.contains(name) else {
        return nil
      }
      return switch name {
      case "char": "text (char)"
      case "cell": "a cell array whose cells are not all a row of text"
      case "struct": "a struct"
      default: "class \(OneLine.short(name))"
      }
    }

    private static func matError(_ error: CheckpointError, path: String) -> MatFileError {
      switch error {
      case .file(let error): .file(error)
      case .unavailable: .unavailable(path: path, trait: "HDF5")
      case .wrongFormat(_, let found): .damaged(path: path, reason: found)
      case .missing(_, let item, _): .missing(path: path, variable: item, found: [])
      case .item(_, let item, let expected, let found):
        .variable(
          path: path, variable: item.split(separator: "/").joined(separator: "/"),
          expected: expected, found: found)
      case .json, .model: .damaged(path: path, reason: "\(error)")
      case .library(_, let item, let reason):
        .damaged(path: path, reason: "\(item), HDF5: \(reason)")
      }
    }
  }
#endif
