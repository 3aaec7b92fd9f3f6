import CReader

extension MatFile {
  /// Bytes that all variables may have when they are unpacked.
  static let unpackedLimit = 3 << 30
  /// Bytes of values before anybody knows their shapes.
  private static let allowance = 64 << 20

  /// Versions 4 to 7: libmatio reads in the helper, which looks at the outer form before.
  static func readPlain(
    _ file: SealedFile, variables: [String], optional: [String], inPlace: Set<String>
  ) throws(MatFileError) -> MatContents {
    #if MatIO
      let names = variables + optional
      guard names.count <= Int(FN_MATLAB_NAMES) else {
        throw .variable(
          path: file.path, variable: "list", expected: "at most \(FN_MATLAB_NAMES) names",
          found: "\(names.count)")
      }
      guard file.count <= sizeLimit else {
        throw .file(
          FileError(
            path: file.path, action: "read",
            reason: "\(file.count) bytes; at most \(sizeLimit) are supported"))
      }
      let first = try ask(file, names, limit: allowance + 8 * file.count)
      let shapes = try first.shapes(of: names, variables: variables, path: file.path)
      // What unpacks to more is asked for again, now that its shape is known.
      let needed = shapes.reduce(0) { $0 + 8 * $1.count }
      let answer =
        shapes.allSatisfy { first.values[Array($0.name.utf8)] != nil }
        ? first : try ask(file, names, limit: needed, isApproved: true)
      var arrays: [String: MatArray] = [:]
      var columns: [String: MatColumns] = [:]
      for (name, shape, count) in shapes {
        guard let values = answer.values[Array(name.utf8)], values.count == count else {
          throw .damaged(path: file.path, reason: "\(name) cannot be read")
        }
        if inPlace.contains(name), values.isInPlace {
          columns[name] = MatColumns(shape: shape, values: values)
          continue
        }
        do throws(HelperFailure) {
          arrays[name] = MatArray(shape: shape, columnMajor: try values.doubles())
        } catch { throw .damaged(path: file.path, reason: error.reason) }
      }
      var labels: [String: MatNames] = [:]
      for name in names { labels[name] = answer.labels[Array(name.utf8)] }
      return MatContents(
        arrays: arrays, columns: columns, labels: labels, others: first.others(than: names))
    #else
      throw .unavailable(path: file.path, trait: "MatIO")
    #endif
  }
}

#if MatIO
  extension MatFile {
    private static func ask(
      _ file: SealedFile, _ names: [String], limit: Int, isApproved: Bool = false
    ) throws(MatFileError) -> MatAnswer {
      // Packed bytes are unpacked twice: by their lengths and by libmatio, which keeps copies.
      let seconds = 1 + file.count >> 22 + (isApproved ? limit >> 25 : 0)
      var request = HelperRequest(
        kind: Int(FN_READ_MATLAB), memory: 96 << 20 + 2 * limit, seconds: seconds)
      request.number(unpackedLimit)
      request.number(limit)
      request.number(names.count)
      for name in names { request.text(Array(name.utf8)) }
      let answer: MatAnswer
      do throws(HelperFailure) {
        let run = try HelperRun(
          .reader, file, request, room: limit + 32 << 20,
          // Bytes become doubles, and may be packed.
          expected: isApproved ? limit : names.isEmpty ? 0 : 8 * file.count,
          certain: isApproved ? limit : file.count / 2, seconds: seconds)
        answer = try MatAnswer(run.answer())
      } catch {
        throw error.isSystems
          ? .file(FileError(path: file.path, action: "read", reason: error.reason))
          : .damaged(path: file.path, reason: error.reason)
      }
      if let fault = answer.fault { throw fault.error(answer.count, path: file.path) }
      return answer
    }
  }
#endif
